"""`gallery check`: everything a use case must hold, rule by rule, and how to mend what it does not."""

import json
import math
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from common import contract, data, models, parts, record, scaffold
from common import usecase as usecases
from common.config import RunConfig
from common.contenders import tuner_of
from common.errors import GalleryError
from common.honesty import mean_headline, same_scores
from common.job import Job
from common.usecase import Splits, UseCase

SMOKE_SECONDS = 900
SHOWN = 5


@dataclass
class Finding:
    """What one rule found."""

    rule: str
    faults: list[str] = field(default_factory=list)
    mend: str = ""
    note: str = ""
    seconds: float = 0.0

    @property
    def passed(self) -> bool:
        return not self.faults


def check(folder: Path, smoke: bool = True, say: Callable[[Finding], None] = lambda _: None) -> list[Finding]:
    """Every rule in order. A folder that cannot be loaded stops before its data is read."""
    found: list[Finding] = []

    def judged(rule: str, mend: str, faults: Callable[[], list[str] | tuple[list[str], str]]) -> Finding:
        started = time.perf_counter()
        result = faults()
        said, note = result if isinstance(result, tuple) else (result, "")
        found.append(Finding(rule, said, mend, note, round(time.perf_counter() - started, 1)))
        say(found[-1])
        return found[-1]

    for rule, mend, look in contract.FOLDER_RULES:
        judged(rule, mend, lambda look=look: look(folder))
    loaded: list[tuple[UseCase, Splits]] = []
    loads = judged(
        "loads", "mend what is named; run it alone with `gallery data`", lambda: load(folder, loaded)
    )
    if not loads.passed:
        return found
    for rule, mend, look in contract.RULES:
        judged(rule, mend, lambda look=look: contract.guarded(look, *loaded[0]))
    judged(
        "same data everywhere",
        "seed every draw and sort every set",
        lambda: same_elsewhere(folder, loaded[0][1]),
    )
    if smoke:
        judged(
            "smoke run",
            "run `gallery run NAME --smoke` and read what it says",
            lambda: smoke_run(folder, *loaded[0]),
        )
    return found


def load(folder: Path, loaded: list[tuple[UseCase, Splits]]) -> list[str]:
    """Loads the class and its own data into `loaded`."""
    try:
        usecase = usecases.load_class(folder / "usecase.py")()
        faults = contract.member_faults(usecase)
        if not faults:
            loaded.append((usecase, usecase.load(None)))
        return faults
    except Exception as error:
        return [f"{type(error).__name__}: {error}"]


def in_new_process(code: str, *arguments: str, seed: str, seconds: float) -> subprocess.CompletedProcess[str]:
    """Runs a few lines apart from this process, with its own order of sets."""
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=usecases.ROOT,
        env={**os.environ, "PYTHONHASHSEED": seed},
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )


LOAD_AGAIN = """
import sys
from pathlib import Path
from common import data, usecase
splits = usecase.load_class(Path(sys.argv[1]) / "usecase.py")().load(None)
for name, examples in splits.named().items():
    print(name, data.fingerprint(examples))
"""


def same_elsewhere(folder: Path, splits: Splits) -> list[str]:
    """The data is the same in another process, whose sets have another order."""
    done = in_new_process(LOAD_AGAIN, str(folder), seed="4711", seconds=SMOKE_SECONDS)
    here = [f"{name} {data.fingerprint(examples)}" for name, examples in splits.named().items()]
    if done.returncode:
        return [f"load() fails in a fresh process: {done.stderr.strip()[-300:]}"]
    other = done.stdout.split("\n")[: len(here)]
    return [
        f"the {left.split()[0]} split differs in another process: load() draws unseeded or walks a set"
        for left, right in zip(here, other, strict=True)
        if left != right
    ]


RUN_SMOKE = """
import sys
from pathlib import Path
from common import check, config, run, usecase
found = usecase.load_class(Path(sys.argv[1]) / "usecase.py")()
settings = config.build(found, "offline", {"smoke": True})
run.execute(found, settings, Path(sys.argv[2]))
sys.exit("; ".join(check.reload_faults(found, settings, Path(sys.argv[2]))) or 0)
"""


def smoke_run(folder: Path, usecase: UseCase, splits: Splits) -> tuple[list[str], str]:
    """The whole path with a tiny budget: it ends, it learns, its weights reload, it keeps its time."""
    with tempfile.TemporaryDirectory() as temporary:
        place = Path(temporary) / f"{usecase.name}--offline--smoke"
        started, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
        try:
            done = in_new_process(RUN_SMOKE, str(folder), str(place), seed="0", seconds=SMOKE_SECONDS)
        except subprocess.TimeoutExpired:
            return [f"the smoke run was not done after {SMOKE_SECONDS} s"], ""
        if done.returncode:
            return [f"the smoke run ended with an error: {done.stderr.strip()[-600:]}"], ""
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        wall = time.perf_counter() - started
        used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        made = record.read(place / "record.json")
        faults = learning_faults(usecase, splits, made, place)
        minutes = predicted_minutes(usecase, made, splits, min(1.0, used / wall))
        if minutes > usecase.budget_minutes:
            faults.append(
                f"a whole run takes {minutes:.1f} minutes, budget_minutes is {usecase.budget_minutes:g}: "
                "take fewer epochs or rows, or a lighter method"
            )
        time_note = f"{wall:.0f} s; a whole run: about {minutes:.1f} of {usecase.budget_minutes:g} minutes"
        return faults, f"{time_note}; {standing(made)}"


def standing(made: record.RunRecord) -> str:
    """Where the tuned model stands after so little training; far below the rest is worth a look."""
    means = {name: row["scores"][made.headline]["mean"] for name, row in made.contenders.items()}
    rest = {name: mean for name, mean in means.items() if name != "tuned"}
    best = max(rest, key=rest.__getitem__)
    return f"{made.headline} {means.get('tuned', math.nan):.3f} tuned, {rest[best]:.3f} {best}"


def reload_faults(usecase: UseCase, settings: RunConfig, place: Path) -> list[str]:
    """The weights in the run folder give the answers that were scored."""
    usecase = usecase.configured(settings.task)
    splits = parts.used(usecase.load(settings.data), settings.smoke, settings.train_share)
    base = models.resolve(settings.model, settings.revision, usecase.tuner)
    job = Job(usecase, splits, settings, base, 0, place / "seed-0")
    kept = [row["value"] for row in record.read_rows(job.folder / "tuned.jsonl")]
    again = [output.value for output in tuner_of(usecase).predict(job, splits.test)]
    rows = zip(splits.test, kept, again, strict=True)
    differ = [e.id for e, a, b in rows if not same_scores(usecase.score(e, a), usecase.score(e, b))]
    if not differ:
        return []
    return [f"the stored weights score otherwise on {len(differ)} test examples, first {differ[0]!r}"]


def learning_faults(usecase: UseCase, splits: Splits, made: record.RunRecord, place: Path) -> list[str]:
    """Whether the loss fell and the tuned model says more than nothing."""
    faults = []
    if made.status in ("diverged", "out of memory", "cancelled"):
        faults.append(f"the run ended {made.status}: {made.reason}")
    log = place / "seed-0" / "train.jsonl"
    losses = [row["loss"] for row in record.read_rows(log) if "loss" in row] if log.is_file() else []
    third = len(losses) // 3
    if third and sum(losses[-third:]) >= sum(losses[:third]):
        faults.append(f"the loss did not fall: {losses[0]:.3f} at first, {losses[-1]:.3f} at the end")
    tuned = made.contenders.get("tuned", {}).get("scores", {}).get(made.headline, {}).get("mean", 0.0)
    blank = mean_headline(usecase, splits, [usecase.blank()] * len(splits.test))
    if not tuned > blank:
        faults.append(
            f"after the smoke run {made.headline} is {tuned:.3f}, no more than the blank answer's {blank:.3f}"
        )
    return faults


def predicted_minutes(usecase: UseCase, made: record.RunRecord, splits: Splits, busy: float) -> float:
    """What a run over all rows would take, from the smoke run; `busy` is the share of a core that it got.

    Rows are counted, not examples: several of these may be one row.
    """
    configured = usecase.configured(made.config["task"])
    whole, few = (len(configured.training_set(part)) for part in (splits, parts.smoke_sample(splits)))
    training = made.training.get("seconds", 0.0) * whole / max(few, 1)
    answering = sum(facts.get("seconds", 0.0) for facts in made.contenders.values()) * len(splits.test)
    return busy * (training + answering) / 60


def left_of_template(folder: Path) -> list[str]:
    """Sentences of the template that nobody has replaced yet."""
    left = []
    for template in scaffold.TEMPLATES.glob("*/usecase.py"):
        for line in template.read_text(encoding="utf-8").splitlines():
            sentence = line.partition('"')[2].rpartition('"')[0]
            if sentence.startswith("Say ") and sentence in (folder / "usecase.py").read_text(
                encoding="utf-8"
            ):
                left.append(sentence)
    return sorted(set(left))


def as_json(name: str, found: list[Finding]) -> str:
    """The findings for machines."""
    rows = [{**asdict(finding), "passed": finding.passed} for finding in found]
    return json.dumps({"usecase": name, "passed": all(f.passed for f in found), "rules": rows}, indent=2)


def lines_of(finding: Finding) -> list[str]:
    """A finding for people: one line when it passed, the faults and the mend when not."""
    note = f"  ({finding.note})" if finding.note else ""
    if finding.passed:
        return [f"pass  {finding.rule}{note}"]
    shown = [f"        {fault}" for fault in finding.faults[:SHOWN]]
    if len(finding.faults) > SHOWN:
        shown.append(f"        ... and {len(finding.faults) - SHOWN} more")
    return [f"FAIL  {finding.rule}{note}", *shown, f"        mend: {finding.mend}"]


def folder_of(name: str) -> Path:
    """The folder of a use case by its name, or a folder given by its path."""
    if (Path(name) / "usecase.py").is_file() and "/" in name:
        return Path(name).resolve()
    usecase_folder = usecases.USECASES_FOLDER / name
    if not (usecase_folder / "usecase.py").is_file():
        raise GalleryError(
            f"Unknown use case {name!r}. These exist: {', '.join(usecases.names())}. "
            f"`gallery new {name}` makes one."
        )
    return usecase_folder


def run(name: str, machine: bool, smoke: bool, echo: Callable[[str], Any]) -> bool:
    """Checks and prints; whether everything passed."""
    folder = folder_of(name)
    found = check(folder, smoke, (lambda _: None) if machine else lambda f: echo("\n".join(lines_of(f))))
    sound = all(finding.passed for finding in found)
    if machine:
        echo(as_json(folder.name, found))
        return sound
    for sentence in left_of_template(folder):
        echo(f"note  still the template's: {sentence}")
    failed = [finding.rule for finding in found if not finding.passed]
    echo(
        f"{folder.name}: "
        + ("every rule holds." if sound else f"{len(failed)} rule(s) broken: {', '.join(failed)}")
    )
    return sound
