"""The search track: a sentence in Hinglish finds its English original among many others."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from common.metrics import hit, ndcg, reciprocal_rank
from common.retrieval import bm25
from common.usecase import Answerer, Example, Scores, Source, Splits
from usecases.indic_adaptation import commands, hinglish
from usecases.indic_adaptation.track import Track

SHOWN = 5


class FindEnglish(Track):
    """Queries typed in Hindi with Roman letters, documents in English, a real pretrained encoder."""

    title = "Indic languages: Hinglish in, English found"
    story = (
        "People type Hindi in Roman letters and mix it with English, each in a spelling of their own; "
        "the documents are in English, and the off-the-shelf encoder has never been told that both "
        "mean the same."
    )
    tuner = "embed"
    headline = "ndcg@10"
    floor_label = "BM25"
    source: ClassVar[Source] = commands.SOURCE
    limits = (
        "For Hinglish in Roman letters against English. Not for text in Devanagari or another Indic "
        "script: the tokenizer of this encoder drops vowel signs without a word (see the fertility "
        "table), so what it would need to read never reaches it."
    )
    largest_forgetting = 0.05

    def load(self, data: Path | None) -> Splits:
        return commands.search_splits() if data is None else hinglish.search_splits(data)

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

    def ask(self, question: str, source: Path | None, model: Any) -> str:
        found = model.search(question, SHOWN)
        pairs = zip(found.ids, found.scores, strict=True)
        return "\n".join(f"{score:.2f}  {model.documents[i]}" for i, score in pairs)
