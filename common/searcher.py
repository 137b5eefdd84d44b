"""Answers single questions from an index on disk that knows which model built it."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from common.encoder import Encoder
from common.models import weights_hash
from common.retrieval import Ranking, load_index, rank, save_index


@dataclass(frozen=True)
class Searcher:
    """Documents with their vectors, and the encoder that made them."""

    encoder: Encoder
    documents: Mapping[str, str]
    vectors: np.ndarray

    def search(self, question: str, depth: int) -> Ranking:
        """The nearest documents."""
        return rank(self.encoder.queries([question]), self.vectors, list(self.documents), depth)[0]


def open_searcher(folder: Path, encoder: Encoder, model: str, documents: Mapping[str, str]) -> Searcher:
    """The index of a folder, built on first use; one that another model built is refused."""
    if not (folder / "index.json").is_file():
        save_index(folder, documents, encoder.documents(list(documents.values())), model)
    kept, vectors = load_index(folder, model)
    return Searcher(encoder, kept, vectors)


def model_hash(base_hash: str, adapter: Path) -> str:
    """Names a tuned model by the weights it consists of."""
    files = tuple(sorted(adapter.rglob("*.safetensors")))
    return hashlib.sha256(f"{base_hash}{weights_hash(files)}".encode()).hexdigest()[:16]
