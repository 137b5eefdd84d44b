"""A file of rows to splits: one question and its answer a row, JSONL or CSV, every fault by its row."""

import csv
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from common.data import (
    Row,
    duplicate_id_faults,
    near_duplicates,
    normalise,
    read_jsonl,
    split_by_group,
    text_of,
)
from common.errors import FaultsError
from common.usecase import Example, Source, Splits

SPLITS = {"train": "train", "val": "val", "dev": "val", "validation": "val", "test": "test"}
ADVICE = "Nothing was run. Mend the rows and run again."


def read_examples(
    path: Path,
    question: str,
    answer: str,
    source: Source | None = None,
    beside: Sequence[str] = (),
    answers: Sequence[str] = (),
) -> Splits:
    """The splits of a file with a question and an answer column.

    Optional columns: `id`, `group` (never in two splits), `split` (all rows or none), `kind`. Columns named
    `beside` are required too, and make the inputs a mapping. `answers` are the only ones allowed.
    """
    faults: list[str] = []
    rows = read_table(path, (question, answer, *beside), faults)
    rows = [(number, {**row, "id": str(row.get("id", f"row-{number}"))}) for number, row in rows]
    faults += duplicate_id_faults(rows, path.name) + split_faults(rows, path.name)
    faults += [
        f"{path.name} row {number}: {answer} {row[answer]!r:.40} is none of {', '.join(answers)}"
        for number, row in rows
        if answers and row.get(answer, answers[0]) not in answers
    ]
    if faults:
        raise FaultsError(f"The data in {path}", faults, ADVICE)
    examples = [example_of(row, question, answer, beside) for _, row in rows]
    source = source or Source(path.name, "as stated by its owner", "given by the user")
    if "split" not in rows[0][1]:
        return replace(split_alike(examples), source=source)
    named = {name: [] for name in ("train", "val", "test")}
    for (_, row), example in zip(rows, examples, strict=True):
        named[SPLITS[row["split"]]].append(example)
    return Splits(**{name: tuple(found) for name, found in named.items()}, source=source)


def read_table(path: Path, required: Sequence[str], faults: list[str]) -> list[Row]:
    """Rows with their numbers from JSONL, or from CSV with a head line."""
    if path.suffix.lower() != ".csv":
        return read_jsonl(path, dict.fromkeys(required, str), faults)
    if not path.is_file():
        faults.append(f"{path}: no such file")
        return []
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            rows = [(reader.line_num, row) for row in reader]
    except (UnicodeDecodeError, csv.Error) as error:
        faults.append(f"{path.name}: cannot be read as CSV in UTF-8: {error}")
        return []
    faults += [
        f"{path.name} row {number}: column {column!r} is missing or empty"
        for number, row in rows
        for column in required
        if not (row.get(column) or "").strip()
    ]
    if not rows and not faults:
        faults.append(f"{path}: the file is empty")
    return [
        (number, {k: v for k, v in row.items() if k and isinstance(v, str) and v}) for number, row in rows
    ]


def split_faults(rows: Sequence[Row], file_name: str) -> list[str]:
    """Unknown split names, and splits on some rows only."""
    named = [(number, str(row["split"])) for number, row in rows if "split" in row]
    faults = [
        f"{file_name} row {number}: split {split!r} is none of {', '.join(SPLITS)}"
        for number, split in named
        if split not in SPLITS
    ]
    if 0 < len(named) < len(rows):
        faults.append(f"{file_name}: {len(named)} of {len(rows)} rows have a split; give all or none")
    return faults


def example_of(row: dict[str, Any], question: str, answer: str, beside: Sequence[str]) -> Example:
    """One row as an example; the answer is its kind where none is given, so that reports show each."""
    kind = str(row.get("kind", row[answer] if len(row[answer]) <= 40 else "all"))
    inputs = {name: row[name] for name in (*beside, question)} if beside else row[question]
    return Example(str(row["id"]), str(row.get("group", row["id"])), inputs, row[answer], kind)


def split_alike(examples: Sequence[Example]) -> Splits:
    """Splits by group, where near-identical questions count as one group."""
    texts = [normalise(text_of(example)) for example in examples]
    links = [(left, right) for left, right, _ in near_duplicates(texts, texts) if left < right]
    return split_by_group(examples, links)
