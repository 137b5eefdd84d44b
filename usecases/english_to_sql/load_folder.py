"""Reads a user's folder of questions and schemas; broken rows are named, the rest is kept."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .judge import run_query
from .load_ddl import from_ddl
from .load_schema import SQLITE_ENDINGS, database_from_script, from_jsonl, from_spider, from_sqlite
from .schema import Schema, SchemaError
from .serialize import create_script
from .sql_text import requote_strings

REQUIRED = ("schema_id", "question", "sql")
# What public sets call these columns; in Spider `sql` is the parsed query, which is no text.
OTHER_NAMES = {"schema_id": ("db_id",), "sql": ("query", "SQL")}


@dataclass(frozen=True)
class Question:
    """One row of the question file; without golds the question cannot be answered."""

    row: int
    schema_id: str
    question: str
    golds: tuple[str, ...]


@dataclass
class Folder:
    """What was read, and one line for everything that could not be used."""

    schemas: dict[str, Schema] = field(default_factory=dict)
    questions: list[Question] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def load_folder(folder: Path, questions: str = "questions.jsonl") -> Folder:
    """Reads all schemas and one question file of a folder."""
    if not folder.is_dir():
        raise SchemaError(f"{folder}: there is no such folder; name one with {questions}")
    found = Folder()
    for path in sorted([*folder.iterdir(), *(folder / "schemas").glob("*")]):
        try:
            found.schemas |= _load_schemas(path)
        except (SchemaError, OSError, UnicodeDecodeError) as error:
            text = str(error)
            found.problems.append(text if str(path) in text else f"{path}: {text}")
    if not found.schemas:
        reasons = "; ".join(found.problems) or "no *.sql, *.sqlite, *tables.json or schemas.jsonl"
        raise SchemaError(f"{folder}: no schema could be read: {reasons}")
    _load_questions(folder / questions, found)
    return found


def _load_schemas(path: Path) -> dict[str, Schema]:
    if path.suffix.lower() in SQLITE_ENDINGS:
        return {path.stem: from_sqlite(path)}
    if path.suffix.lower() == ".sql":
        return {_ddl_name(path): from_ddl(path.read_text(encoding="utf-8-sig"), _ddl_name(path))}
    if path.name.endswith("tables.json"):
        return from_spider(path)
    return from_jsonl(path) if path.name == "schemas.jsonl" else {}


def _ddl_name(path: Path) -> str:
    """A lone schema.sql is named after its folder."""
    return path.parent.name if path.stem == "schema" else path.stem


def _load_questions(path: Path, found: Folder) -> None:
    if not path.is_file():
        raise SchemaError(f"{path}: there is no such file; write one JSON object a line")
    empty: dict[str, bytes] = {}
    for number, line in enumerate(_lines(path), start=1):
        if not line.strip():
            continue
        try:
            found.questions.append(_question(json.loads(line), number, found.schemas, empty))
        except (ValueError, TypeError) as error:
            found.problems.append(f"{path}, row {number}: {error}")


def _lines(path: Path) -> list[str]:
    """The rows of a question file as JSON, one a line; a `.json` file holds them as a list."""
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".json":
        return text.split("\n")
    try:
        rows = json.loads(text)
    except ValueError as error:
        raise SchemaError(f"{path}: not JSON: {error}") from error
    if not isinstance(rows, list):
        raise SchemaError(f"{path}: expected a list of questions, found {type(rows).__name__}")
    return [json.dumps(row) for row in rows]


def _usual(record: dict[str, Any]) -> dict[str, Any]:
    """A row under the usual names; what BIRD says beside a question is part of the question."""
    found = dict(record)
    for name, others in OTHER_NAMES.items():
        texts = [record[one] for one in (name, *others) if isinstance(record.get(one), str)]
        found |= {name: texts[0]} if texts else {}
    hint = record.get("evidence")
    if isinstance(hint, str) and hint.strip():
        found["question"] = f"{record.get('question', '')} ({hint.strip()})"
    return found


def _question(record: Any, number: int, schemas: Mapping[str, Schema], empty: dict[str, bytes]) -> Question:
    """Reads one row and proves that its SQL runs on its own schema."""
    if not isinstance(record, dict):
        raise ValueError("not a JSON object")
    record = _usual(record)
    missing = [name for name in REQUIRED if not isinstance(record.get(name), str)]
    if missing:
        raise ValueError(f"text is missing for {', '.join(missing)}; found {sorted(record)}")
    name = record["schema_id"]
    if name not in schemas:
        raise ValueError(f"schema {name!r} is unknown; known: {', '.join(list(schemas)[:10])}")
    if name not in empty:
        empty[name] = database_from_script(create_script(schemas[name]), name)
    known = _all_names(schemas[name])
    written = [record["sql"], *record.get("sql_alternatives", [])]
    golds = tuple(requote_strings(sql, known) for sql in written if sql)
    for gold in golds:
        result = run_query(gold, empty[name], is_gold=True)
        if result.label:
            reason = result.hint or result.detail.removesuffix(" (on the database)")
            raise ValueError(f"SQL does not run on schema {name}: {reason} | {gold}")
    return Question(number, name, record["question"], golds)


def _all_names(schema: Schema) -> Sequence[str]:
    return [name for table, columns in schema.names().items() for name in (table, *columns)]
