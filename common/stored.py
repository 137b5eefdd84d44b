"""Training rows of a very large file as tokens: written once to an Arrow file, mapped while training."""

import os
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

import numpy as np

from common.chat import Encoded
from common.progress import task

ROWS_AT_ONCE = 1_000


class Stored:
    """Rows of tokens in a file, with the length of each in memory: four bytes a row."""

    def __init__(self, path: Path) -> None:
        from datasets import Dataset

        self.data = Dataset.from_file(str(path))
        column = self.data.data.column("input_ids")
        found = [part.value_lengths().to_numpy() for part in column.chunks]
        self.lengths = np.concatenate([np.zeros(0, np.int32), *found])

    def __len__(self) -> int:
        return len(self.lengths)


def write(path: Path, count: int, encoded: Iterable[Encoded]) -> None:
    """Writes the rows, whole or not at all; a file that is there was written by the same run before."""
    from datasets import Features, List, Value
    from datasets.arrow_writer import ArrowWriter

    if path.is_file():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    numbers = List(Value("int32"))
    with task("writing tokens", count, "rows") as work:
        with ArrowWriter(path=str(part), features=Features(input_ids=numbers, labels=numbers)) as writer:
            for rows in groups(encoded):
                writer.write_batch(
                    {"input_ids": [r.input_ids for r in rows], "labels": [r.labels for r in rows]}
                )
                work.advance(len(rows))
            writer.finalize()
    os.replace(part, path)


def groups(encoded: Iterable[Encoded]) -> Iterator[list[Encoded]]:
    """The rows in groups, so that a write costs little."""
    left = iter(encoded)
    while found := list(islice(left, ROWS_AT_ONCE)):
        yield found
