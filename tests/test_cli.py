"""The command as a person meets it: fast help, one clear message, exit code 2."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from common import usecase

NAMES = usecase.names()


def gallery(*arguments: str, seconds: float = 60) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "common.cli", *arguments],
        cwd=usecase.ROOT,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )


@pytest.mark.parametrize("arguments", [["--help"], ["list"], ["show", "knowledge_search"], ["methods"]])
def test_light_commands_load_no_torch(arguments: list[str]) -> None:
    code = (
        "import sys; from common.cli import app\n"
        f"try: app({arguments!r})\nexcept SystemExit: pass\n"
        "heavy = {'torch', 'transformers', 'sklearn', 'scipy', 'matplotlib', 'datasets'} & set(sys.modules)\n"
        "sys.exit(f'loaded {heavy}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=usecase.ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(("given", "kept"), [({}, "5000"), ({"GOMP_SPINCOUNT": "7"}, "7")])
def test_threads_spin_shortly_where_nobody_says_how_long(given: dict[str, str], kept: str) -> None:
    code = "import os, common.cli; print(os.environ['GOMP_SPINCOUNT'])"
    plain = {name: value for name, value in os.environ.items() if name != "GOMP_SPINCOUNT"}
    command = [sys.executable, "-c", code]
    done = subprocess.run(
        command, cwd=usecase.ROOT, capture_output=True, text=True, env=plain | given, check=True
    )
    assert done.stdout.strip() == kept


def test_help_answers_fast() -> None:
    bare = min(timed(["-c", "import numpy, pydantic, typer"]) for _ in range(3))
    helped = min(timed(["-m", "common.cli", "--help"]) for _ in range(3))
    assert helped < bare + 1.0


def timed(arguments: list[str]) -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, *arguments], cwd=usecase.ROOT, capture_output=True, check=True)
    return time.perf_counter() - started


def test_list_and_show_name_every_use_case() -> None:
    listed = gallery("list").stdout
    for name in NAMES:
        assert name in listed
        shown = gallery("show", name).stdout
        assert usecase.find(name).limits[:40] in shown.replace("\n", " ")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "knowledge_serch"], "Did you mean 'knowledge_search'"),
        (["run", "knowledge_search", "--variant", "medquad"], "needs --data"),
        (["run", "knowledge_search", "--variant", "offlin"], "Did you mean 'offline'"),
        (["run", "knowledge_search", "--method", "prefix", "--smoke"], "cannot be used by the embed tuner"),
        (["run", "knowledge_search", "--model", "nowhere", "--smoke"], "Unknown model 'nowhere'"),
        (["run", "knowledge_search", "--data", "nowhere", "--smoke"], "no such folder"),
        (["run", "knowledge_search", "--seeds", "0"], "greater than or equal to 1"),
        (["publish", "nowhere"], "no finished run"),
        (["compare", "nowhere", "nowhere"], "no finished run"),
    ],
)
def test_mistakes_get_one_message_and_code_two(arguments: list[str], message: str, tmp_path: Path) -> None:
    out = ["--out", str(tmp_path / "run")] if arguments[0] == "run" else []
    done = gallery(*arguments, *out)
    assert done.returncode == 2, done.stdout + done.stderr
    assert message in done.stderr and "Traceback" not in done.stderr


def test_a_model_folder_without_safetensors_is_refused(tmp_path: Path) -> None:
    (tmp_path / "pytorch_model.bin").write_bytes(b"pickled")
    done = gallery("run", "knowledge_search", "--model", str(tmp_path), "--out", str(tmp_path / "run"))
    assert done.returncode == 2 and "no *.safetensors" in done.stderr


def test_an_unknown_option_is_a_usage_error() -> None:
    done = gallery("run", "knowledge_search", "--epocs", "3")
    assert done.returncode == 2 and "--epocs" in done.stderr


def test_the_file_of_a_use_case_runs_that_use_case() -> None:
    file = usecase.folder(usecase.find("legal_clauses")) / "usecase.py"
    command = [sys.executable, str(file), "--variant", "nowhere"]
    done = subprocess.run(command, cwd=usecase.ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2 and "Unknown variant 'nowhere' of legal_clauses" in done.stderr


def test_data_shows_what_is_in_it() -> None:
    done = gallery("data", "knowledge_search", seconds=120)
    assert done.returncode == 0, done.stderr
    for part in ("fingerprint", "leaks between splits: 0", "anchor (read only)", "positive (learnt from)"):
        assert part in done.stdout, done.stdout
