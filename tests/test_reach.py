"""What makes a record stale: code that its run can reach, and no other; and how old records are read."""

import subprocess
from pathlib import Path

import pytest

from common import reach, stamp, usecase
from common.config import RunConfig
from tests import made_up

FILES = {
    "common/run.py": """
from common import data, shown
from common.report import draw
LIMIT = 3
UNUSED = 4
def execute(case):
    from common.late import deep
    shown.table(case.load())
    return data.read(case, LIMIT) + deep()
def aside():
    return UNUSED
""",
    "common/data.py": """
class Case:
    title = "a"
    def load(self): return helper()
    def ask(self): return only_asked()
    def quoted(self): return 1
def helper(): return 1
def only_asked(): return 2
def read(case, limit): return getattr(case, "quoted")() + limit
def unread(): return 5
""",
    "common/late.py": "from .data import helper as aid\n\ndef deep():\n    return aid()\n",
    "common/shown.py": "import common.side\ndef table(x): return x\ndef other(): return 1\n",
    "common/side.py": "print('imported')\ndef inside(): return 1\n",
    "common/report.py": "def draw(): return 1\n",
    "common/tuners/toy.py": "def fit(): return 1\n",
    "usecases/mine/usecase.py": """
from common.data import Case
from usecases.mine.score import right
class Mine(Case):
    def load(self): return right()
    def ask(self): return 9
""",
    "usecases/mine/score.py": "def right(): return 1\ndef wrong(): return 0\n",
    "usecases/mine/build.py": "def build(): return 1\n",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def hash_of(root: Path, device: str = "cpu", **settings: object) -> str:
    return stamp.code_hash(RunConfig(tuner="toy", **settings), root / "usecases" / "mine", device, root)


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("common/run.py", "LIMIT = 3", "LIMIT = 4"),
        ("common/data.py", "helper(): return 1", "helper(): return 2"),
        ("common/data.py", "quoted(self): return 1", "quoted(self): return 2"),
        ("common/data.py", 'title = "a"', 'title = "b"'),
        ("common/late.py", "return aid()", "return aid() + 1"),
        ("common/side.py", "print('imported')", "print('otherwise')"),
        ("common/tuners/toy.py", "return 1", "return 2"),
        ("usecases/mine/score.py", "right(): return 1", "right(): return 0"),
    ],
)
def test_a_change_that_a_run_can_reach_is_caught(root: Path, name: str, old: str, new: str) -> None:
    before = hash_of(root)
    assert old in FILES[name]
    (root / name).write_text(FILES[name].replace(old, new))
    assert hash_of(root) != before


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("common/run.py", "UNUSED = 4", "UNUSED = 5"),
        ("common/run.py", "def execute(case):", 'def execute(case):\n    """What it does."""  # and why'),
        ("common/data.py", "only_asked(): return 2", "only_asked(): return 3"),
        ("common/data.py", "unread(): return 5", "unread(): return 6"),
        ("common/shown.py", "other(): return 1", "other(): return 2"),
        ("common/side.py", "inside(): return 1", "inside(): return 2"),
        ("common/report.py", "return 1", "return 2"),
        ("usecases/mine/usecase.py", "return 9", "return 8"),
        ("usecases/mine/score.py", "wrong(): return 0", "wrong(): return 1"),
        ("usecases/mine/build.py", "return 1", "return 2"),
    ],
)
def test_a_change_that_no_run_can_reach_makes_nothing_stale(
    root: Path, name: str, old: str, new: str
) -> None:
    before = hash_of(root)
    assert old in FILES[name]
    (root / name).write_text(FILES[name].replace(old, new))
    assert hash_of(root) == before


TOLD = """
from common.progress import say, task, watched
def execute(case):
    say(f"reading {case}")
    with task("reading", 3, "rows") as work:
        found = [row for row in watched(case.load(), "reading", "rows")]
        work.advance()
    return found
"""
UNTOLD = "def execute(case):\n    found = [row for row in case.load()]\n    return found\n"


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        (TOLD, UNTOLD, True),
        ("reading {case}", "now reading", True),
        ("work.advance()", "work.advance(2)", True),
        ("    return found", "    os.environ.setdefault('SPIN', '5')\n    return found", True),
        ("    return found", "    os.environ.update(SPIN='5')\n    return found", False),
        ("case.load()", "case.load(1)", False),
        ("    say(f", "    found = say(f", False),
        ("with task(", "with locked(", False),
    ],
)
def test_what_only_tells_people_how_a_run_goes_makes_nothing_stale(
    root: Path, old: str, new: str, same: bool
) -> None:
    path = root / "common" / "run.py"
    path.write_text(TOLD)
    before = hash_of(root)
    assert old in TOLD
    path.write_text(TOLD.replace(old, new))
    assert (hash_of(root) == before) == same


def test_what_a_setting_leaves_out_counts_only_with_that_setting(root: Path) -> None:
    (root / "common" / "run.py").write_text(
        "from common import rates\ndef execute(x): return rates.sought(x)\n"
    )
    (root / "common" / "rates.py").write_text("def sought(x): return 1\n")
    without, sought = hash_of(root), hash_of(root, rates=3)
    (root / "common" / "rates.py").write_text("def sought(x): return 2\n")
    assert hash_of(root) == without and hash_of(root, rates=3) != sought


def test_what_only_a_gpu_does_counts_for_rows_of_a_gpu(root: Path) -> None:
    told = "def execute(x):\n    if cores.on_gpu(): x += {}\n    return 0 if cores.on_gpu() else x + {}\n"
    (root / "common" / "run.py").write_text(told.format(1, 1))
    here, there = hash_of(root), hash_of(root, "NVIDIA H200")
    (root / "common" / "run.py").write_text(told.format(2, 1))
    assert hash_of(root) == here and hash_of(root, "NVIDIA H200") != there
    (root / "common" / "run.py").write_text(told.format(1, 2))
    assert hash_of(root) != here


READS = """
from common import late
def execute(case, data):
    if data is None:
        return {}
    found = case if data is None else {}
    return found
"""


@pytest.mark.parametrize(
    ("own", "given", "counts"),
    [("1", "late.deep(case)", "given"), ("late.deep(case)", "1", "own"), ("1", "2", "neither")],
)
def test_how_data_are_read_counts_for_runs_that_read_such_data(
    root: Path, own: str, given: str, counts: str
) -> None:
    (root / "common" / "run.py").write_text(READS.format(own, given))
    before = {"own": hash_of(root), "given": hash_of(root, data=Path("mine"))}
    (root / "common" / "late.py").write_text("def deep(x): return 7\n")
    after = {"own": hash_of(root), "given": hash_of(root, data=Path("mine"))}
    assert [name for name in before if before[name] != after[name]] == [counts] * (counts != "neither")


@pytest.mark.parametrize(
    ("base", "called"),
    [
        ("torch.nn.Module", True),
        ("Sequence[int]", True),
        ("Below", True),
        ("late.Under", True),
        ("Plain", False),
        ("abc.ABC", False),
        ("object", False),
    ],
)
def test_a_method_that_a_library_may_call_counts(root: Path, base: str, called: bool) -> None:
    text = (
        "import abc\nimport torch\nfrom collections.abc import Sequence\nfrom common import late\n"
        "class Below(torch.nn.Module): pass\nclass Plain: pass\n"
        "class Mine({}):\n    def on_end(self): return {}\n"
        "def execute(case): return Mine()\n"
    )
    (root / "common" / "late.py").write_text("import torch\nclass Under(torch.nn.Module): pass\n")
    (root / "common" / "run.py").write_text(text.format(base, 1))
    before = hash_of(root)
    (root / "common" / "run.py").write_text(text.format(base, 2))
    assert (hash_of(root) != before) == called


def test_a_mend_of_what_only_failed_makes_nothing_stale(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def digest() -> str:
        (definition,) = reach.read(root / "common" / "late.py", "common.late", reach.Quiet()).definitions[
            "deep"
        ]
        return stamp.named("common.late", "deep", [definition])

    before, was = hash_of(root), digest()
    (root / "common" / "late.py").write_text(FILES["common/late.py"].replace("aid()", "aid() or 1"))
    assert hash_of(root) != before
    monkeypatch.setitem(stamp.MENDED, was, digest())
    after = hash_of(root)
    (root / "common" / "late.py").write_text(FILES["common/late.py"])
    assert hash_of(root) == after


def test_every_mend_is_of_a_definition_that_exists() -> None:
    found = {
        stamp.named(module, name, statements)
        for case in map(usecase.find, usecase.names())
        for (module, name), statements in stamp.reached(
            RunConfig(tuner=case.tuner), usecase.folder(case), "cpu"
        ).items()
    }
    assert set(stamp.MENDED.values()) <= found


def test_of_the_real_core_a_run_reaches_what_it_needs_and_no_page() -> None:
    for name in usecase.names():
        found = usecase.find(name)
        reached = stamp.reached(RunConfig(tuner=found.tuner), usecase.folder(found), "cpu")
        assert {
            ("common.metrics", "mean_interval"),
            ("common.evaluate", "verdict"),
            ("common.trainer", "arguments"),
            ("common.methods", "REGISTRY"),
            ("common.parts", "used"),
            (f"common.tuners.{found.tuner}", "fit"),
        } <= set(reached)
        modules = {module for module, _ in reached}
        assert (
            not {f"common.{part}" for part in ("board", "web", "serve", "export", "bench", "doctor")}
            & modules
        )
        assert [key for key in reached if key[0].startswith(f"usecases.{name}") and key[1].endswith(".load")]


def test_hashes_are_taken_anew_on_the_commit_of_a_record(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def git(*arguments: str) -> str:
        command = ["git", "-c", "user.name=t", "-c", "user.email=t@t", *arguments]
        return subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout.strip()

    git("init", "-q")
    git("add", ".")
    git("commit", "-qm", "one")
    monkeypatch.setattr(stamp, "ROOT", root)
    row = made_up.made(
        usecase="mine", environment={"git_commit": git("rev-parse", "HEAD"), "git_dirty": False}
    )
    settings = RunConfig(tuner="toy")
    assert stamp.at_commit(row, settings)["code"] == hash_of(root)
    (root / "common" / "late.py").write_text("def deep():\n    return 7\n")
    assert stamp.at_commit(row, settings)["code"] != hash_of(root)
    for environment in ({"git_commit": "0" * 40, "git_dirty": False}, {**row.environment, "git_dirty": True}):
        assert stamp.at_commit(row.model_copy(update={"environment": environment}), settings) is None


def test_a_name_that_nobody_defines_takes_in_the_whole_module(root: Path) -> None:
    (root / "common" / "run.py").write_text(
        "from common import data\ndef execute(): return data.made_later\n"
    )
    found = reach.Reach(root)
    found.start("common.run", "execute")
    assert ("common.data", "unread") in found.found


BEHIND = """
from common import rates
def execute(job):
    {first}
    return {second}
"""


@pytest.mark.parametrize(
    ("first", "second", "free"),
    [
        ("if job.config.rates: job = rates.sought(job)", "job.run()", True),
        ("found = job", "(rates.sought(job) if job.config.rates else job).run()", True),
        ("if job.config.method == 'dora': job = rates.sought(job)", "job.run()", True),
        ("if job.config.method == 'full': job = rates.sought(job)", "job.run()", False),
        ("if job.config.method != 'dora': job = rates.sought(job)", "job.run()", False),
        ("if job.config.loss == 'dora': job = rates.sought(job)", "job.run()", False),
        ("if job.config.seeds: job = rates.sought(job)", "job.run()", False),
        ("if not job.config.rates: job = rates.sought(job)", "job.run()", False),
        ("if job.rates: job = rates.sought(job)", "job.run()", False),
        ("if job.config.rates: job = rates.sought(job)\n    else: job = None", "job.run()", False),
    ],
)
def test_what_stands_behind_a_setting_that_is_off_counts_only_with_it(
    root: Path, first: str, second: str, free: bool
) -> None:
    plain = "found = job" if "found" in first else "pass"
    path = root / "common" / "run.py"
    (root / "common" / "rates.py").write_text("def sought(x): return 1\n")
    path.write_text(BEHIND.format(first=plain, second="job.run()").replace("    pass\n", ""))
    before, with_all = hash_of(root), hash_of(root, rates=3, method="dora")
    path.write_text(BEHIND.format(first=first, second=second))
    assert (hash_of(root) == before) == free
    assert hash_of(root, rates=3, method="dora") != with_all
