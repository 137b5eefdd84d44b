"""One description of a database: tables, columns, keys, words for them, and sample values."""

import random
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from .sandbox import Value


class SchemaError(ValueError):
    """A schema that cannot be used; the message names it and says why."""


@dataclass(frozen=True)
class Column:
    """One column; `values` holds values that may be shown, the most telling first."""

    name: str
    type: str = "TEXT"
    nullable: bool = True
    unique: bool = False
    readable: str = ""
    description: str = ""
    values: tuple[Value, ...] = ()


@dataclass(frozen=True)
class Table:
    """One table; the primary key may have several columns or none."""

    name: str
    columns: tuple[Column, ...]
    primary_key: tuple[str, ...] = ()
    readable: str = ""
    description: str = ""

    def column(self, name: str) -> Column:
        for column in self.columns:
            if column.name.lower() == name.lower():
                return column
        raise SchemaError(f"table {self.name} has no column {name}")


@dataclass(frozen=True)
class ForeignKey:
    """Columns of a table that hold the key of a parent table."""

    table: str
    columns: tuple[str, ...]
    parent: str
    parent_columns: tuple[str, ...]


@dataclass(frozen=True)
class Schema:
    """A whole database; it checks itself when it is made."""

    name: str
    tables: tuple[Table, ...]
    foreign_keys: tuple[ForeignKey, ...] = ()
    glossary: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.tables:
            raise SchemaError(f"schema {self.name} has no tables; add at least one CREATE TABLE")
        _refuse_twins(f"schema {self.name}", [table.name for table in self.tables])
        for table in self.tables:
            if not table.columns:
                raise SchemaError(f"schema {self.name}: table {table.name} has no columns")
            _refuse_twins(f"table {table.name}", [column.name for column in table.columns])
            for name in table.primary_key:
                table.column(name)
        for key in self.foreign_keys:
            self._check_key(key)

    def _check_key(self, key: ForeignKey) -> None:
        if not key.columns or len(key.columns) != len(key.parent_columns):
            raise SchemaError(
                f"schema {self.name}: the foreign key {key.table}({', '.join(key.columns)}) -> "
                f"{key.parent}({', '.join(key.parent_columns)}) needs as many columns on each side"
            )
        for table, columns in ((key.table, key.columns), (key.parent, key.parent_columns)):
            for name in columns:
                self.table(table).column(name)

    def table(self, name: str) -> Table:
        for table in self.tables:
            if table.name.lower() == name.lower():
                return table
        raise SchemaError(f"schema {self.name} has no table {name}")

    def names(self) -> dict[str, list[str]]:
        """Lists the column names of each table."""
        return {table.name: [column.name for column in table.columns] for table in self.tables}

    def key_columns(self, table: Table) -> set[str]:
        """Names the columns that a join needs: primary keys and both ends of foreign keys."""
        return set(table.primary_key) | self.linked_columns(table)

    def linked_columns(self, table: Table) -> set[str]:
        """Names the columns at both ends of foreign keys."""
        own = {name for key in self.foreign_keys if key.table == table.name for name in key.columns}
        return own | {
            name for key in self.foreign_keys if key.parent == table.name for name in key.parent_columns
        }

    def identifiers(self, table: Table) -> set[str]:
        """Names the columns that only identify: a day that is one part of a key says more."""
        return self.linked_columns(table) | (set(table.primary_key) if len(table.primary_key) == 1 else set())

    def neighbours(self, table: str) -> set[str]:
        """Names the tables that a foreign key links to this one."""
        outward = {key.parent for key in self.foreign_keys if key.table == table}
        inward = {key.table for key in self.foreign_keys if key.parent == table}
        return (outward | inward) - {table}


def _refuse_twins(place: str, names: Sequence[str]) -> None:
    lowered = [name.lower() for name in names]
    twins = sorted({name for name in lowered if lowered.count(name) > 1}) if names else []
    if len(set(lowered)) < len(lowered):
        raise SchemaError(f"{place} names {', '.join(twins)} more than once")


def map_columns(schema: Schema, change: Callable[[Table, Column], Column]) -> Schema:
    """Returns the schema with every column changed in the same way."""
    tables = tuple(
        replace(table, columns=tuple(change(table, column) for column in table.columns))
        for table in schema.tables
    )
    return replace(schema, tables=tables)


def keep_tables(schema: Schema, names: Collection[str]) -> Schema:
    """Returns the schema with these tables only, and the keys between them."""
    kept = {schema.table(name).name for name in names}
    return replace(
        schema,
        tables=tuple(table for table in schema.tables if table.name in kept),
        foreign_keys=tuple(key for key in schema.foreign_keys if key.table in kept and key.parent in kept),
    )


def keep_columns(schema: Schema, names: Mapping[str, Collection[str]]) -> Schema:
    """Returns the schema with these columns only; keys that lose a column go with it."""
    tables = tuple(
        replace(
            table,
            columns=tuple(c for c in table.columns if c.name in names[table.name]),
            primary_key=tuple(key for key in table.primary_key if key in names[table.name]),
        )
        for table in schema.tables
        if names.get(table.name)
    )
    kept = {(table.name, column.name) for table in tables for column in table.columns}
    keys = tuple(
        key
        for key in schema.foreign_keys
        if all((key.table, column) in kept for column in key.columns)
        and all((key.parent, column) in kept for column in key.parent_columns)
    )
    return replace(schema, tables=tables, foreign_keys=keys)


def remove_column(schema: Schema, table: str, column: str) -> Schema:
    """Returns the schema without one column, which makes questions about it unanswerable."""
    schema.table(table).column(column)
    names = {name: set(columns) for name, columns in schema.names().items()}
    owner = schema.table(table)
    names[owner.name].discard(owner.column(column).name)
    return keep_columns(schema, names)


def shuffle(schema: Schema, seed: int) -> Schema:
    """Returns the schema in a seeded order: tables move, and columns outside the primary key."""
    generator = random.Random(seed)
    tables = [_shuffle_columns(table, generator) for table in schema.tables]
    keys = list(schema.foreign_keys)
    generator.shuffle(tables)
    generator.shuffle(keys)
    return replace(schema, tables=tuple(tables), foreign_keys=tuple(keys))


def _shuffle_columns(table: Table, generator: random.Random) -> Table:
    first = [column for column in table.columns if column.name in table.primary_key]
    rest = [column for column in table.columns if column.name not in table.primary_key]
    generator.shuffle(rest)
    return replace(table, columns=(*first, *rest))


def drop_components(
    schema: Schema, seed: int, descriptions: float = 0.3, values: float = 0.3, types: float = 0.2
) -> Schema:
    """Drops whole components at random, so that training also sees poorer schemas."""
    generator = random.Random(seed)
    rates = (descriptions, values, types)
    no_descriptions, no_values, no_types = (generator.random() < rate for rate in rates)

    def change(_: Table, column: Column) -> Column:
        if no_descriptions:
            column = replace(column, readable="", description="")
        if no_values:
            column = replace(column, values=())
        return replace(column, type="") if no_types else column

    changed = map_columns(schema, change)
    if no_descriptions:
        bare = tuple(replace(table, readable="", description="") for table in changed.tables)
        return replace(changed, tables=bare)
    return changed


def with_distractors(
    schema: Schema, gold_tables: Collection[str], seed: int, fits: Callable[[Schema], bool]
) -> Schema:
    """Keeps the gold tables and their neighbours, then adds other tables while they fit."""
    generator = random.Random(seed)
    gold = [schema.table(name).name for name in gold_tables]
    near = sorted({other for name in gold for other in schema.neighbours(name)} - set(gold))
    far = sorted({table.name for table in schema.tables} - set(gold) - set(near))
    generator.shuffle(near)
    generator.shuffle(far)
    kept = list(gold)
    for name in (*near, *far):
        if fits(keep_tables(schema, [*kept, name])):
            kept.append(name)
    return keep_tables(schema, kept)
