"""Two runs on the same test examples: paired differences, flips, and cost."""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from common import record, usecase
from common.errors import GalleryError
from common.evaluate import Scored, difference, score_columns, signed
from common.job import Output
from common.progress import console, say
from common.record import RunRecord, read_rows
from common.usecase import Example

FLIPS_SHOWN = 5


def compare_runs(left: Path, right: Path) -> None:
    """Prints how the tuned models of two runs differ, metric by metric."""
    first, second = read_run(left), read_run(right)
    if first.data["test_ids_hash"] != second.data["test_ids_hash"]:
        raise GalleryError(
            f"{left} and {right} were scored on different test sets; only runs of the same use case "
            "and data can be compared."
        )
    found = usecase.find(first.usecase).configured(first.config.get("task", {}))
    examples = test_of(first)
    columns = [
        tuned_columns(found, folder, row, examples) for folder, row in ((left, first), (right, second))
    ]
    scored = [Scored("tuned", "tuned", "tuned", tuple(c)) for c in columns]
    groups = [example.group for example in examples]
    say(f"{left} minus {right}, {len(examples)} test examples")
    for metric in first.contenders["tuned"]["scores"]:
        say(f"  {metric:14} {signed(difference(found, *scored, groups, metric))}")
    show_flips(examples, columns[0][0], columns[1][0], first.headline)
    for key in ("trainable_parameters", "seconds", "adapter_bytes"):
        console.print(
            f"  {key:22} {first.training.get(key, 0):,.0f} against {second.training.get(key, 0):,.0f}"
        )


def read_run(folder: Path) -> RunRecord:
    """The record of a finished run."""
    if not (folder / "record.json").is_file():
        raise GalleryError(f"{folder} holds no record.json: it is no finished run.")
    return record.read(folder / "record.json")


def test_of(row: RunRecord) -> tuple[Example, ...]:
    """The test examples of a run, loaded anew and checked against its hash."""
    from common import data

    given = row.config.get("data")
    found = usecase.find(row.usecase).configured(row.config.get("task", {}))
    splits = found.load(Path(given) if given else None)
    if row.tier == "smoke":
        splits = data.smoke_sample(splits)
    if data.fingerprint(splits.test) != row.data["test_ids_hash"]:
        raise GalleryError(f"The data of {row.usecase} changed since the run; run it again to compare.")
    return splits.test


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


def show_flips(
    examples: tuple[Example, ...],
    left: Mapping[str, np.ndarray],
    right: Mapping[str, np.ndarray],
    headline: str,
) -> None:
    """How many examples went either way, and the widest of them."""
    if headline not in left:
        return
    gaps = np.nan_to_num(left[headline] - right[headline])
    say(f"  better here: {(gaps > 0).sum()}, worse here: {(gaps < 0).sum()}, same: {(gaps == 0).sum()}")
    for i in [*np.argsort(gaps)[:FLIPS_SHOWN], *np.argsort(-gaps)[:FLIPS_SHOWN]]:
        if gaps[i]:
            asked = json.dumps(examples[i].inputs, ensure_ascii=False)[:90]
            say(f"    {gaps[i]:+.2f} {examples[i].id} {asked}")
