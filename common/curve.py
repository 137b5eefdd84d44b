"""How the headline grows with training data: a power law with its interval, checked on what it did not see.

score(n) = ceiling - b * n^-c. The interval comes from drawing every point anew from the spread between
seeds. The check predicts the full-size point from the smaller ones and looks whether it lies inside.
Seeds share one subset per size, so the luck of the subset is not in the interval.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from common import cells
from common.methods_table import sought
from common.metrics import BOOTSTRAP_SEED, Interval
from common.results import Entry

POWERS = np.geomspace(0.05, 2.0, 40)
DRAWS = 1000
FEWEST_SIZES = 4


@dataclass(frozen=True)
class Point:
    """One size: training examples, and the headline of every seed."""

    examples: int
    by_seed: tuple[float, ...]

    @property
    def mean(self) -> float:
        return float(np.mean(self.by_seed))


def fitted(sizes: np.ndarray, scores: np.ndarray, at: float) -> np.ndarray:
    """The power law's value at a size, for each row of scores: least squares over a grid of powers."""
    highest = 1.0 if 0 <= scores.min() and scores.max() <= 1 else np.inf
    best = np.full(len(scores), np.inf)
    value = np.zeros(len(scores))
    for power in POWERS:
        x = (sizes / sizes.max()) ** -power
        centred = x - x.mean()
        slope = np.minimum((scores - scores.mean(axis=1, keepdims=True)) @ centred / (centred @ centred), 0.0)
        ceiling = scores.mean(axis=1) - slope * x.mean()
        capped = ceiling > highest
        slope = np.where(capped, np.minimum((scores - 1.0) @ x / (x @ x), 0.0), slope)
        ceiling = np.where(capped, 1.0, ceiling)
        wrong = ((scores - ceiling[:, None] - slope[:, None] * x) ** 2).sum(axis=1)
        here = ceiling + slope * (at / sizes.max()) ** -power
        value = np.where(wrong < best, here, value)
        best = np.minimum(wrong, best)
    return value


def predict(points: Sequence[Point], at: float, seeds: int) -> Interval:
    """What the mean of so many seeds would be at a size, with its 95 % interval."""
    sizes = np.array([point.examples for point in points], dtype=float)
    means = np.array([point.mean for point in points])
    random = np.random.default_rng(BOOTSTRAP_SEED)
    spread = seed_spread(points, random)
    each = spread[:, None] / np.sqrt([len(point.by_seed) for point in points])
    drawn = means + each * random.standard_normal((DRAWS, len(points)))
    values = fitted(sizes, drawn, at) + spread / np.sqrt(seeds) * random.standard_normal(DRAWS)
    low, high = np.quantile(values, [0.025, 0.975])
    middle = float(fitted(sizes, means[None], at)[0])
    return Interval(middle, float(min(low, middle)), float(max(high, middle)))


def seed_spread(points: Sequence[Point], random: np.random.Generator) -> np.ndarray:
    """Draws of the standard deviation between seeds, wider when few seeds say what it is."""
    free = sum(len(point.by_seed) - 1 for point in points)
    if not free:
        return np.zeros(DRAWS)
    squares = sum(np.var(point.by_seed) * len(point.by_seed) for point in points)
    return np.sqrt(squares / random.chisquare(free, DRAWS))


def curves(found: Sequence[Entry]) -> list[list[Entry]]:
    """Rows that differ only in their share of the training data, smallest first."""
    together: dict[tuple[str, ...], list[Entry]] = defaultdict(list)  # a row with a sought rate is another
    for entry in found:
        if entry.tuned and (entry.whole or not sought(entry)):
            row = entry.row
            rate = str(row.training.get("learning_rate"))
            same = (*entry.base, row.data.get("test_ids_hash", ""), rate)
            together[row.usecase, row.variant, row.method, *same].append(entry)
    return [
        sorted(group, key=lambda entry: entry.row.data["counts"]["train"])
        for _, group in sorted(together.items())
        if len(group) >= FEWEST_SIZES and any(not entry.whole for entry in group)
    ]


def points_of(group: Sequence[Entry]) -> list[Point]:
    """The sizes of a curve."""
    return [Point(e.row.data["counts"]["train"], tuple(e.row.contenders["tuned"]["by_seed"])) for e in group]


def section(group: Sequence[Entry]) -> str:
    """The table of a curve, its check, and what twice the data would give."""
    row, points = group[-1].row, points_of(group)
    rows = [
        [f"{entry.share:.4g}", point.examples, cells.score(entry.score()), len(point.by_seed)]
        for entry, point in zip(group, points, strict=True)
    ]
    table = cells.table(["share", "training examples", row.headline, "seeds"], rows)
    told = twice(points)
    if not group[-1].whole:
        said = "The run on all data is missing."
    elif told is None:
        said = "What twice the data would give is left open."
    else:
        gained = told.mean - points[-1].mean
        said = f"Twice the data would give {cells.score(told.as_dict())}, {gained:+.3f} to what there is."
    return f"#### {row.usecase}, variant `{row.variant}` ({row.method})\n\n{table}\n\n{check(points)} {said}"


def twice(points: Sequence[Point]) -> Interval | None:
    """What twice the data would give; nothing where the smaller sizes foretold the largest wrongly."""
    size, seeds = 2 * points[-1].examples, len(points[-1].by_seed)
    return predict(points, size, seeds) if inside(points) else None


def inside(points: Sequence[Point]) -> bool:
    """Whether the smaller sizes foretold the largest."""
    told = predict(points[:-1], points[-1].examples, len(points[-1].by_seed))
    return told.low <= points[-1].mean <= told.high


def check(points: Sequence[Point]) -> str:
    """What the smaller sizes foretold of the largest, and what it is."""
    told, seen = predict(points[:-1], points[-1].examples, len(points[-1].by_seed)), points[-1].mean
    return f"Foretold from the smaller sizes: {cells.score(told.as_dict())}; measured: {seen:.3f}, " + (
        "inside the interval." if inside(points) else "**outside the interval: do not trust this curve.**"
    )


def summary(found: Sequence[Entry]) -> str:
    """One line per curve: what more data is worth, and whether that can be believed."""
    head = ["use case", "row", "training examples", "the full size was foretold", "twice the data"]
    rows = []
    for group in curves(found):
        points, last = points_of(group), group[-1]
        row = last.row
        told = twice(points)
        word = "left open"
        if told is not None:
            word = "surely better" if told.low > points[-1].mean else "may give nothing"
        rows.append(
            [
                row.usecase,
                f"{row.variant} ({row.method})",
                f"{points[0].examples} to {points[-1].examples}",
                "yes" if inside(points) else "**no: do not trust this curve**",
                word if last.whole else "the run on all data is missing",
            ]
        )
    return cells.table(head, rows) if rows else "No data-size curve has been run yet."


def page(found: Sequence[Entry]) -> str:
    """Every curve there is."""
    return "\n\n".join(map(section, curves(found))) or "No data-size curve has been run yet."
