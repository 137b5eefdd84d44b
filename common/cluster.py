"""Rows of the benchmark spread over a Ray cluster: one task a row, in a process of its own.

Machines of a cluster see the same checkout on a shared disk. A task that raises or whose process dies
is an outcome like any other: it becomes a row, and the rest goes on.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec

from common.bench import Outcome, Task, in_process
from common.errors import GalleryError

HERE = "127.0.0.1"


def outcomes(
    tasks: Sequence[Task], runner: Callable[[Task], tuple[int, str]] = in_process
) -> Iterator[Outcome]:
    """Every task's code and last words, as they end; on the cluster of RAY_ADDRESS, or on this machine."""
    if find_spec("ray") is None:
        raise GalleryError("--ray needs Ray, which is not installed: pip install -e '.[ray]'")
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    import ray

    alone = {} if "RAY_ADDRESS" in os.environ else {"include_dashboard": False, "_node_ip_address": HERE}
    ray.init(log_to_driver=False, logging_level="error", **alone)
    try:
        graphics = 1 if ray.cluster_resources().get("GPU") else 0
        start = ray.remote(num_cpus=1, num_gpus=graphics, max_retries=0)(runner)
        waiting = {start.remote(task): task for task in tasks}
        while waiting:
            ended, _ = ray.wait(list(waiting), num_returns=1)
            task = waiting.pop(ended[0])
            try:
                yield (task, *ray.get(ended[0]))
            except ray.exceptions.RayError as error:
                yield task, 1, str(error)
    finally:
        ray.shutdown()
