"""Legal clauses: which kind of promise does a clause of a contract hold."""

from pathlib import Path
from typing import Any

from common.floors import character_label
from common.usecase import Answerer, Example, Scores, Splits, UseCase
from usecases.legal_clauses import data as own_data
from usecases.legal_clauses.folder import read_contracts


class LegalClauses(UseCase):
    """A clause, and the category under which a lawyer would file it."""

    title = "Legal clauses by category"
    story = (
        "A reviewer files the clauses of a stack of contracts before anyone negotiates. Categories that lie "
        "close, such as leaving for a reason and leaving at will, are worded anew in every house."
    )
    tuner = "classify"
    headline = "accuracy"
    floor_label = "TF-IDF of words and characters"
    source = own_data.SOURCE
    limits = (
        "For sorting clauses that a lawyer reads. Nothing here is legal advice. A kind of clause that was "
        "not trained is put under a wrong one: where the best score is low, have a person file it."
    )
    budget_minutes = 4.0

    def load(self, data: Path | None) -> Splits:
        return own_data.load() if data is None else read_contracts(data)

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


if __name__ == "__main__":
    import sys

    from common.cli import main

    main(["run", "legal_clauses", *sys.argv[1:]])
