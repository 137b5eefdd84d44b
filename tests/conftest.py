"""Every test runs offline: an attempt to reach another machine is a failure."""

import gc
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from common.models import keep_quiet
from tests import toy_text

ROOT = Path(__file__).resolve().parents[1]
GUARD = ROOT / "tests" / "network_guard"
HERE = {"127.0.0.1", "::1", "localhost"}

# Files that take minutes are dealt out first, so that no worker waits at the end for another that has one.
LONGEST = "test_notebook test_tuning test_contract test_launch test_run test_vllm test_preference".split()

keep_quiet(online=False)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts the longest files first; all else stays in its order."""
    rank = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: rank.get(item.path.stem, len(rank)))


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tiny text model."""
    return toy_text.save_model(tmp_path_factory.mktemp("tiny"))


@pytest.fixture
def two_threads() -> Iterator[None]:
    """Two threads of torch, for work that is dealt to cores."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module", autouse=True)
def settled() -> None:
    """Leaves what is loaded out of later collections: each training asks for one, over all objects."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuses connections to anything but this machine, also in the processes that tests start."""
    real = socket.socket.connect

    def connect(self: socket.socket, address: Any) -> None:
        if self.family != socket.AF_UNIX and address[0] not in HERE:
            pytest.fail(f"an offline run tried to reach {address}")
        real(self, address)

    monkeypatch.setattr(socket.socket, "connect", connect)
    inherited = [part for part in [os.environ.get("PYTHONPATH")] if part]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(GUARD), *inherited]))
