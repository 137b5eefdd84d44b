"""Keeps an answer in short SQL to what the schema allows, without a look at any rows.

A place for a column holds a column. Where a table stands there, its only column of the fitting kind
that the question has not named otherwise takes the place; where there are several, a sum counts rows, and
any other answer stays.
"""

import re
from collections.abc import Collection

from .linker import kind_of
from .numbered import places
from .schema import Schema

SLOT = re.compile(
    r"(?P<before>(?:SUM|AVG|MIN|MAX)\(|FROM (?:@\d+ )*|COUNT\(|T\d+\.)?(?P<table>@\d+)"
    r"(?P<after>\)? (?:[<>=]+|BETWEEN|NOT BETWEEN) (?P<value>'?[\d-]+))?"
)
LONG = re.compile(r"\bJOIN\b|\bAS T\d")
AS_TABLE = ("FROM", "COUNT", "T")
DATE = re.compile(r"'?\d{4}-\d\d")


def repaired(answer: str, schema: Schema, named: Collection[str]) -> str:
    """An answer with columns where columns belong; `named` are the numbers that the question names."""
    if LONG.search(answer):
        return answer
    return SLOT.sub(lambda match: _column_for(match, schema, named), answer)


def is_misplaced(answer: str, schema: Schema) -> bool:
    """Whether a table stands where a column belongs: the model found none."""
    if LONG.search(answer):
        return False
    tables, found = places(schema).tables.values(), SLOT.finditer(answer)
    return any(m["table"] in tables and not (m["before"] or "").startswith(AS_TABLE) for m in found)


def _column_for(match: re.Match[str], schema: Schema, named: Collection[str]) -> str:
    """The slot with a column in it, where only one can be meant."""
    before, pointer = match["before"] or "", match["table"]
    if pointer not in places(schema).tables.values() or before.startswith(AS_TABLE):
        return match[0]
    value = match["value"] or ""
    kind = "date" if DATE.match(value) else "number" if before or value else ""
    fitting = [other for other in columns_of(schema, pointer, kind) if other not in named]
    if before == "SUM(" and len(fitting) != 1:
        return match[0].replace(before, "COUNT(", 1)  # a total of rows
    return match[0].replace(pointer, fitting[0], 1) if len(fitting) == 1 else match[0]


def columns_of(schema: Schema, pointer: str, kind: str) -> list[str]:
    """The numbers of a table's columns that are no keys and of a kind; no kind: of any."""
    found = places(schema)
    table = schema.table(found.names[pointer][0])
    keys = schema.identifiers(table)
    return [
        found.columns[table.name.lower(), column.name.lower()]
        for column in table.columns
        if column.name not in keys and (not kind or kind_of(column) == kind)
    ]
