"""The word track: Hindi typed in Roman letters, written in Devanagari."""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any, ClassVar

from common.usecase import Answerer, Example, Scores, Source, Splits, Table
from usecases.indic_adaptation import words
from usecases.indic_adaptation.dakshina import read_words
from usecases.indic_adaptation.joint import BEAM, JointModel
from usecases.indic_adaptation.scoring import character_error_rate, chrf, purity
from usecases.indic_adaptation.scripts import canonical, has_rules, main_script, rules_to_native
from usecases.indic_adaptation.track import Track, cost_table

INSTRUCTION = "Write this word, which is typed in Roman letters, in {script}. Answer with the word only."
VOTE_WEIGHT = 2.0


class WriteDevanagari(Track):
    """A word in any spelling that people use, back in the script that the data is in."""

    title = "Indic languages: romanised Hindi to Devanagari"
    story = (
        "Users type Hindi in Roman letters, every one in a spelling of their own; fixed rules get few "
        "words right, counted spellings many more, and a model learns what is left."
    )
    tuner = "sft"
    headline = "exact"
    floor_label = "joint n-gram, counted"
    source: ClassVar[Source] = words.SOURCE
    limits = (
        "For single words of the language of the data. Spelling does not settle every word: where several "
        "native words are romanised alike, the sentence decides, and this model does not see it. Names are "
        "harder."
    )
    largest_forgetting = 99.0  # a model of single words is used for nothing else

    def __init__(self, letters_apart: bool = True, extend: bool = False, instruction: bool = False) -> None:
        self.letters_apart, self.extend, self.instruction = letters_apart, extend, instruction
        self.counted = cache(JointModel)
        self.known: tuple[tuple[str, str], ...] = ()
        self.script = "Devanagari"

    def load(self, data: Path | None) -> Splits:
        splits = words.own_words() if data is None else read_words(data)
        self.known = pairs(splits)
        self.script = main_script(word for _, word in self.known)
        return splits

    def model_input(self, example: Example) -> list[dict[str, str]]:
        word = " ".join(example.inputs) if self.letters_apart else example.inputs
        content = f"{INSTRUCTION.format(script=self.script)}\n{word}" if self.instruction else word
        return [{"role": "user", "content": content}]

    def gold(self, example: Example) -> str:
        return example.answer[0]

    def score(self, example: Example, output: str) -> Scores:
        written = canonical(output)
        return {
            "exact": float(written in example.answer),
            "cer": character_error_rate(written, example.answer),
            "chrf++": chrf(written, example.answer),
            "purity": purity(written, self.script),
        }

    def floor(self, splits: Splits) -> Answerer:
        self.known = pairs(splits)
        model = self.counted(self.known)
        return lambda examples: [(model.best(e.inputs) or [("", 0.0)])[0][0] for e in examples]

    def further_floors(self) -> Sequence[tuple[str, str, Callable[[Splits], Answerer]]]:
        rules = ("rules", "rules of indic-transliteration", partial(by_rules, self.script))
        return (
            *([rules] if has_rules(self.script) else []),
            ("frequent", "most frequent in train", frequent),
        )

    def train_rows(self, example: Example, splits: Splits) -> list[dict[str, Any]]:
        asked = self.model_input(example)
        return [
            {"prompt": asked, "completion": [{"role": "assistant", "content": word}]}
            for word in example.answer
        ]

    def new_pieces(self, splits: Splits) -> Sequence[str]:
        self.known = pairs(splits)
        return sorted(set("".join(word for _, word in self.known))) if self.extend else ()

    def template(self) -> str:
        return f"letters_apart={self.letters_apart} instruction={self.instruction} script={self.script}"

    def choose(self, example: Example, answers: Sequence[str]) -> str:
        """The word with the best chance by counted spellings, to which every drawn answer adds a vote.

        So the model decides where counts are close, and counts decide where the model wavers.
        """
        likely = dict(self.counted(self.known).best(example.inputs, BEAM))
        unseen = min(likely.values(), default=0.0) - 1.0
        votes = Counter(canonical(answer) for answer in answers if answer.strip())
        weighed = {
            word: VOTE_WEIGHT * math.log1p(votes[word]) + likely.get(word, unseen)
            for word in {*votes, *likely}
        }
        return max(weighed, key=lambda word: (weighed[word], word), default="")

    def ask(self, question: str, source: Path | None, model: Any) -> str:
        asked = [Example(word, word, word, ()) for word in question.lower().split()]
        answers = model([self.model_input(example) for example in asked])
        return " ".join(self.choose(e, [answer]) for e, answer in zip(asked, answers, strict=True))

    def tables(self, splits: Splits, models: Mapping[str, Any]) -> list[Table]:
        spelt = [
            spelling_table(name, examples, {"tuned": models["tuned"][name], **self.rivals(splits, examples)})
            for name, examples in splits.probes.items()
        ]
        return [*spelt, cost_table(self, splits, models)]

    def rivals(self, splits: Splits, examples: Sequence[Example]) -> dict[str, list[str]]:
        """Answers of the contenders without a model."""
        further = {label: answers for _, label, answers in self.further_floors()}
        return {
            label: answers(splits)(examples)
            for label, answers in {self.floor_label: self.floor, **further}.items()
        }


def spelling_table(name: str, examples: Sequence[Example], answers: Mapping[str, Sequence[str]]) -> Table:
    """Exact answers and character errors of every contender on a probe."""
    rows = []
    for label, found in answers.items():
        written = [(canonical(text), e.answer) for text, e in zip(found, examples, strict=True)]
        exact = sum(text in wanted for text, wanted in written) / len(written)
        errors = sum(character_error_rate(text, wanted) for text, wanted in written) / len(written)
        rows.append((label, f"{exact:.3f}", f"{errors:.3f}"))
    title = f"Words of train in {name.replace('_', ' ')}, {len(examples)} of them"
    return Table(title, ("contender", "exact", "cer"), tuple(rows))


def pairs(splits: Splits) -> tuple[tuple[str, str], ...]:
    """Training spellings with what they stand for."""
    return tuple((example.inputs, word) for example in splits.train for word in example.answer)


def by_rules(script: str, splits: Splits) -> Answerer:
    """The rules of a library, with the final virama taken off as people would read it."""
    return lambda examples: [rules_to_native(example.inputs, script) for example in examples]


def frequent(splits: Splits) -> Answerer:
    """The commonest word of the same spelling in train; a spelling that is new has none."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for roman, native in pairs(splits):
        found[roman][native] += 1
    return lambda examples: [
        found[e.inputs].most_common(1)[0][0] if e.inputs in found else "" for e in examples
    ]
