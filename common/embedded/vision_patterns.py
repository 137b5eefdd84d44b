"""Procedural textures with shapes laid over them: what the small image backbone grows on.

Nothing here comes from a use case: families and shapes are generic, and no function is shared with one.
"""

import numpy as np
from scipy.ndimage import gaussian_filter, zoom

SIZE = 64
Random = np.random.Generator
AXIS = np.linspace(-1, 1, SIZE)
ROWS, COLUMNS = np.meshgrid(AXIS, AXIS, indexing="ij")
FREQUENCY = np.hypot(np.fft.fftfreq(SIZE)[:, None], np.fft.rfftfreq(SIZE)[None, :])


def turned(random: Random) -> tuple[np.ndarray, np.ndarray]:
    """Coordinates turned by a random angle and bent a little."""
    angle = random.uniform(0, np.pi)
    bend = random.uniform(0, 0.25) * np.sin(random.uniform(1, 4) * ROWS + random.uniform(0, 6))
    along = np.cos(angle) * ROWS + np.sin(angle) * COLUMNS + bend
    return along, -np.sin(angle) * ROWS + np.cos(angle) * COLUMNS


def power_noise(random: Random) -> np.ndarray:
    """Noise whose strength falls with a random power of the frequency."""
    wave = np.fft.rfft2(random.standard_normal((SIZE, SIZE)))
    return np.fft.irfft2(wave / np.maximum(FREQUENCY, 0.02) ** random.uniform(0, 2), s=(SIZE, SIZE))


def streaks(random: Random) -> np.ndarray:
    """Noise that is smooth in one direction."""
    a, b = np.cos(t := random.uniform(0, np.pi)), np.sin(t)
    across = np.fft.fftfreq(SIZE)[:, None] * a + np.fft.rfftfreq(SIZE)[None, :] * b
    along = np.fft.fftfreq(SIZE)[:, None] * b - np.fft.rfftfreq(SIZE)[None, :] * a
    kept = np.exp(-((along * random.uniform(10, 40)) ** 2) - (across * random.uniform(0.5, 3)) ** 2)
    return np.fft.irfft2(np.fft.rfft2(random.standard_normal((SIZE, SIZE))) * kept, s=(SIZE, SIZE))


def stripes(random: Random) -> np.ndarray:
    along, _ = turned(random)
    return np.sin(random.uniform(8, 40) * along) ** random.choice([1, 3])


def grid(random: Random) -> np.ndarray:
    along, across = turned(random)
    a, b = random.uniform(8, 35, 2)
    return np.maximum(np.sin(a * along), np.sin(b * across)) * random.choice([-1.0, 1.0])


def checks(random: Random) -> np.ndarray:
    along, across = turned(random)
    rate = random.uniform(6, 25)
    return np.sign(np.sin(rate * along) * np.sin(rate * across))


def rings(random: Random) -> np.ndarray:
    at = random.uniform(-1.5, 1.5, 2)
    return np.sin(random.uniform(8, 40) * np.hypot(ROWS - at[0], COLUMNS - at[1]))


def cells(random: Random) -> np.ndarray:
    """Distance to the nearest of some points, or the seam between two of them."""
    points = random.uniform(-1.1, 1.1, (int(random.integers(8, 40)), 2))
    near = np.hypot(ROWS[..., None] - points[:, 0], COLUMNS[..., None] - points[:, 1])
    first, second = np.partition(near, 1, axis=-1)[..., :2].transpose(2, 0, 1)
    return first if random.random() < 0.5 else np.minimum(second - first, 0.1)


def dots(random: Random) -> np.ndarray:
    spots = (random.random((SIZE, SIZE)) < random.uniform(0.01, 0.08)).astype(float)
    return gaussian_filter(spots, random.uniform(0.5, 1.6))


def steps(random: Random) -> np.ndarray:
    """Blocks of random brightness."""
    coarse = random.standard_normal((int(random.integers(4, 14)), int(random.integers(4, 14))))
    size = (SIZE / coarse.shape[0], SIZE / coarse.shape[1])
    return zoom(coarse, size, order=int(random.integers(0, 2)), grid_mode=True, mode="nearest")[:SIZE, :SIZE]


def plain(random: Random) -> np.ndarray:
    return random.uniform(-1, 1) * ROWS + random.uniform(-1, 1) * COLUMNS + 1e-3 * random.random(ROWS.shape)


FAMILIES = (power_noise, streaks, stripes, grid, checks, rings, cells, dots, steps, plain)


def disc(random: Random, distance: np.ndarray, r: float) -> np.ndarray:
    return distance < r


def ring(random: Random, distance: np.ndarray, r: float) -> np.ndarray:
    return np.abs(distance - r) < random.uniform(0.03, 0.07)


def arc(random: Random, distance: np.ndarray, r: float) -> np.ndarray:
    along, _ = turned(random)
    return (np.abs(distance - 2 * r) < 0.035) & (along > 0)


def bar(random: Random, distance: np.ndarray, r: float) -> np.ndarray:
    along, across = turned(random)
    return (np.abs(along - random.uniform(-0.4, 0.4)) < random.uniform(0.015, 0.06)) & (distance < 2 * r)


def plus(random: Random, distance: np.ndarray, r: float) -> np.ndarray:
    along, across = np.abs(turned(random))
    return (np.minimum(along, across) < 0.05) & (np.maximum(along, across) < 1.3 * r)


def box(random: Random, distance: np.ndarray, r: float) -> np.ndarray:
    along, across = np.abs(turned(random))
    return (along < r) & (across < r * random.uniform(0.5, 1))


def cloudy(random: Random, distance: np.ndarray, r: float) -> np.ndarray:
    noise = gaussian_filter(random.standard_normal(distance.shape), 3)
    return distance + 0.4 * r * noise / noise.std() < r


def walk(random: Random, distance: np.ndarray, r: float) -> np.ndarray:
    """A wandering line."""
    turns = np.cumsum(random.normal(0, 0.5, int(20 + 60 * r))) + random.uniform(0, 6)
    path = np.cumsum(np.stack([np.sin(turns), np.cos(turns)], axis=1), axis=0) + random.uniform(12, 52, 2)
    drawn = np.zeros(distance.shape, bool)
    spots = np.rint(path[((path > 0) & (path < SIZE - 1)).all(axis=1)]).astype(int)
    drawn[spots[:, 0], spots[:, 1]] = True
    return drawn


def crumbs(random: Random, distance: np.ndarray, r: float) -> np.ndarray:
    """A few pixels close together."""
    return (distance < r) & (random.random(distance.shape) < 0.12)


SHAPES = (disc, ring, arc, bar, plus, box, cloudy, walk, crumbs)


def drawn(random: Random) -> tuple[np.ndarray, int, int, np.ndarray]:
    """A picture as greys, its family, its shape (0: none) and the mask of the shape."""
    family = int(random.integers(len(FAMILIES)))
    ground = FAMILIES[family](random)
    ground = (ground - ground.mean()) / (ground.std() + 1e-6)
    if random.random() < 0.4:
        ground += random.uniform(0.1, 0.5) * random.standard_normal(ground.shape)
    shape, mask = 0, np.zeros(ground.shape, bool)
    if random.random() < 0.85:
        shape = 1 + int(random.integers(len(SHAPES)))
        at = random.uniform(-0.55, 0.55, 2)
        distance = np.hypot(ROWS - at[0], COLUMNS - at[1])
        mask = SHAPES[shape - 1](random, distance, random.uniform(0.1, 0.4))
        ground = laid_over(random, ground, gaussian_filter(mask.astype(float), random.uniform(0.3, 0.9)))
    grey = random.uniform(0.3, 0.7) + random.uniform(0.03, 0.18) * ground
    grey = grey * (1 + random.uniform(-0.3, 0.3) * ROWS + random.uniform(-0.3, 0.3) * COLUMNS)
    grey += random.uniform(0, 0.03) * random.standard_normal(grey.shape)
    return np.clip(255 * grey, 0, 255).astype(np.uint8), family, shape, mask


def laid_over(random: Random, ground: np.ndarray, soft: np.ndarray) -> np.ndarray:
    """A shape shows as brightness, as another texture, or as a slope of light."""
    kind = random.random()
    if kind < 0.6:
        return ground + random.choice([-1.0, 1.0]) * random.uniform(0.6, 2.5) * soft
    if kind < 0.8:
        other = FAMILIES[int(random.integers(len(FAMILIES)))](random)
        return ground * (1 - soft) + soft * (other - other.mean()) / (other.std() + 1e-6) * random.uniform(
            0.2, 1
        )
    slope = soft - np.roll(soft, tuple(random.integers(-2, 3, 2)), (0, 1))
    return ground + random.uniform(1.0, 3.0) * slope
