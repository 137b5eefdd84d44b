"""Anomaly sets in the layout of MVTec AD: only good parts in train, defects with masks in test.

A model that learns from labelled defects needs some of them, so the pictures of test are dealt anew; masks
stay out of training and say where the defects of the new test are.
"""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np

from common.errors import GalleryError
from common.pictures import BadPicture, grey, read_pixels
from common.usecase import Example

MASKS = "ground_truth"


def refuse_several(folder: Path, tops: list[Path]) -> None:
    """A folder of several sets, each with its own train and test, is not one set."""
    sets = [top.name for top in tops if (top / "train").is_dir() and (top / "test").is_dir()]
    if sets:
        raise GalleryError(
            f"--data {folder} holds several sets: {', '.join(sets)}. Name one: --data {folder / sets[0]}."
        )


def without_defects_to_learn(given: Iterable[tuple[str, str]], good: str) -> bool:
    """Whether (split, label) pairs have a train split in which nothing is wrong, and defects elsewhere."""
    labels: dict[bool, set[str]] = {True: set(), False: set()}
    for split, label in given:
        labels[split in ("train", "")].add(label)
    return labels[True] == {good} and bool(labels[False] - {good})


def with_masks(
    examples: Iterable[Example], good: str, folder: Path
) -> tuple[tuple[Example, ...], dict[str, str]]:
    """Examples with the places of their defects, and why some have none; without masks as they are.

    One defect without a mask leaves out all, since places are scored over the whole test.
    """
    examples = tuple(examples)
    if not (folder / MASKS).is_dir():
        return examples, {}
    found, faults = [], {}
    for example in examples:
        shape = example.inputs.pixels().shape[:2]
        try:
            mask = np.zeros(shape, bool) if example.answer == good else mask_of(example.id, folder, shape)
            found.append(replace(example, extra={**example.extra, "mask": mask}))
        except BadPicture as error:
            faults[example.id] = str(error)
    return (examples if faults else tuple(found)), faults


def mask_of(name: str, folder: Path, shape: tuple[int, ...]) -> np.ndarray:
    """The mask of `test/CLASS/NAME.png`: `ground_truth/CLASS/NAME_mask.png`, or the same name."""
    picture = Path(name)
    beside = folder / MASKS / picture.parent.name
    paths = [path for stem in (f"{picture.stem}_mask", picture.stem) for path in beside.glob(f"{stem}.*")]
    if not paths:
        raise BadPicture(f"no mask {beside.relative_to(folder) / picture.stem}_mask.png")
    mask = grey(read_pixels(paths[0])[0]) > 0
    if mask.shape != shape:
        raise BadPicture(
            f"its mask has {mask.shape[1]} x {mask.shape[0]} pixels, itself {shape[1]} x {shape[0]}"
        )
    return mask
