"""Near-identical texts among very many: MinHash over characters, in linear time and bounded memory.

Texts that share a band of their signatures are candidates; of those, pairs whose signatures agree enough
are measured exactly.
"""

from collections.abc import Iterator, Sequence

import numpy as np

GRAM = 4
HASHES = 64
ROWS_PER_BAND = 4
TEXTS_AT_ONCE = 512
PAIRS_AT_ONCE = 4_096
PAIRS_JUDGED_AT_ONCE = 65_536
LEAST_AGREEMENT = 0.45  # texts of the threshold's likeness agree in far more of their hashes
FEATURES = 2**20
MULTIPLIERS = np.array([1, 0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9], np.uint64)
Pair = tuple[int, int, float]


def signatures(texts: Sequence[str]) -> np.ndarray:
    """The smallest of each hash over all grams of a text: 256 bytes a text."""
    draw = np.random.default_rng(0)
    odd = draw.integers(0, 2**63, HASHES, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
    add = draw.integers(0, 2**63, HASHES, dtype=np.uint64)
    found = np.empty((len(texts), HASHES), np.uint32)
    for start in range(0, len(texts), TEXTS_AT_ONCE):
        grams = [grams_of(text) for text in texts[start : start + TEXTS_AT_ONCE]]
        starts = np.cumsum([0, *(len(one) for one in grams[:-1])])
        flat = np.concatenate(grams)
        for place in range(HASHES):
            hashed = (flat * odd[place] + add[place]) >> np.uint64(32)
            found[start : start + len(grams), place] = np.minimum.reduceat(hashed, starts)
    return found


def grams_of(text: str) -> np.ndarray:
    """A number for every four neighbouring characters; a shorter text has one."""
    letters = np.frombuffer(text.ljust(GRAM).encode("utf-32-le", "surrogatepass"), np.uint32).astype(
        np.uint64
    )
    count = len(letters) - GRAM + 1
    mixed = sum(letters[place : place + count] * MULTIPLIERS[place] for place in range(GRAM))
    return (mixed ^ (mixed >> np.uint64(29))) * MULTIPLIERS[2]


def candidates(hashes: np.ndarray, side: np.ndarray) -> Iterator[np.ndarray]:
    """Pairs of rows that share a band of their signatures."""
    for band in range(0, HASHES, ROWS_PER_BAND):
        keys = np.zeros(len(hashes), np.uint64)
        for column in range(band, band + ROWS_PER_BAND):
            keys = keys * MULTIPLIERS[1] + hashes[:, column]
        left, right = neighbours(keys, side)
        if len(left):
            yield alike(hashes, left, right)


def neighbours(keys: np.ndarray, side: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of rows with one key: each with its neighbour, the first, and one of the side before.

    A bucket of any size gives a few pairs per row, so the work stays linear.
    """
    order = np.lexsort((side, keys))
    key, sides = keys[order], side[order]
    same = np.flatnonzero(key[1:] == key[:-1]) + 1
    new = np.r_[True, key[1:] != key[:-1]]
    first = np.maximum.accumulate(np.where(new, np.arange(len(key)), 0))
    turned = np.r_[True, (sides[1:] != sides[:-1]) | new[1:]]
    latest = np.maximum.accumulate(np.where(turned, np.arange(len(key)), 0))
    before = np.maximum(latest - 1, first)  # the last row of the side before, in the same bucket
    left = np.r_[order[same - 1], order[first[same]], order[before[same]]]
    return left, np.tile(order[same], 3)


def alike(hashes: np.ndarray, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """The different ones among pairs of rows, without those whose signatures agree too little."""
    codes = np.unique(np.minimum(left, right) * len(hashes) + np.maximum(left, right))
    kept = []
    for start in range(0, len(codes), PAIRS_JUDGED_AT_ONCE):
        pairs = np.stack(np.divmod(codes[start : start + PAIRS_JUDGED_AT_ONCE], len(hashes)), axis=1)
        agree = (hashes[pairs[:, 0]] == hashes[pairs[:, 1]]).mean(axis=1)
        kept.append(pairs[(agree >= LEAST_AGREEMENT) & (pairs[:, 0] != pairs[:, 1])])
    return np.concatenate(kept)


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
    for pairs in candidates(signatures(texts), sides):
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
