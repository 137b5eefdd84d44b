"""Rows as the data doctor sees them: splits of a use case, or a file with usual column names."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common.data import parse_row, text_of
from common.errors import GalleryError
from common.examples import READERS, SPLITS, read_table
from common.usecase import Splits

TEXT_COLUMNS = ("text", "prompt", "question", "note", "query", "anchor", "input", "instruction", "messages")
ANSWER_COLUMNS = ("label", "completion", "chosen", "answer", "output", "response", "positive", "document")


@dataclass(frozen=True)
class Sample:
    """One row as the doctor sees it."""

    place: str
    text: str
    answer: str = ""
    split: str = ""
    rejected: str = ""


def of_splits(splits: Splits) -> list[Sample]:
    """The rows of a use case."""
    return [
        Sample(f"{name} {example.id}", text_of(example), str(example.answer), name)
        for name, examples in splits.named().items()
        for example in examples
    ]


def of_file(path: Path) -> tuple[list[Sample], list[str]]:
    """The rows of a file whose columns have usual names, and what cannot be read."""
    faults: list[str] = []
    samples: list[Sample] = []
    for number, row in rows_of(path, faults):
        text = next((name for name in TEXT_COLUMNS if row.get(name)), None)
        answer = next((name for name in ANSWER_COLUMNS if name in row), None)
        place = f"row {number}"
        if text is None:
            faults.append(f"{place}: none of the columns {', '.join(TEXT_COLUMNS)} has a text")
            continue
        if answer and not written(row[answer]).strip():
            faults.append(f"{place}: column {answer!r} is empty")
        split = SPLITS.get(str(row.get("split", "")), "")
        said = written(row[answer]) if answer else ""
        samples.append(Sample(place, written(row[text]), said, split, written(row.get("rejected", ""))))
    return samples, faults


def rows_of(path: Path, faults: list[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Rows with their numbers, one at a time, so that a large file never stands in memory twice."""
    if not path.is_file():
        raise GalleryError(
            f"{path}: no such file. Give a file of rows, such as JSONL or CSV, or the name of a use case."
        )
    if path.suffix.lower() in READERS:
        yield from read_table(path, (), faults)
        return
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            row = parse_row(line, f"row {number}", {}, faults) if line.strip() else None
            if row is not None:
                yield number, row


def written(value: Any) -> str:
    """A cell as text; of messages only what was said."""
    if isinstance(value, list):
        return "\n".join(
            written(part.get("content", "") if isinstance(part, dict) else part) for part in value
        )
    return value if isinstance(value, str) else "" if value is None else str(value)
