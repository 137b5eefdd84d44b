"""A training that is tried until its rows fit into memory, and whose failures are said in words."""

from dataclasses import replace
from typing import Any

from common import contenders, launch
from common.errors import TrainingFailed
from common.job import Job
from common.progress import say


def fit(job: Job) -> dict[str, Any]:
    """What the tuner gives, with as many rows at once as fit; a step has `batch_size` rows all the same."""
    while (facts := fitted(job)) is None:
        job = replace(job, pieces=more_pieces(job))
    return facts


def more_pieces(job: Job) -> int:
    """The next number of equal parts of a step, twice as many or a few more; 0 when rows go one by one."""
    rows = job.config.batch_size
    return next((parts for parts in range(2 * job.pieces, rows + 1) if rows % parts == 0), 0)


def fitted(job: Job) -> dict[str, Any] | None:
    """What the tuner gives; nothing when its rows do not fit at once and half of them still may."""
    try:
        facts = contenders.tuner_of(job.usecase).fit(job)
    except (MemoryError, RuntimeError) as error:
        if "memory" not in f"{type(error).__name__} {error}".lower():
            raise
        rows = job.config.batch_size // job.pieces
        if (parts := more_pieces(job)) and launch.count() == 1:
            say(f"  out of memory with {rows} rows at once; a step takes its rows in {parts} parts")
            return None
        raise TrainingFailed(
            "out of memory",
            f"Out of memory in seed {job.seed} with {rows // launch.count()} row(s) at once: {error}. "
            "Shorten the rows, lower batch_size, or take a smaller model.",
        ) from error
    if facts["diverged"]:
        raise TrainingFailed(
            "diverged",
            f"The loss is no number any more (seed {job.seed}, method {job.config.method}). "
            "Lower learning_rate in the variant and run again.",
        )
    return facts
