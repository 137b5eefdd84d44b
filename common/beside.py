"""Two parts of a run at once on a small machine: one in a process of its own on one core, one on the rest.

On two cores that does more than both on one part after the other: small products gain little from a second
core, and work in Python nothing. With many cores a part on one of them would be what the others wait for.
"""

import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

from common import cores, launch, progress
from common.errors import TrainingFailed

SECONDS_BETWEEN_LOOKS = 1.0
MOST_CORES = 3
LESS_URGENT = 10  # what the first process does takes longer, at times with processes of its own


def possible() -> bool:
    """Whether two parts gain by it, and this process can be doubled at no cost, as on Linux."""
    import torch

    alone = launch.count() == 1 and not torch.cuda.is_available()
    return sys.platform == "linux" and alone and 1 < torch.get_num_threads() <= MOST_CORES


@contextmanager
def beside(work: Callable[[], Any], words: Path) -> Iterator[None]:
    """Does `work` while the body runs, and says at the end what it had to say.

    What it leaves undone the caller must find undone, and do: the other process may have been killed.
    """
    import torch

    words.touch()
    threads = torch.get_num_threads()
    helper = multiprocessing.get_context("fork").Process(target=helped, args=(work, words))
    helper.start()
    torch.set_num_threads(threads - 1)
    try:
        yield
    except BaseException as error:
        if not isinstance(error, TrainingFailed):
            helper.kill()
        raise
    finally:
        helper.join()
        torch.set_num_threads(threads)
        if said := words.read_text(encoding="utf-8").rstrip():
            progress.console.print(said, markup=False, soft_wrap=True)
        words.unlink()


def helped(work: Callable[[], Any], words: Path) -> None:
    """The other process: silent, gone when the first one is, and on one core.

    On several cores it would wait for ever for the OpenMP threads of the process that it is a copy of.
    """
    import torch
    from threadpoolctl import threadpool_limits

    cores.leave_stopping()
    os.nice(LESS_URGENT)
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:1])
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    torch.set_num_threads(1)
    Thread(target=end_with, args=(os.getppid(),), daemon=True).start()
    with words.open("w", encoding="utf-8") as file, threadpool_limits(1):
        progress.console.file = sys.stderr = file
        work()


def end_with(parent: int) -> None:
    """Ends this process when its parent is gone."""
    while os.getppid() == parent:
        time.sleep(SECONDS_BETWEEN_LOOKS)
    os._exit(1)
