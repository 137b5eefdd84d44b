"""Our own parts: made on the fly from a seed, photographed twice, split by part, with masks.

Nothing is stored: the same numbers give the same parts on every machine. Test holds two things that
training never shows: a kind of defect and a kind of light.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np

from common.pictures import picture_of
from common.usecase import Example, Source, Splits
from usecases.surface_defects.camera import MARGIN, photograph, stamped
from usecases.surface_defects.defects import SEEN, UNSEEN
from usecases.surface_defects.scoring import GOOD
from usecases.surface_defects.surfaces import MATERIALS

SIZE = 64
VIEWS = "ab"
SHARE_BAD = 0.45
SHARE_STAMPED = 0.6
SEED = 7


@dataclass(frozen=True)
class Section:
    """A stretch of the production: how many parts, under which light, with which defects."""

    split: str
    kind: str
    parts: int
    raking: bool = False
    unseen: bool = False


SECTIONS = (
    Section("train", "usual", 1000),
    Section("val", "usual", 200),
    Section("test", "usual", 320),
    Section("test", "unseen light", 100, raking=True),
    Section("test", "unseen defect", 100, unseen=True),
)


@cache
def generate(source: Source) -> Splits:
    """Every part of every section."""
    made: dict[str, list[Example]] = {"train": [], "val": [], "test": []}
    for place, section in enumerate(SECTIONS):
        for number in range(section.parts):
            made[section.split] += part(section, place, number)
    return Splits(*(tuple(made[name]) for name in ("train", "val", "test")), source=source)


def part(section: Section, place: int, number: int) -> list[Example]:
    """The pictures of one part."""
    random = np.random.default_rng([SEED, place, number])
    material = list(MATERIALS)[number % len(MATERIALS)]
    surface = MATERIALS[material](random, SIZE + 2 * MARGIN)
    if random.random() < SHARE_STAMPED:
        surface = stamped(random, surface)
    label, severity, mask = GOOD, 0, np.zeros(surface.shape, bool)
    if random.random() < SHARE_BAD:
        drawers = UNSEEN if section.unseen else SEEN
        label, severity = str(random.choice(list(drawers))), int(random.integers(1, 4))
        surface, mask = drawers[label](random, surface, severity)
    name = f"{section.split}-{section.kind.replace(' ', '-')}-{number:04d}"
    views = []
    for view in VIEWS:
        pixels, window = photograph(random, surface, section.raking)
        extra = {"mask": mask[window], "severity": severity, "material": material}
        views.append(Example(f"{name}-{view}", name, picture_of(pixels), label, section.kind, extra))
    return views
