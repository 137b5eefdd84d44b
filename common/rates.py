"""The learning rate alone, sought on val over a small grid: the same search for every compared method.

Each rate is a whole training of seed 0, judged by the use case's own headline on val. The training with the
chosen rate is kept as that of seed 0. A search that was stopped goes on at the next rate.
"""

import json
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from common import contenders, launch
from common.errors import GalleryError, TrainingFailed
from common.evaluate import headline
from common.job import Job
from common.methods import learning_rate
from common.progress import say
from common.record import write_json

FACTOR = 3.0
DONE = "rate.json"  # lies in the folder of a rate that was tried to its end

Fit = Callable[[Job], dict[str, Any]]


def grid(rate: float, count: int) -> list[float]:
    """So many rates a factor apart: the given one, and those below and above it in turn."""
    steps = [(number + 1) // 2 * (-1) ** number for number in range(count)]
    return [float(f"{rate * FACTOR**step:.3g}") for step in steps]


def searched(job: Job, fit: Fit) -> Job:
    """The job with the rate that did best on val; what was tried stands in the record of its training."""
    refuse_vain(job)
    say(f"[bold]3 search[/bold] {job.config.rates} learning rates, judged on val")
    every = [tried(job, fit, rate) for rate in grid(learning_rate(job.config), job.config.rates)]
    ended = [one for one in every if one["val"] is not None]
    if not ended:
        raise TrainingFailed("diverged", "No rate of the search came to its end. Lower learning_rate.")
    best = max(ended, key=lambda one: one["val"])  # of equal ones the first, which is nearest to the given
    job.shared["search"] = {
        "trials": len(every),
        "failed": len(every) - len(ended),
        "seconds": round(sum(one["seconds"] for one in every), 2),
        "val": best["val"],
        "chosen": {"learning_rate": best["rate"]},
        "tried": {f"{one['rate']:g}": one["val"] for one in every},
        "at_the_edge": len(every) > 1 and best["rate"] in (min(rates_of(every)), max(rates_of(every))),
    }
    keep_best(job, best)
    return replace(job, config=job.config.model_copy(update={"learning_rate": best["rate"]}))


def rates_of(every: list[dict[str, Any]]) -> list[float]:
    return [one["rate"] for one in every]


def refuse_vain(job: Job) -> None:
    """Says before the work why there is nothing to seek."""
    if job.config.search:
        raise GalleryError("--rates and --search both seek the learning rate; give one of them.")
    if launch.count() > 1:
        raise GalleryError("--rates tries one rate after the other in one process; leave --launch out.")
    if job.config.method == "head":
        raise GalleryError("Method 'head' has no learning rate to seek; leave --rates out.")
    if not job.splits.val:
        raise GalleryError(f"--rates chooses on val, and {job.usecase.name} has no val split.")


def tried(job: Job, fit: Fit, rate: float) -> dict[str, Any]:
    """What val says of one rate. The test split is not there to be looked at."""
    folder = place_of(job, rate)
    if not (folder / DONE).is_file():
        config = job.config.model_copy(update={"learning_rate": rate})
        blind = replace(job.splits, test=(), probes={})
        trial = replace(job, config=config, folder=folder, splits=blind, shared=dict(job.shared))
        started = time.perf_counter()
        val, facts = judged(trial, fit)
        seconds = round(time.perf_counter() - started, 2)
        write_json(folder / DONE, {"rate": rate, "val": val, "seconds": seconds, "facts": facts})
    found = json.loads((folder / DONE).read_text(encoding="utf-8"))
    say(f"  rate {rate:g}: val {'diverged' if found['val'] is None else format(found['val'], '.3f')}")
    return found


def place_of(job: Job, rate: float) -> Path:
    return job.folder / "search" / f"rate-{rate:g}"


def judged(trial: Job, fit: Fit) -> tuple[float | None, dict[str, Any]]:
    """The headline on val of a whole training, and what that took; nothing when it diverged."""
    try:
        facts = fit(trial)
    except TrainingFailed:
        return None, {}
    outputs = contenders.tuner_of(trial.usecase).predict(trial, trial.splits.val)
    return headline(trial.usecase, trial.splits.val, outputs), facts


def keep_best(job: Job, best: dict[str, Any]) -> None:
    """Makes the training with the chosen rate that of seed 0, and lets go of the weights of the others."""
    kept = job.folder / "seed-0"
    if not (kept / "training.json").is_file():
        shutil.rmtree(kept, ignore_errors=True)
        shutil.copytree(place_of(job, best["rate"]), kept)
        shutil.rmtree(kept / "checkpoints", ignore_errors=True)
        write_json(kept / "training.json", {**best["facts"], "search": job.shared["search"]})
    for folder in (job.folder / "search").glob("rate-*"):
        for part in folder.iterdir():
            if part.is_dir():
                shutil.rmtree(part)
