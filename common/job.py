"""What passes between the run and the tuners: a job, the outputs it gives, and the contenders."""

from collections.abc import Callable
from dataclasses import dataclass, field
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
    shared: dict[str, Any] = field(default_factory=dict)

    @property
    def adapter(self) -> Path:
        """Where the tuned weights of this job's seed are."""
        return self.folder / "adapter"


@dataclass(frozen=True)
class Contender:
    """A way to answer test examples without tuning the base, or with very little of it.

    `kind` is floor, prompting, retrieval or light.
    """

    name: str
    label: str
    kind: str
    answer: Callable[[Job, tuple[Example, ...]], list[Output]]
