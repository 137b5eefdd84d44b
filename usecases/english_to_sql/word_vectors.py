"""Vectors of a few words each from the sentence encoder that ships, each text encoded once."""

from collections.abc import Collection
from functools import cache
from typing import Any

import numpy as np

from common.encoder import phrase_vectors

VECTORS: dict[str, np.ndarray] = {}


@cache
def encoder() -> Any:
    """The sentence encoder that ships, loaded when first asked."""
    from common.models import load_encoder, resolve

    return load_encoder(resolve("embedded", None, "embed"), None, 32).eval()


def vectors(texts: Collection[str]) -> np.ndarray:
    """Vectors of length one."""
    new = sorted(text for text in set(texts) if text not in VECTORS)
    if new:
        VECTORS.update(zip(new, phrase_vectors(encoder(), new), strict=True))
    return np.stack([VECTORS[text] for text in texts])
