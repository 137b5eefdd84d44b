"""What passes between the run and the tuners: a job, the outputs it gives, and the contenders."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from common.config import RunConfig
from common.models import Base
from common.usecase import Example, Splits, UseCase


@dataclass(frozen=True)
class Output:
    """What a contender answered to one example, and what that took."""

    id: str
    value: Any
    tokens_in: int = 0
    tokens_out: int = 0
    seconds: float = 0.0


@dataclass(frozen=True)
class Job:
    """One piece of training or answering. `shared` keeps what several contenders can use."""

    usecase: UseCase
    splits: Splits
    config: RunConfig
    base: Base
    seed: int
    folder: Path
    pieces: int = 1  # a step's rows are worked on in so many parts, since they do not fit at once
    on_val: Callable[[int, float], None] | None = None  # is told what each look at val says
    shared: dict[str, Any] = field(default_factory=dict)

    @property
    def adapter(self) -> Path:
        """Where the tuned weights of this job's seed are."""
        return self.folder / "adapter"

    @cached_property
    def labels(self) -> list[str]:
        """Every label of the training split, in a fixed order."""
        return sorted({str(example.answer) for example in self.splits.train})

    def kept(self, key: str, make: Callable[[], Any]) -> Any:
        """What `make` gives, made once for all who share it."""
        if key not in self.shared:
            self.shared[key] = make()
        return self.shared[key]


@dataclass(frozen=True)
class Contender:
    """A way to answer test examples without tuning the base, or with very little of it.

    `kind` is floor, prompting, retrieval or light.
    """

    name: str
    label: str
    kind: str
    answer: Callable[[Job, tuple[Example, ...]], list[Output]]
