"""Ranking without a model library: exact search, BM25, rank fusion, small vectors, an index on disk."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from common.errors import GalleryError

DEPTH = 100
FUSION_OFFSET = 60
QUERY_BLOCK = 256


@dataclass(frozen=True)
class Ranking:
    """Document ids with their scores, best first."""

    ids: tuple[str, ...]
    scores: tuple[float, ...]

    def as_value(self, depth: int = 20) -> dict[str, Any]:
        """What is stored of a ranking."""
        return {"ids": list(self.ids[:depth]), "scores": [round(s, 6) for s in self.scores[:depth]]}


def rank(queries: np.ndarray, documents: np.ndarray, ids: Sequence[str], depth: int = DEPTH) -> list[Ranking]:
    """Exact search by dot product; equal scores keep the order of the documents."""
    depth = min(depth, len(ids))
    rankings = []
    for start in range(0, len(queries), QUERY_BLOCK):
        scores = queries[start : start + QUERY_BLOCK] @ documents.T
        rankings += [best_of(row, ids, depth) for row in scores]
    return rankings


def best_of(scores: np.ndarray, ids: Sequence[str], depth: int) -> Ranking:
    """The highest scores of one query, best first."""
    part = np.argpartition(-scores, depth - 1)[:depth] if depth < len(scores) else np.arange(len(scores))
    order = part[np.lexsort((part, -scores[part]))]
    return Ranking(tuple(ids[i] for i in order), tuple(float(scores[i]) for i in order))


def bm25(documents: Mapping[str, str], queries: Sequence[str], depth: int = DEPTH) -> list[Ranking]:
    """BM25 with English stop words and no stemming."""
    import bm25s

    ids = list(documents)
    model = bm25s.BM25()
    model.index(
        bm25s.tokenize(list(documents.values()), stopwords="en", show_progress=False),
        show_progress=False,
    )
    tokens = bm25s.tokenize(list(queries), stopwords="en", show_progress=False)
    found, scores = model.retrieve(tokens, k=min(depth, len(ids)), show_progress=False)
    return [
        Ranking(tuple(ids[i] for i in row), tuple(float(s) for s in values))
        for row, values in zip(found, scores, strict=True)
    ]


def fuse(left: Ranking, right: Ranking, left_weight: float, depth: int = DEPTH) -> Ranking:
    """Weighted reciprocal-rank fusion; a weight of 0 or 1 gives one side alone."""
    scores: dict[str, float] = {}
    for ranking, weight in ((left, left_weight), (right, 1 - left_weight)):
        if weight > 0:
            for place, identifier in enumerate(ranking.ids):
                gain = weight / (FUSION_OFFSET + place + 1)
                scores[identifier] = scores.get(identifier, 0.0) + gain
    best = sorted(scores.items(), key=lambda item: -item[1])[:depth]
    return Ranking(tuple(i for i, _ in best), tuple(s for _, s in best))


def shorten(vectors: np.ndarray, size: int) -> np.ndarray:
    """The first dimensions, made unit vectors again."""
    cut = vectors[:, :size]
    return cut / np.maximum(np.linalg.norm(cut, axis=1, keepdims=True), 1e-12)


def to_int8(vectors: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """One byte per number, over the range that each dimension has in the documents."""
    steps = np.round((vectors - low) / np.maximum(high - low, 1e-12) * 255)
    return np.clip(steps, 0, 255).astype(np.uint8)


def rank_int8(queries: np.ndarray, documents: np.ndarray, ids: Sequence[str]) -> list[Ranking]:
    """Documents kept as bytes, queries as floats."""
    low, high = documents.min(axis=0), documents.max(axis=0)
    restored = to_int8(documents, low, high) / 255 * (high - low) + low
    return rank(queries, restored.astype(np.float32), ids)


def rank_binary(
    queries: np.ndarray, documents: np.ndarray, ids: Sequence[str], rescored: int = 40
) -> list[Ranking]:
    """One bit per dimension, then the best few scored again with the float query."""
    signs = np.where(documents > 0, 1.0, -1.0).astype(np.float32)
    first = rank(np.where(queries > 0, 1.0, -1.0).astype(np.float32), signs, ids, rescored)
    place = {identifier: row for row, identifier in enumerate(ids)}
    rankings = []
    for query, ranking in zip(queries, first, strict=True):
        rows = [place[i] for i in ranking.ids]
        rankings.append(best_of(signs[rows] @ query, ranking.ids, len(rows)))
    return rankings


def sentences(text: str) -> list[str]:
    """A passage in sentences."""
    return [part for part in re.split(r"(?<=[.!?])\s+", text.strip()) if part]


def save_index(folder: Path, documents: Mapping[str, str], vectors: np.ndarray, model_hash: str) -> int:
    """Writes an index that knows the model it was built with; gives its size in bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "vectors.npy", vectors.astype(np.float32))
    facts = {"model_hash": model_hash, "ids": list(documents), "texts": list(documents.values())}
    (folder / "index.json").write_text(json.dumps(facts, ensure_ascii=False), encoding="utf-8")
    return sum(path.stat().st_size for path in folder.iterdir())


def load_index(folder: Path, model_hash: str) -> tuple[dict[str, str], np.ndarray]:
    """The documents and vectors of an index, refused when another model built it."""
    path = folder / "index.json"
    if not path.is_file():
        raise GalleryError(f"No index in {folder}: build one first with `gallery run`.")
    facts = json.loads(path.read_text(encoding="utf-8"))
    if facts["model_hash"] != model_hash:
        raise GalleryError(
            f"The index in {folder} was built with model {facts['model_hash']}, but the model at hand "
            f"is {model_hash}. Vectors of two models cannot be compared: build the index again."
        )
    documents = dict(zip(facts["ids"], facts["texts"], strict=True))
    return documents, np.load(folder / "vectors.npy", allow_pickle=False)
