"""Reads a set in the layout of BEIR: `corpus.jsonl`, `queries.jsonl` and who answers what in `qrels/*.tsv`.

Splits stay as they are published. Without `dev.tsv` a tenth of the training questions is val, and a set with
`test.tsv` alone is dealt anew. Questions of train that nearly stand in test are left out and counted.
"""

import csv
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from common.data import duplicate_id_faults, read_jsonl, share_of
from common.errors import FaultsError
from common.examples import VAL_SHARE, apart
from common.usecase import Example, Source, Splits
from usecases.knowledge_search.folder import with_splits

QRELS = "qrels"
FILES = {"train": "train.tsv", "val": "dev.tsv", "test": "test.tsv"}
COLUMNS = ("query-id", "corpus-id", "score")
NUMBER = re.compile(r"-?\d+(\.\d+)?")
Judged = dict[str, dict[str, list[str]]]  # by split and question, the passages that answer it


def is_beir(folder: Path) -> bool:
    """Whether a folder has judgements in files of their own."""
    return (folder / QRELS).is_dir()


def read_beir(folder: Path) -> Splits:
    """The splits of a folder, or every fault in it at once."""
    faults: list[str] = []
    documents, empty = documents_of(folder / "corpus.jsonl", faults)
    asked = texts_of(folder / "queries.jsonl", faults)
    judged = {
        split: judgements(folder / QRELS / name, {*documents, *empty}, asked, faults)
        for split, name in FILES.items()
        if (folder / QRELS / name).is_file()
    }
    if "test" not in judged:
        faults.append(f"{folder / QRELS / FILES['test']}: no such file")
    if faults:
        raise FaultsError(f"The data in {folder}", faults, "Nothing was run. Mend the rows and run again.")
    named, dropped = splits_of(judged, asked, documents), []
    if empty:
        dropped.append(f"{len(empty)} passages without text, such as {min(empty)}")
    source = Source(folder.resolve().name, "as stated by its owner", "given by the user")
    return apart(Splits(**named, documents=documents, dropped=tuple(dropped), source=source))


def documents_of(path: Path, faults: list[str]) -> tuple[dict[str, str], set[str]]:
    """Passages by id, each with its title in front, and the ids of those that say nothing."""
    rows = read_jsonl(path, {"_id": str}, faults)
    faults += duplicate_id_faults([(number, {"id": row["_id"]}) for number, row in rows], path.name)
    found = {row["_id"]: f"{row.get('title') or ''}\n{row.get('text') or ''}".strip() for _, row in rows}
    return {name: text for name, text in found.items() if text}, {n for n, text in found.items() if not text}


def texts_of(path: Path, faults: list[str]) -> dict[str, str]:
    """Questions by id."""
    rows = read_jsonl(path, {"_id": str, "text": str}, faults)
    faults += duplicate_id_faults([(number, {"id": row["_id"]}) for number, row in rows], path.name)
    return {row["_id"]: row["text"] for _, row in rows}


def judgements(
    path: Path, known: set[str], asked: Mapping[str, str], faults: list[str]
) -> dict[str, list[str]]:
    """The passages that answer each question of a file; any score above zero counts alike."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        if missing := [name for name in COLUMNS if name not in (reader.fieldnames or ())]:
            faults.append(f"{path.name}: the head lacks {', '.join(missing)}; found {reader.fieldnames}")
            return {}
        rows = list(enumerate(reader, start=2))
    found: dict[str, list[str]] = {}
    for number, row in rows:
        query, passage, score = (row[name] or "" for name in COLUMNS)
        place = f"{QRELS}/{path.name} row {number}"
        faults += [f"{place}: question {query!r} is not in queries.jsonl"] * (query not in asked)
        faults += [f"{place}: passage {passage!r} is not in corpus.jsonl"] * (passage not in known)
        if not NUMBER.fullmatch(score):
            faults.append(f"{place}: score must be a number, found {score!r}")
        elif float(score) > 0:
            found.setdefault(query, []).append(passage)
    return found


def splits_of(judged: Judged, asked: Mapping[str, str], documents: Mapping[str, str]) -> dict[str, Any]:
    """Examples by split; a passage without text answers nothing."""
    found = {
        split: [
            Example(query, query, asked[query], right, "all")
            for query, passages in answers.items()
            if (right := tuple(name for name in passages if name in documents))
        ]
        for split, answers in judged.items()
    }
    if "train" not in found:
        every = [replace(example, group=example.answer[0]) for part in found.values() for example in part]
        dealt = with_splits(every)
        return {name: tuple(e for split, e in dealt if split == name) for name in FILES}
    if "val" not in found:
        held = {e.id for e in found["train"] if share_of(e.id) < VAL_SHARE}
        found["val"] = [e for e in found["train"] if e.id in held]
        found["train"] = [e for e in found["train"] if e.id not in held]
    return {name: tuple(found[name]) for name in FILES}
