"""Beside the ranking: what a smaller index costs, and how good the answers are that RAG gives."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from common.metrics import ndcg, token_f1
from common.retrieval import Ranking, rank, rank_binary, rank_int8, sentences, shorten
from common.usecase import Example, Splits, Table

SIZES = (128, 64)
PASSAGES_SHOWN = 3
PRECISIONS: dict[str, tuple[Callable[..., list[Ranking]], float]] = {
    "float": (rank, 4.0),
    "int8": (rank_int8, 1.0),
    "binary, 40 scored again": (rank_binary, 0.125),
}
NAMES = {"zero_shot": "untuned", "tuned": "tuned"}


def answer_from(question: str, searcher: Any) -> str:
    """The best sentence of the best passage, with the passages that were found."""
    found = searcher.search(question, PASSAGES_SHOWN)
    best = searcher.documents[found.ids[0]]
    parts = sentences(best)
    nearest = searcher.encoder.documents(parts) @ searcher.encoder.queries([question])[0]
    lines = [parts[int(nearest.argmax())], ""]
    lines += [f"{s:.2f}  {i}  {searcher.documents[i]}" for i, s in zip(found.ids, found.scores, strict=True)]
    return "\n".join(lines)


def size_table(splits: Splits, models: Mapping[str, Any]) -> Table:
    """nDCG@10 by dimensions and precision, with the bytes of the index and ms per query."""
    asked = [example.inputs for example in splits.test]
    vectors = {name: (model.queries(asked), documents) for name, (model, documents) in models.items()}
    full = next(iter(vectors.values()))[1].shape[1]
    rows = []
    for size in (full, *(s for s in SIZES if s < full)):
        for precision, (ranker, width) in PRECISIONS.items():
            measured = [
                measure(ranker, shorten(queries, size), shorten(documents, size), splits)
                for queries, documents in vectors.values()
            ]
            kilobytes = size * width * len(splits.documents) / 1000
            scores = [f"{score:.3f}" for score, _ in measured]
            rows.append((size, precision, *scores, f"{kilobytes:.0f}", f"{measured[-1][1]:.2f}"))
    columns = (
        "dimensions",
        "precision",
        *(NAMES[name] for name in vectors),
        "index kB",
        "ms per query",
    )
    return Table("Smaller indexes: ndcg@10", columns, tuple(rows), "Search only; encoding comes on top.")


def measure(
    ranker: Callable[..., list[Ranking]], queries: np.ndarray, documents: np.ndarray, splits: Splits
) -> tuple[float, float]:
    """nDCG@10 and milliseconds per query of one kind of index."""
    started = time.perf_counter()
    rankings = ranker(queries, documents, list(splits.documents))
    each = 1000 * (time.perf_counter() - started) / len(queries)
    pairs = zip(rankings, splits.test, strict=True)
    return float(np.mean([ndcg(r.ids, e.answer) for r, e in pairs])), each


def can_answer(splits: Splits) -> bool:
    """Whether the data has answer sentences, or questions that nothing answers."""
    return bool(splits.probes) or any(example.extra.get("sentence") for example in splits.test)


def answer_table(splits: Splits, models: Mapping[str, Any]) -> Table:
    """Best-sentence answers by word F1, and how well a missing answer is noticed."""
    rows: list[tuple[Any, ...]] = [("no context", "0.000", "", "")]
    asked = [example for example in splits.test if example.extra.get("sentence")]
    for name, (model, documents) in models.items():
        if asked:
            oracle = answers(model, asked, [splits.documents[e.answer[0]] for e in asked])
            rows.append((f"{NAMES[name]}, right passage given", mean_f1(oracle, asked), "", ""))
        found, threshold = retrieved(model, documents, splits, asked)
        rows.append(
            (
                f"{NAMES[name]}, passage retrieved",
                found,
                *abstaining(model, documents, splits, threshold),
            )
        )
    return Table(
        "Answers: the best sentence of the passage",
        ("contender", "word F1", "missing answers noticed", "answerable refused"),
        tuple(rows),
        "The threshold for saying that the base has no answer is chosen on val. Every answer is a "
        "sentence of the passage that is cited.",
    )


def retrieved(
    model: Any, documents: np.ndarray, splits: Splits, asked: Sequence[Example]
) -> tuple[str, float | None]:
    """Word F1 of answers from the first passage found, and the abstaining threshold from val."""
    threshold = threshold_on_val(model, documents, splits)
    if not asked:
        return "", threshold
    ids, texts = list(splits.documents), splits.documents
    top = rank(model.queries([e.inputs for e in asked]), documents, ids, 1)
    return mean_f1(answers(model, asked, [texts[r.ids[0]] for r in top]), asked), threshold


def answers(model: Any, asked: Sequence[Example], passages: Sequence[str]) -> list[str]:
    """The sentence of each passage that lies nearest to its question."""
    parts = [sentences(passage) for passage in passages]
    flat = list(dict.fromkeys(part for found in parts for part in found))
    place = {part: row for row, part in enumerate(flat)}
    vectors, queries = model.documents(flat), model.queries([e.inputs for e in asked])
    return [
        max(found, key=lambda part: float(vectors[place[part]] @ query))
        for found, query in zip(parts, queries, strict=True)
    ]


def mean_f1(given: Sequence[str], asked: Sequence[Example]) -> str:
    return f"{np.mean([token_f1(g, e.extra['sentence']) for g, e in zip(given, asked, strict=True)]):.3f}"


def best_similarity(model: Any, documents: np.ndarray, examples: Sequence[Example]) -> np.ndarray:
    return (model.queries([e.inputs for e in examples]) @ documents.T).max(axis=1)


def threshold_on_val(model: Any, documents: np.ndarray, splits: Splits) -> float | None:
    """The similarity that best parts answerable from unanswerable val questions."""
    missing = splits.probes.get("no_answer_val")
    if not missing or not splits.val:
        return None
    low = best_similarity(model, documents, missing)
    high = best_similarity(model, documents, splits.val)
    steps = np.unique(np.concatenate([low, high]))
    return float(max(steps, key=lambda t: (low < t).mean() + (high >= t).mean()))


def abstaining(model: Any, documents: np.ndarray, splits: Splits, threshold: float | None) -> tuple[str, str]:
    """Share of unanswerable test questions noticed, and of answerable ones refused."""
    missing = splits.probes.get("no_answer_test")
    if threshold is None or not missing:
        return "", ""
    noticed = (best_similarity(model, documents, missing) < threshold).mean()
    refused = (best_similarity(model, documents, splits.test) < threshold).mean()
    return f"{noticed:.3f} (n={len(missing)})", f"{refused:.3f} (n={len(splits.test)})"
