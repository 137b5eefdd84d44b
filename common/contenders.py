"""Who stands in the table: the use case's floor, what the tuner compares with, and the tuned model."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from importlib import import_module
from types import ModuleType

from common import cores, large, vllm
from common.errors import GalleryError
from common.job import Contender, Job, Output
from common.usecase import Answerer, Example, Splits, UseCase

TUNERS = ("embed", "classify", "preference", "sft", "vision", "vlm")


def tuner_of(usecase: UseCase) -> ModuleType:
    """The tuner module that a use case names."""
    if usecase.tuner not in TUNERS:
        raise GalleryError(f"{usecase.name} names tuner {usecase.tuner!r}; these exist: {', '.join(TUNERS)}.")
    return import_module(f"common.tuners.{usecase.tuner}")


def untuned(usecase: UseCase) -> list[Contender]:
    """Every contender that is answered before tuning, the floor first."""
    floors = [("floor", usecase.floor_label, usecase.floor), *usecase.further_floors()]
    found = [
        Contender(name, label, "floor", partial(answer_floor, answers)) for name, label, answers in floors
    ]
    return [*found, *tuner_of(usecase).contenders()]


def answer_floor(
    answers: Callable[[Splits], Answerer], job: Job, examples: tuple[Example, ...]
) -> list[Output]:
    """The use case's answers without a model."""
    values = answers(large.known(job.splits))(examples)
    if len(values) != len(examples):
        raise GalleryError(f"The floor of {job.usecase.name} gave {len(values)} answers to {len(examples)}.")
    return [Output(example.id, value) for example, value in zip(examples, values, strict=True)]


def timed(
    answer: Callable[[Job, tuple[Example, ...]], list[Output]],
    job: Job,
    examples: tuple[Example, ...],
) -> list[Output]:
    """Outputs with the seconds that each took on average, where the tuner did not say."""
    started = (vllm if job.config.vllm else cores).worked_seconds()
    outputs = answer(job, examples)
    each = ((vllm if job.config.vllm else cores).worked_seconds() - started) / max(len(outputs), 1)
    return [output if output.seconds else replace(output, seconds=each) for output in outputs]
