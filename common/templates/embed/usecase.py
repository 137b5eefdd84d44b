"""My usecase: say in one line who searches for what, and why the wrong passage costs something."""

from dataclasses import replace
from pathlib import Path

from common.errors import FaultsError
from common.examples import read_examples, read_table
from common.ranking import RankingCase
from common.usecase import Source, Splits

OWN = Path(__file__).parent / "data"


class MyUsecase(RankingCase):
    """A question, and the passage that answers it.

    Override `model_input`, `score` or `floor` of common/ranking.py where yours need more.
    """

    title = "My usecase"
    story = "Say who has the problem, what they do today, and why that is not enough."
    source = Source("My usecase", "Apache-2.0", "written for this use case")
    limits = "Say what it is for, what it is not for, and when a person must look."
    budget_minutes = 4.0

    def load(self, data: Path | None) -> Splits:
        return read_folder(data) if data is not None else read_folder(OWN, self.source)


def read_folder(folder: Path, source: Source | None = None) -> Splits:
    """`documents.jsonl` (id, text) and `questions.jsonl` (question, document)."""
    faults: list[str] = []
    documents = {
        row["id"]: row["text"] for _, row in read_table(folder / "documents.jsonl", ("id", "text"), faults)
    }
    splits = read_examples(folder / "questions.jsonl", "question", "document", source)
    every = [example for examples in splits.named().values() for example in examples]
    faults += [
        f"{e.id}: document {e.answer!r} is not in documents.jsonl" for e in every if e.answer not in documents
    ]
    if faults:
        raise FaultsError(f"The data in {folder}", faults, "Mend the rows and run again.")
    named = {
        name: tuple(replace(e, answer=(e.answer,), kind="all") for e in examples)
        for name, examples in splits.named().items()
    }
    return Splits(**named, documents=documents, source=splits.source)


if __name__ == "__main__":
    from common.cli import run_file

    run_file(__file__)
