"""`gallery plan`: what a run would take, from a probe of a few steps: weights, memory, tokens, time."""

import math
import os
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from common import models, record
from common.config import RunConfig
from common.contenders import tuner_of
from common.errors import GalleryError
from common.job import Job
from common.summary import PLAN_FILE, planned
from common.usecase import Splits, UseCase

PROBE_STEPS = 20
GIGA = 1e9
MEMORY = re.compile(r"(\d+(?:\.\d+)?)\s*(?:gb|gib|g)", re.IGNORECASE)
SPARE = 0.9  # share of the memory that may be planned; the rest is for fragments and the system
# Bytes per weight: kept in fp32 on a CPU and in bf16 on a GPU; trained ones also have a gradient and two
# running means. PEFT keeps what it adds in fp32 on both.
CPU_BYTES = {"weights": 4, "gradients": 4, "optimiser": 8}
GPU_BYTES = {"weights": 2, "gradients": 2, "optimiser": 4}
GPU_PEFT_BYTES = {"weights": 2, "gradients": 4, "optimiser": 8}
PACKED_BYTES = 0.52  # 4 bits a weight, and the scales of each block


@dataclass(frozen=True)
class Plan:
    """What a run is expected to take. `seconds` is None where this machine cannot tell."""

    trainable: int
    total: int
    rows: int
    steps: int
    tokens: int
    seconds: float | None
    memory: Mapping[str, float]
    limit: float

    @property
    def fits(self) -> bool:
        return sum(self.memory.values()) <= SPARE * self.limit


def keep(plan: Plan, config: RunConfig, folder: Path) -> None:
    """Leaves the forecast where the run will be, so that its record can say how far off it was."""
    if plan.seconds is None:
        return
    told = {"seconds": round(plan.seconds, 2), "peak_memory_bytes": round(sum(plan.memory.values()))}
    folder.mkdir(parents=True, exist_ok=True)
    record.write_json(folder / PLAN_FILE, {**told, "run": planned(config)})


def memory_limit(device: str) -> float:
    """Bytes of `cpu` (this machine's) or of a size such as 24GB."""
    if device == "cpu":
        return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    found = MEMORY.fullmatch(device.strip())
    if not found:
        raise GalleryError(f"--gpu {device!r} is no size: give cpu, or gigabytes such as 24GB.")
    return float(found.group(1)) * GIGA


def make(usecase: UseCase, config: RunConfig, device: str) -> Plan:
    """The plan of a run, from a probe on this machine."""
    limit = memory_limit(device)
    usecase = usecase.configured(config.task)
    splits = usecase.load(config.data)
    facts = probe(usecase, config, splits)
    share = len(splits.train) / max(facts["examples_given"], 1)
    steps = math.ceil(facts.get("steps", 0) * share * config.epochs)
    return Plan(
        trainable=facts["trainable_parameters"],
        total=facts["total_parameters"],
        rows=round(facts["examples"] * share),
        steps=steps,
        tokens=round(facts.get("tokens", 0) * share * config.epochs),
        seconds=facts["seconds"] * share * config.epochs if device == "cpu" else None,
        memory=memory(facts, device),
        limit=limit,
    )


def probe(usecase: UseCase, config: RunConfig, splits: Splits) -> dict[str, Any]:
    """What a few steps of the same training take; nothing of it is kept."""
    few = splits.train[: PROBE_STEPS * config.batch_size]
    settings = config.model_copy(update={"epochs": 1})
    base = models.resolve(config.model, config.revision, usecase.tuner)
    with tempfile.TemporaryDirectory() as folder:
        small = replace(splits, train=few, val=splits.val[:8])
        facts = tuner_of(usecase).fit(Job(usecase, small, settings, base, 0, Path(folder)))
    return {**facts, "examples_given": len(few)}


def memory(facts: Mapping[str, Any], device: str) -> dict[str, float]:
    """Bytes by part. What a CPU probe needed beyond weights is taken over for a GPU, where it is less."""
    trained, total = facts["trainable_parameters"], facts["total_parameters"]
    packed = facts.get("packed_parameters", 0)
    here = parts(CPU_BYTES, trained, total, packed)
    rest = max(0.0, facts["peak_memory_bytes"] - sum(here.values()))
    if device == "cpu":
        return {**here, "activations and libraries": rest}
    sizes = GPU_BYTES if trained == total else GPU_PEFT_BYTES
    return {**parts(sizes, trained, total, packed), "activations and libraries, at most": rest}


def parts(sizes: Mapping[str, int], trained: int, total: int, packed: int) -> dict[str, float]:
    return {
        "weights": sizes["weights"] * float(total - packed) + PACKED_BYTES * packed,
        "gradients": float(sizes["gradients"] * trained),
        "optimiser": float(sizes["optimiser"] * trained),
    }


def advice(plan: Plan, config: RunConfig) -> list[str]:
    """What to change, the cheapest first, when the plan does not fit."""
    if plan.fits:
        return []
    found = []
    if config.tuner == "sft" and not config.checkpointing:
        found.append("checkpointing = true: values are computed again going back, with the same result")
    found.append(f"batch_size = {max(1, config.batch_size // 4)} instead of {config.batch_size}")
    if plan.trainable == plan.total:
        found.append('method = "lora": gradients and optimiser then hold the added weights only')
    if config.method == "lora" and config.tuner == "sft":
        found.append('method = "qlora": the base is held in 4 bits')
    return [*found, "a smaller --model"]


def lines(plan: Plan, config: RunConfig, device: str) -> list[str]:
    """The plan for people."""
    time = (
        f"{plan.seconds:.0f} s for one seed"
        if plan.seconds is not None
        else f"only a probe on the {device} can tell"
    )
    said = [
        f"trained   {plan.trainable:,} of {plan.total:,} weights ({config.method})",
        f"work      {plan.rows:,} rows, {plan.steps:,} steps, {plan.tokens:,} tokens",
        f"training  {time}",
        *(f"memory    {size / GIGA:6.2f} GB {part}" for part, size in plan.memory.items()),
    ]
    whole = sum(plan.memory.values()) / GIGA
    verdict = "fits" if plan.fits else "does NOT fit"
    said.append(
        f"{verdict}: {whole:.2f} GB of {plan.limit / GIGA:.0f} GB, of which {SPARE:.0%} may be planned"
    )
    return [*said, *(f"change    {change}" for change in advice(plan, config))]
