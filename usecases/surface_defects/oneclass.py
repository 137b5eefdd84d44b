"""Looking for defects after seeing good parts only: PaDiM and PatchCore on the untuned base's maps."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from common.pictures import Picture

SEED = 0
SIZE = 64  # channels kept by a fixed random projection
GOOD_PICTURES = 500
PATCHES = 12_000
MEMORY = 1000
BATCH = 200
Maps = Callable[[Sequence[Picture]], np.ndarray]


def projected(maps: Maps, pictures: Sequence[Picture]) -> Iterator[np.ndarray]:
    """Maps of some pictures at a time, their channels mixed down to a few."""
    mix = None
    for start in range(0, len(pictures), BATCH):
        found = maps(pictures[start : start + BATCH])
        if mix is None:
            random = np.random.default_rng(SEED)
            mix = random.standard_normal((found.shape[-1], SIZE)).astype(np.float32) / np.sqrt(SIZE)
        yield found @ mix


def padim(maps: Maps, good: Sequence[Picture], asked: Sequence[Picture]) -> np.ndarray:
    """Distance from the Gaussian of good parts, one Gaussian a place."""
    known = np.concatenate(list(projected(maps, good[:GOOD_PICTURES])))
    mean = known.mean(axis=0)
    spread = np.einsum("nhwc,nhwd->hwcd", known - mean, known - mean) / len(known)
    spread += 0.01 * np.trace(spread, axis1=2, axis2=3).mean() / SIZE * np.eye(SIZE)
    inverse = np.linalg.inv(spread)
    parts = []
    for found in projected(maps, asked):
        gap = found - mean
        parts.append(
            np.sqrt(np.maximum(np.einsum("nhwc,hwcd,nhwd->nhw", gap, inverse, gap, optimize=True), 0))
        )
    return np.concatenate(parts)


def patchcore(maps: Maps, good: Sequence[Picture], asked: Sequence[Picture]) -> np.ndarray:
    """Distance to the nearest remembered patch of a good part."""
    known = np.concatenate([f.reshape(-1, SIZE) for f in projected(maps, good[:GOOD_PICTURES])])
    random = np.random.default_rng(SEED)
    memory = spread_out(known[random.permutation(len(known))[:PATCHES]], MEMORY)
    square = (memory**2).sum(axis=1)
    parts = []
    for found in projected(maps, asked):
        flat = found.reshape(-1, SIZE)
        near = (square - 2 * flat @ memory.T).min(axis=1) + (flat**2).sum(axis=1)
        parts.append(np.sqrt(np.maximum(near, 0)).reshape(found.shape[:3]))
    return np.concatenate(parts)


def spread_out(rows: np.ndarray, count: int) -> np.ndarray:
    """Some rows that lie far from one another, chosen greedily: the coreset."""
    distance = ((rows - rows[0]) ** 2).sum(axis=1)
    chosen = [0]
    while len(chosen) < min(count, len(rows)):
        chosen.append(int(distance.argmax()))
        distance = np.minimum(distance, ((rows - rows[chosen[-1]]) ** 2).sum(axis=1))
    return rows[chosen]


METHODS = {"PaDiM": padim, "PatchCore": patchcore}
