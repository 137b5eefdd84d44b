"""Baselines beside the first training: the same results, and nothing lost when one of the two dies."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from common import beside, config, record, run, usecase
from common.errors import TrainingFailed
from tests import toy

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="a process is doubled on Linux only")

ORPHANED = """
import os, sys, time
from pathlib import Path
import torch
from common.beside import beside
torch.set_num_threads(2)
def work():
    print(os.getpid(), flush=True)
    time.sleep(60)
with beside(work, Path(sys.argv[1])):
    time.sleep(60)
"""


def ran(folder: Path, out: Path, **given: object) -> record.RunRecord:
    found = usecase.load_class(folder / "usecase.py")()
    return run.execute(found, config.build(found, "offline", given), out)


def test_a_run_beside_its_baselines_has_the_results_of_one_after_the_other(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = toy.write(tmp_path, variant='method = "lora"\nepochs = 4\nbatch_size = 2\n')
    apart = ran(folder, tmp_path / "one", threads=1)
    assert "beside the training" not in capsys.readouterr().out
    together = ran(folder, tmp_path / "two", threads=2)
    shown = capsys.readouterr().out
    assert "2 baselines in a process of its own, beside the training" in shown
    assert shown.index("3 tune") < shown.index(": accuracy") < shown.index("4 evaluate")
    assert set(together.contenders) == set(apart.contenders)
    for name, row in apart.contenders.items():
        assert row["scores"] == together.contenders[name]["scores"], name
    assert not (tmp_path / "two" / "baselines.txt").exists()


def test_a_process_that_has_used_its_cores_can_still_be_doubled(tmp_path: Path, two_threads: None) -> None:
    large = torch.ones(1500, 1500)
    assert float((large @ large)[0, 0]) == 1500

    def work() -> None:
        (tmp_path / "sum").write_text(str(float((large @ large)[0, 0])))

    with beside.beside(work, tmp_path / "words"):
        pass
    assert (tmp_path / "sum").read_text() == "1500.0"


@pytest.mark.parametrize(("threads", "gains"), [(1, False), (2, True), (3, True), (4, False)])
def test_it_is_for_small_machines(threads: int, gains: bool, two_threads: None) -> None:
    torch.set_num_threads(threads)
    assert beside.possible() == (gains and not torch.cuda.is_available())


def test_what_a_killed_process_left_undone_is_left_to_the_caller(tmp_path: Path, two_threads: None) -> None:
    with beside.beside(lambda: os.kill(os.getpid(), signal.SIGKILL), tmp_path / "words"):
        done = "the body"
    assert done == "the body" and not list(tmp_path.iterdir())


def test_what_failed_there_is_left_to_the_caller_without_a_word(
    tmp_path: Path, two_threads: None, capfd: pytest.CaptureFixture[str]
) -> None:
    def work() -> None:
        raise ValueError("no such thing")

    with beside.beside(work, tmp_path / "words"):
        pass
    assert capfd.readouterr() == ("", "") and not list(tmp_path.iterdir())


def test_it_says_what_the_other_process_said(
    tmp_path: Path, two_threads: None, capsys: pytest.CaptureFixture[str]
) -> None:
    def work() -> None:
        beside.progress.say(f"{beside.cores.available()} core, {os.environ['TOKENIZERS_PARALLELISM']}")

    with beside.beside(work, tmp_path / "words"):
        time.sleep(0.5)
        assert not capsys.readouterr().out
    assert capsys.readouterr().out == "1 core, false\n"


def test_a_failed_training_waits_for_the_baselines_and_ctrl_c_does_not(
    tmp_path: Path, two_threads: None
) -> None:
    def work() -> None:
        time.sleep(1)
        (tmp_path / "done").touch()

    with pytest.raises(KeyboardInterrupt), beside.beside(work, tmp_path / "words"):
        raise KeyboardInterrupt
    assert not (tmp_path / "done").exists()
    with pytest.raises(TrainingFailed), beside.beside(work, tmp_path / "words"):
        raise TrainingFailed("diverged", "no number")
    assert (tmp_path / "done").exists()


def test_the_other_process_ends_with_the_first(tmp_path: Path) -> None:
    command = [sys.executable, "-c", ORPHANED, str(tmp_path / "words")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=usecase.ROOT) as first:
        assert first.stdout is not None
        other = int(first.stdout.readline())
        first.kill()
        until = time.monotonic() + 20
        while Path(f"/proc/{other}").exists() and time.monotonic() < until:
            time.sleep(0.2)
        assert not Path(f"/proc/{other}").exists()
