"""The five materials: what a sound surface looks like. Seeded, numpy and scipy only."""

from collections.abc import Callable

import numpy as np
from scipy.ndimage import gaussian_filter, gaussian_filter1d, rotate

Random = np.random.Generator


def scaled(values: np.ndarray, contrast: float) -> np.ndarray:
    """Values around 0.5 with the given standard deviation."""
    return 0.5 + contrast * (values - values.mean()) / max(float(values.std()), 1e-9)


def cloud(random: Random, size: int, widths: tuple[float, ...]) -> np.ndarray:
    """Noise that is smooth on several scales, the coarse ones stronger."""
    total = np.zeros((size, size))
    for width in widths:
        layer = gaussian_filter(random.standard_normal((size, size)), width, mode="wrap")
        total += np.sqrt(width) * layer / layer.std()
    return total


def brushed_metal(random: Random, size: int) -> np.ndarray:
    """Fine parallel lines of varying strength, nearly level."""
    wide = size + 24
    lines = gaussian_filter1d(random.standard_normal((wide, wide)), random.uniform(6, 14), axis=1)
    lines += random.uniform(0.2, 0.5) * gaussian_filter1d(random.standard_normal((wide, 1)), 1.0, axis=0)
    turned = rotate(lines, random.uniform(-12, 12), reshape=False, order=1, mode="reflect")
    return scaled(turned[12:-12, 12:-12], random.uniform(0.05, 0.09))


def casting(random: Random, size: int) -> np.ndarray:
    """Grains on soft hills, as sand leaves them."""
    grain = cloud(random, size, (0.8, random.uniform(1.4, 2.2), 5.0))
    return scaled(grain, random.uniform(0.06, 0.10))


def weave(random: Random, size: int) -> np.ndarray:
    """Threads that cross over and under, with uneven spacing."""
    pitch = random.uniform(5.0, 8.0)
    rows, columns = np.mgrid[0:size, 0:size].astype(float)
    rows += 1.2 * gaussian_filter(random.standard_normal((size, size)), 6) * 6
    columns += 1.2 * gaussian_filter(random.standard_normal((size, size)), 6) * 6
    over = np.sin(np.pi * rows / pitch) * np.sin(np.pi * columns / pitch)
    threads = np.where(
        over > 0, np.abs(np.sin(np.pi * rows / pitch)), np.abs(np.sin(np.pi * columns / pitch))
    )
    return scaled(threads + 0.25 * random.standard_normal((size, size)), random.uniform(0.07, 0.11))


def wood(random: Random, size: int) -> np.ndarray:
    """Bent rings seen from the side, with pores along the grain."""
    rows, columns = np.mgrid[0:size, 0:size].astype(float)
    bend = 3.0 * cloud(random, size, (8.0,)) / np.sqrt(8.0)
    rings = np.sin(2 * np.pi * (rows + 0.15 * columns + bend) / random.uniform(6, 13))
    pores = gaussian_filter(random.standard_normal((size, size)), (0.4, 4.0))
    return scaled(rings + 2.5 * pores, random.uniform(0.06, 0.09))


def painted(random: Random, size: int) -> np.ndarray:
    """Nearly plain paint with the skin of an orange."""
    skin = cloud(random, size, (random.uniform(2.0, 3.0),)) + 0.5 * random.standard_normal((size, size))
    return scaled(skin, random.uniform(0.025, 0.05))


MATERIALS: dict[str, Callable[[Random, int], np.ndarray]] = {
    "brushed": brushed_metal,
    "casting": casting,
    "weave": weave,
    "wood": wood,
    "painted": painted,
}
