"""The command track: what a person wants, and with which values, in many languages and mixings."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from common.errors import GalleryError
from common.usecase import Answerer, Example, Scores, Source, Splits, Table
from usecases.indic_adaptation import command_splits, commands, prose
from usecases.indic_adaptation.commands import in_script
from usecases.indic_adaptation.scripts import canonical, script_of, words
from usecases.indic_adaptation.track import Track, cost_table

SCRIPTS = ("as typed", "roman")
NEW_WORD_COUNT = 4
MOST_NEW_PIECES = 1000


class UnderstandCommands(Track):
    """One line a command: the intent, then every slot with its value in English."""

    title = "Indic languages: spoken commands in Hindi, Hinglish, Marathi, Bengali, Tamil and Kannada"
    story = (
        "A voice assistant hears one command in six languages and three mixings with English, and must "
        "give the same intent and values for all of them."
    )
    tuner = "sft"
    headline = "frame"
    floor_label = "nearest command of train"
    source: ClassVar[Source] = commands.SOURCE
    limits = (
        "For the intents and values that the data has. Anything else it will force into one of them: ask "
        "the person to confirm before a message is sent or a bill is paid."
    )
    largest_forgetting = 0.5

    def __init__(
        self,
        script: str = "as typed",
        extend: bool = False,
        replay: float = 0.0,
        pretrain: float = 0.0,
        instruction: bool = False,
    ) -> None:
        if script not in SCRIPTS:
            raise GalleryError(f"task.script is {script!r}; these exist: {', '.join(SCRIPTS)}.")
        self.script, self.extend, self.instruction = script, extend, instruction
        self.replay, self.pretrain = replay, pretrain
        self.folder: Path | None = None

    def load(self, data: Path | None) -> Splits:
        self.folder = data.parent if data and data.is_file() else data
        return command_splits.own() if data is None else command_splits.hinglish_top(data)

    def model_input(self, example: Example) -> list[dict[str, str]]:
        text = in_script(example.inputs, self.script)
        content = f"{command_splits.INSTRUCTION}\n{text}" if self.instruction else text
        return [{"role": "user", "content": content}]

    def score(self, example: Example, output: str) -> Scores:
        wanted, found = frame_of(example.answer), frame_of(output)
        return {
            "frame": float(wanted == found),
            "intent": float(wanted[0] == found[0]),
            "slot_f1": slot_f1(wanted[1], found[1]),
        }

    def floor(self, splits: Splits) -> Answerer:
        return nearest(splits.train)

    def train_rows(self, example: Example, splits: Splits) -> list[dict[str, Any]]:
        answer = [{"role": "assistant", "content": example.answer}]
        return [{"prompt": self.model_input(example), "completion": answer}]

    def training_set(self, splits: Splits) -> list[dict[str, Any]]:
        """Every command; native text to go on pretraining; English beside a share of both."""
        native = prose.native_rows(prose.native(self.folder), self.pretrain, self.script)
        names = (*(e.id for e in splits.train), *(f"native {number}" for number in range(len(native))))
        replayed = prose.replay_rows(iter(names), self.replay, prose.english(self.folder))
        return [*super().training_set(splits), *native, *replayed]

    def new_pieces(self, splits: Splits) -> Sequence[str]:
        learnt = (*(e.inputs for e in splits.train), *(prose.native(self.folder) if self.pretrain else ()))
        return native_pieces(learnt) if self.extend else ()

    def template(self) -> str:
        return f"script={self.script} instruction={self.instruction}"

    def ask(self, question: str, source: Path | None, model: Any) -> str:
        return model([self.model_input(Example("asked", "asked", canonical(question), ""))])[0]

    def tables(self, splits: Splits, models: Mapping[str, Any]) -> list[Table]:
        return [kind_table(splits, models, self.score), cost_table(self, splits, models)]


def frame_of(text: str) -> tuple[str, frozenset[tuple[str, str]]]:
    """An intent and its slots, from `intent; slot=value; slot=value`."""
    intent, *slots = (part.strip().lower() for part in text.split(";"))
    pairs = (slot.partition("=") for slot in slots if "=" in slot)
    return intent, frozenset((name.strip(), " ".join(value.split())) for name, _, value in pairs)


def slot_f1(wanted: frozenset[tuple[str, str]], found: frozenset[tuple[str, str]]) -> float:
    """Overlap of slots with the right value; two commands without slots agree."""
    if not wanted and not found:
        return 1.0
    return 2 * len(wanted & found) / (len(wanted) + len(found))


def nearest(train: Sequence[Example]) -> Answerer:
    """The answer of the most similar command of train, by character n-grams over all scripts."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5))
    known = vectorizer.fit_transform([example.inputs for example in train])

    def answer(examples: Sequence[Example]) -> list[str]:
        asked = vectorizer.transform([example.inputs for example in examples])
        return [train[int(row)].answer for row in np.asarray((known @ asked.T).argmax(axis=0)).ravel()]

    return answer


def native_pieces(texts: Sequence[str]) -> list[str]:
    """New pieces for native scripts: every character, and the words that come up often."""
    counts: dict[str, int] = {}
    for text in texts:
        for word in words(text):
            if any(script_of(c) not in ("", "other") for c in word):
                counts[word] = counts.get(word, 0) + 1
    letters = sorted({c for word in counts for c in word})
    often = sorted((w for w in counts if counts[w] >= NEW_WORD_COUNT), key=lambda w: (-counts[w], w))
    return (letters + [word for word in often if len(word) > 1])[:MOST_NEW_PIECES]


def kind_table(splits: Splits, models: Mapping[str, Any], score: Any) -> Table:
    """Every score of the tuned model for each language and mixing, the worst first."""
    found = models["tuned"]["test"]
    kinds: dict[str, list[Mapping[str, float]]] = {}
    for example, output in zip(splits.test, found, strict=True):
        kinds.setdefault(example.kind, []).append(score(example, output))
    means = {
        kind: {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}
        for kind, rows in kinds.items()
    }
    rows = sorted(means, key=lambda kind: means[kind]["frame"])
    columns = ("language or mixing", "n", *next(iter(means.values())))
    cells = tuple(
        (kind, str(len(kinds[kind])), *(f"{value:.3f}" for value in means[kind].values())) for kind in rows
    )
    return Table("The tuned model by language and mixing, the worst group first", columns, cells)
