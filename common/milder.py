"""Gives back as much of a training as val cannot tell from noise: what was known is lost for a reason only.

Weights on the way from where training began to where it ended forget less; what they have learnt by then is
asked of val, a tenth of the way back at a time.
"""

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from common.answering import greedy_answers
from common.errors import GalleryError
from common.evaluate import score_columns
from common.job import Job
from common.progress import say
from common.trainer import trained

SHARES = tuple(number / 10 for number in range(9, 4, -1))


def snapshot(model: Any) -> dict[str, Any]:
    """The weights that training changes, as they are now."""
    return {name: part.detach().clone() for name, part in trained(model)}


def settle(model: Any, before: dict[str, Any], scores: Callable[[], np.ndarray]) -> dict[str, float]:
    """Leaves the smallest share of the change that val does not tell from the whole; says what that took.

    `scores` are the headline of each val example with the weights as they are.
    """
    started, after = time.perf_counter(), snapshot(model)
    whole, kept = scores(), 1.0
    for share in SHARES:
        put(model, before, after, share)
        if is_worse(scores(), whole):
            break
        kept = share
    put(model, before, after, kept)
    say(f"  share of the change that is kept, chosen on val: {kept:g}")
    return {"share_kept": kept, "share_seconds": round(time.perf_counter() - started, 2)}


def val_scores(model: Any, tokenizer: Any, job: Job) -> np.ndarray:
    """The headline of the greedy answer to each val example."""
    examples = job.splits.val
    columns = score_columns(job.usecase, examples, greedy_answers(job, model, tokenizer, examples))
    if job.usecase.headline not in columns:
        raise GalleryError(
            f"milder compares examples one by one, and {job.usecase.headline} of {job.usecase.name} is of "
            "many together. Set milder = false."
        )
    return columns[job.usecase.headline]


def put(model: Any, before: dict[str, Any], after: dict[str, Any], share: float) -> None:
    """Weights a share of the way from before to after."""
    for name, part in trained(model):
        part.data.copy_(before[name].lerp(after[name], share) if share < 1 else after[name])


def is_worse(found: np.ndarray, whole: np.ndarray) -> bool:
    """Whether the paired difference is below zero by more than its standard error."""
    gap = found - whole
    return gap.mean() < -gap.std() / len(gap) ** 0.5
