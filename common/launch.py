"""Several processes on one run: accelerate starts them, one writes, answers are dealt and gathered."""

import logging
import os
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from common.errors import EXIT_BAD_INPUT, GalleryError

Item = TypeVar("Item")
Result = TypeVar("Result")


def count() -> int:
    """How many processes work on this run."""
    return int(os.environ.get("WORLD_SIZE", "1")) if "RANK" in os.environ else 1


def place() -> int:
    return int(os.environ["RANK"]) if count() > 1 else 0


def first() -> bool:
    """Whether this process is the one that writes."""
    return place() == 0


def join() -> None:
    """Connects the processes of a run."""
    if count() > 1:
        import torch
        from accelerate import PartialState

        PartialState(cpu=not torch.cuda.is_available())


def sharded() -> bool:
    """Whether each process holds a part of the weights, so that all must ask the model the same."""
    names = ("ACCELERATE_USE_FSDP", "ACCELERATE_USE_DEEPSPEED")
    return count() > 1 and any(os.environ.get(name, "").lower() == "true" for name in names)


def wait() -> None:
    """Until every process has come here; what one of them wrote before can be read after."""
    if count() > 1:
        gathered(None)


def gathered(value: Any) -> list[Any]:
    """The values of all processes, in their order."""
    from torch import distributed

    found = [None] * count()
    distributed.all_gather_object(found, value)
    return found


def agreed(value: Any) -> Any:
    """What the first process says: clocks and file systems differ, and all must go the same way."""
    return gathered(value)[0] if count() > 1 else value


def once(write: Callable[[], Any]) -> None:
    """One process writes, the others wait until it is done."""
    if first():
        write()
    wait()


def dealt(items: Sequence[Item], work: Callable[[Sequence[Item]], Sequence[Result]]) -> list[Result]:
    """Results in the order of the items. Each process does every n-th item, none twice, none left out."""
    if count() == 1:
        return list(work(items))
    mine = items[place() :: count()]
    found: list[Any] = [None] * len(items)
    for number, part in enumerate(gathered(list(work(mine)) if mine else [])):
        found[number :: count()] = part
    return found


def start(processes: int, arguments: Sequence[str], program: Sequence[str] = ("-m", "common.cli")) -> None:
    """Runs a program in several processes of this machine, and says so when one of them dies."""
    from accelerate.commands.launch import launch_command, launch_command_parser
    from torch.distributed.elastic.multiprocessing.api import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError

    logging.getLogger("torch.distributed.elastic").setLevel(logging.CRITICAL)
    options = ["--multi_gpu", "--num_processes", str(processes), "--num_machines", "1"]
    options += ["--mixed_precision", "no", "--dynamo_backend", "no", "--main_process_port", "0"]
    try:
        launch_command(launch_command_parser().parse_args([*options, *program, *arguments]))
    except SignalException as error:
        raise KeyboardInterrupt from error
    except ChildFailedError as error:
        rank, failure = error.get_first_failure()
        if failure.exitcode == EXIT_BAD_INPUT:
            raise SystemExit(EXIT_BAD_INPUT) from error  # it has said what is wrong
        how = f"by {failure.signal_name()}" if failure.exitcode < 0 else f"with code {failure.exitcode}"
        raise GalleryError(
            f"Process {rank} of {processes} ended {how}, so all were stopped. What is done is kept: the same "
            "command continues from the last checkpoint, with as many processes as you give it."
        ) from error
