"""`gallery plan`: what a run would take, from a probe of a few steps: weights, memory, tokens, time.

It chooses itself what leaves the result as it is: parts of a step, checkpointing, on a GPU compiled steps.
"""

import copy
import gc
import math
import os
import random
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from common import attempts, cores, models, progress, record
from common.config import READERS, SUPERVISED, TEXT, RunConfig
from common.errors import GalleryError, TrainingFailed
from common.job import Job
from common.methods import OWN_WEIGHTS
from common.rows import Rows
from common.summary import PLAN_FILE, planned
from common.usecase import Splits, UseCase

PROBE_STEPS = 20
GIGA = 1e9
MEMORY = re.compile(r"(\d+(?:\.\d+)?)\s*(?:gb|gib|g)", re.IGNORECASE)
SPARE = 0.9  # share of the memory that may be planned; the rest is for fragments and the system
# Bytes per weight, all in fp32 or with a base in bf16; trained ones have a gradient and two running means.
WHOLE_BYTES = {"weights": 4, "gradients": 4, "optimiser": 8}
HALF_BYTES = {**WHOLE_BYTES, "weights": 2}
PACKED_BYTES = 0.52  # 4 bits a weight, and the scales of each block
HALVES = (*TEXT, "vlm")  # tuners that hold weights in bf16 on a GPU


@dataclass(frozen=True)
class Sample:
    """A use case and its data with few training rows, how many, and how many there are in all."""

    usecase: UseCase
    splits: Splits
    rows: int
    whole: int


@dataclass(frozen=True)
class Plan:
    """What a run with these settings is expected to take. `seconds` is None where this machine cannot tell.

    `memory` is that of a step whose rows are worked on at once; `parts` is into how many they are dealt.
    """

    config: RunConfig
    trainable: int
    total: int
    rows: int
    steps: int
    tokens: int
    seconds: float | None
    memory: Mapping[str, float]
    limit: float
    parts: int = 1

    @property
    def needed(self) -> float:
        """Bytes at the peak; parts of a step share out what its rows need, which is named last."""
        *held, rows = self.memory.values()
        return sum(held) + rows / self.parts

    @property
    def fits(self) -> bool:
        return self.needed <= SPARE * self.limit

    def in_parts(self) -> "Plan":
        """With the fewest parts that fit, as a run finds them itself; with the most where none do."""
        rows = self.config.batch_size
        dealt = [replace(self, parts=parts) for parts in range(1, rows + 1) if rows % parts == 0]
        return next((plan for plan in dealt if plan.fits), dealt[-1])


def keep(plan: Plan, folder: Path) -> None:
    """Leaves the forecast where the run will be, so that its record can say how far off it was."""
    if plan.seconds is None:
        return
    told = {"seconds": round(plan.seconds, 2), "peak_memory_bytes": round(plan.needed)}
    folder.mkdir(parents=True, exist_ok=True)
    record.write_json(folder / PLAN_FILE, {**told, "run": planned(plan.config)})


def memory_limit(gpu: str) -> float:
    """Bytes of a size such as 24GB; where none is given, of this machine's GPU, or of its memory."""
    if not gpu and cores.on_gpu():
        import torch

        return float(torch.cuda.get_device_properties(0).total_memory)
    if not gpu:
        return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    found = MEMORY.fullmatch(gpu.strip())
    if not found:
        raise GalleryError(f"--gpu {gpu!r} is no size: give gigabytes such as 24GB, or leave it out.")
    return float(found.group(1)) * GIGA


def make(usecase: UseCase, config: RunConfig, gpu: str) -> Plan:
    """The plan of a run, from probes on this machine, with what does not change its result chosen."""
    limit = memory_limit(gpu)
    usecase = usecase.configured(config.task)
    few = sampled(usecase, config, usecase.load(config.data))

    def tried(**settings: bool) -> Plan | None:
        wanted = config.model_copy(update=settings)
        try:
            return foretold(few, wanted, gpu, limit).in_parts()
        except TrainingFailed as error:
            if error.status != "out of memory":
                raise
            return None

    plan, supervised = tried(), config.tuner in SUPERVISED
    if not (plan and plan.fits) and supervised and not config.checkpointing:
        both = [plan, tried(checkpointing=True)]
        plan = min(filter(None, both), key=lambda one: one.needed, default=None)
    if plan is None:
        raise GalleryError(
            "Not one row of a step fits into the memory of this machine. Change: " + "; ".join(advice(config))
        )
    if cores.on_gpu() and supervised and not config.compiled:
        quicker = tried(checkpointing=plan.config.checkpointing, compiled=True)
        plan = quicker if quicker and quicker.fits and quicker.seconds < plan.seconds else plan
    return plan


def foretold(few: Sample, config: RunConfig, gpu: str, limit: float) -> Plan:
    """What a run with these settings would take."""
    facts = probe(few, config)
    times = config.epochs * few.whole / max(few.rows, 1)
    tells = not gpu or cores.on_gpu()
    return Plan(
        config=config,
        trainable=facts["trainable_parameters"],
        total=facts["total_parameters"],
        rows=round(facts["examples"] * times / config.epochs),
        steps=math.ceil(facts.get("steps", 0) * times),
        tokens=round(facts.get("tokens", 0) * times),
        seconds=seconds_of(facts, times) if tells else None,
        memory=memory(facts, config, gpu=bool(gpu) or cores.on_gpu()),
        limit=limit,
    )


def seconds_of(facts: Mapping[str, Any], times: float) -> float:
    """The first step, which may compile or load, and then as many more as there are, at the probe's pace."""
    if facts["first_step_seconds"] is None:
        return facts["seconds"] * times
    first = facts["first_step_seconds"]
    pace = (facts["seconds"] - first) / max(facts["steps"] - 1, 1)
    return first + pace * (facts["steps"] * times - 1)


def probe(few: Sample, config: RunConfig) -> dict[str, Any]:
    """What a few steps of the same training take; nothing of it is kept."""
    settings = config.model_copy(update={"epochs": 1})
    base = models.resolve(config.model, config.revision, few.usecase.tuner)
    forget_peak()
    progress.latest.pop("training", None)
    with tempfile.TemporaryDirectory() as folder:
        facts = attempts.fit(Job(few.usecase, few.splits, settings, base, 0, Path(folder)))
    steps = progress.latest.get("training")
    return {**facts, "first_step_seconds": steps and steps.first_seconds}


def sampled(usecase: UseCase, config: RunConfig, splits: Splits) -> Sample:
    """A few rows, drawn evenly. Several examples may be one row of a text model, so there rows are drawn."""
    wanted, draw = PROBE_STEPS * config.batch_size, random.Random(0).sample
    splits = replace(splits, val=splits.val[:8])
    if config.tuner in SUPERVISED and not isinstance(splits.train, Rows):
        rows = usecase.training_set(splits)
        few = draw(rows, min(wanted, len(rows)))
        usecase = copy.copy(usecase)
        usecase.training_set = lambda _: few
        return Sample(usecase, splits, len(few), len(rows))
    whole = len(splits.train)
    drawn = tuple(splits.train[place] for place in draw(range(whole), min(wanted, whole)))
    return Sample(usecase, replace(splits, train=drawn), len(drawn), whole)


def forget_peak() -> None:
    """Linux counts the most memory of this process anew, so that one probe is not measured by another."""
    gc.collect()
    if (counter := Path("/proc/self/clear_refs")).exists():
        counter.write_text("5")


def memory(facts: Mapping[str, Any], config: RunConfig, gpu: bool) -> dict[str, float]:
    """Bytes by part, the rows of a step last. What a CPU probe needed beyond weights is taken over for a GPU,
    where it is less."""
    trained, total = facts["trainable_parameters"], facts["total_parameters"]
    packed = facts.get("packed_parameters", 0)
    probed, asked = (
        parts(bytes_each(config, there), trained, total, packed) for there in (cores.on_gpu(), gpu)
    )
    rest = max(0.0, facts["peak_memory_bytes"] - sum(probed.values()))
    dealt = config.batch_size // facts.get("rows_at_once", config.batch_size)
    bound = "" if gpu == cores.on_gpu() else ", at most"
    return {**asked, f"activations and libraries{bound}": rest * dealt}


def bytes_each(config: RunConfig, gpu: bool) -> Mapping[str, int]:
    """What a weight takes on a GPU or a CPU; a base that learns itself is held in fp32 on both."""
    return HALF_BYTES if gpu and config.tuner in HALVES and config.method not in OWN_WEIGHTS else WHOLE_BYTES


def parts(sizes: Mapping[str, int], trained: int, total: int, packed: int) -> dict[str, float]:
    return {
        "weights": sizes["weights"] * float(total - packed) + PACKED_BYTES * packed,
        "gradients": float(sizes["gradients"] * trained),
        "optimiser": float(sizes["optimiser"] * trained),
    }


def advice(config: RunConfig) -> list[str]:
    """What to change, the cheapest first, when nothing that keeps the result makes a plan fit."""
    found = []
    if config.tuner in READERS:
        found.append(f"train_length_tokens = {config.train_length_tokens // 2}: half as long rows")
    if config.method == "full":
        found.append('method = "lora": gradients and optimiser then hold the added weights only')
    if config.method == "lora" and config.tuner == "sft":
        found.append('method = "qlora": the base is held in 4 bits')
    return [*found, "a smaller --model"]


def chosen(plan: Plan, given: RunConfig) -> list[str]:
    """What the plan takes that was not asked for, with the reason."""
    said = []
    if plan.parts > 1:
        said.append(f"a step in {plan.parts} parts: its rows do not fit at once; a run does so by itself")
    if plan.config.checkpointing and not given.checkpointing:
        said.append("--checkpointing: inner values are computed again going back")
    if plan.config.compiled and not given.compiled:
        said.append("--compiled: what compiling takes is won back by the steps of this run")
    return said


def lines(plan: Plan, given: RunConfig) -> list[str]:
    """The plan for people."""
    time = (
        f"{plan.seconds:.0f} s for one seed"
        if plan.seconds is not None
        else "only a probe on that GPU can tell"
    )
    said = [
        f"trained   {plan.trainable:,} of {plan.total:,} weights ({plan.config.method})",
        f"work      {plan.rows:,} rows, {plan.steps:,} steps, {plan.tokens:,} tokens",
        f"training  {time}",
        *(f"memory    {size / GIGA:6.2f} GB {part}" for part, size in plan.memory.items()),
        *(f"chosen    {choice}" for choice in chosen(plan, given)),
    ]
    verdict = "fits" if plan.fits else "does NOT fit"
    said.append(
        f"{verdict}: {plan.needed / GIGA:.2f} GB of {plan.limit / GIGA:.0f} GB, "
        f"of which {SPARE:.0%} may be planned"
    )
    changes = [] if plan.fits else advice(plan.config)
    return [*said, *(f"change    {change}" for change in changes)]
