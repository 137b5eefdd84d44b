"""Opens accelerate's FSDP to processes on CPUs, which torch can shard and accelerate does not offer."""

from typing import Any

from accelerate import PartialState
from accelerate.utils import DistributedType


def allow() -> None:
    """Gives the processes a kind for which accelerate shards; they stay on CPUs and talk through gloo."""
    real = PartialState.__init__

    def start(self: PartialState, *given: Any, **more: Any) -> None:
        real(self, *given, **more)
        if self.distributed_type == DistributedType.MULTI_CPU:
            self.distributed_type = DistributedType.MULTI_GPU

    PartialState.__init__ = start
