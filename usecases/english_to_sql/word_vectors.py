"""Vectors of a few words each from the sentence encoder that ships, each text encoded once."""

from collections.abc import Collection, Iterator, Mapping
from functools import cache, partial
from itertools import groupby
from typing import Any

import numpy as np

from common.cores import side_by_side

BATCH = 64


@cache
def encoder() -> Any:
    """The sentence encoder that ships, loaded when first asked."""
    from common.models import load_encoder, resolve

    return load_encoder(resolve("embedded", None, "embed"), None, 32).eval()


VECTORS: dict[str, np.ndarray] = {}


def vectors(texts: Collection[str]) -> np.ndarray:
    """Vectors of length one; each text is encoded once."""
    new = sorted(text for text in set(texts) if text not in VECTORS)
    if new:
        model = encoder()
        ids = dict(zip(new, model.tokenizer(new, truncation=True)["input_ids"], strict=True))
        batches = list(of_one_length(ids))
        made = side_by_side(model.device, batches, partial(encoded, model))
        for batch, found in zip(batches, made, strict=True):
            VECTORS.update(zip(batch, found, strict=True))
    return np.stack([VECTORS[text] for text in texts])


def of_one_length(ids: Mapping[str, list[int]]) -> Iterator[dict[str, list[int]]]:
    """Batches of texts with as many tokens each: without padding, short texts take a third less time."""
    for _, same in groupby(sorted(ids, key=lambda text: len(ids[text])), key=lambda text: len(ids[text])):
        texts = list(same)
        for start in range(0, len(texts), BATCH):
            yield {text: ids[text] for text in texts[start : start + BATCH]}


def encoded(model: Any, batch: Mapping[str, list[int]]) -> np.ndarray:
    """Vectors of length one of texts with as many tokens each."""
    import torch

    tokens = torch.tensor(list(batch.values()), device=model.device)
    with torch.inference_mode():
        found = model({"input_ids": tokens, "attention_mask": torch.ones_like(tokens)})
        return torch.nn.functional.normalize(found["sentence_embedding"], dim=-1).cpu().numpy()
