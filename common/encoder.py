"""An embedding model as the gallery sees it: texts in, unit vectors out."""

from collections.abc import Sequence
from itertools import groupby
from typing import Any

import numpy as np

from common import launch
from common.cores import side_by_side
from common.linear import LinearMap
from common.progress import task

CHUNK_TEXTS = 256
PHRASES_AT_ONCE = 64


class Encoder:
    """An embedding model as the gallery sees it: texts in, unit vectors out."""

    def __init__(self, model: Any, linear: LinearMap | None = None, document_model: Any = None) -> None:
        self.model, self.linear = model, linear
        self.document_model = document_model or model
        self.counts: dict[str, int] = {}

    def queries(self, texts: Sequence[str]) -> np.ndarray:
        vectors = encode(self.model.encode_query, texts, self.tokens(texts), "questions")
        return self.linear.queries(vectors) if self.linear else vectors

    def documents(self, texts: Sequence[str]) -> np.ndarray:
        vectors = encode(self.document_model.encode_document, texts, self.tokens(texts), "passages")
        return self.linear.documents(vectors) if self.linear else vectors

    def tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens that the model reads of each text."""
        new = [text for text in dict.fromkeys(texts) if text not in self.counts]
        if new:
            longest = self.model.max_seq_length
            ids = self.model.tokenizer(new, truncation=True, max_length=longest)["input_ids"]
            self.counts.update(zip(new, map(len, ids), strict=True))
        return [self.counts[text] for text in texts]


def encode(function: Any, texts: Sequence[str], lengths: Sequence[int], what: str) -> np.ndarray:
    """Unit vectors in the order of the texts, made by all processes."""
    pairs = list(zip(texts, lengths, strict=True))
    return np.stack(launch.dealt(pairs, lambda part: encode_here(function, part, what)))


def encode_here(function: Any, pairs: Sequence[tuple[str, int]], what: str) -> np.ndarray:
    """Unit vectors of this process; texts of as many tokens are batched, so none is padded far."""
    texts, lengths = zip(*pairs, strict=True)
    order = np.argsort([-length for length in lengths], kind="stable")
    parts = []
    with task(f"encoding {what}", len(texts), what) as work:
        for start in range(0, len(order), CHUNK_TEXTS):
            chosen = [texts[i] for i in order[start : start + CHUNK_TEXTS]]
            parts.append(function(chosen, normalize_embeddings=True, show_progress_bar=False))
            work.advance(len(chosen))
    vectors = np.empty((len(texts), parts[0].shape[1]), dtype=np.float32)
    vectors[order] = np.concatenate(parts)
    return vectors


def phrase_vectors(model: Any, texts: Sequence[str]) -> np.ndarray:
    """Unit vectors of texts of a few words: batches of one length need no padding, each on its own core."""
    ids = model.tokenizer(list(texts), truncation=True, max_length=model.max_seq_length)["input_ids"]
    order = sorted(range(len(ids)), key=lambda place: len(ids[place]))
    batches = [
        places[start : start + PHRASES_AT_ONCE]
        for _, same in groupby(order, key=lambda place: len(ids[place]))
        for places in [list(same)]
        for start in range(0, len(places), PHRASES_AT_ONCE)
    ]
    made = list(
        side_by_side(model.device, batches, lambda batch: whole_batch(model, [ids[i] for i in batch]))
    )
    vectors = np.empty((len(ids), made[0].shape[1]), dtype=np.float32)
    vectors[[place for batch in batches for place in batch]] = np.concatenate(made)
    return vectors


def whole_batch(model: Any, ids: Sequence[Sequence[int]]) -> np.ndarray:
    """Unit vectors of texts with as many tokens each."""
    import torch

    tokens = torch.tensor(ids, device=model.device)
    with torch.inference_mode():
        found = model({"input_ids": tokens, "attention_mask": torch.ones_like(tokens)})
        return torch.nn.functional.normalize(found["sentence_embedding"], dim=-1).cpu().numpy()
