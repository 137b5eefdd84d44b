"""A JSONL file of millions of rows to splits that read it as they go: bounded memory, the same checks.

The file is read once. Of each row a place, hashes and a sketch of its text are kept; with them repeated rows
are left out, groups are dealt to splits, and held-out rows are compared with all training rows. A row takes
`ROW_BYTES` on the way, and 32 bytes once it is in a split.
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from common import nearby, rows
from common.data import NEAR_DUPLICATE, Leak, normalise, parse_row, text_of
from common.errors import FaultsError
from common.examples import ADVICE, SPLITS
from common.progress import task
from common.rows import Rows
from common.usecase import Example, Source, Splits

LARGE_BYTES = 200_000_000  # smaller files are read whole, which is quicker and holds about 0.6 kB a row
HELD_OUT = {"test": 2_000, "val": 500}  # a share of millions would take longer to answer than to train on
ROWS_AT_ONCE = 512
PARTS = 8  # of the rows that share a key, so many parts are looked at one after the other
FAULTS_SHOWN = 20
NO_SPLIT = 0
CODES = {"train": 1, "val": 2, "test": 3}
MADE = np.dtype([("text", "<u8"), ("answer", "<u8"), ("split", "u1"), ("sketch", "u1", nearby.HASHES)])
ROW_BYTES = rows.ENTRY.itemsize + MADE.itemsize
# A row as an example, or None with what is wrong added to the faults.
Read = Callable[[dict[str, Any], int, list[str]], Example | None]


def is_large(path: Path) -> bool:
    """Whether a file is read as it is used, and not whole."""
    return path.is_file() and path.stat().st_size > LARGE_BYTES


def read(path: Path, read_row: Read, source: Source) -> Splits:
    """The splits of a file, without rows that repeat an earlier one; refused when they leak."""
    found, made = scanned(path, read_row)
    every = Rows(path, lambda row, number: certain(read_row(row, number, [])), found)
    gone = repeats(every, made)
    kept, facts = every.some(~gone), made[~gone]
    names = facts["split"].copy() if facts["split"].any() else dealt(kept.table)
    surplus = leave_out_surplus(names, kept.table)
    refuse_near(kept, facts, names)
    parts = {name: kept.some(names == code) for name, code in CODES.items()}
    dropped = [f"{int(gone.sum())} of {len(gone)} rows repeat an earlier row or nearly do"]
    dropped += [f"{surplus} held-out rows beyond {HELD_OUT['val']} of val and {HELD_OUT['test']} of test"] * (
        surplus > 0
    )
    held = {name: parts[name][:] for name in HELD_OUT}
    return Splits(parts["train"], **held, source=source, dropped=tuple(dropped))


def certain(example: Example | None) -> Example:
    """A row that was read before and so is sound, unless the file was changed on the way."""
    if example is None:
        raise FaultsError("The data", ["a row changed while the run was reading it"], "Run again.")
    return example


def scanned(path: Path, read_row: Read) -> tuple[np.ndarray, np.ndarray]:
    """What stays of every row, and what is needed only to compare rows; every fault by its row."""
    count = line_count(path)
    found, made = np.zeros(count, rows.ENTRY), np.zeros(count, MADE)
    faults: list[str] = []
    texts: list[str] = []
    done = 0
    with task("reading", count, "rows") as work:
        for entry, example, split in sound(path, read_row, faults):
            found[done] = entry
            texts.append(normalise(text_of(example)))
            made["answer"][done], made["split"][done] = hashed(answer_of(example)), split
            done += 1
            if len(texts) == ROWS_AT_ONCE:
                sketch(made[done - len(texts) : done], texts)
                work.advance(len(texts))
                texts.clear()
    sketch(made[done - len(texts) : done], texts)
    named = made["split"][:done] != NO_SPLIT
    if 0 < named.sum() < done:
        faults.append(f"{path.name}: {named.sum()} of {done} rows have a split; give all or none")
    if faults:
        raise FaultsError(f"The data in {path}", faults, ADVICE)
    return found[:done], made[:done]


def line_count(path: Path) -> int:
    """How many lines a file has, counted in pieces."""
    with path.open("rb") as file:
        return 1 + sum(piece.count(b"\n") for piece in iter(lambda: file.read(1 << 22), b""))


def sound(path: Path, read_row: Read, faults: list[str]) -> Iterator[tuple[Any, Example, int]]:
    """Each row's entry, example and split; reading ends early when very much is wrong."""
    start = 0
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            place, start = start, start + len(line)
            if not line.strip():
                continue
            row = parse_row(line, f"{path.name} row {number}", {}, faults)
            example = None if row is None else read_row(row, number, faults)
            if len(faults) >= FAULTS_SHOWN:
                faults.append("and perhaps more: reading stopped here")
                return
            if row is not None and example is not None:
                split = SPLITS.get(str(row.get("split")), "")
                entry = (place, len(line), number, hashed(example.group), hashed(line.strip()))
                yield entry, example, CODES.get(split, NO_SPLIT)


def hashed(value: str | bytes) -> int:
    """A number of 64 bits for a text, the same everywhere."""
    given = value.encode("utf-8", "surrogatepass") if isinstance(value, str) else value
    return int.from_bytes(hashlib.blake2b(given, digest_size=8).digest(), "little")


def answer_of(example: Example) -> str:
    return json.dumps(example.answer, sort_keys=True, default=str)


def sketch(made: np.ndarray, texts: list[str]) -> None:
    """Fills in what the texts of some rows are alike by: eight bits of each MinHash."""
    if texts:
        made["text"] = [hashed(text) for text in texts]
        made["sketch"] = nearby.signatures(texts) & 0xFF


def repeats(every: Rows, made: np.ndarray) -> np.ndarray:
    """Where a row says what an earlier one says: the same text, or nearly that with the same answer."""
    gone = np.ones(len(made), bool)
    gone[np.unique(made["text"], return_index=True)[1]] = False
    bands = made["sketch"].view("<u4")
    with task("looking for repeated rows", bands.shape[1], "of 16 parts") as work:
        for band in range(bands.shape[1]):
            for pairs in alike(made, bands[:, band], gone):
                for _, later, _ in nearby.measured(Texts(every), pairs, NEAR_DUPLICATE):
                    gone[later] = True
            work.advance(1)
    return gone


def alike(made: np.ndarray, keys: np.ndarray, gone: np.ndarray) -> Iterator[np.ndarray]:
    """Pairs (earlier, later) that share a key and an answer and whose sketches agree enough."""
    part_of = keys % PARTS
    for part in range(PARTS):
        chosen = np.flatnonzero(part_of == part)
        left, right = nearby.neighbours(keys[chosen], np.zeros(len(chosen), np.int8))
        left, right = chosen[left], chosen[right]
        kept = (made["answer"][left] == made["answer"][right]) & ~gone[np.maximum(left, right)]
        if kept.any():
            yield nearby.alike(made["sketch"], left[kept], right[kept])


class Texts:
    """The text of a row by its place, as `nearby` compares it."""

    def __init__(self, every: Rows) -> None:
        self.every = every

    def __getitem__(self, place: int) -> str:
        return normalise(text_of(self.every[int(place)]))


def dealt(table: np.ndarray) -> np.ndarray:
    """A split for every row: the first groups in the order of their hashes are held out."""
    names = np.full(len(table), CODES["train"], np.uint8)
    taken = 0
    for name, limit in HELD_OUT.items():
        taken += min(limit, len(table) // (5 if name == "test" else 10))
        here = np.isin(table["group"], rows.first_groups(table["group"], taken))
        names[here & (names == CODES["train"])] = CODES[name]
    return names


def leave_out_surplus(names: np.ndarray, table: np.ndarray) -> int:
    """Takes held-out rows beyond the limits out, those of the highest hashes; gives how many they are."""
    count = 0
    for name, limit in HELD_OUT.items():
        here = np.flatnonzero(names == CODES[name])
        surplus = here[np.argsort(table["content"][here], kind="stable")][limit:]
        names[surplus] = NO_SPLIT
        count += len(surplus)
    return count


def refuse_near(kept: Rows, facts: np.ndarray, names: np.ndarray) -> None:
    """Stops a run whose test could be answered by heart.

    Every held-out row is compared with all rows that are like it by other parts of the sketch than those by
    which repeated rows were found.
    """
    held = np.flatnonzero((names == CODES["val"]) | (names == CODES["test"]))
    found = [*of_one_group(kept, held, names)]
    mixed = np.ascontiguousarray(facts["sketch"].reshape(-1, 4, nearby.HASHES // 4).swapaxes(1, 2))
    for keys in mixed.reshape(len(facts), -1).view("<u4").T:
        left, right = matches(keys, held)
        apart = (names[left] != names[right]) & (names[right] != NO_SPLIT)
        apart &= facts["answer"][left] == facts["answer"][right]
        for pairs in [nearby.alike(facts["sketch"], left[apart], right[apart])] if apart.any() else []:
            for one, other, cosine in nearby.measured(Texts(kept), pairs, NEAR_DUPLICATE):
                found.append(leak(kept, names, one, other, f"near-duplicate ({cosine:.2f})"))
    if found:
        raise FaultsError(
            f"The splits of {kept.path.name} leak",
            [str(one) for one in found[:FAULTS_SHOWN]],
            "Give both rows the same `group` or the same `split`, or remove one of them.",
        )


def of_one_group(kept: Rows, held: np.ndarray, names: np.ndarray) -> Iterator[Leak]:
    """A held-out row of each group that has rows in another split too."""
    groups = kept.table["group"]
    for code in np.unique(names[held]):
        here = held[names[held] == code]
        others = np.flatnonzero((names != code) & (names != NO_SPLIT) & np.isin(groups, groups[here]))
        for other in others[np.unique(groups[others], return_index=True)[1]][:FAULTS_SHOWN]:
            one = here[groups[here] == groups[other]][0]
            yield leak(kept, names, one, other, "same group")


def matches(keys: np.ndarray, held: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Every pair of a held-out row and a row with the same key."""
    order = held[np.argsort(keys[held], kind="stable")]
    others = np.flatnonzero(np.isin(keys, keys[held]))
    first = np.searchsorted(keys[order], keys[others], "left")
    count = np.searchsorted(keys[order], keys[others], "right") - first
    right = np.repeat(others, count)
    place = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    return order[np.repeat(first, count) + place], right


def leak(kept: Rows, names: np.ndarray, one: int, other: int, reason: str) -> Leak:
    called = {code: name for name, code in CODES.items()}
    left, right = kept[int(one)], kept[int(other)]
    return Leak(called[int(names[one])], called[int(names[other])], left, right, reason)


def known(splits: Splits, most: int = 50_000) -> Splits:
    """The same splits for what must hold all training rows at once: of very many, a draw."""
    if not isinstance(splits.train, Rows) or len(splits.train) <= most:
        return splits
    return replace(splits, train=splits.train.by_hash()[:most])
