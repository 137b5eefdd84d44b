"""Use cases that rank documents: what all of them share, so that each says only what is its own."""

from collections.abc import Sequence
from typing import Any

from common.metrics import hit, ndcg, reciprocal_rank
from common.retrieval import bm25
from common.usecase import Answerer, Example, Scores, Splits, UseCase


class RankingCase(UseCase):
    """Examples ask in `inputs` and name the right documents in `answer`, a tuple of ids."""

    tuner = "embed"
    headline = "ndcg@10"
    floor_label = "BM25"

    def model_input(self, example: Example) -> str:
        return example.inputs

    def gold(self, example: Example) -> dict[str, Any]:
        return {"ids": list(example.answer), "scores": [1.0] * len(example.answer)}

    def blank(self) -> dict[str, Any]:
        return {"ids": [], "scores": []}

    def score(self, example: Example, output: dict[str, Any]) -> Scores:
        ids = output["ids"]
        return {
            "ndcg@10": ndcg(ids, example.answer),
            "hit@1": hit(ids, example.answer, 1),
            "hit@10": hit(ids, example.answer, 10),
            "mrr@10": reciprocal_rank(ids, example.answer),
        }

    def floor(self, splits: Splits) -> Answerer:
        def answer(examples: Sequence[Example]) -> list[Any]:
            return [r.as_value() for r in bm25(splits.documents, [e.inputs for e in examples])]

        return answer

    def train_rows(self, example: Example, splits: Splits) -> list[dict[str, Any]]:
        return [{"anchor": example.inputs, "positive": splits.documents[i]} for i in example.answer]
