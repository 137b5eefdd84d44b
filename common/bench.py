"""Runs what is missing in the benchmark or older than its code, data or settings.

One run after another, each in a process of its own, so that one that fails or eats the memory takes
nothing with it: it becomes a row. Stopped and started again, it goes on where it was. `--ray` spreads
the rows over a cluster; so can other engines (GNU parallel, Slurm) with the lines of `--commands`.
"""

import json
import shlex
import signal
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from common import config as configs
from common import lending, publish, record, results, run, stamp
from common import usecase as usecases
from common.config import RunConfig
from common.errors import GalleryError
from common.methods import REGISTRY
from common.models import is_hub_id
from common.progress import say
from common.record import RunRecord
from common.summary import circumstances
from common.usecase import UseCase

RATES = 3  # learning rates that every compared method tries on val
SHARES = (1 / 16, 1 / 8, 1 / 4, 1 / 2)
STOPPED = (130, -signal.SIGINT)
LINES_KEPT = 12


@dataclass(frozen=True)
class Wanted:
    """Which rows a person wants; the plain benchmark is every variant that this machine can run."""

    seeds: int = publish.FEWEST_SEEDS
    methods: bool = False
    curve: bool = False
    hub: bool = False
    smoke: bool = False
    again: bool = False
    share: float = 1.0  # of the training data, for compared methods


@dataclass(frozen=True)
class Task:
    """One row: what to run, under which name, why it must run (or why it must not)."""

    usecase: str
    variant: str
    given: Mapping[str, Any]
    name: str
    why: str = ""
    left_out: str = ""

    @property
    def command(self) -> list[str]:
        """The command line that runs it."""
        options = [part for key, value in self.given.items() for part in option(key, value)]
        out = ["--out", str(run.RUNS_FOLDER / self.name)]
        return ["gallery", "run", self.usecase, "--variant", self.variant, *options, *out]


Outcome = tuple[Task, int, str]  # a row, the exit code of its run, the last lines that it said


def option(key: str, value: Any) -> list[str]:
    """A setting as the command line writes it."""
    name = "--" + key.replace("_", "-")
    return [name] if value is True else [name, str(value)]


def plan(names: Sequence[str], wanted: Wanted, home: Path = results.BENCHMARKS) -> list[Task]:
    """Every row with why it is stale, or why it is left out; neither means it is fresh."""
    shelf: dict[str, list[results.Entry]] = defaultdict(list)
    for entry in results.entries(home):
        shelf[entry.name].append(entry)
    dirty = bool(record.uncommitted())
    found = []
    for name in names or usecases.names():
        case = usecases.find(name)
        for variant, given in rows_of(case, wanted):
            found.append(task_for(case, variant, given, wanted, shelf, dirty))
    return found


def rows_of(case: UseCase, wanted: Wanted) -> list[tuple[str, dict[str, Any]]]:
    """Variants of a use case, then its other methods, then its data-size curve."""
    rows: list[tuple[str, dict[str, Any]]] = [(variant, {}) for variant in configs.variants(case)]
    if wanted.methods:
        part = {"train_share": wanted.share} if wanted.share < 1 else {}
        rows += [("offline", {**given, **part}) for given in compared(case)]
    if wanted.curve:
        rows += [("offline", {"train_share": share}) for share in SHARES]
    return rows


def compared(case: UseCase) -> list[dict[str, Any]]:
    """The settings of a fair comparison: every method that applies, its rate sought on val the same way."""
    able = [name for name, method in REGISTRY.items() if case.tuner not in dict(method.refused)]
    kept = {configs.read_variant(case, variant).get("method", "lora") for variant in configs.variants(case)}
    plain = [{"method": "head"}] if "head" in able and "head" not in kept else []  # it has no rate
    return plain + [{"method": name, "rates": RATES} for name in able if name != "head"]


def task_for(
    case: UseCase,
    variant: str,
    given: dict[str, Any],
    wanted: Wanted,
    shelf: Mapping[str, list[results.Entry]],
    dirty: bool,
) -> Task:
    """A row with the reason to run it."""
    asked = {**given, "seeds": wanted.seeds, **({"smoke": True} if wanted.smoke else {})}
    layers = {**configs.read_variant(case, variant), **given}
    named = [label(*item) for item in given.items() if item[0] != "rates"]
    name = "--".join([case.name, variant, *named, *(["smoke"] if wanted.smoke else [])])
    task = Task(case.name, variant, asked, name)
    if layers.get("needs_data"):
        return replace(task, left_out=f"needs --data: {layers['needs_data']}")
    if layers.get("method") == "qlora" and record.device_name() == "cpu":
        return replace(task, left_out="4 bits need a GPU")
    if layers.get("from_linear") and REGISTRY[layers.get("method", "lora")].peft is None:
        return replace(task, left_out="what goes on from a linear map takes a method with an adapter")
    if is_hub_id(layers.get("model", "embedded")) and not wanted.hub:
        return replace(task, left_out="a hub model; --hub runs it")
    try:
        config = configs.build(case, variant, asked)
        reasons = [
            stale(entry, case.configured(config.task), config, wanted, dirty) for entry in shelf.get(name, [])
        ]
    except GalleryError as error:
        return replace(task, left_out=str(error))
    return replace(task, why="" if "" in reasons else (reasons or ["no record"])[0])


def label(key: str, value: Any) -> str:
    """What a setting adds to the name of a row."""
    return f"share-{value:g}" if key == "train_share" else str(value)


def stale(entry: results.Entry, case: UseCase, config: RunConfig, wanted: Wanted, dirty: bool) -> str:
    """Why a record does not stand for this code, data and settings; empty when it does."""
    if changed := stamp.changed(entry.row, case, config):
        return " and ".join(changed) + " changed"
    if len(entry.row.seeds) < wanted.seeds:
        return f"{len(entry.row.seeds)} of {wanted.seeds} seeds"
    if entry.row.status == "cancelled" or (wanted.again and entry.row.status in publish.FAILED):
        return f"ended as {entry.row.status!r}"
    if entry.tier == results.CONTRIBUTED:
        return "contributed, not verified here yet"
    if entry.tier == results.DRAFT and not dirty and not wanted.smoke:
        return "only a draft, and the tree is clean now"
    return ""


def lines(tasks: Sequence[Task]) -> list[str]:
    """The plan as text."""
    width = max((len(task.name) for task in tasks), default=0)
    return [
        f"{task.name:{width}}  "
        + (f"left out: {task.left_out}" if task.left_out else f"run: {task.why}" if task.why else "fresh")
        for task in tasks
    ]


def commands(tasks: Sequence[Task]) -> list[str]:
    """One shell command a stale row, for an engine that spreads them."""
    return [
        f"{shlex.join(task.command)} && gallery publish {shlex.quote(str(run.RUNS_FOLDER / task.name))}"
        for task in tasks
        if task.why
    ]


def carry_out(
    tasks: Sequence[Task],
    engine: Callable[[Sequence[Task]], Iterable[Outcome]] | None = None,
    home: Path = results.BENCHMARKS,
) -> list[str]:
    """Runs and publishes every stale row; gives the names of those that failed."""
    failed = []
    due = [task for task in tasks if task.why]
    for task in due:
        set_aside_stale(task, run.RUNS_FOLDER / task.name)
    for task, code, said in (engine or one_by_one)(due):
        folder = run.RUNS_FOLDER / task.name
        if code in STOPPED:
            raise KeyboardInterrupt
        if code != 0:
            failed.append(task.name)
            say(f"  {task.name} failed with code {code}; it becomes a row")
            note_failure(task, folder, said)
        publish.publish_run(folder, home=home)
    return failed


def one_by_one(
    tasks: Sequence[Task], runner: Callable[[Task], tuple[int, str]] | None = None
) -> Iterator[Outcome]:
    """Runs one row after another on this machine."""
    for number, task in enumerate(tasks, start=1):
        say(f"[bold]{number}/{len(tasks)} {task.name}[/bold]: {task.why}")
        borrow(task, tasks[: number - 1])
        yield (task, *(runner or in_process)(task))


def borrow(task: Task, earlier: Sequence[Task]) -> None:
    """Gives a row what earlier ones have made that does not depend on how they differ."""
    here, config = run.RUNS_FOLDER / task.name, settings_of(task)
    for other in (one for one in earlier if one.usecase == task.usecase):
        there = run.RUNS_FOLDER / other.name
        wanted = lending.shared(settings_of(other), config, here)
        if wanted and is_of_today(other, there):
            for name in lending.lend(wanted, there, here):
                say(f"  {name} is that of {other.name}")


def is_of_today(task: Task, folder: Path) -> bool:
    """Whether a row came to its end with the code of today."""
    if not (folder / "record.json").is_file() or ended_badly(folder):
        return False
    return described(folder).get("stamp", {}).get("code") == at_present(task)[2]["code"]


def settings_of(task: Task) -> RunConfig:
    return configs.build(usecases.find(task.usecase), task.variant, task.given)


def set_aside_stale(task: Task, folder: Path) -> None:
    """Keeps a run folder of other code or data under another name, so that its stages are not taken over."""
    _, _, now = at_present(task)
    begun = described(folder)
    if ended_badly(folder) or (begun and begun.get("stamp") != now):
        run.move_aside(folder)


def at_present(task: Task) -> tuple[UseCase, RunConfig, dict[str, str]]:
    """The use case of a row, its settings, and the stamp that a run of it would have now."""
    config = settings_of(task)
    case = usecases.find(task.usecase).configured(config.task)
    return case, config, stamp.of(case, config)


def described(folder: Path) -> dict[str, Any]:
    """What a run wrote of its data, if it got that far."""
    path = folder / "data.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def ended_badly(folder: Path) -> bool:
    """Whether a run folder holds the record of a failure."""
    path = folder / "record.json"
    return path.is_file() and record.read(path).status in publish.FAILED


def in_process(task: Task) -> tuple[int, str]:
    """Runs a row in a process of its own and shows what it says; gives its code and last lines."""
    command = [sys.executable, "-m", "common.cli", *task.command[1:]]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    kept: list[str] = []
    try:
        for line in child.stdout or ():
            say(line.rstrip().replace("[", "\\["))
            kept = [*kept, line][-LINES_KEPT:]
        return child.wait(), "".join(kept)
    except KeyboardInterrupt:
        child.send_signal(signal.SIGINT)
        child.wait()
        raise


def note_failure(task: Task, folder: Path, said: str) -> None:
    """A record of a run that ended without one of its own."""
    if ended_badly(folder):
        return
    case, config, now = at_present(task)
    made = RunRecord(
        **circumstances(case, config),
        status="failed",
        reason=said.strip()[-600:] or "it said nothing",
        verdict={"label": "not enough evidence", "reason": "The run ended: failed."},
        data={**described(folder), "stamp": now},
    )
    record.write_json(folder / "record.json", made.model_dump())
