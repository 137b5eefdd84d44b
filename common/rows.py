"""Examples that stay in their file: a few numbers of each are in memory, the rest is read when asked for."""

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from common.usecase import Example

# Where a row stands in the file, and its group and its content as numbers that hashing gave.
ENTRY = np.dtype([("start", "<u8"), ("size", "<u4"), ("number", "<u4"), ("group", "<u8"), ("content", "<u8")])
Parse = Callable[[dict[str, Any], int], Example]


class Rows(Sequence[Example]):
    """Some rows of a JSONL file in some order, 32 bytes each."""

    def __init__(self, path: Path, parse: Parse, table: np.ndarray) -> None:
        self.path, self.parse, self.table = path, parse, table

    @cached_property
    def file(self) -> int:
        return os.open(self.path, os.O_RDONLY)

    def __len__(self) -> int:
        return len(self.table)

    def __getitem__(self, place: Any) -> Any:
        """The example at a place; of a slice all examples, so ask for small ones."""
        if isinstance(place, slice):
            return tuple(map(self.read, self.table[place]))
        return self.read(self.table[place])

    def __iter__(self) -> Iterator[Example]:
        return map(self.read, self.table)

    def read(self, entry: Any) -> Example:
        line = os.pread(self.file, int(entry["size"]), int(entry["start"]))
        return self.parse(json.loads(line), int(entry["number"]))

    def some(self, chosen: np.ndarray) -> "Rows":
        """The rows at some places, or where a mask says so."""
        return Rows(self.path, self.parse, self.table[chosen])

    def by_hash(self) -> "Rows":
        """The same rows in an order that has nothing to do with them."""
        return self.some(np.argsort(self.table["content"], kind="stable"))

    def part(self, share: float) -> "Rows":
        """About a share of the rows, by whole groups; a smaller share is held by each larger one."""
        return self.some(np.isin(self.table["group"], first_groups(self.table["group"], share * len(self))))

    def fingerprint(self) -> str:
        """A hash of their content that ignores order."""
        return hashlib.sha256(np.sort(self.table["content"]).tobytes()).hexdigest()

    def group_count(self) -> int:
        return len(np.unique(self.table["group"]))


def first_groups(groups: np.ndarray, rows: float) -> np.ndarray:
    """The first groups in the order of their hashes that hold so many rows together."""
    names, counts = np.unique(groups, return_counts=True)
    return names[: int(np.searchsorted(np.cumsum(counts), rows)) + 1] if rows > 0 else names[:0]
