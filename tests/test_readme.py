"""The README's commands run as printed, on the environment that runs the tests."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from common import usecase

README = (usecase.ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```bash\n(.*?)```", README, re.DOTALL)
COMMANDS = [line for block in BLOCKS for line in block.splitlines() if line]


def test_the_two_commands_are_targets_of_the_makefile() -> None:
    targets = re.findall(r"^([a-z-]+):", (usecase.ROOT / "Makefile").read_text(), re.MULTILINE)
    asked = [line.split()[1] for line in COMMANDS if line.startswith("make ")]
    assert asked == ["demo", "test"] and set(asked) <= set(targets)


def test_every_path_in_the_tree_exists() -> None:
    tree = re.search(r"## What is where\n\n```\n(.*?)```", README, re.DOTALL).group(1)
    for line in tree.splitlines():
        assert (usecase.ROOT / line.split()[0]).exists(), line


@pytest.mark.parametrize("command", [c for c in COMMANDS if c.startswith(".venv/bin/gallery")])
def test_printed_command_runs(command: str, tmp_path: Path) -> None:
    arguments = command.split()[1:] + (["--out", str(tmp_path / "run")] if " run " in command else [])
    done = subprocess.run(
        [sys.executable, "-m", "common.cli", *arguments],
        cwd=usecase.ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    if " run " in command:
        assert "Verdict" in done.stdout and (tmp_path / "run" / "report.html").is_file()
