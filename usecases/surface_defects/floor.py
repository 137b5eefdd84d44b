"""The best answers without a neural network: hand-made measurements of texture, and boosted trees on them."""

from collections.abc import Callable, Sequence

import numpy as np
from scipy.ndimage import gaussian_filter, uniform_filter

from common.pictures import Picture, grey, resized
from common.usecase import Example

LONGEST_SIDE = 64
BANDS = ((0.6, 1.2), (1.2, 2.4), (2.4, 4.8), (4.8, 9.6))
WIDTHS = (0.8, 1.4, 2.2)
LEVELS = (0.005, 0.02, 0.1, 0.5, 0.9, 0.98, 0.995)
BATCH = 256
COMPONENTS = 80


def shape_of(pictures: Sequence[Picture]) -> tuple[int, int]:
    """One height and width for all: the middle of what there is, no longer than trees can use."""
    sides = np.median([picture.pixels().shape[:2] for picture in pictures[:200]], axis=0)
    shrink = min(1.0, LONGEST_SIDE / sides.max())
    return max(8, round(sides[0] * shrink)), max(8, round(sides[1] * shrink))


def plain(pictures: Sequence[Picture], shape: tuple[int, int]) -> np.ndarray:
    """Greys between 0 and 1, all in one shape."""
    return np.stack([resized(grey(p.pixels()), *shape) for p in pictures]).astype(np.float32) / 255


def smooth(images: np.ndarray, width: float, order: tuple[int, int] = (0, 0)) -> np.ndarray:
    return gaussian_filter(images, (0, width, width), order=(0, *order), truncate=3)


def spread(values: np.ndarray) -> list[np.ndarray]:
    """Per picture the shape of a distribution against its own usual spread: what sticks out, how far."""
    ranked = np.sort(values.reshape(len(values), -1), axis=1)
    last = ranked.shape[1] - 1
    middle, usual = ranked[:, last // 2], ranked[:, 3 * last // 4] - ranked[:, last // 4] + 1e-4
    high = (ranked - middle[:, None]) / usual[:, None]
    unit = high / (high.std(axis=1, keepdims=True) + 1e-6)
    square = unit * unit
    places = [high[:, round(level * last)] for level in (0.0, *LEVELS, 1.0)]
    return [usual, (square * unit).mean(axis=1), (square * square).mean(axis=1), *places]


def ridges(images: np.ndarray, width: float) -> list[np.ndarray]:
    """How much every pixel looks like part of a dark line, of a bright line, and of a spot of some width."""
    rr, cc, rc = (smooth(images, width, order) for order in ((2, 0), (0, 2), (1, 1)))
    root, half = np.sqrt(((rr - cc) / 2) ** 2 + rc**2), (rr + cc) / 2
    return [half + root, root - half, 2 * half]


def binary_patterns(images: np.ndarray) -> list[np.ndarray]:
    """Histogram of local binary patterns by their number of brighter neighbours and of changes."""
    around = [(-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1)]
    bits = np.stack([np.roll(images, step, (1, 2)) > images for step in around])
    changes = np.minimum((bits != np.roll(bits, 1, axis=0)).sum(axis=0) // 2, 2)
    kinds = (9 * changes + bits.sum(axis=0)).reshape(len(images), -1)
    return [(kinds == kind).mean(axis=1) for kind in range(27)]


def measurements(images: np.ndarray) -> np.ndarray:
    """About two hundred numbers of every picture."""
    flat = images / np.maximum(smooth(images, max(images.shape[1:]) / 6), 0.02)
    rows = images.reshape(len(images), -1)
    found = [rows.mean(axis=1), rows.std(axis=1), rows.max(axis=1), rows.min(axis=1)]
    for narrow, wide in BANDS:
        found += spread(smooth(flat, narrow) - smooth(flat, wide))
    for width in WIDTHS:
        for response in ridges(flat, width):
            found += spread(response)
    local = uniform_filter(flat, (0, 7, 7))
    square = uniform_filter(flat**2, (0, 7, 7)) - local**2
    found += spread(np.log(np.maximum(square, 1e-7))) + spread(uniform_filter(flat, (0, 9, 9)))
    return np.stack([*found, *binary_patterns(flat)], axis=1).astype(np.float32)


def in_batches(
    work: Callable[[np.ndarray], np.ndarray], pictures: Sequence[Picture], shape: tuple[int, int]
) -> np.ndarray:
    """Work on a few hundred pictures at a time, so that memory stays small."""
    starts = range(0, len(pictures), BATCH)
    return np.concatenate([work(plain(pictures[start : start + BATCH], shape)) for start in starts])


def rows_of(images: np.ndarray) -> np.ndarray:
    return images.reshape(len(images), -1)


def trees(
    train: Sequence[Example], others: Sequence[Sequence[Example]]
) -> tuple[list[str], list[np.ndarray]]:
    """Labels, and their probabilities for other examples, from boosted trees over every measurement."""
    from sklearn.decomposition import PCA
    from sklearn.ensemble import HistGradientBoostingClassifier

    pictures = [[example.inputs for example in part] for part in (train, *others)]
    shape = shape_of(pictures[0])
    pixels = [in_batches(rows_of, part, shape) if part else None for part in pictures]
    measured = [in_batches(measurements, part, shape) if part else None for part in pictures]
    count = min(COMPONENTS, *pixels[0].shape)
    components = PCA(count, svd_solver="randomized", random_state=0).fit(pixels[0])
    tables = [
        np.hstack([known, components.transform(raw)]) if known is not None else None
        for known, raw in zip(measured, pixels, strict=True)
    ]
    model = HistGradientBoostingClassifier(max_iter=100, max_leaf_nodes=15, random_state=0)
    model.fit(tables[0], [example.answer for example in train])
    size = len(model.classes_)
    found = [np.zeros((0, size)) if table is None else model.predict_proba(table) for table in tables[1:]]
    return [str(label) for label in model.classes_], found
