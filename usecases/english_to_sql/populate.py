"""Fills databases with seeded rows that tell right queries from nearly right ones.

One visible database and several hidden ones per schema. Values come from the literals of the
queries, from just beside them, and from fillers; NULLs, ties, duplicates, empty text, other letter
cases and parents without children are all there, and every foreign key has its parent.
"""

import random
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .fillers import is_date, is_number, value_pool
from .judge import CLOCK
from .predicates import Place, predicate_literals
from .sandbox import Row, Value, serialise
from .schema import Column, ForeignKey, Schema, Table
from .serialize import create_script, quoted

HIDDEN = 8
SMALLEST_TABLE, LARGEST_TABLE, LARGE_FACTOR = 8, 45, 3
NULL_SHARES = (0.0, 0.1)
EMPTY_SHARE, CASE_SHARE, PARENT_SHARE = 0.02, 0.06, 0.7
ATTEMPTS_PER_ROW = 20


@dataclass
class Pools:
    """The values that each column draws from in one database."""

    values: dict[Place, list[Value]]
    null_shares: dict[Place, float]
    generator: random.Random

    def draw(self, table: Table, column: Column, is_key: bool) -> Value:
        """Draws one cell; keys stay plain."""
        generator = self.generator
        value = generator.choice(self.values[table.name, column.name])
        if is_key:
            return value
        if column.nullable and generator.random() < self.null_shares[table.name, column.name]:
            return None
        if isinstance(value, str) and not is_date(column):
            if column.nullable and generator.random() < EMPTY_SHARE:
                return ""
            if generator.random() < CASE_SHARE:
                return generator.choice((value.upper(), value.lower(), value.swapcase()))
        return value


def populate(
    schema: Schema,
    queries: Sequence[str] = (),
    seed: int = 0,
    clock: str = CLOCK,
    hidden: int = HIDDEN,
) -> list[bytes]:
    """Returns the visible database first, then the hidden ones."""
    literals = predicate_literals(schema, queries)
    return [
        serialise(_Filler(schema, literals, f"{schema.name}/{seed}/{number}", clock, number).fill)
        for number in range(1 + hidden)
    ]


class _Filler:
    """Fills one database."""

    def __init__(
        self,
        schema: Schema,
        literals: Mapping[Place, Sequence[Value]],
        seed: str,
        clock: str,
        number: int,
    ) -> None:
        self.schema = schema
        self.generator = random.Random(seed)
        # Every fourth hidden database has larger tables.
        self.factor = LARGE_FACTOR if number and number % 4 == 0 else 1
        places = [(table, column) for table in schema.tables for column in table.columns]
        pools = {
            (table.name, column.name): value_pool(
                column, literals.get((table.name, column.name), ()), self.generator, clock
            )
            for table, column in places
        }
        # One NULL makes NOT IN empty, so each column is without NULL in half of the databases.
        shares = {place: self.generator.choice(NULL_SHARES) for place in pools}
        self.pools = Pools(pools, shares, self.generator)
        self.rows: dict[str, list[Row]] = {}

    def fill(self, connection: sqlite3.Connection) -> None:
        connection.executescript(create_script(self.schema))
        for table in parents_first(self.schema):
            rows = self._table_rows(table)
            self.rows[table.name] = rows
            # A query without ORDER BY must not look sorted.
            stored = self.generator.sample(rows, len(rows))
            marks = ", ".join("?" * len(table.columns))
            columns = ", ".join(quoted(column.name) for column in table.columns)
            sql = f"INSERT INTO {quoted(table.name)} ({columns}) VALUES ({marks})"
            connection.executemany(sql, stored)

    def _table_rows(self, table: Table) -> list[Row]:
        wanted = self.generator.randint(SMALLEST_TABLE, LARGEST_TABLE) * self.factor
        keys = [key for key in self.schema.foreign_keys if key.table == table.name]
        parents = {key: self._parent_keys(key) for key in keys if key.parent != table.name}
        taken: dict[str, set[Row]] = {}
        rows: list[Row] = []
        for index in range(wanted):
            for _ in range(ATTEMPTS_PER_ROW):
                row = self._row(table, keys, parents, rows, index)
                if self._is_new(table, row, taken):
                    rows.append(tuple(row[column.name] for column in table.columns))
                    break
        return rows

    def _parent_keys(self, key: ForeignKey) -> list[Row]:
        """Chooses the parents that get children; the others stay childless."""
        parent = self.schema.table(key.parent)
        known = self._known_keys(parent, key.parent_columns, self.rows.get(parent.name, []))
        count = max(1, round(len(known) * PARENT_SHARE))
        return self.generator.sample(known, min(count, len(known)))

    @staticmethod
    def _known_keys(parent: Table, columns: Sequence[str], rows: Sequence[Row]) -> list[Row]:
        order = [column.name for column in parent.columns]
        places = [order.index(name) for name in columns]
        found = (tuple(row[place] for place in places) for row in rows)
        return list(dict.fromkeys(key for key in found if None not in key))

    def _row(
        self,
        table: Table,
        keys: Sequence[ForeignKey],
        parents: Mapping[ForeignKey, Sequence[Row]],
        rows: Sequence[Row],
        index: int,
    ) -> dict[str, Value]:
        row = {column.name: self._own_value(table, column, index) for column in table.columns}
        fixed: set[str] = set()
        for key in sorted(keys, key=lambda key: -len(key.columns)):
            choices = parents.get(key)
            if choices is None:
                choices = self._known_keys(table, key.parent_columns, rows)
            # Two keys may share a column; a later key must agree with the earlier one.
            shared = [(i, name) for i, name in enumerate(key.columns) if name in fixed]
            if shared:
                choices = [c for c in choices if all(c[i] == row[name] for i, name in shared)]
            self._set_key(table, key, choices, row, fixed)
        return row

    def _set_key(
        self,
        table: Table,
        key: ForeignKey,
        choices: Sequence[Row],
        row: dict[str, Value],
        fixed: set[str],
    ) -> None:
        free = [name for name in key.columns if name not in fixed and _may_be_null(table, name)]
        share = max((self.pools.null_shares[table.name, name] for name in free), default=0.0)
        leave_empty = self.generator.random() < share
        if choices and not leave_empty:
            row.update(zip(key.columns, self.generator.choice(choices), strict=True))
        elif free:
            # With no parent to point at, NULL in one column is what keeps the key whole.
            row.update(dict.fromkeys(free))
        elif key.parent == table.name:
            row.update({c: row[p] for c, p in zip(key.columns, key.parent_columns, strict=True)})
        fixed.update(key.columns)

    def _own_value(self, table: Table, column: Column, index: int) -> Value:
        is_key = column.name in table.primary_key
        if column.unique or table.primary_key == (column.name,):
            return self._unique_value(table, column, index, is_key)
        return self.pools.draw(table, column, is_key)

    def _unique_value(self, table: Table, column: Column, index: int, is_key: bool) -> Value:
        """Uses up the pool first, then counts on."""
        pool = list(dict.fromkeys(self.pools.values[table.name, column.name]))
        if column.unique and not is_key and column.nullable:
            if self.generator.random() < self.pools.null_shares[table.name, column.name]:
                return None
        if is_number(column):
            return index + 1
        return pool[index] if index < len(pool) else f"{pool[index % len(pool)]} {index}"

    def _is_new(self, table: Table, row: Mapping[str, Value], taken: dict[str, set[Row]]) -> bool:
        """Says whether a row breaks no key, and remembers it if so."""
        unique = [(column.name,) for column in table.columns if column.unique]
        groups = [columns for columns in (table.primary_key, *unique) if columns]
        found = [
            ("\0".join(columns), tuple(row[name] for name in columns))
            for columns in groups
            if not any(row[name] is None for name in columns)
        ]
        if any(value in taken.setdefault(group, set()) for group, value in found):
            return False
        if any(row[column.name] is None and not column.nullable for column in table.columns):
            return False
        for group, value in found:
            taken[group].add(value)
        return True


def parents_first(schema: Schema) -> list[Table]:
    """Orders tables so that parents come before children; a cycle is cut where NULL is allowed."""
    done: list[str] = []
    waiting = [table.name for table in schema.tables]
    needs = {name: _parents(schema, name, hard=False) for name in waiting}
    hard_needs = {name: _parents(schema, name, hard=True) for name in waiting}
    while waiting:
        ready = [name for name in waiting if needs[name] <= set(done)]
        ready = ready or [name for name in waiting if hard_needs[name] <= set(done)][:1]
        ready = ready or waiting[:1]
        done += ready
        waiting = [name for name in waiting if name not in ready]
    return [schema.table(name) for name in done]


def _parents(schema: Schema, table: str, hard: bool) -> set[str]:
    """Names the parents of a table; the hard ones are those that NULL cannot stand in for."""
    owner = schema.table(table)
    keys = [key for key in schema.foreign_keys if key.table == table and key.parent != table]
    return {
        key.parent
        for key in keys
        if not hard or not any(_may_be_null(owner, column) for column in key.columns)
    }


def _may_be_null(table: Table, column: str) -> bool:
    return column not in table.primary_key and table.column(column).nullable
