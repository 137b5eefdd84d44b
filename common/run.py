"""The order of the stages: data, baselines, tune, evaluate, report. Nothing else knows it.

Every stage writes its file last and whole, so a file that exists is a stage that is done, and the
same command continues where a run was stopped.
"""

import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from common import (
    attempts,
    beside,
    contenders,
    data,
    large,
    launch,
    methods,
    models,
    parts,
    rates,
    record,
    search,
    stamp,
    track,
)
from common.config import RunConfig, settings_of
from common.errors import GalleryError, TrainingFailed
from common.evaluate import headline
from common.job import Contender, Job, Output
from common.progress import not_as_given, say
from common.record import RunRecord, read_rows, write_json, write_jsonl
from common.summary import PLAN_FILE, Summary
from common.usecase import Example, Source, Splits, Table, UseCase

RUNS_FOLDER = Path("runs")
SMALLEST_FREE_BYTES = 500_000_000
SEVERAL = ("sft", "classify", "embed")  # tuners that can work in several processes


@dataclass(frozen=True)
class Run:
    """A run and the folder it lives in."""

    usecase: UseCase
    config: RunConfig
    folder: Path

    def seed_folder(self, seed: int) -> Path:
        return self.folder / f"seed-{seed}"


def run_name(config: RunConfig, given: Mapping[str, Any]) -> str:
    """The folder name: use case, variant, and what the command line changed about the model."""
    parts = [config.usecase, config.variant]
    parts += [str(given[key]) for key in ("method", "model") if given.get(key) is not None]
    parts += ["smoke"] if config.smoke else []
    return "--".join(part.strip("./").replace("/", "_") for part in parts)


def execute(usecase: UseCase, config: RunConfig, folder: Path) -> RunRecord:
    """Runs every stage that is not done yet and gives the record."""
    usecase = usecase.configured(config.task)
    methods.find(config.method, usecase.tuner)
    models.refuse_packed_draw(config.method, config.model)
    launch.join()
    track.refuse_missing(config.track)
    if launch.count() > 1 and usecase.tuner not in SEVERAL:
        raise GalleryError(
            f"The {usecase.tuner} tuner works in one process; several can share the work of "
            f"{', '.join(SEVERAL)}. Run again without --launch."
        )
    if not launch.first():
        return stages(Run(usecase, config, folder))
    refuse_bad_folder(folder)
    lock = FileLock(folder / ".lock")
    try:
        with lock.acquire(timeout=0):
            return stages(Run(usecase, config, folder))
    except Timeout as error:
        raise GalleryError(
            f"Another run is working in {folder}. Wait for it, or stop it, then run again."
        ) from error


def refuse_bad_folder(folder: Path) -> None:
    """Fails before the work, not after it, when results could not be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        record.write_text(folder / ".writable", "yes\n")
        (folder / ".writable").unlink()
    except OSError as error:
        raise GalleryError(f"The run folder {folder} cannot be written: {error.strerror}.") from error
    free = shutil.disk_usage(folder).free
    if free < SMALLEST_FREE_BYTES:
        raise GalleryError(
            f"{folder} has {free / 1e6:.0f} MB free; a run needs {SMALLEST_FREE_BYTES / 1e6:.0f} MB. "
            "Free some space and run again."
        )


def stages(run: Run) -> RunRecord:
    """The five stages in order."""
    use_threads(run.config.threads)
    say(f"[bold]{run.usecase.title}[/bold]: {run.usecase.name}--{run.config.variant} in {run.folder}")
    splits = data_stage(run)
    base = models.resolve(run.config.model, run.config.revision, run.usecase.tuner)
    job = Job(run.usecase, splits, run.config, base, 0, run.folder)
    summary = Summary(run.usecase, run.config, run.folder, base, splits.test, [], [])
    try:
        if has_company(run):
            say("[bold]2 baselines[/bold] in a process of its own, beside the training")
            with beside.beside(lambda: answer_untuned(run, job), run.folder / "baselines.txt"):
                tune_stage(replace(job, folder=run.seed_folder(0)))
        summary.baselines.extend(baselines_stage(run, job))
        job = search.searched(job, attempts.fit) if run.config.search else job
        job = rates.searched(job, attempts.fit) if run.config.rates else job
        for seed in range(run.config.seeds):
            seeded = replace(job, seed=seed, folder=run.seed_folder(seed))
            tune_stage(seeded)
            summary.tuned_by_seed.append(evaluate_stage(seeded))
    except (TrainingFailed, KeyboardInterrupt) as error:
        if isinstance(error, TrainingFailed) and not summary.baselines:
            summary.baselines.extend(baselines_stage(run, job))
        failed = summary.failed_record(getattr(error, "status", "cancelled"), str(error))
        write_json(run.folder / "record.json", failed.model_dump())
        raise
    return report_stage(run, summary)


def use_threads(threads: int) -> None:
    """Fixes torch's threads, so that a run gives the same numbers again."""
    import torch

    torch.set_num_threads(record.threads_for(threads))


def data_stage(run: Run) -> Splits:
    """Loads the data, refuses leaks, and fixes the hash of the test set before any training."""
    say("[bold]1 data[/bold]")
    splits = run.usecase.load(run.config.data)
    if run.config.source_name and run.config.data:
        named = Source(run.config.source_name, run.config.source_licence, run.config.source_origin)
        splits = replace(splits, source=named)
    for name in ("train", "test"):
        if not splits.named()[name]:
            raise GalleryError(f"The {name} split of {run.usecase.name} is empty; every run needs one.")
    splits = parts.used(splits, run.config.smoke, run.config.train_share)
    facts = data.describe(splits)
    identity = hashlib.sha256(
        json.dumps([settings_of(run.config), facts["fingerprint"]], sort_keys=True).encode()
    ).hexdigest()
    launch.once(lambda: fix_data(run, splits, facts, identity))
    counts = ", ".join(f"{count} {name}" for name, count in facts["counts"].items())
    documents = f", {facts['documents']} documents" if facts["documents"] else ""
    say(f"  {counts}{documents}; test fixed as {facts['test_ids_hash']}")
    say(not_as_given(splits.dropped if run.config.data else (), 3))
    return splits


def fix_data(run: Run, splits: Splits, facts: dict[str, Any], identity: str) -> None:
    """Writes down which data a run has; a folder that holds a run of other data or settings is kept aside."""
    path = run.folder / "data.json"
    if path.is_file() and json.loads(path.read_text(encoding="utf-8"))["identity"] != identity:
        move_aside(run.folder)
    if not path.is_file():
        data.refuse_leaks(splits, run.usecase.name)
        write_json(path, {**facts, "identity": identity, "stamp": stamp.of(run.usecase, run.config)})


def move_aside(folder: Path) -> None:
    """Keeps an earlier run with other settings or data under another name."""
    number = 1
    while (kept := folder.with_name(f"{folder.name}.{number}")).exists():
        number += 1
    kept.mkdir()
    for path in folder.iterdir():
        if path.name not in (".lock", PLAN_FILE):
            path.rename(kept / path.name)
    say(f"  settings or data changed since the last run; that one is kept in {kept}")


def baselines_stage(run: Run, job: Job) -> list[tuple[Contender, list[Output]]]:
    """Answers of every untuned contender on test."""
    say("[bold]2 baselines[/bold]")
    found = []
    for contender in untuned(run):
        found.append((contender, untuned_outputs(run, job, contender)))
        say_score(run.usecase, job.splits.test, contender.label, found[-1][1])
    job.shared["untuned"] = {c.name: [output.value for output in outputs] for c, outputs in found}
    return found


def untuned(run: Run) -> list[Contender]:
    """The untuned contenders of a run; random weights cannot be asked."""
    every = contenders.untuned(run.usecase)
    return [one for one in every if run.config.model != models.CHARACTERS or one.kind != "prompting"]


def untuned_outputs(run: Run, job: Job, contender: Contender) -> list[Output]:
    """What a contender answers, from its file where it has been asked."""
    path = run.folder / "baselines" / f"{contender.name}.jsonl"
    if not done(path):
        write_outputs(path, contenders.timed(contender.answer, job, job.splits.test))
        launch.wait()
    return read_outputs(path)


def answer_untuned(run: Run, job: Job) -> None:
    """Asks every untuned contender."""
    for contender in untuned(run):
        untuned_outputs(run, job, contender)


def has_company(run: Run) -> bool:
    """Whether baselines and the first training are to do, and can be done at once."""
    config = run.config
    is_plain = not (config.smoke or config.search or config.rates)
    both = not (run.folder / "baselines").exists() and not run.seed_folder(0).exists()
    return is_plain and both and beside.possible()


def done(path: Path) -> bool:
    """Whether a stage has written its file, as the first process sees it."""
    return launch.agreed(path.is_file())


def tune_stage(job: Job) -> None:
    """Fits the adapter of one seed on train, choosing on val."""
    path = job.folder / "training.json"
    if done(path):
        return
    say(f"[bold]3 tune[/bold] {job.config.method}, seed {job.seed}")
    facts = {**attempts.fit(job), **{key: job.shared[key] for key in ("search",) if key in job.shared}}
    write_json(path, facts)
    launch.once(lambda: shutil.rmtree(job.folder / "checkpoints", ignore_errors=True))


def evaluate_stage(job: Job) -> list[Output]:
    """Answers of the tuned model on test, and what tuning made worse elsewhere."""
    path = job.folder / "tuned.jsonl"
    if not done(path):
        say(f"[bold]4 evaluate[/bold] seed {job.seed}")
        tuner = contenders.tuner_of(job.usecase)
        outputs = contenders.timed(tuner.predict, job, job.splits.test)
        write_json(job.folder / "forgetting.json", tuner.forgetting(job, job.usecase.neutral()))
        if job.seed == 0:
            tables = [*job.usecase.tables(large.known(job.splits), tuner.models(job)), *tokenizer_tables(job)]
            write_json(job.folder / "tables.json", [asdict(table) for table in tables])
        write_outputs(path, outputs)
        launch.wait()
    outputs = read_outputs(path)
    say_score(job.usecase, job.splits.test, f"tuned, seed {job.seed}", outputs)
    return outputs


def tokenizer_tables(job: Job) -> list[Table]:
    """What the base's tokenizer does to the languages of the use case, and the one trained from it."""
    found = {"base": lambda: models.load_tokenizer(job.base)} if job.base.path else {}
    if (job.adapter / "tokenizer.json").is_file():
        found["tuned"] = lambda: models.load_tokenizer(job.base, job.adapter)
    return job.usecase.tokenizer_tables(found, job.config.data)


def report_stage(run: Run, summary: Summary) -> RunRecord:
    """One record and its pages."""
    from common.report import write_report

    say("[bold]5 report[/bold]")
    made = summary.record()
    write_json(run.folder / "record.json", made.model_dump())
    write_json(run.folder / "examples.json", summary.examples())
    if launch.first():
        write_report(run.folder, made, run.usecase, summary.test, summary.scored, summary.outputs())
    return made


def write_outputs(path: Path, outputs: list[Output]) -> None:
    write_jsonl(path, [asdict(output) for output in outputs])


def read_outputs(path: Path) -> list[Output]:
    return [Output(**row) for row in read_rows(path)]


def say_score(usecase: UseCase, examples: tuple[Example, ...], label: str, outputs: list[Output]) -> None:
    """One line with the headline."""
    say(f"  {label}: {usecase.headline} {headline(usecase, examples, outputs):.3f}")
