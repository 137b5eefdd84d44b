"""What is on a picture besides the surface: light, glare, dust, shift, sensor noise, compression.

All of it is harmless and stands on good and bad parts alike. It is here so that the brightest pixel or
the spread of grey levels does not give the answer away.
"""

import io

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter

from usecases.surface_defects.surfaces import Random

MARGIN = 6


def stamped(random: Random, surface: np.ndarray) -> np.ndarray:
    """The same surface with a legitimate mark: a ring, a cross or a row of dots near a corner."""
    size = len(surface)
    rows, columns = np.mgrid[0:size, 0:size]
    corner = np.where(random.random(2) < 0.5, 16, size - 17) + random.uniform(-3, 3, 2)
    rows, columns = np.abs(rows - corner[0]), np.abs(columns - corner[1])
    kind = random.integers(3)
    if kind == 0:
        shape = np.exp(-(((np.hypot(rows, columns) - 4.0) / 0.8) ** 2))
    elif kind == 1:
        shape = ((np.minimum(rows, columns) < 0.7) & (np.maximum(rows, columns) < 4.5)).astype(float)
    else:
        shape = np.exp(-((rows / 1.1) ** 2)) * (np.cos(columns * 2 * np.pi / 4.0) > 0.3) * (columns < 7)
    strength = random.choice([1.0, -1.0]) * random.uniform(0.12, 0.25)
    return surface + strength * gaussian_filter(shape, 0.4)


def usual_light(random: Random, size: int) -> np.ndarray:
    """A gentle slope of brightness from any side, and at times a band of glare."""
    rows, columns = np.mgrid[0:size, 0:size] / size - 0.5
    angle = random.uniform(0, 2 * np.pi)
    light = 1 + random.uniform(0, 0.25) * (np.sin(angle) * rows + np.cos(angle) * columns)
    if random.random() < 0.3:
        across = np.cos(angle) * rows - np.sin(angle) * columns - random.uniform(-0.4, 0.4)
        light = light + random.uniform(0.1, 0.3) * np.exp(-((across / random.uniform(0.05, 0.2)) ** 2))
    return light * random.uniform(0.85, 1.15)


def raking_light(random: Random, size: int) -> np.ndarray:
    """A lamp close to the surface: bright at one edge, nearly dark at the other. Stands in test only."""
    columns = np.mgrid[0:size, 0:size][1] / size
    if random.random() < 0.5:
        columns = columns[:, ::-1]
    return 0.35 + 1.3 * np.exp(-((columns / 0.45) ** 2))


def dust(random: Random, image: np.ndarray) -> np.ndarray:
    """Specks and a hair, differing from picture to picture."""
    size = len(image)
    specks = np.zeros_like(image)
    for _ in range(int(random.integers(0, 6))):
        row, column = random.integers(1, size - 1, 2)
        specks[row, column] += random.uniform(0.3, 0.9)
    return image + gaussian_filter(specks, random.uniform(0.3, 0.6))


def compressed(image: np.ndarray, quality: int) -> np.ndarray:
    """Through JPEG and back, as cameras store pictures."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=quality)
    return np.array(Image.open(buffer))


def photograph(random: Random, surface: np.ndarray, raking: bool) -> tuple[np.ndarray, tuple[slice, slice]]:
    """One picture of a part as grey levels, and which piece of the part it shows."""
    size = len(surface) - 2 * MARGIN
    top, left = random.integers(0, 2 * MARGIN + 1, 2)
    window = (slice(top, top + size), slice(left, left + size))
    light = raking_light(random, size) if raking else usual_light(random, size)
    seen = dust(random, surface[window] * light)
    seen = seen + random.uniform(0.005, 0.02) * random.standard_normal((size, size))
    grey = np.clip(np.rint(255 * seen), 0, 255).astype(np.uint8)
    return compressed(grey, int(random.integers(70, 96))), window
