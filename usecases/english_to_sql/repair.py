"""Keeps an answer in short SQL to what the schema and the question allow, without a look at any rows.

A text value is one that the question or the database spells; a place for a column holds a column.
Where a table stands there, its only column of the fitting kind that the question has not named
otherwise takes the place; where there are several, the answer stays as it is.
"""

import re
from collections.abc import Sequence
from difflib import SequenceMatcher

from .linking import Match
from .mentions import QUOTED, mentions
from .numbered import TEXT, places
from .schema import Column, Schema
from .serialize import short_type

LEAST_ALIKE = 0.6
SLOT = re.compile(
    r"(?P<before>(?:SUM|AVG|MIN|MAX)\(|FROM (?:@\d+ )*|COUNT\(|T\d+\.)?(?P<table>@\d+)"
    r"(?P<after>\)? (?:[<>=]+|BETWEEN|NOT BETWEEN) (?P<value>'?[\d-]+))?"
)
DATE = re.compile(r"'?\d{4}-\d\d")


def repaired(answer: str, question: str, schema: Schema, values: Sequence[Match]) -> str:
    """An answer with values as they are spelt and columns where columns belong."""
    spelt = whole_values(answer, question, values)
    if re.search(r"\bJOIN\b|\bAS T\d", spelt):
        return spelt
    said = {pointer for mention in mentions(schema, question) for pointer in mention.pointers}
    return SLOT.sub(lambda match: _column_for(match, schema, said), spelt)


def _column_for(match: re.Match[str], schema: Schema, said: set[str]) -> str:
    """The slot with a column in it, where only one can be meant."""
    before, pointer = match["before"] or "", match["table"]
    if pointer not in places(schema).tables.values() or before.startswith(("FROM", "COUNT", "T")):
        return match[0]
    value = match["value"] or ""
    kind = "date" if DATE.match(value) else "number" if before or value else ""
    fitting = [other for other in columns_of(schema, pointer, kind) if other not in said]
    return match[0].replace(pointer, fitting[0], 1) if len(fitting) == 1 else match[0]


def columns_of(schema: Schema, pointer: str, kind: str) -> list[str]:
    """The numbers of a table's columns that are no keys and of a kind; no kind: of any."""
    found = places(schema)
    table = schema.table(found.names[pointer][0])
    keys = schema.key_columns(table)
    return [
        found.columns[table.name.lower(), column.name.lower()]
        for column in table.columns
        if column.name not in keys and (not kind or kind_of(column) == kind)
    ]


def kind_of(column: Column) -> str:
    """Whether a column holds numbers, dates or text, by its declared type."""
    kind = short_type(column.type)
    return "date" if kind.startswith(("date", "time")) else "number" if kind else "text"


def whole_values(answer: str, question: str, values: Sequence[Match]) -> str:
    """An answer whose text values are as the question or the database spells them."""
    said = [match[0][1:-1] for match in QUOTED.finditer(question)] + [value.value for value in values]

    def whole(match: re.Match[str]) -> str:
        text = match[0][1:-1].replace("''", "'")
        if not text.strip() or "%" in text or text in said or DATE.match(text) or not said:
            return match[0]
        if re.search(rf"(?<!\w){re.escape(text)}(?!\w)", question) and not any(text in one for one in said):
            return match[0]
        alike = {value: SequenceMatcher(None, text.lower(), value.lower()).ratio() for value in said}
        best = max(alike, key=lambda value: (text.lower() in value.lower(), alike[value]))
        sure = text.lower() in best.lower() or alike[best] >= LEAST_ALIKE
        twins = sum(text.lower() in value.lower() for value in set(said)) > 1
        return "'" + best.replace("'", "''") + "'" if sure and not twins else match[0]

    return TEXT.sub(whole, answer)
