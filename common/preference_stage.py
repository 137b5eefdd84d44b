"""The supervised stages of preference tuning: the model it starts from, and the plain rival, on disk."""

import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from common import answering, cores, lessons, methods, rehearsal, trainer, trl_adapter
from common.data import by_hash, share_of
from common.job import Job
from common.models import local_base
from common.progress import say
from common.record import write_json
from common.usecase import Example

START_FILE = "start.json"
VAL_FILE = "val.json"


def start_folder(job: Job) -> Path:
    """Where the supervised model of a seed is; contenders and seeds of a run share the place."""
    root = job.folder.parent if job.folder.name == f"seed-{job.seed}" else job.folder
    return root / f"start-{job.seed}"


def started(job: Job) -> Job:
    """The job with the supervised model as its base, trained first where it is not on disk."""
    folder = start_folder(job)
    if not (folder / START_FILE).is_file():
        say("  supervised stage: the model that preferences start from")
        rows = [row for e in job.splits.train for row in job.usecase.start_rows(e, job.splits)]
        supervised(job, rows, job.config.start_epochs, job.config.start_rate, folder)
    return based(job, folder, "supervised")


def based(job: Job, folder: Path, label: str) -> Job:
    """The job with a saved model as its base."""
    base = local_base(f"{job.base.id}, {label}", folder, job.base.licence)
    config = job.config.model_copy(update={"model": str(folder)})
    return replace(job, base=base, config=config, shared=job.shared.setdefault(str(folder), {}))


def supervised(job: Job, rows: Sequence[dict[str, Any]], epochs: int, rate: float, folder: Path) -> None:
    """Trains the job's base on prompts and completions and saves the whole model."""
    config = job.config
    changes = {"method": config.start_method, "epochs": epochs, "learning_rate": rate}
    work = replace(job, config=config.model_copy(update=changes), folder=folder)
    arguments = trainer.arguments(work, len(rows))
    model, tokenizer = answering.start(work)
    kept = lessons.encoded(work, tokenizer, rows)
    held = rehearsal.prepared(work, model, tokenizer)
    model = methods.apply(model, work.config, "preference", "CAUSAL_LM")
    if cores.on_gpu():
        model = methods.learn_whole(model, work.config)
    watch = trainer.Watch()
    engine = trl_adapter.sft_trainer(model, tokenizer, kept, arguments, [watch], held)
    seconds = trainer.train(engine, watch, work, len(kept))
    whole = model.merge_and_unload() if hasattr(model, "merge_and_unload") else model
    whole.save_pretrained(str(folder))
    tokenizer.save_pretrained(str(folder))
    shutil.rmtree(trainer.checkpoints(work), ignore_errors=True)
    write_json(
        folder / START_FILE, {"seconds": seconds, "examples": len(kept), "steps": engine.state.global_step}
    )


def trained_on_chosen(job: Job) -> Job:
    """The job of the plain rival, trained first where it is not on disk.

    It learns at the rate of its start and at that of the preferences; val says which is the rival.
    """
    rates = dict.fromkeys((job.config.start_rate, methods.learning_rate(job.config)))
    folders = {rate: start_folder(job).with_name(f"chosen-{job.seed}-{rate:g}") for rate in rates}
    missing = {rate: folder for rate, folder in folders.items() if not (folder / VAL_FILE).is_file()}
    pairs = pair_rows(job, taught(job)) if missing else []
    rows = [{"prompt": row["prompt"], "completion": row["chosen"]} for row in pairs]
    for rate, folder in missing.items():
        learn_chosen(job, rows, rate, folder)
    return based(job, max(folders.values(), key=val_of), "supervised on chosen")


def learn_chosen(job: Job, rows: Sequence[dict[str, Any]], rate: float, folder: Path) -> None:
    """Trains the start on with the chosen answers at a rate, and writes down what val says of it."""
    supervised(started(job), rows, job.config.epochs, rate, folder)
    rival = replace(based(job, folder, "supervised on chosen"), shared={})
    val = answering.val_score(*answering.load(rival, None), rival) if job.splits.val else 0.0
    say(f"  supervised on chosen at {rate:g}: {job.usecase.headline} of val {val:.3f}")
    write_json(folder / VAL_FILE, {"val": val})


def val_of(folder: Path) -> float:
    return json.loads((folder / VAL_FILE).read_text(encoding="utf-8"))["val"]


def for_judge(job: Job, example: Example) -> bool:
    """Whether an example's group is kept for the model that judges; it trains nothing else."""
    return share_of(f"judge {example.group}") < job.config.judge_share


def taught(job: Job) -> list[Example]:
    """The training examples whose preferences are learnt; of many the last by hash, which a start from the
    first by hash has not seen."""
    found = [e for e in job.splits.train if not for_judge(job, e)]
    return by_hash(found)[-job.config.preferences :] if job.config.preferences else found


def pair_rows(job: Job, examples: Sequence[Example]) -> list[dict[str, Any]]:
    """Preference rows with the example that each comes from."""
    job.usecase.ready(examples)
    return [{**row, "example": e} for e in examples for row in job.usecase.train_rows(e, job.splits)]
