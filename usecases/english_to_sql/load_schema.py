"""Loads schemas from SQLite files, DDL files, Spider's tables.json, and JSON lines."""

import json
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

from .load_ddl import from_ddl, resolve_keys
from .sandbox import Value, connect
from .schema import Column, ForeignKey, Schema, SchemaError, Table, map_columns
from .serialize import quoted

LOCK_SECONDS = 1.0
MAX_SNAPSHOT_BYTES = 400_000_000
VALUES_PER_COLUMN = 200
SQLITE_ENDINGS = (".sqlite", ".sqlite3", ".db")
SPIDER_TYPES = {
    **{"number": "NUMERIC", "text": "TEXT", "time": "TIMESTAMP", "boolean": "BOOLEAN"},
    **{name: name.upper() for name in ("integer", "real", "date", "datetime")},  # as in BIRD
}
REFUSED_IN_SCRIPTS = {sqlite3.SQLITE_ATTACH, sqlite3.SQLITE_DETACH}


def open_file(path: Path) -> sqlite3.Connection:
    """Opens a database file for reading only."""
    if not path.is_file():
        raise SchemaError(f"{path}: there is no such file; name an existing SQLite file")
    address = f"file:{quote(str(path.resolve()))}?mode=ro"
    connection = sqlite3.connect(address, uri=True, timeout=LOCK_SECONDS)
    try:
        connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()
        problem = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    except sqlite3.Error as error:
        problem = str(error)
    if problem != "ok":
        connection.close()
        advice = "close the program that holds it" if "locked" in problem else "restore the file"
        raise SchemaError(f"{path}: SQLite cannot read this file: {problem}; {advice}")
    return connection


def snapshot(path: Path) -> bytes:
    """Copies a database file into memory, in the form the judge takes."""
    if path.is_file() and path.stat().st_size > MAX_SNAPSHOT_BYTES:
        raise SchemaError(
            f"{path}: {path.stat().st_size:,} bytes do not fit in memory (at most "
            f"{MAX_SNAPSHOT_BYTES:,}); give the judge the path itself"
        )
    source = open_file(path)
    target = sqlite3.connect(":memory:")
    try:
        source.backup(target)
        return target.serialize()
    finally:
        source.close()
        target.close()


def database_from_script(text: str, name: str) -> bytes:
    """Runs an SQL script in memory and returns the database; the script reaches no file."""
    connection = sqlite3.connect(":memory:")
    connection.set_authorizer(
        lambda action, *_: sqlite3.SQLITE_DENY if action in REFUSED_IN_SCRIPTS else sqlite3.SQLITE_OK
    )
    try:
        connection.executescript(text)
        connection.commit()
        return connection.serialize()
    except sqlite3.Error as error:
        raise SchemaError(f"{name}: the script does not run in SQLite: {error}") from error
    finally:
        connection.close()


def from_sqlite(path: Path) -> Schema:
    """Reads the tables and keys of a SQLite file."""
    connection = open_file(path)
    try:
        return from_connection(connection, path.stem)
    except SchemaError as error:
        raise SchemaError(f"{path}: {error}") from error
    finally:
        connection.close()


def from_connection(connection: sqlite3.Connection, name: str) -> Schema:
    """Reads the tables and keys of an open database."""
    rows = connection.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table'"
        " AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY rowid"
    )
    tables = [_read_table(connection, row[0]) for row in rows.fetchall()]
    keys = [key for table in tables for key in _read_keys(connection, table.name)]
    return Schema(name, tuple(tables), resolve_keys(tables, keys))


def _read_table(connection: sqlite3.Connection, name: str) -> Table:
    unique = _read_unique(connection, name)
    rows = connection.execute(f"PRAGMA table_xinfo({quoted(name)})").fetchall()
    columns = tuple(Column(row[1], row[2], nullable=not row[3], unique=row[1] in unique) for row in rows)
    key = tuple(row[1] for row in sorted(rows, key=lambda row: row[5]) if row[5])
    return Table(name, columns, key)


def _read_unique(connection: sqlite3.Connection, table: str) -> set[str]:
    found: set[str] = set()
    for index in connection.execute(f"PRAGMA index_list({quoted(table)})").fetchall():
        members = connection.execute(f"PRAGMA index_info({quoted(index[1])})").fetchall()
        if index[2] and index[3] == "u" and len(members) == 1:
            found.add(members[0][2])
    return found


def _read_keys(connection: sqlite3.Connection, table: str) -> Iterator[ForeignKey]:
    groups: dict[int, list[Any]] = {}
    for row in connection.execute(f"PRAGMA foreign_key_list({quoted(table)})").fetchall():
        groups.setdefault(row[0], []).append(row)
    # SQLite lists the last declared key first.
    for number in sorted(groups, reverse=True):
        rows = sorted(groups[number], key=lambda row: row[1])
        parents = tuple(row[4] for row in rows if row[4])
        yield ForeignKey(table, tuple(row[3] for row in rows), rows[0][2], parents)


def from_spider(path: Path) -> dict[str, Schema]:
    """Reads every database of a Spider tables.json."""
    try:
        records = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise SchemaError(f"{path}: not JSON: {error}") from error
    schemas: dict[str, Schema] = {}
    for row, record in enumerate(records):
        try:
            schema = _spider_schema(record)
        except (KeyError, IndexError, TypeError, SchemaError) as error:
            raise SchemaError(f"{path}, entry {row}: {type(error).__name__}: {error}") from error
        schemas[schema.name] = schema
    return schemas


def _spider_schema(record: Mapping[str, Any]) -> Schema:
    columns = record["column_names_original"]
    words = record.get("column_names", columns)
    primary: list[int] = []
    for key in record["primary_keys"]:
        primary += key if isinstance(key, list) else [key]
    tables: list[Table] = []
    for index, name in enumerate(record["table_names_original"]):
        members = [number for number, column in enumerate(columns) if column[0] == index]
        made = tuple(
            Column(
                columns[number][1],
                SPIDER_TYPES.get(record["column_types"][number], "TEXT"),
                readable=words[number][1],
            )
            for number in members
        )
        key = tuple(columns[number][1] for number in members if number in primary)
        readable = record.get("table_names", record["table_names_original"])[index]
        tables.append(Table(name, made, key, readable=readable))
    keys = [
        ForeignKey(
            tables[columns[child][0]].name,
            (columns[child][1],),
            tables[columns[parent][0]].name,
            (columns[parent][1],),
        )
        for child, parent in record["foreign_keys"]
    ]
    return Schema(record["db_id"], tuple(tables), resolve_keys(tables, keys))


def from_jsonl(path: Path) -> dict[str, Schema]:
    """Reads lines of `schema_id`, `ddl` and, if given, `readable` names."""
    schemas: dict[str, Schema] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
            schema = from_ddl(record["ddl"], record["schema_id"])
            schemas[schema.name] = with_readable(schema, record.get("readable", {}))
        except (ValueError, KeyError, TypeError) as error:
            raise SchemaError(f"{path}, line {number}: {type(error).__name__}: {error}") from error
    return schemas


def with_readable(schema: Schema, names: Mapping[str, Any]) -> Schema:
    """Adds readable names: {table: {"name": text, "columns": {column: text}}}."""

    def change(table: Table, column: Column) -> Column:
        readable = names.get(table.name, {}).get("columns", {}).get(column.name, column.readable)
        return replace(column, readable=readable)

    tables = tuple(
        replace(table, readable=names.get(table.name, {}).get("name", table.readable))
        for table in map_columns(schema, change).tables
    )
    return replace(schema, tables=tables)


def with_values(schema: Schema, visible: bytes | Path) -> Schema:
    """Adds the values of the visible database to each column, the most frequent first."""
    connection = connect(visible)

    def change(table: Table, column: Column) -> Column:
        name = quoted(column.name)
        rows = connection.execute(
            f"SELECT {name} FROM {quoted(table.name)} WHERE {name} IS NOT NULL AND {name} <> ''"
            f" GROUP BY {name} ORDER BY COUNT(*) DESC, {name} LIMIT {VALUES_PER_COLUMN}"
        )
        values: tuple[Value, ...] = tuple(row[0] for row in rows)
        return replace(column, values=values)

    try:
        return map_columns(schema, change)
    except sqlite3.Error as error:
        raise SchemaError(f"schema {schema.name} is not that of its database: {error}") from error
    finally:
        connection.close()
