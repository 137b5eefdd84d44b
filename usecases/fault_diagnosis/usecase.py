"""Fault diagnosis: which component, what is wrong with it and how urgent, from a technician's note."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from common.examples import read_examples
from common.floors import character_label
from common.labelling import LabellingCase
from common.usecase import Answerer, Example, Splits
from usecases.fault_diagnosis import data as own_data


class FaultDiagnosis(LabellingCase):
    """A note full of abbreviations, and three questions that the planner has."""

    title = "Fault diagnosis from technicians' notes"
    story = (
        "A planner reads hundreds of notes typed beside the machine and must see at once which part it is, "
        "what is wrong and whether it can wait. Short forms and slips make words alone unreliable."
    )
    floor_label = "character TF-IDF, one model per question"
    source = own_data.SOURCE
    limits = (
        "For sorting notes into a queue that a planner reads. Never let it close a note or decide that a "
        "machine may run: what it calls `planned` may be dangerous. Notes in other languages are not covered."
    )
    budget_minutes = 4.0

    def load(self, data: Path | None) -> Splits:
        if data is None:
            return own_data.load()
        return read_examples(data, "note", "label", beside=("question",))

    def model_input(self, example: Example) -> str:
        return f"{example.inputs['question']}: {example.inputs['note']}"

    def floor(self, splits: Splits) -> Answerer:
        asked = sorted({example.inputs["question"] for example in splits.train})
        models = {question: character_label(only(splits, question), note) for question in asked}

        def answer(examples: Sequence[Example]) -> list[Any]:
            known = [models.get(example.inputs["question"]) for example in examples]
            return [m([e])[0] if m else self.blank() for m, e in zip(known, examples, strict=True)]

        return answer


def note(example: Example) -> str:
    return example.inputs["note"]


def only(splits: Splits, question: str) -> Splits:
    """The examples of one question in train and val."""
    asked = {
        name: tuple(e for e in examples if e.inputs["question"] == question)
        for name, examples in splits.named().items()
        if name != "test"
    }
    return replace(splits, **asked, test=())


if __name__ == "__main__":
    from common.cli import run_file

    run_file(__file__)
