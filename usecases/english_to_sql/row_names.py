"""A table's number for what stands for its rows: its key where rows are grouped or looked up, else its name.

People ask `which ports have no boats` and name neither keys nor the column that holds names, so no number
in the question says them, while the table has one:

    SELECT @2, COUNT(@4) GROUP BY @1                ->  SELECT @0, COUNT(@4) GROUP BY @0
    SELECT @2 WHERE @1 NOT IN (SELECT @7 WHERE ...)  ->  SELECT @0 WHERE @0 NOT IN (SELECT @4 WHERE ...)
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache

from .linker import kind_of
from .mentions import NAME, own_words, telling
from .numbered import LONG_FORM, places
from .schema import Schema, Table

GROUPED = re.compile(r"(GROUP BY )(@\d+)(?=[ )]|$)")
LOOKED_UP = re.compile(r"(@\d+)( (?:NOT )?IN \(SELECT )(@\d+)(?=[ )])")
# What a table's number is elsewhere: a table, or a place for one column of a certain kind.
KEPT = (
    r"(?:SUM|AVG|MIN|MAX|COUNT)\(@\d+|FROM @\d+(?: @\d+)*|GROUP BY @\d+"
    r"|@\d+ (?:NOT )?(?:IN \(SELECT(?: @\d+)?|[<>]=?|BETWEEN|= [\d.-])"
)
PLACE = re.compile(rf"{KEPT}|(?P<table>@\d+)")


@dataclass(frozen=True)
class RowNames:
    """By a table's number: its key, its name, and by the table that refers to it the two linked columns."""

    keys: Mapping[str, str]
    names: Mapping[str, str]
    links: Mapping[tuple[str, str], tuple[str, str]]


@lru_cache(maxsize=4_096)
def row_names(schema: Schema) -> RowNames:
    """Which columns stand for the rows of each table."""
    found = places(schema)
    keys, names, links = {}, {}, {}
    for table in schema.tables:
        number = found.tables[table.name.lower()]
        if len(table.primary_key) == 1:
            keys[number] = found.columns[table.name.lower(), table.primary_key[0].lower()]
        name = name_of(schema, table)
        if name:
            names[number] = found.columns[table.name.lower(), name.lower()]
    for key in schema.foreign_keys:
        if len(key.columns) == 1:
            child, parent = key.table.lower(), key.parent.lower()
            ends = (
                found.columns[parent, key.parent_columns[0].lower()],
                found.columns[child, key.columns[0].lower()],
            )
            links.setdefault((found.tables[parent], found.tables[child]), ends)
    return RowNames(keys, names, links)


def name_of(schema: Schema, table: Table) -> str:
    """The column that is called name, else the first text of a table; empty where it has none."""
    keys, own = schema.identifiers(table), own_words(table)
    texts = [c for c in table.columns if c.name not in keys and kind_of(c) == "text"]
    said = ((c.name, [c.name, c.readable, c.description]) for c in texts)
    called = [name for name, words in said if any(telling(one) - own == NAME for one in words)]
    return called[0] if called else texts[0].name if texts else ""


def with_rows(answer: str, schema: Schema, shown: Collection[str]) -> str:
    """Short SQL with the numbers of tables for keys and names that the question does not show."""
    if LONG_FORM.search(answer):
        return answer
    found = row_names(schema)
    tables = {column: table for table, column in found.keys.items() if column not in shown}
    ends = {columns: numbers for numbers, columns in found.links.items()}
    names = {column: table for table, column in found.names.items() if column not in shown}
    short = _rekeyed(answer, tables, ends)
    named = re.sub(r"@\d+", lambda match: names.get(match[0], match[0]), short)
    return next((one for one in (named, short) if with_columns(one, schema) == answer), answer)


def with_columns(answer: str, schema: Schema) -> str:
    """Short SQL with columns in the places of the tables that stand for them."""
    if LONG_FORM.search(answer):
        return answer
    found = row_names(schema)
    answer = _rekeyed(answer, found.keys, found.links)
    return PLACE.sub(lambda m: found.names.get(m["table"], m[0]) if m["table"] else m[0], answer)


def _rekeyed(answer: str, keys: Mapping[str, str], links: Mapping[tuple[str, str], tuple[str, str]]) -> str:
    """An answer with other numbers for what it groups by, and for what it looks up where."""

    def looked_up(match: re.Match[str]) -> str:
        one, other = links.get((match[1], match[3]), (match[1], match[3]))
        return one + match[2] + other

    answer = LOOKED_UP.sub(looked_up, answer)
    return GROUPED.sub(lambda match: match[1] + keys.get(match[2], match[2]), answer)
