"""Outputs to scores, scores to intervals and paired differences, differences to a verdict."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from common import cells
from common.errors import GalleryError
from common.job import Output
from common.metrics import Interval, mean_interval, statistic_interval
from common.usecase import Example, UseCase

ENOUGH = {"prompting": "prompting is enough", "retrieval": "retrieval is enough"}


@dataclass(frozen=True)
class Scored:
    """A contender's columns of per-example scores, one set per seed, all in test order."""

    name: str
    label: str
    kind: str
    columns: tuple[Mapping[str, np.ndarray], ...]
    tokens_in: float = 0.0
    tokens_out: float = 0.0
    seconds: float = 0.0


def score_columns(
    usecase: UseCase, examples: Sequence[Example], outputs: Sequence[Output]
) -> dict[str, np.ndarray]:
    """Per-example scores as columns; an example without a metric holds NaN there."""
    if [output.id for output in outputs] != [example.id for example in examples]:
        raise GalleryError(
            f"{usecase.name}: {len(outputs)} outputs do not match {len(examples)} examples in order. "
            "Delete the stage file in the run folder and run again."
        )
    rows = [usecase.score(e, o.value) for e, o in zip(examples, outputs, strict=True)]
    keys = dict.fromkeys(key for row in rows for key in row)
    return {key: np.array([row.get(key, np.nan) for row in rows], dtype=float) for key in keys}


def headline(usecase: UseCase, examples: Sequence[Example], outputs: Sequence[Output]) -> float:
    """The headline of some answers together."""
    return usecase.aggregate(score_columns(usecase, examples, outputs))[usecase.headline]


def summarise(usecase: UseCase, scored: Scored, groups: Sequence[str]) -> dict[str, Interval]:
    """Every reported metric of a contender with its interval."""
    if usecase.averages_examples():
        return {
            key: mean_interval(np.stack([columns[key] for columns in scored.columns]), groups)
            for key in scored.columns[0]
            if not key.startswith("_")
        }
    return {
        key: statistic_interval(
            lambda seed, rows, key=key: aggregate_at(usecase, scored, seed, rows)[key],
            len(scored.columns),
            groups,
        )
        for key in usecase.aggregate(scored.columns[0])
    }


def aggregate_at(usecase: UseCase, scored: Scored, seed: int, rows: np.ndarray) -> dict[str, float]:
    """The aggregate over some rows of one seed; a contender without seeds gives its only set."""
    columns = scored.columns[seed % len(scored.columns)]
    return usecase.aggregate({key: column[rows] for key, column in columns.items()})


def difference(
    usecase: UseCase, tuned: Scored, other: Scored, groups: Sequence[str], metric: str
) -> Interval:
    """Paired difference tuned minus other on one metric."""
    if usecase.averages_examples():
        left = np.stack([columns[metric] for columns in tuned.columns])
        right = np.stack([columns[metric] for columns in other.columns])
        if len(left) != len(right):
            right = right.mean(axis=0, keepdims=True)
        return mean_interval(left - right, groups)
    return statistic_interval(
        lambda seed, rows: (
            aggregate_at(usecase, tuned, seed, rows)[metric]
            - aggregate_at(usecase, other, seed, rows)[metric]
        ),
        len(tuned.columns),
        groups,
    )


@dataclass(frozen=True)
class Rival:
    """What the verdict needs to know of a contender that the tuned model must beat."""

    label: str
    kind: str
    mean: float
    difference: Interval


@dataclass(frozen=True)
class Verdict:
    """What a consultant would say, and the difference that decides it."""

    label: str
    reason: str


def verdict(
    headline: str,
    tuned_mean: float,
    rivals: Sequence[Rival],
    margin: float,
    forgetting: float,
    largest_forgetting: float,
) -> Verdict:
    """The rule, in one place. `margin` is the difference below which two results are the same.

    Rivals of kind `light` are tuned too, but cheaply; they are named in the reason and do not
    decide whether tuning pays.
    """
    untuned = [rival for rival in rivals if rival.kind != "light"]
    best = max(untuned, key=lambda rival: rival.mean)
    gap = best.difference
    said = f"{headline} {tuned_mean:.3f} against {best.mean:.3f} for {best.label}, {cells.gap(gap.as_dict())}"
    if forgetting > largest_forgetting:
        return Verdict(
            "do not use",
            f"{said}; but it loses {forgetting:.3f} on neutral material, above {largest_forgetting:.3f}.",
        )
    if gap.low > 0:
        return Verdict("fine-tune", said + light_note(rivals, margin))
    if gap.high < 0 and (best.kind == "floor" or worse_than_base(rivals)):
        return Verdict("do not use", f"{said}; tuning makes it worse.")
    if gap.high < margin:
        return Verdict(ENOUGH.get(best.kind, "do not use"), f"{said}; tuning adds nothing that counts.")
    return Verdict("not enough evidence", f"{said}; the interval holds zero and more than {margin}.")


def worse_than_base(rivals: Sequence[Rival]) -> bool:
    """Whether tuning is surely below a model that was only prompted."""
    return any(rival.kind == "prompting" and rival.difference.high < 0 for rival in rivals)


def light_note(rivals: Sequence[Rival], margin: float) -> str:
    """What to add when a cheaper way of tuning does as well; the same answers are the same way."""
    light = [r for r in rivals if r.kind == "light" and (r.difference.low or r.difference.high)]
    close = [r for r in light if r.difference.low < margin]
    if not close:
        return "."
    cheap = max(close, key=lambda rival: rival.mean)
    said = "is better still" if cheap.difference.high < 0 else "is within reach"
    return f"; {cheap.label} costs far less and {said} ({cells.gap(cheap.difference.as_dict())})."
