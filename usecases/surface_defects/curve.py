"""How the ways of tuning compare when only a few parts are labelled."""

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from common.usecase import Example, Splits, Table, UseCase
from usecases.surface_defects.scoring import auroc

SIZES = (50, 200, 1000)
# Rates and passes suit the small embedded base; larger ones make no curve.
# Small sets are passed over more often, so that all get a fair number of steps.
RATES = {"neighbours": None, "head": None, "lora": 3e-3, "full": 3e-3, "scratch": 3e-3}
PICTURES_SEEN = {50: 4_000, 200: 8_000, 1000: 20_000}
LARGEST_TRAIN = 3000


def nested(splits: Splits, parts: int) -> list[Example]:
    """The pictures of some parts; a larger number holds the smaller one."""
    groups = sorted(
        {example.group for example in splits.train}, key=lambda g: hashlib.sha256(g.encode()).digest()
    )
    chosen = set(groups[:parts])
    return [example for example in splits.train if example.group in chosen]


def curve_table(usecase: UseCase, splits: Splits, models: Mapping[str, Any]) -> Table:
    """AUROC on test by the number of labelled parts, a row for each way of tuning."""
    parts = len({example.group for example in splits.train})
    sizes = [size for size in SIZES if size <= parts and len(nested(splits, size)) <= LARGEST_TRAIN]
    sizes = (sizes[:1] if models["smoke"] else sizes) if models["embedded"] else []
    bad = np.array([float(example.answer != usecase.good) for example in splits.test])
    rows = []
    for method, rate in RATES.items():
        row = [method]
        for size in sizes:
            examples = nested(splits, size)
            if len({example.answer == usecase.good for example in examples}) < 2:
                row.append("")
                continue
            seen = PICTURES_SEEN[size] // (20 if models["smoke"] else 1)
            answers = models["trained_on"](examples, method, max(1, seen // len(examples)), rate)
            score = np.array([1 - answer["scores"].get(usecase.good, 0.0) for answer in answers])
            row.append(f"{auroc(bad, score):.3f}")
        rows.append(tuple(row))
    seen = ", ".join(f"{PICTURES_SEEN[size]:,} for {size} parts" for size in sizes)
    note = (
        "Test AUROC, one seed, the same nested parts, one rate for all. Neighbours and head use the untuned "
        f"base's features; the others see each picture again and again: {seen} in all."
    )
    columns = ("way of tuning", *(f"{size} parts" for size in sizes))
    return Table("How many labelled parts it takes", columns, tuple(rows) if sizes else (), note)
