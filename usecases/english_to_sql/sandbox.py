"""Runs one untrusted query on a database that it can read and cannot change.

SQLite enforces every rule: an allow-list of actions, limits on length, steps, rows and bytes,
and a clock that stands still. This file needs the standard library only.
"""

import functools
import sqlite3
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

Value = None | int | float | str | bytes
Row = tuple[Value, ...]

ALLOWED = {
    sqlite3.SQLITE_SELECT,
    sqlite3.SQLITE_READ,
    sqlite3.SQLITE_FUNCTION,
    sqlite3.SQLITE_RECURSIVE,
}
DENIED_FUNCTIONS = {"load_extension", "readfile", "writefile", "edit", "fts3_tokenizer"}
UNREPEATABLE_FUNCTIONS = {"random", "randomblob", "changes", "total_changes", "last_insert_rowid"}
DENIED_TABLES = ("sqlite_", "pragma_", "dbstat")
STEPS_PER_TICK = 1000
HEAP_BYTES = 512 << 20
MAX_SQL_BYTES = 20_000
LIMITS = {
    sqlite3.SQLITE_LIMIT_LENGTH: 1_000_000,
    sqlite3.SQLITE_LIMIT_SQL_LENGTH: MAX_SQL_BYTES,
    sqlite3.SQLITE_LIMIT_ATTACHED: 0,
    sqlite3.SQLITE_LIMIT_WORKER_THREADS: 0,
    sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH: 1_000,
}
ERROR_LABELS = (
    ("no such table", "unknown_table"),
    ("no such column", "unknown_column"),
    ("ambiguous column", "ambiguous"),
    ("one statement at a time", "multi_statement"),
    ("interrupted", "timeout"),
)
# The place of the time value among the arguments; left out, it means now.
CLOCK_FUNCTIONS = {"date": 0, "time": 0, "datetime": 0, "julianday": 0, "unixepoch": 0}
CLOCK_FUNCTIONS["strftime"] = 1
CLOCK_KEYWORDS = {"current_date": "date", "current_time": "time", "current_timestamp": "datetime"}


@dataclass(frozen=True)
class Budget:
    """What one query may use up."""

    steps: int
    rows: int
    result_bytes: int


@dataclass
class Outcome:
    """What a query returned, or the label and message of what stopped it."""

    names: tuple[str, ...] = ()
    rows: list[Row] = field(default_factory=list)
    steps: int = 0
    label: str = ""
    message: str = ""


@functools.cache
def _clock_database() -> sqlite3.Connection:
    return sqlite3.connect(":memory:")


@functools.lru_cache(maxsize=20_000, typed=True)
def frozen_call(function: str, clock: str, *arguments: Value) -> Value:
    """Calls SQLite's own date function with the frozen instant in place of now."""
    values = list(arguments)
    place = CLOCK_FUNCTIONS[function]
    if len(values) == place:
        values.append(clock)
    elif len(values) > place and str(values[place]).lower() == "now":
        values[place] = clock
    marks = ", ".join("?" * len(values))
    return _clock_database().execute(f"SELECT {function}({marks})", values).fetchone()[0]


def freeze_clock(connection: sqlite3.Connection, clock: str) -> None:
    """Makes every date function and keyword see the same instant."""
    for name in CLOCK_FUNCTIONS:
        call = functools.partial(frozen_call, name, clock)
        connection.create_function(name, -1, call, deterministic=True)
    for keyword, name in CLOCK_KEYWORDS.items():
        call = functools.partial(frozen_call, name, clock, clock)
        connection.create_function(keyword, 0, call, deterministic=True)


def connect(source: bytes | Path) -> sqlite3.Connection:
    """Opens a private copy of a serialised database, or a file that is never written."""
    if isinstance(source, bytes):
        connection = sqlite3.connect(":memory:", isolation_level=None)
        connection.deserialize(source)
        return connection
    address = f"file:{quote(str(source.resolve()))}?mode=ro&immutable=1"
    return sqlite3.connect(address, uri=True, isolation_level=None)


class Sandbox:
    """One warm read-only connection."""

    def __init__(self, source: bytes | Path, clock: str) -> None:
        self.source = source
        self.stamp = self._file_stamp()
        self.denied = ""
        self.steps = 0
        self.step_budget = 0
        self.connection = connect(source)
        self.connection.text_factory = functools.partial(str, encoding="utf-8", errors="backslashreplace")
        for pragma in ("query_only = ON", "temp_store = MEMORY", f"hard_heap_limit = {HEAP_BYTES}"):
            self.connection.execute(f"PRAGMA {pragma}")
        freeze_clock(self.connection, clock)
        self.tables = self._read_names()
        for limit, value in LIMITS.items():
            self.connection.setlimit(limit, value)
        self.connection.set_authorizer(self._authorize)
        self.connection.set_progress_handler(self._tick, STEPS_PER_TICK)

    def _read_names(self) -> dict[str, list[str]]:
        rows = self.connection.execute(
            "SELECT m.name, c.name FROM sqlite_master AS m, pragma_table_xinfo(m.name) AS c"
            " WHERE m.type IN ('table', 'view') AND m.name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
        )
        tables: dict[str, list[str]] = {}
        for table, column in rows:
            tables.setdefault(table, []).append(column)
        return tables

    def _authorize(self, action: int, first: str | None, second: str | None, *_: object) -> int:
        if action == sqlite3.SQLITE_FUNCTION:
            name = (second or "").lower()
            refused = name in DENIED_FUNCTIONS or name in UNREPEATABLE_FUNCTIONS
            reason = f"function {name}()"
        elif action == sqlite3.SQLITE_READ:
            refused = (first or "").lower().startswith(DENIED_TABLES)
            reason = f"table {first}"
        else:
            refused = action not in ALLOWED
            reason = f"action {action} on {first or second or 'the database'}"
        if refused:
            self.denied = self.denied or f"the sandbox does not allow {reason}"
        return sqlite3.SQLITE_DENY if refused else sqlite3.SQLITE_OK

    def _tick(self) -> bool:
        self.steps += STEPS_PER_TICK
        return self.steps > self.step_budget

    def run(self, sql: str, budget: Budget) -> Outcome:
        """Runs one query; whatever goes wrong comes back as a label, never as an exception."""
        self.denied, self.steps, self.step_budget = "", 0, budget.steps
        try:
            return self._fetch(sql, budget)
        except (sqlite3.Error, sqlite3.Warning, ValueError, OverflowError) as error:
            return self._failure(str(error))
        except MemoryError:
            return self._failure("the query needs more memory than the sandbox gives")

    def _failure(self, message: str) -> Outcome:
        if self.denied:
            return Outcome(steps=self.steps, label="unsafe", message=self.denied)
        label = next((to for text, to in ERROR_LABELS if text in message), "runtime_error")
        if label == "timeout":
            message = f"stopped after {self.steps:,} steps of the database engine"
        return Outcome(steps=self.steps, label=label, message=message)

    def _fetch(self, sql: str, budget: Budget) -> Outcome:
        cursor = self.connection.execute(sql)
        try:
            if cursor.description is None:
                return Outcome(label="no_sql", message="the statement returns no rows to compare")
            names = tuple(column[0] for column in cursor.description)
            rows: list[Row] = []
            size = 0
            for row in cursor:
                size += sum(len(cell) for cell in row if isinstance(cell, str | bytes))
                if len(rows) >= budget.rows or size > budget.result_bytes:
                    message = f"more than {budget.rows:,} rows or {budget.result_bytes:,} bytes"
                    return Outcome(label="too_many_rows", message=message, steps=self.steps)
                rows.append(normal_row(row))
            return Outcome(names, rows, self.steps)
        finally:
            cursor.close()

    def is_unchanged(self) -> bool:
        """Proves that the database still holds the bytes it was opened with."""
        if isinstance(self.source, bytes):
            return self.connection.serialize() == self.source
        return self._file_stamp() == self.stamp

    def _file_stamp(self) -> tuple[int, int]:
        if isinstance(self.source, bytes):
            return (0, 0)
        status = self.source.stat()
        return (status.st_size, status.st_mtime_ns)

    def close(self) -> None:
        self.connection.close()


def normal_row(row: Row) -> Row:
    """Writes text in one Unicode form, so that equal text compares equal."""
    return tuple(
        unicodedata.normalize("NFC", cell) if isinstance(cell, str) and not cell.isascii() else cell
        for cell in row
    )


def serialise(build: Callable[[sqlite3.Connection], object]) -> bytes:
    """Builds a database in memory and returns it as bytes, the form the judge takes."""
    connection = sqlite3.connect(":memory:")
    try:
        build(connection)
        connection.commit()
        return connection.serialize()
    finally:
        connection.close()
