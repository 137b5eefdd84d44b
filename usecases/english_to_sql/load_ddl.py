"""Reads a schema from CREATE TABLE statements, with the comments as descriptions."""

import re
from collections.abc import Iterator
from dataclasses import replace

import sqlglot
from sqlglot import expressions as exp
from sqlglot.errors import SqlglotError

from .schema import Column, ForeignKey, Schema, SchemaError, Table
from .sql_text import cut_statement, skip_space

TABLE_STATEMENT = re.compile(r"(?:CREATE\s+(?:TEMP\w*\s+)?TABLE|ALTER\s+TABLE)\b", re.IGNORECASE)


def from_ddl(text: str, name: str, dialect: str = "sqlite") -> Schema:
    """Reads DDL text; statements that define no table, such as INSERT, are passed over."""
    tables: list[Table] = []
    keys: list[ForeignKey] = []
    for statement in table_statements(text):
        try:
            tree = sqlglot.parse_one(statement, read=dialect)
        except (SqlglotError, RecursionError) as error:
            reason = str(error).splitlines()[0]
            raise SchemaError(f"schema {name}: {statement[:60]!r} is not DDL: {reason}") from error
        if isinstance(tree, exp.Create) and isinstance(tree.this, exp.Schema):
            tables.append(_table(tree.this))
            keys += _keys(tree.this, tables[-1].name)
        elif isinstance(tree, exp.Alter):
            keys += _keys(tree, tree.this.name)
    return Schema(name, tuple(tables), resolve_keys(tables, keys))


def table_statements(text: str) -> Iterator[str]:
    """Yields the statements that create or alter a table."""
    rest = skip_space(text)
    while rest:
        is_wanted = TABLE_STATEMENT.match(rest)
        statement, rest = cut_statement(rest)
        if is_wanted:
            yield statement


def _table(tree: exp.Schema) -> Table:
    parts = [part for part in tree.expressions if isinstance(part, exp.ColumnDef | exp.Identifier)]
    columns = [_column(part) for part in parts]
    inline = [part.name for part in parts if _constraint(part, exp.PrimaryKeyColumnConstraint) is not None]
    declared = [
        column.name
        for key in tree.find_all(exp.PrimaryKey)
        for column in key.expressions
        for column in column.find_all(exp.Identifier)
    ]
    spelled = {column.name.lower(): column.name for column in columns}
    key = tuple(spelled.get(column.lower(), column) for column in declared or inline)
    alone = {unique.lower() for unique in _unique_columns(tree)}
    columns = [replace(c, unique=c.unique or c.name.lower() in alone) for c in columns]
    return Table(tree.this.name, tuple(columns), key)


def _unique_columns(tree: exp.Schema) -> Iterator[str]:
    """Names the columns that a table constraint makes unique on their own."""
    for constraint in tree.find_all(exp.UniqueColumnConstraint):
        names = constraint.this.expressions if isinstance(constraint.this, exp.Schema) else []
        if len(names) == 1:
            yield names[0].name


def _constraint(part: exp.Expression, kind: type[exp.Expression]) -> exp.Expression | None:
    for constraint in part.args.get("constraints") or []:
        if isinstance(constraint.kind, kind):
            return constraint.kind
    return None


def _column(part: exp.Expression) -> Column:
    if isinstance(part, exp.Identifier):
        return Column(part.name, "", description=_comment(part))
    kind = part.args.get("kind")
    return Column(
        name=part.name,
        type=_type_name(kind) if kind else "",
        nullable=_constraint(part, exp.NotNullColumnConstraint) is None,
        unique=_constraint(part, exp.UniqueColumnConstraint) is not None,
        description=_comment(part),
    )


def _type_name(kind: exp.Expression) -> str:
    # sqlglot writes NUMERIC as REAL for SQLite, but the two compare differently.
    if kind.is_type("decimal"):
        return kind.sql().replace("DECIMAL", "NUMERIC")
    # SQLite keeps yes and no as numbers; that they are no amounts is worth knowing.
    return "BOOLEAN" if kind.is_type("boolean") else kind.sql("sqlite")


def _comment(part: exp.Expression) -> str:
    found = [comment for node in part.walk() for comment in node.comments or []]
    return " ".join(" ".join(found).split())


def _keys(tree: exp.Expression, table: str) -> Iterator[ForeignKey]:
    for key in tree.find_all(exp.ForeignKey):
        columns = tuple(column.name for column in key.expressions)
        parent, parent_columns = _reference(key.args["reference"])
        yield ForeignKey(table, columns, parent, parent_columns)
    for column in tree.find_all(exp.ColumnDef):
        reference = _constraint(column, exp.Reference)
        if reference is not None:
            parent, parent_columns = _reference(reference)
            yield ForeignKey(table, (column.name,), parent, parent_columns)


def _reference(reference: exp.Expression) -> tuple[str, tuple[str, ...]]:
    target = reference.this
    if isinstance(target, exp.Schema):
        return target.this.name, tuple(column.name for column in target.expressions)
    return target.name, ()


def resolve_keys(tables: list[Table], keys: list[ForeignKey]) -> tuple[ForeignKey, ...]:
    """Spells keys as the tables do and fills in parent keys; a key to nothing is left out.

    SQLite runs with keys to tables that do not exist, so real files hold them.
    """
    by_name = {table.name.lower(): table for table in tables}
    resolved: list[ForeignKey] = []
    for key in keys:
        child, parent = by_name.get(key.table.lower()), by_name.get(key.parent.lower())
        if child is None or parent is None:
            continue
        wanted = key.parent_columns or parent.primary_key
        columns, parent_columns = _spelled(child, key.columns), _spelled(parent, wanted)
        found = ForeignKey(child.name, columns, parent.name, parent_columns)
        is_whole = len(columns) == len(key.columns) == len(parent_columns)
        if is_whole and columns and found not in resolved:
            resolved.append(found)
    return tuple(resolved)


def _spelled(table: Table, names: tuple[str, ...]) -> tuple[str, ...]:
    known = {column.name.lower(): column.name for column in table.columns}
    return tuple(known[name.lower()] for name in names if name.lower() in known)
