"""Near-identical texts among very many: MinHash over characters, in linear time and bounded memory.

Texts that share a band of their signatures are candidates; each candidate pair is then measured exactly.
"""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

GRAM = 4
HASHES = 64
ROWS_PER_BAND = 4
TEXTS_AT_ONCE = 512
PAIRS_AT_ONCE = 4_096
FEATURES = 2**20
MULTIPLIERS = np.array([1, 0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9], np.uint64)
Pair = tuple[int, int, float]


def band_keys(texts: Iterable[str]) -> np.ndarray:
    """One key per text and band; like texts share a key with high probability."""
    draw = np.random.default_rng(0)
    odd = draw.integers(0, 2**63, HASHES, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
    add = draw.integers(0, 2**63, HASHES, dtype=np.uint64)
    keys = [signatures(part, odd, add) for part in batches(texts, TEXTS_AT_ONCE)]
    return np.concatenate(keys) if keys else np.zeros((0, HASHES // ROWS_PER_BAND), np.uint64)


def batches(items: Iterable[str], size: int) -> Iterator[list[str]]:
    part: list[str] = []
    for item in items:
        part.append(item)
        if len(part) == size:
            yield part
            part = []
    if part:
        yield part


def signatures(texts: Sequence[str], odd: np.ndarray, add: np.ndarray) -> np.ndarray:
    """Band keys of a few texts: the smallest of each hash over all grams, four hashes to a key."""
    grams = [grams_of(text) for text in texts]
    starts = np.cumsum([0, *(len(found) for found in grams[:-1])])
    flat = np.concatenate(grams)
    smallest = np.empty((len(texts), HASHES), np.uint64)
    for place in range(HASHES):
        smallest[:, place] = np.minimum.reduceat((flat * odd[place] + add[place]) >> np.uint64(32), starts)
    key = np.zeros((len(texts), HASHES // ROWS_PER_BAND), np.uint64)
    for place in range(ROWS_PER_BAND):
        key = key * MULTIPLIERS[1] + smallest[:, place::ROWS_PER_BAND]
    return key


def grams_of(text: str) -> np.ndarray:
    """A number for every four neighbouring characters; a shorter text has one."""
    letters = np.frombuffer(text.ljust(GRAM).encode("utf-32-le", "surrogatepass"), np.uint32).astype(
        np.uint64
    )
    count = len(letters) - GRAM + 1
    mixed = sum(letters[place : place + count] * MULTIPLIERS[place] for place in range(GRAM))
    return (mixed ^ (mixed >> np.uint64(29))) * MULTIPLIERS[2]


def candidates(keys: np.ndarray, side: np.ndarray) -> Iterator[np.ndarray]:
    """Pairs of rows that share a band: each with its neighbour, the first, and one of the side before.

    A bucket of any size gives a few pairs per row, so the work stays linear.
    """
    for band in range(keys.shape[1]):
        order = np.lexsort((np.arange(len(keys)), side, keys[:, band]))
        key, sides = keys[order, band], side[order]
        same = np.flatnonzero(key[1:] == key[:-1]) + 1
        if not len(same):
            continue
        new = np.r_[True, key[1:] != key[:-1]]
        first = np.maximum.accumulate(np.where(new, np.arange(len(key)), 0))
        turned = np.r_[True, (sides[1:] != sides[:-1]) | new[1:]]
        latest = np.maximum.accumulate(np.where(turned, np.arange(len(key)), 0))
        before = np.maximum(latest - 1, first)  # the last row of the side before, in the same bucket
        for other in (same - 1, first[same], before[same]):
            pairs = np.stack([order[other], order[same]], axis=1)
            yield pairs[pairs[:, 0] != pairs[:, 1]]


def measured(texts: Sequence[str], pairs: np.ndarray, threshold: float) -> Iterator[Pair]:
    """Candidate pairs whose cosine of character 3-5-grams within words reaches the threshold."""
    from sklearn.feature_extraction.text import HashingVectorizer

    vectorizer = HashingVectorizer(
        analyzer="char_wb", ngram_range=(3, 5), n_features=FEATURES, alternate_sign=False, dtype=np.float32
    )
    for start in range(0, len(pairs), PAIRS_AT_ONCE):
        part = pairs[start : start + PAIRS_AT_ONCE]
        needed, places = np.unique(part, return_inverse=True)
        vectors = vectorizer.transform([texts[row] for row in needed])
        places = places.reshape(part.shape)
        cosines = np.asarray(vectors[places[:, 0]].multiply(vectors[places[:, 1]]).sum(axis=1)).ravel()
        for (left, right), cosine in zip(part.tolist(), cosines.tolist(), strict=True):
            if cosine >= threshold:
                yield left, right, cosine


def pairs_within(texts: Sequence[str], threshold: float, side: np.ndarray | None = None) -> list[Pair]:
    """Near-identical pairs (row, row, cosine); with `side`, pairs of different sides are looked for too."""
    sides = np.zeros(len(texts), np.int8) if side is None else side
    found: dict[int, Pair] = {}
    for pairs in candidates(band_keys(texts), sides):
        pairs = np.unique(np.sort(pairs, axis=1), axis=0)
        codes = pairs[:, 0] * len(texts) + pairs[:, 1]
        new = np.array([code not in found for code in codes.tolist()], dtype=bool)
        for left, right, cosine in measured(texts, pairs[new], threshold):
            found[left * len(texts) + right] = (left, right, cosine)
    return list(found.values())


def pairs_between(left: Sequence[str], right: Sequence[str], threshold: float) -> list[Pair]:
    """Near-identical pairs (row of left, row of right, cosine): one or more for each text that has any."""
    side = np.r_[np.zeros(len(left), np.int8), np.ones(len(right), np.int8)]
    every = pairs_within([*left, *right], threshold, side)
    return [(a, b - len(left), cosine) for a, b, cosine in every if a < len(left) <= b]
