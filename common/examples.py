"""A file of rows to splits: one question and its answer a row, every fault by its row."""

import csv
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from common.data import (
    Row,
    duplicate_id_faults,
    leaks,
    near_duplicates,
    normalise,
    parse_row,
    read_jsonl,
    share_of,
    split_by_group,
    text_of,
)
from common.errors import FaultsError
from common.usecase import Example, Source, Splits

SPLITS = {"train": "train", "val": "val", "dev": "val", "validation": "val", "test": "test"}
ADVICE = "Nothing was run. Mend the rows and run again."
VAL_SHARE = 0.1  # of the training rows, where no file is for choosing


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
    splits = Splits(**{name: tuple(found) for name, found in named.items()}, source=source)
    return apart(splits) if path.is_dir() else splits


def apart(splits: Splits) -> Splits:
    """Published splits without the rows of train and val that stand, or nearly stand, in a later split."""
    repeated = {(leak.split, leak.example.id) for leak in leaks(splits)}
    kept = {
        name: tuple(example for example in part if (name, example.id) not in repeated)
        for name, part in splits.named().items()
    }
    counts = {name: len(part) - len(kept[name]) for name, part in splits.named().items()}
    lines = [
        f"{count} of {count + len(kept[name])} {name} rows left out, since they nearly stand in a later split"
        for name, count in counts.items()
        if count
    ]
    return replace(splits, **kept, dropped=(*splits.dropped, *lines))


def split_named_in(path: Path) -> str:
    """The split that a file's name says, such as `train` of `my_train-00000.parquet`; empty for none."""
    return next((SPLITS[word] for word in re.split("[^a-z]", path.stem.lower()) if word in SPLITS), "")


def read_split_files(
    folder: Path, required: Sequence[str] | Mapping[str, type], faults: list[str]
) -> list[Row]:
    """Rows of files with a split in their name, such as `my_train.jsonl` or `test-00000.parquet`.

    Without a file for test, that for val is the test; without one for val, some rows of train are.
    """
    files = [
        (split, path)
        for path in sorted(folder.iterdir())
        if path.suffix.lower() in ENDINGS and (split := split_named_in(path))
    ]
    named = {split for split, _ in files}
    if "train" not in named or len(named) < 2:
        faults.append(
            f"{folder}: expected files such as train.jsonl and test.jsonl, found "
            + (", ".join(sorted(path.name for path in folder.iterdir())[:10]) or "nothing")
        )
        return []
    found = []
    for split, path in files:
        split = "test" if "test" not in named and split == "val" else split
        for number, row in read_table(path, required, faults):
            place = f"{number} of {path.name}"
            chooses = (
                split == "train" and len(named) < 3 and share_of(str(row.get("group", place))) < VAL_SHARE
            )
            found.append((place, {**row, "split": "val" if chooses else split}))
    return found


def read_table(path: Path, required: Sequence[str] | Mapping[str, type], faults: list[str]) -> list[Row]:
    """Rows with their numbers from JSONL, or from a table with a head line, a JSON list, Parquet.

    Columns named without a type must be texts. An empty cell of another column counts as none. Of a folder,
    the files that are named for a split.
    """
    if path.is_dir():
        return read_split_files(path, required, faults)
    kinds = required if isinstance(required, Mapping) else dict.fromkeys(required, str)
    reader = READERS.get(path.suffix.lower())
    if reader is None or not path.is_file():
        return read_jsonl(path, kinds, faults)
    try:
        rows = list(reader(path))
    except (OSError, ValueError, csv.Error) as error:
        faults.append(f"{path.name}: cannot be read as {path.suffix[1:].upper()}, in UTF-8: {error}")
        return []
    if not rows:
        faults.append(f"{path}: the file is empty")
    found = []
    for number, row in rows:
        if isinstance(row, dict):
            row = {k: v for k, v in row.items() if k and (k in kinds or v not in (None, ""))}
            found += [(number, row)] if row.keys() >= kinds.keys() else []
        # Each is held to the same as a line of JSON.
        parse_row(json.dumps(row, default=str).encode(), f"{path.name} row {number}", kinds, faults)
    return found


def rows_of_text(path: Path) -> Iterable[tuple[int, dict[str, Any]]]:
    """The rows of CSV, or of TSV, by the line on which each ends."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file, delimiter="\t" if path.suffix.lower() == ".tsv" else ",")
        yield from ((reader.line_num, row) for row in reader)


def rows_of_json(path: Path) -> Iterable[tuple[int, Any]]:
    """The rows of a JSON list."""
    rows = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(rows, list):
        raise ValueError(f"expected a list of rows, found {type(rows).__name__}")
    return enumerate(rows, start=1)


def rows_of_parquet(path: Path) -> Iterable[tuple[int, dict[str, Any]]]:
    """The rows of a Parquet file; labels that the hub's `datasets` stored as numbers get their names back."""
    import pyarrow.parquet

    table = pyarrow.parquet.read_table(path)
    stored = json.loads((table.schema.metadata or {}).get(b"huggingface", b"{}"))
    features = stored.get("info", {}).get("features", {})
    labels = {c: f for c, f in features.items() if isinstance(f, dict) and f.get("_type") == "ClassLabel"}
    names = {column: feature["names"] for column, feature in labels.items()}
    for number, row in enumerate(table.to_pylist(), start=1):
        given = {column: row[column] for column in names if row.get(column) is not None}
        yield number, row | {c: names[c][v] for c, v in given.items() if 0 <= v < len(names[c])}


READERS = {".csv": rows_of_text, ".tsv": rows_of_text, ".json": rows_of_json, ".parquet": rows_of_parquet}
ENDINGS = (".jsonl", *READERS)


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
