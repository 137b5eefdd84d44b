"""Work on several processor cores: each piece on one of them, the pieces side by side.

Several cores on one small product gain little over one core; a product on each of them gains far more.
"""

import gc
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from typing import Any, TypeVar

from common import launch

Item = TypeVar("Item")
Result = TypeVar("Result")
MOST_AT_ONCE = 4  # each piece holds its own activations


def available() -> int:
    """Cores that this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def on_gpu() -> bool:
    """Whether there is a GPU that torch would use."""
    import torch

    return torch.cuda.is_available()


def worked_seconds() -> float:
    """A clock for what work costs: processor time on a CPU, which no neighbour makes longer."""
    import torch

    return time.perf_counter() if torch.cuda.is_available() else time.process_time() * launch.count()


def in_processes(work: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[Result]:
    """The result of each item in the order of the items, for work in Python: one process has one core."""
    if (workers := min(available(), len(items), MOST_AT_ONCE)) < 2:
        yield from map(work, items)
        return
    with ProcessPoolExecutor(workers, initializer=settle_in) as pool:
        yield from pool.map(work, items)


def settle_in() -> None:
    """One core to a process, which would wait for ever for the OpenMP threads of the one it is a copy of.

    What it begins with stays to its end, so no collection of garbage has to walk over it.
    """
    leave_stopping()
    gc.freeze()
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)


def leave_stopping() -> None:
    """Ctrl-C reaches every process of a terminal: the first one stops the others, which say nothing."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def side_by_side(device: Any, items: Sequence[Item], work: Callable[[Item], Result]) -> Iterator[Result]:
    """The result of each item in the order of the items; a GPU takes them one after the other."""
    import torch

    threads = torch.get_num_threads()
    workers = min(threads, len(items), MOST_AT_ONCE)
    if device.type != "cpu" or workers < 2:
        yield from map(work, items)
        return
    share = threads // workers
    with ThreadPoolExecutor(workers, initializer=lambda: torch.set_num_threads(share)) as pool:
        try:
            yield from pool.map(work, items)
        finally:
            torch.set_num_threads(threads)  # what a thread sets is what later threads begin with
