"""Legal clauses: which kind of promise does a clause of a contract hold."""

from pathlib import Path

from common.labelling import LabellingCase
from common.usecase import Splits
from usecases.legal_clauses import data as own_data
from usecases.legal_clauses.folder import read_contracts


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


if __name__ == "__main__":
    from common.cli import run_file

    run_file(__file__)
