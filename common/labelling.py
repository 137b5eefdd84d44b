"""Use cases that give a text one label: what all of them share, so that each says only what is its own."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from common.floors import character_label
from common.usecase import Answerer, Example, Scores, Splits, UseCase

SHOWN = 3


class LabellingCase(UseCase):
    """Examples hold a text in `inputs` and its label in `answer`; override `model_input` for more parts."""

    tuner = "classify"
    headline = "accuracy"
    floor_label = "TF-IDF of words and characters"

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

    def ask(self, question: str, source: Path | None, model: Callable[[str], dict[str, float]]) -> str:
        best = list(model(question).items())[:SHOWN]
        return "\n".join(f"{label:30} {score:.2f}" for label, score in best)
