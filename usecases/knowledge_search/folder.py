"""Reads a person's corpus: `corpus.jsonl` and `queries.jsonl`, every fault by file and row."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from common.data import (
    duplicate_id_faults,
    existing_folder,
    near_duplicates,
    normalise,
    read_jsonl,
    split_by_group,
)
from common.errors import FaultsError
from common.usecase import Example, Source, Splits

SPLITS = ("train", "val", "dev", "test")
NO_ANSWER = "no_answer"
Row = Mapping[str, Any]


def read_folder(folder: Path) -> Splits:
    """The splits of a folder, or every fault in it at once."""
    existing_folder(folder)
    faults: list[str] = []
    corpus = read_jsonl(folder / "corpus.jsonl", {"id": str, "text": str}, faults)
    columns = {"id": str, "question": str, "positives": list}
    queries = read_jsonl(folder / "queries.jsonl", columns, faults)
    faults += duplicate_id_faults(corpus, "corpus.jsonl") + duplicate_id_faults(queries, "queries.jsonl")
    known = {row["id"] for _, row in corpus}
    for number, row in queries:
        faults += query_faults(row, f"queries.jsonl row {number}", known)
    named = sum("split" in row for _, row in queries)
    if 0 < named < len(queries):
        faults.append(f"queries.jsonl: {named} of {len(queries)} rows have a split; give all or none")
    if faults:
        raise FaultsError(f"The data in {folder}", faults, "Nothing was run. Mend the rows and run again.")
    source = Source(folder.resolve().name, "as stated by its owner", "given by the user")
    return splits_of([row for _, row in corpus], [row for _, row in queries], source)


def query_faults(row: Row, place: str, known: set[str]) -> list[str]:
    """What is wrong with one question."""
    faults = [
        f"{place}: positive {identifier!r} is not in corpus.jsonl"
        for identifier in row["positives"]
        if identifier not in known
    ]
    if row.get("split", "train") not in SPLITS:
        faults.append(f"{place}: split {row['split']!r} is none of {', '.join(SPLITS)}")
    return faults


def splits_of(passages: Iterable[Row], queries: Iterable[Row], source: Source) -> Splits:
    """Splits from rows; questions without a positive become probes for abstaining."""
    passages, queries = list(passages), list(queries)
    documents = {row["id"]: row["text"] for row in passages}
    groups = {row["id"]: row.get("group", row.get("focus", row["id"])) for row in passages}
    examples = [(row.get("split"), example_of(row, groups)) for row in queries]
    if examples and examples[0][0] is None:
        examples = with_splits([example for _, example in examples])
    named = {"train": [], "val": [], "test": []}
    probes: dict[str, list[Example]] = {"no_answer_val": [], "no_answer_test": []}
    for split, example in examples:
        split = "val" if split == "dev" else split
        if example.answer:
            named[split].append(example)
        elif split != "train":
            probes[f"no_answer_{split}"].append(example)
    return Splits(
        **{name: tuple(found) for name, found in named.items()},
        documents=documents,
        probes={name: tuple(found) for name, found in probes.items() if found},
        source=source,
    )


def example_of(row: Row, groups: Mapping[str, str]) -> Example:
    """A question with the group that keeps it in one split."""
    positives = tuple(row["positives"])
    group = row.get("group", row.get("focus", groups[positives[0]] if positives else row["id"]))
    kind = row.get("kind", row.get("qtype", "all" if positives else NO_ANSWER))
    extra = {"sentence": row["answer"]} if row.get("answer") else {}
    return Example(row["id"], str(group), row["question"], positives, kind, extra)


def with_splits(examples: list[Example]) -> list[tuple[str, Example]]:
    """Splits by group, where near-identical questions count as one group."""
    texts = [normalise(example.inputs) for example in examples]
    links = [(left, right) for left, right, _ in near_duplicates(texts, texts) if left < right]
    chosen = split_by_group(examples, links).named()
    return [(name, example) for name, found in chosen.items() for example in found]
