"""Data in: reading with row numbers, splitting by group, near-duplicates, leakage, fingerprints."""

import hashlib
import json
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from common.errors import FaultsError, GalleryError
from common.nearby import pairs_between
from common.rows import Rows
from common.usecase import Example, Splits

NEAR_DUPLICATE = 0.9
MOST_COMPARISONS = 50_000_000  # beyond this, near-duplicates are found by MinHash
SPLIT_SHARES = {"train": 0.7, "val": 0.1, "test": 0.2}
ASCII_GAPS = {code: " " for code in range(128) if not chr(code).isalnum()}
Row = tuple[int | str, dict[str, Any]]  # where it stands, such as 5 or "5 of train.csv", and its columns


def read_jsonl(path: Path, required: Mapping[str, type], faults: list[str]) -> list[Row]:
    """Rows with their 1-based line numbers; whatever is wrong is added to `faults`."""
    if not path.is_file():
        faults.append(f"{path}: no such file")
        return []
    rows: list[Row] = []
    for number, line in enumerate(path.read_bytes().split(b"\n"), start=1):
        if line.strip():
            row = parse_row(line, f"{path.name} row {number}", required, faults)
            if row is not None:
                rows.append((number, row))
    if not rows and not faults:
        faults.append(f"{path}: the file is empty")
    return rows


def parse_row(
    line: bytes, place: str, required: Mapping[str, type], faults: list[str]
) -> dict[str, Any] | None:
    """One JSON object with its required columns, or None with the fault noted."""
    try:
        row = json.loads(line.decode("utf-8"))
    except UnicodeDecodeError as error:
        faults.append(f"{place}: not UTF-8 text (byte {error.start} is 0x{line[error.start]:02x})")
        return None
    except json.JSONDecodeError as error:
        faults.append(f"{place}: broken JSON at character {error.pos + 1}: {error.msg}")
        return None
    if not isinstance(row, dict):
        faults.append(f"{place}: expected a JSON object, found {type(row).__name__}")
        return None
    wrong = [
        f"{place}: column {column!r} is missing"
        if column not in row
        else f"{place}: column {column!r} must be {kind.__name__}, found {row[column]!r:.60}"
        for column, kind in required.items()
        if not isinstance(row.get(column), kind) or row.get(column) == ""
    ]
    faults.extend(wrong)
    return None if wrong else row


def duplicate_id_faults(rows: Sequence[Row], file_name: str) -> list[str]:
    """A fault per id that stands on more than one row."""
    first: dict[str, int] = {}
    faults = []
    for number, row in rows:
        if row["id"] in first:
            faults.append(
                f"{file_name} row {number}: id {row['id']!r} stands on row {first[row['id']]} already"
            )
        first.setdefault(row["id"], number)
    return faults


def inside(folder: Path, name: str) -> Path:
    """A path from a data file, refused when it leaves the data's folder."""
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise GalleryError(f"The path {name!r} leaves the data folder {folder}; it was not opened.")
    return path


def existing_folder(data: Path) -> Path:
    """The person's folder, or an error that says what was found instead."""
    if not data.exists():
        raise GalleryError(f"--data {data}: no such folder. Give a folder that exists.")
    if not data.is_dir():
        raise GalleryError(f"--data {data}: expected a folder, found a file.")
    return data


def normalise(text: str) -> str:
    """Lower case, letters with their vowel signs and digits only, one space between words."""
    if text.isascii():  # the same, many times faster
        return " ".join(text.lower().translate(ASCII_GAPS).split())
    kept = "".join(char if unicodedata.category(char)[0] in "LMN" else " " for char in text.lower())
    return " ".join(kept.split())


def near_duplicates(
    left: Sequence[str], right: Sequence[str], threshold: float = NEAR_DUPLICATE
) -> list[tuple[int, int, float]]:
    """Pairs (row of left, row of right, cosine) of character 3-5-grams within words."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    if not left or not right:
        return []
    if len(left) * len(right) > MOST_COMPARISONS:
        return pairs_between(left, right, threshold)
    vectorizer = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), use_idf=False, dtype=np.float32)
    try:
        weights = vectorizer.fit_transform([*left, *right])
    except ValueError:  # no text is long enough to have a 3-gram
        return []
    weights.sort_indices()  # products are summed up in this order
    a, b = weights[: len(left)], weights[len(left) :]
    pairs = []
    for start in range(0, a.shape[0], 256):
        product = (a[start : start + 256] @ b.T).tocoo()
        keep = product.data >= threshold
        found = zip(product.row[keep], product.col[keep], product.data[keep], strict=True)
        pairs += [(start + int(row), int(column), float(value)) for row, column, value in found]
    return pairs


@dataclass(frozen=True)
class Leak:
    """Two examples in different splits that a model could copy from one to the other."""

    split: str
    other_split: str
    example: Example
    other: Example
    reason: str

    def __str__(self) -> str:
        pair = f"{self.split} {self.example.id!r} and {self.other_split} {self.other.id!r}"
        return f"{pair}: {self.reason}: {text_of(self.example)!r:.90} | {text_of(self.other)!r:.90}"


def text_of(example: Example) -> str:
    """The text by which an example is compared with others."""
    if isinstance(example.inputs, str):
        return example.inputs
    return json.dumps(example.inputs, sort_keys=True, ensure_ascii=False, default=str)


def leaks(splits: Splits) -> list[Leak]:
    """Groups, texts and near-duplicate texts that stand in two splits."""
    found: list[Leak] = []
    if isinstance(splits.train, Rows):  # they were compared when they were read, or could not be now
        return found
    named = list(splits.named().items())
    for position, (name, examples) in enumerate(named):
        for other_name, others in named[position + 1 :]:
            found += shared(name, examples, other_name, others, lambda e: e.group, "same group")
            found += near_leaks(name, examples, other_name, others)
    return found


def shared(
    name: str,
    examples: Sequence[Example],
    other_name: str,
    others: Sequence[Example],
    key: Callable[[Example], Hashable],
    reason: str,
) -> list[Leak]:
    """One leak per key that stands on both sides."""
    first = {key(example): example for example in reversed(examples)}
    met = {key(other): other for other in reversed(others) if key(other) in first}
    return [Leak(name, other_name, first[k], other, reason) for k, other in met.items()]


def near_leaks(
    name: str, examples: Sequence[Example], other_name: str, others: Sequence[Example]
) -> list[Leak]:
    """Pairs of near-identical texts that want the same answer, or of fully identical texts."""
    left = [normalise(text_of(example)) for example in examples]
    right = [normalise(text_of(other)) for other in others]
    found = []
    for row, column, cosine in near_duplicates(left, right):
        example, other = examples[row], others[column]
        if left[row] == right[column]:
            found.append(Leak(name, other_name, example, other, "same text"))
        elif example.answer == other.answer:
            found.append(Leak(name, other_name, example, other, f"near-duplicate ({cosine:.2f})"))
    return found


def refuse_leaks(splits: Splits, data_name: str) -> None:
    """Stops a run whose test could be answered by heart."""
    found = leaks(splits)
    if found:
        raise FaultsError(
            f"The splits of {data_name} leak",
            [str(leak) for leak in found],
            "Give both examples the same `group` or the same `split`, or remove one of them.",
        )


def split_by_group(examples: Sequence[Example], links: Iterable[tuple[int, int]] = ()) -> Splits:
    """Splits by hashed group, so that linked examples and whole groups stay together."""
    parent: dict[str, str] = {example.group: example.group for example in examples}

    def top(group: str) -> str:
        while parent[group] != group:
            group = parent[group]
        return group

    for left, right in links:
        parent[top(examples[left].group)] = top(examples[right].group)
    chosen = defaultdict(list)
    for example in examples:
        chosen[hashed_split(top(example.group))].append(example)
    return Splits(*(tuple(chosen[name]) for name in SPLIT_SHARES))


def share_of(key: str) -> float:
    """A number from 0 to 1, spread evenly over keys, that never changes between machines or runs."""
    return int(hashlib.sha256(key.encode()).hexdigest()[:8], 16) / 0xFFFFFFFF


def by_hash(examples: Iterable[Example]) -> Sequence[Example]:
    """Examples in an order that has nothing to do with them and is the same everywhere."""
    if isinstance(examples, Rows):
        return examples.by_hash()
    return sorted(examples, key=lambda example: hashlib.sha256(example.id.encode()).digest())


def hashed_split(key: str) -> str:
    """A split for a key."""
    share = share_of(key)
    return "train" if share < SPLIT_SHARES["train"] else "val" if share < 0.8 else "test"


def fingerprint(examples: Iterable[Example], documents: Mapping[str, str] | None = None) -> str:
    """A hash of content that ignores order."""
    lines = [
        json.dumps([e.id, e.group, e.kind, e.inputs, e.answer], sort_keys=True, default=str) for e in examples
    ] + [json.dumps(item) for item in (documents or {}).items()]
    return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()[:16]


def describe(splits: Splits) -> dict[str, Any]:
    """Counts and hashes of the data, for the record."""
    named, documents = splits.named(), splits.documents
    every = [example for examples in named.values() if not isinstance(examples, Rows) for example in examples]
    whole = fingerprint(every, documents)
    if isinstance(splits.train, Rows):
        whole = hashlib.sha256(f"{whole} {splits.train.fingerprint()}".encode()).hexdigest()[:16]
    return {
        "fingerprint": whole,
        "test_ids_hash": fingerprint(splits.test),
        "counts": {name: len(examples) for name, examples in named.items()},
        "groups": {name: group_count(examples) for name, examples in named.items()},
        "kinds": dict(Counter(example.kind for example in splits.test).most_common()),
        "documents": len(documents),
        "probes": {name: len(examples) for name, examples in splits.probes.items()},
        "dropped": list(splits.dropped),
        "source": vars(splits.source) if splits.source else {},
    }


def group_count(examples: Sequence[Example]) -> int:
    return examples.group_count() if isinstance(examples, Rows) else len({e.group for e in examples})
