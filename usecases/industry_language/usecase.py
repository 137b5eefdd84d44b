"""Industry language: the professional term for professionals, plain words for everyone else."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from common.errors import GalleryError
from common.usecase import Answerer, Example, Scores, Splits, Table, UseCase
from usecases.industry_language import choices, floor, prompting
from usecases.industry_language import data as own_data
from usecases.industry_language.folder import lines_beside, read_pairs
from usecases.industry_language.own_lines import SIDES, last_part, touching
from usecases.industry_language.scoring import report, scores
from usecases.industry_language.terms import domains

REFILLS = 1
Sheet = tuple[str, str, list[str], Mapping[str, str]]
Rule = Callable[[Sequence[Example], Splits], list[str]]


class IndustryLanguage(UseCase):
    """A house style that depends on the reader, learnt from which of two rewrites editors prefer."""

    title = "Industry language by preference optimisation"
    story = (
        "A house writes for clinicians and patients, counsel and clients, engineers and passengers: the "
        "reader decides between the professional term and plain words, and an ambiguous word stays as it "
        "is where it means something else."
    )
    tuner = "preference"
    headline = "preferred_term"
    floor_label = "glossary replace for the reader"
    source = own_data.SOURCE
    limits = (
        "For wording only: have a person of the field read what is published. Medical and legal notes "
        "here are made up; nothing is medical or legal advice. Terms that were not trained need their "
        "glossary line in the prompt. Abstain where a note's meaning depends on the word itself."
    )
    largest_forgetting = 0.1

    def __init__(self, choices: bool = False) -> None:
        self.choices = choices
        self.own_lines: list[str] | None = None

    def configured(self, task: Mapping[str, Any]) -> "IndustryLanguage":
        if set(task) - {"choices"} or not isinstance(task.get("choices", False), bool):
            raise GalleryError(
                f"`task` of {self.name} knows `choices = true` or false only; found {dict(task)}."
            )
        return IndustryLanguage(task.get("choices", False))

    def load(self, data: Path | None) -> Splits:
        if data is None:
            return own_data.load()
        splits = read_pairs(data, self.choices)
        self.own_lines = lines_beside(data, splits, [])
        return splits

    def model_input(self, example: Example) -> list[prompting.Message]:
        return prompting.messages(example.inputs, self.choices)

    def hinted_input(self, example: Example, splits: Splits) -> list[prompting.Message]:
        asked = prompting.messages(prompting.with_glossary(example.inputs, splits.train), self.choices)
        if "prompt" in example.inputs and not self.choices:
            return asked
        solved = prompting.most_alike(example, splits.train)
        return [*self.model_input(solved), *prompting.said(self.gold(solved)), *asked]

    def written(self, example: Example, text: str) -> str:
        """A rewrite as the model writes it: whole, or as choices."""
        if not self.choices:
            return text
        return choices.written(*sheet(example.inputs, text), example.inputs.get("reader", ""))

    def read(self, example: Example, output: str) -> str:
        """The rewrite that an output stands for."""
        return choices.applied(*sheet(example.inputs, output)) if self.choices else output

    def gold(self, example: Example) -> str:
        return self.written(example, example.answer["text"])

    def blank(self) -> str:
        return ""

    def score(self, example: Example, output: str) -> Scores:
        """The measures of an output. Choices that do not fit leave the note as it is, and count as wrong."""
        text = self.read(example, output)
        if text or not output.strip():
            return scores(example, text)
        note = sheet(example.inputs, output)[0]
        return {**scores(example, note), "preferred_term": 0.0, "word_for_word": 0.0}

    def reward(self, example: Example, output: str) -> float:
        found = self.score(example, output)
        return found["preferred_term"] * found["meaning_kept"]

    def answering(self, rule: Rule, splits: Splits) -> Answerer:
        """A rule as a contender."""

        def answer(examples: Sequence[Example]) -> list[str]:
            return [self.written(e, text) for e, text in zip(examples, rule(examples, splits), strict=True)]

        return answer

    def floor(self, splits: Splits) -> Answerer:
        return self.answering(floor.for_reader, splits)

    def further_floors(self) -> Sequence[tuple[str, str, Callable[[Splits], Answerer]]]:
        return [
            (
                "floor_blind",
                "glossary replace for everyone",
                partial(self.answering, floor.always_professional),
            ),
            ("floor_told", "glossary, a word classifier says when", partial(self.answering, floor.told_when)),
        ]

    def train_rows(self, example: Example, splits: Splits) -> list[dict[str, Any]]:
        pair = {"chosen": example.answer["text"], "rejected": example.extra["rejected"]}
        said = {side: prompting.said(self.written(example, text)) for side, text in pair.items()}
        return [{"prompt": self.model_input(example), **said}]

    def start_rows(self, example: Example, splits: Splits) -> list[dict[str, Any]]:
        """Rewrites in either wording, also of the same note about other people and numbers."""
        notes = [example]
        if "prompt" not in example.inputs:
            notes += [own_data.refilled(example, number) for number in range(REFILLS)]
        return [
            {
                "prompt": self.model_input(e),
                "completion": prompting.said(self.written(e, prompting.mixed_style(e))),
            }
            for e in notes
        ]

    def template(self) -> str:
        return "choices" if self.choices else "text"

    def ask(self, question: str, source: Path | None, model: Any) -> str:
        if self.own_lines is None:
            inputs, key = prompting.asked(question), "glossary"
        else:
            inputs, key = {"prompt": question, "lines": touching(question, self.own_lines)}, "lines"
        if not self.choices:
            return model([prompting.messages(inputs)])[0]
        each = [{**inputs, key: [line]} for line in inputs[key]]  # it learnt to choose for one line at a time
        said = model([prompting.messages(one, True) for one in each]) if each else []
        note, answer, *lines = sheet(inputs, choices.BETWEEN.join(said or [choices.NOTE]))
        return choices.applied(note, answer, *lines) or note

    def tables(self, splits: Splits, models: Mapping[str, Any]) -> list[Table]:
        rules = {"floor": self.floor, **{name: make for name, _, make in self.further_floors()}}
        for name, rule in rules.items():
            models.setdefault(name, {}).update({p: rule(splits)(found) for p, found in splits.probes.items()})
        return report(splits, models, self.score)


def sheet(inputs: Mapping[str, Any], said: str) -> Sheet:
    """A note and what is said of it, with its glossary lines and what stands for either side of them."""
    if "prompt" in inputs:
        return last_part(inputs["prompt"]), said, inputs["lines"], SIDES
    return inputs["text"], said, inputs["glossary"], domains()[inputs["domain"]].readers


if __name__ == "__main__":
    from common.cli import run_file

    run_file(__file__)
