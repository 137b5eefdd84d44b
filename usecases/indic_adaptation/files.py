"""Which two files of a folder a track reads, and their rows, in our form or as the data sets are published.

A folder may hold any language under any name: what decides is a pair of a train and a held-out file
that have the columns. `--data` may also name the train file itself; the held-out file stands beside it.
"""

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common.data import Row, read_jsonl
from common.errors import FaultsError, GalleryError

TRAIN = "train"
HELD_OUT = ("dev", "validation", "val", "test")
ENDINGS = (".jsonl", ".tsv")
ADVICE = "Nothing was run. Mend the rows and run again."


@dataclass(frozen=True)
class Form:
    """What a track reads: our name for its files, the columns it needs, and those of a published table."""

    known: str
    columns: Mapping[str, type]
    table: tuple[str, ...] = ()

    @property
    def wanted(self) -> str:
        """What a person is told to give."""
        return (
            f"{self.known}.train.jsonl and {self.known}.dev.jsonl, or one other pair NAME.train.jsonl and "
            f"NAME.dev.jsonl, with the columns {', '.join(self.columns)}; or NAMEtrain.tsv and its dev, "
            f"validation or test file with the columns {', '.join(self.table)} in that order, "
            "as they are published"
        )


def read_pair(data: Path, form: Form) -> tuple[list[Row], list[Row], tuple[str, str]]:
    """The rows of the train and of the held-out file with their numbers, or every fault at once."""
    paths = pair_of(data, form)
    faults: list[str] = []
    train, held = (read_rows(path, form, faults) for path in paths)
    if faults:
        raise FaultsError(f"The data in {paths[0].parent}", faults, ADVICE)
    return train, held, (paths[0].name, paths[1].name)


def pair_of(data: Path, form: Form) -> tuple[Path, Path]:
    """The train file and the held-out one."""
    if not data.exists():
        raise GalleryError(f"--data {data}: no such folder or file. Give {form.wanted}.")
    if data.is_file():
        return data, beside(data, form)
    known = data / f"{form.known}.train.jsonl"
    if known.is_file():
        return known, beside(known, form)
    found = [path for path in sorted(data.iterdir()) if is_train(path) and fits(path, form)]
    if len(found) == 1:
        return found[0], beside(found[0], form)
    names = ", ".join(sorted(path.name for path in data.iterdir())[:12]) or "nothing"
    if not found:
        raise GalleryError(f"--data {data}: expected {form.wanted}. Found: {names}.")
    raise GalleryError(
        f"--data {data}: several train files fit, {', '.join(path.name for path in found)}. Name one of "
        "them: `--data FOLDER/FILE`; the held-out file beside it is the test."
    )


def is_train(path: Path) -> bool:
    return path.is_file() and path.suffix in ENDINGS and path.stem.endswith(TRAIN)


def beside(train: Path, form: Form) -> Path:
    """The held-out file of a train file."""
    if not is_train(train):
        raise GalleryError(f"--data {train}: not the name of a train file. Give {form.wanted}.")
    start = train.stem.removesuffix(TRAIN)
    candidates = [train.with_name(f"{start}{name}{train.suffix}") for name in HELD_OUT]
    return next((path for path in candidates if path.is_file()), candidates[0])


def fits(path: Path, form: Form) -> bool:
    """Whether the first row has the columns; what is broken further on is said when the file is read."""
    line = next((line for line in path.open(encoding="utf-8", errors="replace") if line.strip()), "")
    if path.suffix == ".tsv":
        return bool(form.table) and len(line.split("\t")) == len(form.table)
    try:
        row = json.loads(line)
    except ValueError:
        return False
    return isinstance(row, dict) and form.columns.keys() <= row.keys()


def read_rows(path: Path, form: Form, faults: list[str]) -> list[Row]:
    """Rows of one file with their numbers."""
    if path.suffix != ".tsv":
        return read_jsonl(path, form.columns, faults)
    if not path.is_file():
        faults.append(f"{path}: no such file")
        return []
    rows = []
    with path.open(encoding="utf-8", newline="") as file:
        for number, cells in enumerate(csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE), start=1):
            if cells and not (number == 1 and is_heading(cells)):
                add_cells(rows, number, cells, form, f"{path.name} row {number}", faults)
    return rows


def is_heading(cells: Sequence[str]) -> bool:
    """Published tables of code-mixed queries have a line of names, word lists have none."""
    return any(cell.endswith("_query") for cell in cells)


def add_cells(
    rows: list[Row], number: int, cells: Sequence[str], form: Form, place: str, faults: list[str]
) -> None:
    """Adds a line of a table as a row, or what is wrong with it."""
    row: dict[str, Any] = dict(zip(form.table, (cell.strip() for cell in cells), strict=False))
    if len(cells) != len(form.table) or not all(row.get(name) for name in form.columns):
        faults.append(f"{place}: expected {', '.join(form.table)} between tabs, found {cells!r:.100}")
        return
    rows.append((number, row))
