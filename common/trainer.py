"""What every tuner that runs a transformers Trainer shares: arguments, progress, resume, facts."""

import json
import os
import resource
import shutil
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from accelerate.utils.memory import clear_device_cache
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from transformers import PrinterCallback, TrainerCallback, set_seed

from common import cores, launch, track, vllm
from common.errors import GalleryError
from common.job import Job
from common.methods import learning_rate
from common.progress import Task, task
from common.record import write_jsonl

SECONDS_BETWEEN_CHECKPOINTS = 60.0
LARGEST_SHARE_SAVING = 0.02
LOGS_PER_RUN = 40


def arguments(job: Job, rows: int) -> dict[str, Any]:
    """Trainer arguments that hold on a laptop: fp32, no hub, no reporting, no progress bar of its own."""
    import torch

    on_gpu = torch.cuda.is_available()
    set_seed(job.seed)
    if job.config.vllm:
        vllm.stop()  # training needs the memory
    if cores.on_gpu():
        torch.cuda.reset_peak_memory_stats()
    if job.pieces > 1:
        clear_device_cache(garbage_collection=True)  # what did not fit is still held
    return {
        "output_dir": str(checkpoints(job)),
        "num_train_epochs": job.config.epochs,
        "per_device_train_batch_size": rows_at_once(job),
        "gradient_accumulation_steps": job.pieces,
        "learning_rate": learning_rate(job.config),
        "warmup_steps": job.config.warmup_share,
        "weight_decay": job.config.weight_decay,
        "seed": job.seed,
        "data_seed": job.seed,
        "use_cpu": not on_gpu,
        "ddp_find_unused_parameters": job.usecase.tuner != "sft",  # encoders may have a pooler that rests
        "bf16": on_gpu,
        "fp16": False,
        "logging_nan_inf_filter": False,
        "save_strategy": "no",  # Checkpoints decides
        "save_total_limit": 2,
        **track.arguments(job),
        "disable_tqdm": True,
        "dataloader_pin_memory": on_gpu,
        "dataloader_num_workers": 0,
        **schedule(job, rows),
    }


def rows_at_once(job: Job) -> int:
    """Rows that one process works on at once; all of them in all pieces are one step of `batch_size`."""
    parts = launch.count() * job.pieces
    if job.config.batch_size % parts:
        raise GalleryError(
            f"batch_size = {job.config.batch_size} cannot be dealt evenly to {launch.count()} processes in "
            f"{job.pieces} piece(s). Take a number of processes that divides it, or change batch_size."
        )
    return job.config.batch_size // parts


def schedule(job: Job, rows: int) -> dict[str, int]:
    """How often a run logs."""
    return {"logging_steps": max(1, total_steps(job, rows) // LOGS_PER_RUN)}


def total_steps(job: Job, rows: int) -> int:
    """Optimiser steps of the whole run."""
    return -(-rows // job.config.batch_size) * job.config.epochs


def checkpoints(job: Job) -> Path:
    """Where an interrupted training continues from."""
    return job.folder / "checkpoints"


def last_complete_checkpoint(job: Job) -> str | None:
    """The newest checkpoint that was written to its end; half-written ones are removed."""
    complete = []
    for folder in checkpoints(job).glob("checkpoint-*"):
        try:
            state = json.loads((folder / "trainer_state.json").read_text(encoding="utf-8"))
            complete.append((state["global_step"], str(folder)))
        except (OSError, ValueError, KeyError):
            shutil.rmtree(folder, ignore_errors=True)
    return launch.agreed(max(complete)[1] if complete else None)


def train(engine: Any, watch: "Watch", job: Job, rows: int) -> float:
    """Trains from the last complete checkpoint, or from the start; gives the seconds it took."""
    engine.remove_callback(PrinterCallback)
    for callback in engine.callback_handler.callbacks:
        if isinstance(callback, KeepBest):
            callback.log = engine.log
    engine.add_callback(Checkpoints())
    engine.add_callback(Allocate())
    with task("training", total_steps(job, rows), "steps") as work:
        watch.task = work
        started, worked = time.perf_counter(), time.process_time()
        engine.train(resume_from_checkpoint=last_complete_checkpoint(job))
        watch.processor_seconds = time.process_time() - worked
        return time.perf_counter() - started


class Checkpoints(TrainerCallback):
    """Saves by the clock, so that a kill costs about a minute and saving never costs much time."""

    def __init__(self) -> None:
        self.last = time.monotonic()
        self.interval = SECONDS_BETWEEN_CHECKPOINTS

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if launch.count() > 1 and state.global_step % args.logging_steps:
            return  # clocks differ, and to agree at every step would cost time
        due = time.monotonic() - self.last >= self.interval and state.global_step < state.max_steps
        if launch.agreed(due):
            self.last, control.should_save = time.monotonic(), True

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        seconds = time.monotonic() - self.last
        self.interval = max(SECONDS_BETWEEN_CHECKPOINTS, seconds / LARGEST_SHARE_SAVING)
        self.last = time.monotonic()


class Allocate(TrainerCallback):
    """Tells AdaLoRA the length of the run, and lets it prune after each step."""

    def on_train_begin(self, args: Any, state: Any, control: Any, model: Any = None, **_: Any) -> None:
        if hasattr(model, "base_model") and hasattr(model.base_model, "rankallocator"):
            settings = model.base_model.rankallocator.peft_config
            settings.tinit, settings.tfinal = state.max_steps // 10, state.max_steps // 3
            settings.total_step = state.max_steps

    def on_optimizer_step(self, args: Any, state: Any, control: Any, model: Any = None, **_: Any) -> None:
        if hasattr(model, "base_model") and hasattr(model.base_model, "update_and_allocate"):
            model.base_model.update_and_allocate(state.global_step)


class Watch(TrainerCallback):
    """Shows steps as they happen and stops a training whose loss is no number any more."""

    def __init__(self) -> None:
        self.task: Task | None = None
        self.shown, self.diverged, self.note = 0, False, ""
        self.processor_seconds = 0.0

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self.task.advance(state.global_step - self.shown, self.note)
        self.shown = state.global_step

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
        loss = (logs or {}).get("loss")
        if loss is not None:
            self.note = f"loss {loss:.3f}"
            if loss != loss:
                self.diverged = control.should_training_stop = True


class KeepBest(TrainerCallback):
    """Chooses the best epoch on val, never on test. Its weights are on disk, so a kill loses nothing."""

    def __init__(self, measure: Callable[[], float], job: Job) -> None:
        self.measure, self.path = measure, checkpoints(job) / "best.safetensors"
        self.on_val, several = job.on_val, job.config.epochs > 1 or job.on_val is not None
        self.wanted = several and bool(job.splits.val) and not launch.sharded()
        self.history: list[dict[str, float]] = []
        self.log: Callable[[dict[str, float]], None] = lambda _: None  # the trainer's, once there is one
        self.best = float("-inf")
        if self.path.is_file():
            with safe_open(self.path, "pt") as file:
                self.history = json.loads(file.metadata()["history"])
            self.best = max(row["val"] for row in self.history)

    def on_step_end(self, args: Any, state: Any, control: Any, model: Any = None, **_: Any) -> None:
        # Measured before the step's checkpoint is written, so a resumed run has measured it too.
        if state.global_step % max(1, round(state.max_steps / args.num_train_epochs)) == 0:
            asked = control.should_log
            self.measured(state.global_step, model)
            control.should_log = asked  # to log val must not use up the turn of the loss

    def on_train_end(self, args: Any, state: Any, control: Any, model: Any = None, **_: Any) -> None:
        self.measured(state.global_step, model)

    def measured(self, step: int, model: Any) -> None:
        """Measures once a step; better weights replace those on disk in one move."""
        if step in [row["step"] for row in self.history]:
            return
        value = self.measure()
        self.history.append({"step": step, "val": value})
        self.log({"val": value})
        if self.on_val:
            self.on_val(step, value)
        if value > self.best:
            self.best = value
            launch.once(lambda: self.keep(model))

    def keep(self, model: Any) -> None:
        """Writes weights and history in one move."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        part = self.path.with_suffix(".part")
        weights = {name: p.detach().contiguous() for name, p in trained(model)}
        save_file(weights, part, metadata={"history": json.dumps(self.history)})
        os.replace(part, self.path)

    def restore(self, model: Any) -> None:
        """Puts the best weights back."""
        if self.path.is_file():
            best = load_file(self.path)
            for name, parameter in trained(model):
                parameter.data.copy_(best[name])


def whole_weights(engine: Any) -> dict[str, Any] | None:
    """The weights of a model that lies in shards over the processes, which all of them must gather."""
    return engine.accelerator.get_state_dict(engine.model) if engine.is_fsdp_enabled else None


def trained(model: Any) -> Iterable[tuple[str, Any]]:
    """The parameters that training changes."""
    return ((name, p) for name, p in model.named_parameters() if p.requires_grad)


def facts(
    model: Any, trainer: Any, watch: Watch, seconds: float, tokens: int, rows: int, job: Job
) -> dict[str, Any]:
    """What a training cost, for the record; call it once the adapter is written."""
    changed = sum(p.numel() for _, p in trained(model))
    # Two weights of 4 bits count as one number of 8.
    packed = 2 * sum(p.numel() for p in model.parameters() if type(p).__name__ == "Params4bit")
    return {
        "rows_at_once": rows_at_once(job),
        "processes": launch.count(),
        "trainable_parameters": changed,
        "total_parameters": sum(p.numel() for p in model.parameters()) + packed // 2,
        "packed_parameters": packed,
        "learning_rate": learning_rate(job.config),
        "tokens": tokens,
        "examples": rows,
        "steps": trainer.state.global_step,
        "seconds": round(seconds, 2),
        "processor_seconds": round(watch.processor_seconds, 2),
        "tokens_per_second": round(tokens / max(seconds, 1e-9), 1),
        "peak_memory_bytes": peak_memory_bytes(),
        "adapter_bytes": folder_bytes(job.adapter),
        "diverged": watch.diverged,
    }


def head_facts(job: Job, trained: int, total: int, started: float) -> dict[str, Any]:
    """The same of a head that was fitted without a Trainer, `started` at a time of `perf_counter`."""
    return {
        "trainable_parameters": trained,
        "total_parameters": total + trained,
        "examples": len(job.splits.train),
        "seconds": round(time.perf_counter() - started, 2),
        "peak_memory_bytes": peak_memory_bytes(),
        "adapter_bytes": folder_bytes(job.adapter),
        "diverged": False,
    }


def peak_memory_bytes() -> int:
    """The most memory this process has held so far; on a GPU the most that this training has held there."""
    if cores.on_gpu():
        import torch

        return torch.cuda.max_memory_allocated()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def log_of(trainer: Any, job: Job, choices: list[dict[str, float]]) -> None:
    """Writes the loss curve and what val said."""
    losses = [row for row in trainer.state.log_history if "loss" in row]
    write_jsonl(job.folder / "train.jsonl", [*losses, *choices])


def folder_bytes(folder: Path) -> int:
    """Size of everything in a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
