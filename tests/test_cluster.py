"""Rows spread over a local Ray: what ends well, raises or is killed comes back and becomes a row."""

import importlib.util
import os
from functools import partial
from pathlib import Path

import pytest

from common import bench, cluster, results
from common.errors import GalleryError
from tests.test_bench import due, finishes, place, plan

__all__ = ["place"]


def work(task: bench.Task) -> tuple[int, str]:
    """What a process of the cluster does: one row raises, one takes its process down, the others are done."""
    if task.variant == "offline":
        raise ValueError("out of luck")
    if "--killed" in task.name:
        os._exit(9)
    return 0, f"done in process {os.getpid()}"


@pytest.mark.timeout(200)
def test_rows_are_spread_and_failures_become_rows(place: Path) -> None:
    tasks = [task for task in plan(place) if task.why]
    for task in tasks:
        finishes(task)
    engine = partial(cluster.outcomes, runner=work)
    assert bench.carry_out(tasks, engine, place / "benchmarks") == ["toy--offline"]
    rows = {entry.name: entry.row for entry in results.entries(place / "benchmarks")}
    assert rows["toy--offline"].status == "failed" and "out of luck" in rows["toy--offline"].reason
    assert rows["toy--offline-full"].status == "ok" and due(place) == {}
    full = tasks[1]
    killed = bench.Task(full.usecase, full.variant, full.given, full.name + "--killed", full.why)
    found = {task.name: (code, said) for task, code, said in cluster.outcomes([full, killed], work)}
    assert found[full.name][0] == 0 and str(os.getpid()) not in found[full.name][1]
    assert found[killed.name][0] == 1 and "died" in found[killed.name][1]


def test_without_ray_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "find_spec", lambda name: None)
    assert importlib.util.find_spec("ray"), "the tests need it"
    with pytest.raises(GalleryError, match=r"pip install -e '.\[ray\]'"):
        list(cluster.outcomes([]))
