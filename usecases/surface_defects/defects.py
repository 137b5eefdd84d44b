"""What can be wrong with a surface: each defect gives the changed surface and the mask of the change."""

from collections.abc import Callable

import numpy as np
from scipy.ndimage import binary_dilation, gaussian_filter

from usecases.surface_defects.surfaces import Random, cloud

Drawn = tuple[np.ndarray, np.ndarray]
EDGE = 14  # stays inside what every view of the part shows
MASK_LEVEL = 0.25


def place(random: Random, size: int) -> np.ndarray:
    """A point that every view shows."""
    return random.uniform(EDGE, size - EDGE, 2)


def trail(points: np.ndarray, size: int, width: float) -> np.ndarray:
    """Ink along a chain of points: 1 on the line, falling off with its width."""
    ink = np.zeros((size, size))
    for start, end in zip(points[:-1], points[1:], strict=True):
        steps = max(2, int(2 * np.abs(end - start).max()) + 1)
        spots = np.rint(np.linspace(start, end, steps)).astype(int)
        inside = ((spots >= 0) & (spots < size)).all(axis=1)
        ink[spots[inside, 0], spots[inside, 1]] = 1.0
    blurred = gaussian_filter(ink, width)
    return blurred / max(float(blurred.max()), 1e-9)


def contrast(surface: np.ndarray, severity: int) -> float:
    """How strong a change of this severity is on this surface: rough ones hide more."""
    return (0.07 + 1.2 * float(surface.std())) * (0.55 + 0.45 * severity)


def scratch(random: Random, surface: np.ndarray, severity: int) -> Drawn:
    """A slightly bent line with a bright core and a dark edge."""
    size = len(surface)
    centre, angle = place(random, size), random.uniform(0, np.pi)
    half = random.uniform(5, 8) + 3.0 * severity
    along = np.array([np.sin(angle), np.cos(angle)])
    middle = centre + random.uniform(-3, 3) * np.array([along[1], -along[0]])
    share = np.linspace(0, 1, 12)[:, None]
    start, end = centre - half * along, centre + half * along
    points = (1 - share) ** 2 * start + 2 * share * (1 - share) * middle + share**2 * end
    core, wide = trail(points, size, 0.55), trail(points, size, 1.3)
    strength = contrast(surface, severity) * random.choice([1.0, 1.0, -1.0])
    return surface + strength * (1.5 * core - 0.8 * wide), wide > MASK_LEVEL


def crack(random: Random, surface: np.ndarray, severity: int) -> Drawn:
    """A dark, wandering line that branches."""
    size = len(surface)
    ink = np.zeros_like(surface)
    starts = [(place(random, size), random.uniform(0, 2 * np.pi), 8 + 6 * severity)]
    while starts:
        at, angle, steps = starts.pop()
        points = [at]
        for _ in range(steps):
            angle += random.normal(0, 0.45)
            points.append(points[-1] + 1.3 * np.array([np.sin(angle), np.cos(angle)]))
            if random.random() < 0.06 and len(starts) < 3:
                starts.append((points[-1], angle + random.choice([-0.9, 0.9]), steps // 2))
        ink = np.maximum(ink, trail(np.array(points), size, 0.5))
    return surface - 1.6 * contrast(surface, severity) * ink, ink > MASK_LEVEL


def pit(random: Random, surface: np.ndarray, severity: int) -> Drawn:
    """Small round holes with a bright rim."""
    size = len(surface)
    rows, columns = np.mgrid[0:size, 0:size]
    changed, mask = surface.copy(), np.zeros(surface.shape, bool)
    centre = place(random, size)
    for _ in range(int(random.integers(1, 2 + severity))):
        at, radius = centre + random.normal(0, 4, 2), random.uniform(0.9, 1.3) + 0.35 * severity
        distance = np.hypot(rows - at[0], columns - at[1])
        hole, rim = np.exp(-((distance / radius) ** 4)), np.exp(-(((distance - 1.6 * radius) / 0.8) ** 2))
        changed += contrast(surface, severity) * (0.6 * rim - 1.7 * hole)
        mask |= distance < 1.6 * radius
    return changed, mask


def blob(random: Random, size: int, radius: float) -> np.ndarray:
    """A soft patch with a ragged outline, 1 inside and 0 outside."""
    rows, columns = np.mgrid[0:size, 0:size]
    at = place(random, size)
    distance = np.hypot(rows - at[0], columns - at[1])
    ragged = distance + 0.25 * radius * cloud(random, size, (3.0,)) / np.sqrt(3.0)
    return 1 / (1 + np.exp((ragged - radius) / 0.8))


def stain(random: Random, surface: np.ndarray, severity: int) -> Drawn:
    """A large patch, a little darker or brighter; the texture goes on under it."""
    shape = blob(random, len(surface), random.uniform(5, 7) + 1.5 * severity)
    strength = 0.85 * contrast(surface, severity) * random.choice([1.0, -1.0])
    return surface + strength * shape, shape > 0.5


def missing(random: Random, surface: np.ndarray, severity: int) -> Drawn:
    """A patch whose texture is gone, with a thin shadow on one side."""
    shape = blob(random, len(surface), random.uniform(3.5, 5) + 1.5 * severity)
    ground = gaussian_filter(surface, 6) + 0.25 * surface.std() * random.standard_normal(surface.shape)
    shadow = np.clip(shape - np.roll(shape, (1, 1), (0, 1)), 0, 1)
    share = 0.55 + 0.15 * severity
    changed = surface + share * shape * (ground - surface) - contrast(surface, severity) * shadow
    return changed, shape > 0.5


def fold(random: Random, surface: np.ndarray, severity: int) -> Drawn:
    """A soft ridge: bright on one side, dark on the other. Stands in test only."""
    size = len(surface)
    rows, columns = np.mgrid[0:size, 0:size]
    at, angle = place(random, size), random.uniform(0, np.pi)
    across = (rows - at[0]) * np.cos(angle) - (columns - at[1]) * np.sin(angle)
    along = (rows - at[0]) * np.sin(angle) + (columns - at[1]) * np.cos(angle)
    reach = np.exp(-((along / (6 + 3 * severity)) ** 4))
    ridge = across / 2.2 * np.exp(-((across / 2.2) ** 2) / 2) * reach
    inside = binary_dilation((np.abs(across) < 4) & (reach > 0.5))
    return surface + 1.5 * contrast(surface, severity) * ridge, inside


SEEN: dict[str, Callable[[Random, np.ndarray, int], Drawn]] = {
    "scratch": scratch,
    "crack": crack,
    "pit": pit,
    "stain": stain,
    "missing": missing,
}
UNSEEN = {"fold": fold}
