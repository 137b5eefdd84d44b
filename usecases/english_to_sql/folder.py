"""Reads a person's folder of schemas and questions into splits; rows for its databases are made up.

Two layouts: `questions.jsonl` beside `schemas/*.sql|*.sqlite`, or the files of Spider and BIRD, whose own
faulty rows are left out in plain sight.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from common.data import existing_folder, split_by_group
from common.errors import FaultsError, GalleryError
from common.progress import watched
from common.usecase import Example, Source, Splits
from usecases.english_to_sql.gold_gate import gate
from usecases.english_to_sql.judge import ABSTAIN_MARKER
from usecases.english_to_sql.load_folder import Folder, Question, load_folder
from usecases.english_to_sql.load_schema import with_values
from usecases.english_to_sql.populate import populate
from usecases.english_to_sql.schema import Column, Schema, SchemaError, Table, map_columns

QUESTIONS = "questions.jsonl"
PUBLISHED = {
    "train": ("train.jsonl", "train_spider.json", "train_others.json", "train.json"),
    "test": ("dev.jsonl", "dev.json"),
}
SPLITS = {"train": "train", "val": "val", "dev": "val", "test": "test"}
LARGEST_FAULTY_SHARE = 0.01
MOST_VALUES = 12
VAL_SHARE = 10
ADVICE = "Nothing was run. Mend the rows and run again."


@dataclass(frozen=True)
class UserData:
    """What a folder gives: splits, schemas with values that may be shown, and the databases to judge on, by
    schema or, where a question has its own, by that question."""

    splits: Splits
    schemas: Mapping[str, Schema]
    databases: Mapping[str, tuple[bytes, ...]]


def read_folder(folder: Path) -> UserData:
    """The data of a folder, or every fault in it at once."""
    existing_folder(folder)
    published = [name for names in PUBLISHED.values() for name in names if (folder / name).is_file()]
    try:
        is_plain = (folder / QUESTIONS).is_file() or not published
        return read_questions(folder) if is_plain else read_published(folder, published)
    except SchemaError as error:
        raise GalleryError(str(error)) from error


def read_questions(folder: Path) -> UserData:
    """The plain layout: any faulty row stops the run."""
    found = load_folder(folder, QUESTIONS)
    named = {} if found.problems else split_names(folder / QUESTIONS, found.problems)
    if not found.problems and not found.questions:
        found.problems.append(f"{folder / QUESTIONS}: the file has no rows")
    if found.problems:
        raise FaultsError(f"The data in {folder}", found.problems, ADVICE)
    asked = {question.row: example_of(question, "q") for question in found.questions}
    if not named:
        splits = split_by_group(list(asked.values()))
    else:
        parts = {s: tuple(e for row, e in asked.items() if named[row] == s) for s in ("train", "val", "test")}
        splits = Splits(**parts)
    return finished(folder, found, splits)


def split_names(path: Path, faults: list[str]) -> dict[int, str]:
    """The split of each row; all rows say one, or none does."""
    named, rows = {}, 0
    for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), start=1):
        if not line.strip():
            continue
        rows += 1
        split = json.loads(line).get("split")
        if split is None:
            continue
        if split not in SPLITS:
            faults.append(f"{path}, row {number}: split {split!r} is none of {', '.join(SPLITS)}")
        named[number] = SPLITS.get(split, "train")
    if 0 < len(named) < rows:
        faults.append(f"{path}: {len(named)} of {rows} rows have a split; give all or none")
    return named


def read_published(folder: Path, names: Sequence[str]) -> UserData:
    """The files of Spider or BIRD: dev is the test, every tenth train schema is val.

    With one of the two alone, whole schemas are dealt over train, val and test.
    """
    parts: dict[str, list[Example]] = {"train": [], "val": [], "test": []}
    merged, rows = Folder(), 0
    for name in names:
        found = load_folder(folder, name)
        merged.schemas |= found.schemas
        merged.problems += [line for line in found.problems if line not in merged.problems]
        merged.questions += found.questions
        rows += len(found.questions) + len(found.problems)
        split = "test" if name in PUBLISHED["test"] else "train"
        place = Path(name).stem if name == "train_others.json" else split
        parts[split] += [example_of(question, place) for question in found.questions]
    if len(merged.problems) > LARGEST_FAULTY_SHARE * rows:
        raise FaultsError(f"The data in {folder}", merged.problems, ADVICE)
    if not parts["train"] or not parts["test"]:
        return finished(folder, merged, split_by_group([*parts["train"], *parts["test"]]))
    val = set(sorted({example.group for example in parts["train"]})[::VAL_SHARE])
    parts["val"] = [example for example in parts["train"] if example.group in val]
    parts["train"] = [example for example in parts["train"] if example.group not in val]
    return finished(folder, merged, Splits(**{name: tuple(examples) for name, examples in parts.items()}))


def example_of(question: Question, place: str) -> Example:
    """One question; no query means that the tables cannot answer it."""
    golds = question.golds or (ABSTAIN_MARKER,)
    return Example(
        id=f"{question.schema_id}-{place}{question.row:05d}",
        group=question.schema_id,
        inputs={"schema_id": question.schema_id, "question": question.question},
        answer=golds[0],
        kind="answerable" if question.golds else "unanswerable",
        extra={"alternatives": golds[1:]},
    )


def finished(folder: Path, found: Folder, splits: Splits) -> UserData:
    """Fills the databases and leaves out golds that could not tell right from wrong."""
    schemas, databases = {}, {}
    held_out = {example.group for example in (*splits.val, *splits.test)}
    names = sorted({question.schema_id for question in found.questions})
    for name in watched(names, "filling databases", "schemas"):
        queries = [gold for q in found.questions if q.schema_id == name for gold in q.golds]
        databases[name] = tuple(populate(found.schemas[name], queries, hidden=8 if name in held_out else 0))
        schemas[name] = shown_schema(found.schemas[name], databases[name][0])
    dropped = list(found.problems)
    kept = {
        part: examples if part == "train" else gated(examples, found.schemas, databases, dropped)
        for part, examples in splits.named().items()
    }
    source = Source(folder.resolve().name, "as stated by its owner", "given by the user")
    return UserData(Splits(**kept, dropped=tuple(dropped), source=source), schemas, databases)


def gated(
    examples: Sequence[Example],
    schemas: Mapping[str, Schema],
    databases: dict[str, tuple[bytes, ...]],
    dropped: list[str],
    at_once: Sequence[int] = (6, 2),
) -> tuple[Example, ...]:
    """Examples whose queries pass the gate; the others are named.

    Rows that are made for many queries leave some without any that they look for. These get databases of
    their own, filled for a few of them `at_once`, and then for fewer. No other fault has a second try: what
    depends on the order of the rows is wrong also where no two rows happen to tie.
    """
    asked = dict.fromkeys((e.group, e.answer) for e in examples if e.answer != ABSTAIN_MARKER)
    faults = {
        (name, query): gate(query, databases[name])
        for name, query in watched(asked, "running the queries to judge by", "queries")
    }
    own: dict[tuple[str, str], tuple[bytes, ...]] = {}
    for size in at_once:
        empty = sorted(key for key, fault in faults.items() if fault.startswith("returns a value other than"))
        alike = [list(same) for _, same in groupby(empty, key=lambda key: key[0])]
        few = [same[start : start + size] for same in alike for start in range(0, len(same), size)]
        for keys in watched(few, "filling databases for queries that found no rows", "groups"):
            made = tuple(populate(schemas[keys[0][0]], [query for _, query in keys], seed=size))
            faults |= {key: gate(key[1], made) for key in keys}
            own |= dict.fromkeys(keys, made)
    found = [(example, (example.group, example.answer)) for example in examples]
    dropped += [f"{e.id}: {faults[key]} | {e.answer}" for e, key in found if faults.get(key)]
    databases |= {e.id: own[key] for e, key in found if key in own}
    return tuple(example for example, key in found if not faults.get(key))


def shown_schema(schema: Schema, visible: bytes) -> Schema:
    """The schema with short text values of the visible database."""

    def change(_: Table, column: Column) -> Column:
        texts = [v for v in column.values if isinstance(v, str) and not v[:4].isdigit() and len(v) <= 40]
        return Column(
            column.name,
            column.type,
            column.nullable,
            column.unique,
            column.readable,
            column.description,
            tuple(texts[:MOST_VALUES]),
        )

    return map_columns(with_values(schema, visible), change)
