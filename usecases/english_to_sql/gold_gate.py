"""The gate that a gold query passes before it may judge: it must run, say something, and be stable.

Queries that fail are dropped in plain sight: each comes back with its reason, to be printed.
"""

import random
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from .gold import GoldError
from .judge import CLOCK, Instance, QueryResult, judge_across, run_query
from .sandbox import Row, connect, serialise
from .serialize import quoted

MIN_TELLING_DATABASES = 2
SHUFFLE_SEED = 20240615
TABLES = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"


@dataclass(frozen=True)
class Dropped:
    """A gold query that may not judge, and why."""

    schema_id: str
    sql: str
    reason: str

    def __str__(self) -> str:
        return f"{self.schema_id}: {self.reason} | {self.sql}"


def gate(sql: str, instances: Sequence[bytes], clock: str = CLOCK) -> str:
    """Returns why a gold query fails, or an empty string."""
    results = [run_query(sql, instance, clock, is_gold=True) for instance in instances]
    for index, result in enumerate(results):
        if result.label:
            return f"{result.label} on database {index}: {result.detail}"
    telling = sum(is_telling(result.rows) for result in results)
    if telling < MIN_TELLING_DATABASES:
        return f"returns a value other than NULL and zero on {telling} of {len(results)} databases"
    if _is_constant(results):
        return "returns the same rows on every database"
    return _instability(sql, instances, clock)


def is_telling(rows: Sequence[Row]) -> bool:
    """Says whether any cell is neither NULL nor zero."""
    return any(cell is not None and cell != 0 for row in rows for cell in row)


def _is_constant(results: Sequence[QueryResult]) -> bool:
    return len(results) > 1 and len({result.fingerprint for result in results}) == 1


def _instability(sql: str, instances: Sequence[bytes], clock: str) -> str:
    moved = [reordered(instance) for instance in instances]
    try:
        verdict = judge_across(sql, [sql], instances, moved, clock)
    except GoldError as error:
        return str(error)
    return "" if verdict.correct else f"depends on the stored row order: {verdict.detail}"


@lru_cache(maxsize=512)
def reordered(instance: bytes) -> bytes:
    """Returns the same database with the rows of every table stored in another order."""
    source = connect(instance)

    def build(target: sqlite3.Connection) -> None:
        generator = random.Random(SHUFFLE_SEED)
        for (name,) in source.execute(TABLES).fetchall():
            _copy_shuffled(source, target, quoted(name), generator)

    try:
        return serialise(build)
    finally:
        source.close()


def _copy_shuffled(
    source: sqlite3.Connection, target: sqlite3.Connection, table: str, generator: random.Random
) -> None:
    """Copies one table without its keys, because an integer key would sort the rows again."""
    columns = source.execute(f"PRAGMA table_info({table})").fetchall()
    parts = ", ".join(f"{quoted(column[1])} {column[2]}" for column in columns)
    target.execute(f"CREATE TABLE {table} ({parts})")
    rows = source.execute(f"SELECT * FROM {table}").fetchall()
    generator.shuffle(rows)
    marks = ", ".join("?" * len(columns))
    target.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)


def gate_all(
    golds: Mapping[str, Sequence[str]],
    instances: Mapping[str, Sequence[Instance]],
    clock: str = CLOCK,
) -> tuple[dict[str, list[str]], list[Dropped]]:
    """Sorts the golds of each schema into those that may judge and those dropped."""
    kept: dict[str, list[str]] = {}
    dropped: list[Dropped] = []
    for schema_id, queries in golds.items():
        kept[schema_id] = []
        for sql in dict.fromkeys(queries):
            reason = gate(sql, instances[schema_id], clock)
            if reason:
                dropped.append(Dropped(schema_id, sql, reason))
            else:
                kept[schema_id].append(sql)
    return kept, dropped


def print_dropped(dropped: Sequence[Dropped], total: int) -> None:
    """Prints how many golds were dropped, and each with its reason."""
    print(f"gold gate: {len(dropped)} of {total} queries dropped")
    for item in dropped:
        print(f"  {item}")
