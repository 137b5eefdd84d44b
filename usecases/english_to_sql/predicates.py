"""Collects, for each column, the literals that queries compare it with."""

from collections.abc import Iterable, Iterator

import sqlglot
from sqlglot import expressions as exp
from sqlglot.errors import SqlglotError

from .schema import Schema

Place = tuple[str, str]
Scalar = int | float | str
COMPARISONS = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Like, exp.Between, exp.In)


def predicate_literals(schema: Schema, queries: Iterable[str]) -> dict[Place, list[Scalar]]:
    """Maps (table, column) to its literals; a query that does not parse adds none."""
    found: dict[Place, list[Scalar]] = {}
    for query in queries:
        try:
            tree = sqlglot.parse_one(query, read="sqlite")
        except (SqlglotError, RecursionError):
            continue
        for comparison in tree.find_all(*COMPARISONS):
            for column in comparison.find_all(exp.Column):
                for place in column_places(schema, tree, column):
                    known = found.setdefault(place, [])
                    known += [value for value in _literals(comparison) if value not in known]
    return _shared_by_keys(schema, found)


def _shared_by_keys(schema: Schema, found: dict[Place, list[Scalar]]) -> dict[Place, list[Scalar]]:
    """Gives both ends of a foreign key the same literals, so that joins can meet them."""
    for key in schema.foreign_keys:
        for child, parent in zip(key.columns, key.parent_columns, strict=True):
            ends = ((key.table, child), (key.parent, parent))
            both = list(dict.fromkeys(value for end in ends for value in found.get(end, [])))
            if both:
                found |= {end: both for end in ends}
    return found


def column_places(schema: Schema, tree: exp.Expression, column: exp.Column) -> Iterator[Place]:
    """Yields the columns of the schema that a column of a query may mean."""
    tables = tree.find_all(exp.Table)
    aliases = {table.alias_or_name.lower(): table.name.lower() for table in tables}
    wanted = aliases.get(column.table.lower(), "") if column.table else ""
    for table in schema.tables:
        is_used = table.name.lower() == wanted if wanted else table.name.lower() in aliases.values()
        for other in table.columns if is_used else ():
            if other.name.lower() == column.name.lower():
                yield table.name, other.name


def _literals(comparison: exp.Expression) -> Iterator[Scalar]:
    """Yields the literals that stand alone on a side; those inside functions are formats."""
    for part in comparison.iter_expressions():
        is_negative = isinstance(part, exp.Neg)
        literal = part.this if is_negative else part
        if not isinstance(literal, exp.Literal):
            continue
        if literal.is_string:
            yield literal.this.strip("%") if isinstance(comparison, exp.Like) else literal.this
            continue
        number = float(literal.this) * (-1 if is_negative else 1)
        yield int(number) if number.is_integer() else number
