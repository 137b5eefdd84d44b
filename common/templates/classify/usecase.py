"""My usecase: say in one line which text gets which label, and for whom."""

from pathlib import Path
from typing import Any

from common.examples import read_examples
from common.floors import character_label
from common.usecase import Answerer, Example, Scores, Source, Splits, UseCase

OWN = Path(__file__).parent / "data" / "examples.jsonl"


class MyUsecase(UseCase):
    """A text, and the label that a person would give it."""

    title = "My usecase"
    story = "Say who has the problem, what they do today, and why that is not enough."
    tuner = "classify"
    headline = "accuracy"
    floor_label = "TF-IDF of words and characters"
    source = Source("My usecase", "Apache-2.0", "written for this use case")
    limits = "Say what it is for, what it is not for, and when a person must look."
    budget_minutes = 4.0

    def load(self, data: Path | None) -> Splits:
        return read_examples(OWN, "text", "label", self.source) if data is None else from_user(data)

    def model_input(self, example: Example) -> str:
        return example.inputs

    def gold(self, example: Example) -> dict[str, Any]:
        return {"label": example.answer}

    def blank(self) -> dict[str, Any]:
        return {"label": ""}

    def score(self, example: Example, output: dict[str, Any]) -> Scores:
        return {"accuracy": float(output["label"] == example.answer)}

    def floor(self, splits: Splits) -> Answerer:
        return character_label(splits, self.model_input)

    def train_rows(self, example: Example, splits: Splits) -> list[dict[str, Any]]:
        return [{"text": self.model_input(example), "label": example.answer}]


def from_user(data: Path) -> Splits:
    """A person's JSONL or CSV with the columns `text` and `label`."""
    return read_examples(data, "text", "label")


if __name__ == "__main__":
    import sys

    from common.cli import main

    main(["run", "my_usecase", *sys.argv[1:]])
