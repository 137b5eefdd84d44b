"""Hyper-parameters searched on val: what is tried, what is stopped early, what all of it costs."""

import json
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec
from typing import Any

from common import launch
from common.errors import GalleryError, TrainingFailed
from common.job import Job
from common.methods import learning_rate
from common.progress import say
from common.record import write_json

FACTOR = 8.0  # the rate is sought between the given one divided and multiplied by this
RANKS = (4, 8, 16, 32, 64)
WARMUPS = (0.0, 0.05, 0.1, 0.2)
FIRST_UNPRUNED = 3
RANKED = "lora dora rslora pissa adalora loha lokr vera bottleneck".split()

Fit = Callable[[Job], dict[str, Any]]


def refuse_missing(job: Job) -> None:
    """Says before the work what a search cannot do without."""
    if not find_spec("optuna"):
        raise GalleryError("--search needs a package: `pip install optuna`, or run without --search.")
    if launch.count() > 1:
        raise GalleryError("--search tries one setting after the other in one process; leave --launch out.")
    if not job.splits.val:
        raise GalleryError(f"--search chooses on val, and {job.usecase.name} has no val split.")
    if job.usecase.tuner not in ("sft", "classify", "embed") or job.config.method == "head":
        raise GalleryError(
            f"--search looks at val while training, and the {job.usecase.tuner} tuner with method "
            f"{job.config.method!r} does not. Run without --search."
        )


def searched(job: Job, fit: Fit) -> Job:
    """The job with the settings that did best on val, sought once for all seeds."""
    path = job.folder / "search.json"
    if not path.is_file():
        say(f"[bold]3 search[/bold] {job.config.search} trials, judged on val")
        write_json(path, best(replace(job, folder=job.folder / "search"), fit, learning_rate(job.config)))
    facts = json.loads(path.read_text(encoding="utf-8"))
    without = facts["val_without"]
    said = "nothing" if without is None else f"{without:.3f}"
    say(f"  val {said} without the search, {facts['val']:.3f} with {shown(facts['chosen'])}")
    job.shared["search"] = facts
    return replace(job, config=job.config.model_copy(update=facts["chosen"]))


def best(job: Job, fit: Fit, rate: float) -> dict[str, Any]:
    """The settings that did best on val, and what the search was; it goes on where it was stopped."""
    import optuna

    refuse_missing(job)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    job.folder.mkdir(parents=True, exist_ok=True)
    study = optuna.create_study(
        study_name="val",
        storage=f"sqlite:///{job.folder / 'search.db'}",
        load_if_exists=True,
        direction="maximize",
        sampler=optuna.samplers.TPESampler(seed=job.seed),
        pruner=optuna.pruners.MedianPruner(n_startup_trials=FIRST_UNPRUNED),
    )
    if not study.trials:
        study.enqueue_trial(own(job, rate))  # the search cannot do worse than no search
    ended = [trial for trial in study.trials if trial.state.is_finished()]
    study.optimize(
        lambda trial: tried(trial, job, fit, rate),
        n_trials=max(0, job.config.search - len(ended)),
        catch=(TrainingFailed,),
    )
    if not [trial for trial in study.trials if trial.state.name == "COMPLETE"]:
        raise TrainingFailed("diverged", "No trial of the search came to its end. Lower learning_rate.")
    return facts(study)


def own(job: Job, rate: float) -> dict[str, Any]:
    """The variant's settings in the words of the search, as near as its choices come."""
    config = job.config
    found = {
        "learning_rate": rate,
        "warmup_share": min(WARMUPS, key=lambda share: abs(share - config.warmup_share)),
        "rank": min(RANKS, key=lambda rank: abs(rank - config.rank)),
    }
    return {key: value for key, value in found.items() if key != "rank" or config.method in RANKED}


def drawn(trial: Any, job: Job, rate: float) -> dict[str, Any]:
    """The settings of a trial."""
    found = {
        "learning_rate": trial.suggest_float("learning_rate", rate / FACTOR, rate * FACTOR, log=True),
        "warmup_share": trial.suggest_categorical("warmup_share", WARMUPS),
    }
    if job.config.method in RANKED:
        found["rank"] = trial.suggest_categorical("rank", RANKS)
    return found


def tried(trial: Any, job: Job, fit: Fit, rate: float) -> float:
    """What val says of one trial's best epoch. The test split is not there to be looked at."""
    import optuna

    seen: list[float] = []

    def on_val(step: int, value: float) -> None:
        seen.append(value)
        trial.report(value, len(seen))
        if trial.should_prune():
            raise optuna.TrialPruned

    config = job.config.model_copy(update=drawn(trial, job, rate))
    folder = job.folder / f"trial-{trial.number}"
    shutil.rmtree(folder, ignore_errors=True)
    blind = replace(job.splits, test=(), probes={})
    started = time.perf_counter()
    try:
        fit(replace(job, config=config, folder=folder, splits=blind, shared={}, on_val=on_val))
    finally:
        trial.set_user_attr("seconds", time.perf_counter() - started)
        shutil.rmtree(folder, ignore_errors=True)
    say(f"  trial {trial.number}: val {max(seen):.3f} with {shown(trial.params)}")
    return max(seen)


def shown(settings: dict[str, Any]) -> str:
    return ", ".join(f"{key} {value:.3g}" for key, value in settings.items())


def facts(study: Any) -> dict[str, Any]:
    """What the whole search was and took, for the record."""
    ended = [trial for trial in study.trials if trial.state.is_finished()]
    return {
        "trials": len(ended),
        "pruned": sum(trial.state.name == "PRUNED" for trial in ended),
        "failed": sum(trial.state.name == "FAIL" for trial in ended),
        "seconds": round(sum(trial.user_attrs.get("seconds", 0.0) for trial in ended), 2),
        "val": study.best_value,
        "val_without": study.trials[0].value,
        "chosen": study.best_params,
    }
