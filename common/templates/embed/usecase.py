"""My usecase: say in one line who searches for what, and why the wrong passage costs something."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from common.errors import FaultsError
from common.examples import read_examples, read_table
from common.metrics import hit, ndcg
from common.retrieval import bm25
from common.usecase import Answerer, Example, Scores, Source, Splits, UseCase

OWN = Path(__file__).parent / "data"


class MyUsecase(UseCase):
    """A question, and the passage that answers it."""

    title = "My usecase"
    story = "Say who has the problem, what they do today, and why that is not enough."
    tuner = "embed"
    headline = "ndcg@10"
    floor_label = "BM25"
    source = Source("My usecase", "Apache-2.0", "written for this use case")
    limits = "Say what it is for, what it is not for, and when a person must look."
    budget_minutes = 4.0

    def load(self, data: Path | None) -> Splits:
        return read_folder(data) if data is not None else read_folder(OWN, self.source)

    def model_input(self, example: Example) -> str:
        return example.inputs

    def gold(self, example: Example) -> dict[str, Any]:
        return {"ids": list(example.answer), "scores": [1.0] * len(example.answer)}

    def blank(self) -> dict[str, Any]:
        return {"ids": [], "scores": []}

    def score(self, example: Example, output: dict[str, Any]) -> Scores:
        ids = output["ids"]
        return {"ndcg@10": ndcg(ids, example.answer), "hit@1": hit(ids, example.answer, 1)}

    def floor(self, splits: Splits) -> Answerer:
        def answer(examples: Sequence[Example]) -> list[Any]:
            return [r.as_value() for r in bm25(splits.documents, [e.inputs for e in examples])]

        return answer

    def train_rows(self, example: Example, splits: Splits) -> list[dict[str, Any]]:
        return [{"anchor": example.inputs, "positive": splits.documents[i]} for i in example.answer]


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
    import sys

    from common.cli import main

    main(["run", "my_usecase", *sys.argv[1:]])
