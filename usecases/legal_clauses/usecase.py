"""Legal clauses: which kind of promise does a clause of a contract hold."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from common.labelling import LabellingCase
from common.usecase import Splits, Table
from usecases.legal_clauses import data as own_data
from usecases.legal_clauses.folder import read_contracts
from usecases.legal_clauses.summary import figures, summary

DIGIT = re.compile(r"\d")
CLAUSE_NUMBER = re.compile(r"^\d+\.\d+ ")
NOTE = (
    "A fixed sentence for the category, then figures word for word; a wrong category gives a wrong sentence."
)


class LegalClauses(LabellingCase):
    """A clause, and the category under which a lawyer would file it."""

    title = "Legal clauses by category"
    story = (
        "A reviewer files the clauses of a stack of contracts before anyone negotiates. Categories that lie "
        "close, such as leaving for a reason and leaving at will, are worded anew in every house."
    )
    source = own_data.SOURCE
    limits = (
        "For sorting clauses that a lawyer reads. Nothing here is legal advice. A kind of clause that was "
        "not trained is put under a wrong one: where the best score is low, have a person file it."
    )
    budget_minutes = 4.0

    def load(self, data: Path | None) -> Splits:
        return own_data.load() if data is None else read_contracts(data)

    def ask(self, question: str, source: Path | None, model: Callable[[str], dict[str, float]]) -> str:
        """The likeliest categories, and the clause in plain words under the first."""
        found = model(question)
        category = next(iter(found))
        return f"{super().ask(question, source, lambda _: found)}\n\n{summary(category, question)}"

    def tables(self, splits: Splits, models: Mapping[str, Any]) -> list[Table]:
        texts = [CLAUSE_NUMBER.sub("", example.inputs) for example in splits.test]
        silent = [text for text in texts if not figures(text)]
        rows = (
            ("clauses", len(texts)),
            ("with a time or a sum, which the summary repeats", len(texts) - len(silent)),
            ("with digits of which the summary repeats none", sum(bool(DIGIT.search(t)) for t in silent)),
        )
        return [Table("Plain-language summaries of the test clauses", ("what", "how many"), rows, NOTE)]


if __name__ == "__main__":
    from common.cli import run_file

    run_file(__file__)
