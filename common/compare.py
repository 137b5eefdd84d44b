"""Two runs on the same test examples: paired differences, flips, and cost.

A run is its folder, the folder of one of its seeds, or the name of a row of the benchmark.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from common import cells, models, record, results, usecase
from common.config import RunConfig
from common.errors import GalleryError
from common.evaluate import Scored, difference, score_columns
from common.job import Job, Output
from common.progress import console, say
from common.record import RunRecord, read_rows
from common.results import Entry
from common.summary import shorten
from common.usecase import Example, Splits

FLIPS_SHOWN = 5


def compare(left: Path, right: Path) -> None:
    """Prints how two runs differ, or two rows where neither is a folder here."""
    rows = {entry.name: entry for entry in results.entries()}
    if str(left) in rows and str(right) in rows and not left.exists() and not right.exists():
        compare_rows(rows[str(left)], rows[str(right)])
    else:
        compare_runs(left, right)


def compare_rows(left: Entry, right: Entry) -> None:
    """Prints the difference of the headline, which is what a row keeps per example."""
    kept = [results.examples_in(results.examples_path(entry)) for entry in (left, right)]
    gap, paired = results.difference(left, right)
    how = "paired" if paired else "unpaired: their scores per example are not of the same set, or not kept"
    say(f"{left.name} minus {right.name}, {how}")
    say(f"  {left.row.headline:14} {cells.gap(gap.as_dict())}")
    if paired and kept[0] and kept[1]:
        scores = [np.nanmean(results.tuned_scores(one), axis=0) for one in kept]
        asked = [f"{name} {text}" for name, text in zip(kept[0]["ids"], kept[0]["asked"], strict=True)]
        show_flips(asked, scores[0] - scores[1])
    show_costs(left.row, right.row)


def compare_runs(left: Path, right: Path) -> None:
    """Prints how the tuned models of two runs differ, metric by metric."""
    (left, first), (right, second) = opened(left), opened(right)
    if first.data["test_ids_hash"] != second.data["test_ids_hash"]:
        raise GalleryError(
            f"{left} and {right} were scored on different test sets; only runs of the same use case "
            "and data can be compared."
        )
    found, examples = usecase_of(first), splits_of(first).test
    columns = [
        tuned_columns(found, folder, row, examples) for folder, row in ((left, first), (right, second))
    ]
    scored = [Scored("tuned", "tuned", "tuned", tuple(c)) for c in columns]
    groups = [example.group for example in examples]
    say(f"{left} minus {right}, {len(examples)} test examples")
    for metric in first.contenders["tuned"]["scores"]:
        say(f"  {metric:14} {cells.gap(difference(found, *scored, groups, metric).as_dict())}")
    if first.headline in columns[0][0]:
        asked = [f"{e.id} {shorten(e.inputs)}" for e in examples]
        show_flips(asked, columns[0][0][first.headline] - columns[1][0][first.headline])
    show_costs(first, second)


def show_costs(first: RunRecord, second: RunRecord) -> None:
    """What the two trainings took."""
    for key in ("trainable_parameters", "seconds", "adapter_bytes"):
        console.print(
            f"  {key:22} {first.training.get(key, 0):,.0f} against {second.training.get(key, 0):,.0f}"
        )


def opened(folder: Path) -> tuple[Path, RunRecord]:
    """A run's folder and record; the folder of a seed stands for that seed alone."""
    if (seed := re.fullmatch(r"seed-(\d+)", folder.name)) is None:
        return folder, read_run(folder)
    return folder.parent, read_run(folder.parent).model_copy(update={"seeds": [int(seed[1])]})


def read_run(folder: Path) -> RunRecord:
    """The record of a finished run."""
    if not (folder / "record.json").is_file():
        raise GalleryError(f"{folder} holds no record.json: it is no finished run.")
    return record.read(folder / "record.json")


def tuned_job(folder: Path) -> tuple[RunRecord, Job]:
    """The record of a finished run, and the job of its first seed with the tuned model."""
    row = read_run(folder)
    if "tuned" not in row.contenders:
        raise GalleryError(f"The run in {folder} ended as {row.status}: it has no tuned model.")
    config = RunConfig(**{**row.config, "vllm": False})  # what answers is the model in this process
    found = usecase_of(row)
    base = models.resolve(config.model, config.revision, found.tuner)
    return row, Job(found, splits_of(row), config, base, 0, folder / "seed-0")


def usecase_of(row: RunRecord) -> usecase.UseCase:
    """The use case of a run as its variant wanted it."""
    return usecase.find(row.usecase).configured(row.config.get("task", {}))


def splits_of(row: RunRecord) -> Splits:
    """The data of a run, loaded anew and checked against its hash."""
    from common import data, parts

    given = row.config.get("data")
    splits = usecase_of(row).load(Path(given) if given else None)
    splits = parts.used(splits, row.tier == "smoke", row.config.get("train_share", 1.0))
    if data.fingerprint(splits.test) != row.data["test_ids_hash"]:
        raise GalleryError(f"The data of {row.usecase} changed since the run; run it again to compare.")
    return splits


def tuned_columns(
    found: usecase.UseCase, folder: Path, row: RunRecord, examples: tuple[Example, ...]
) -> list[Mapping[str, np.ndarray]]:
    """Per-example scores of every seed."""
    return [
        score_columns(
            found,
            examples,
            [Output(**o) for o in read_rows(folder / f"seed-{seed}" / "tuned.jsonl")],
        )
        for seed in row.seeds
    ]


def show_flips(asked: Sequence[str], gaps: np.ndarray) -> None:
    """How many examples went either way, and the widest of them."""
    gaps = np.nan_to_num(gaps)
    say(f"  better here: {(gaps > 0).sum()}, worse here: {(gaps < 0).sum()}, same: {(gaps == 0).sum()}")
    for i in dict.fromkeys([*np.argsort(gaps)[:FLIPS_SHOWN], *np.argsort(-gaps)[:FLIPS_SHOWN]]):
        if gaps[i]:
            console.print(f"    {gaps[i]:+.2f} {asked[i]}", markup=False)
