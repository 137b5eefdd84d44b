"""The part of a wide schema that a question is about: a small model meets no more than it was taught on.

Tables come in the order of how much the question says of them, each with the tables that link it to those
that are there already, while all numbers together stay few enough.
"""

from collections.abc import Mapping

from .linking import column_scores
from .mentions import mentions
from .numbered import path, places
from .schema import Schema, keep_columns, keep_tables

MOST_NUMBERS = 30  # hardly more than the widest schema of training has
MOST_COLUMNS = 8  # of one table, beside its keys
Scores = Mapping[tuple[str, str], float]


def is_wide(schema: Schema) -> bool:
    """Whether a schema has more tables and columns than a small model was taught on."""
    return len(places(schema).names) > MOST_NUMBERS


def narrowed(schema: Schema, scores: Scores) -> Schema:
    """The part of a schema with the best scores."""
    slim = keep_columns(
        schema, {table.name: best_columns(schema, table.name, scores) for table in schema.tables}
    )
    best = {t.name: max(scores[t.name, c.name] for c in t.columns) for t in slim.tables}
    found, kept = places(slim), list[str]()
    for name in sorted(best, key=lambda name: -best[name]):
        steps = path(slim, [found.tables[one.lower()] for one in kept], found.tables[name.lower()])
        between = [found.names[number][0] for _, number in steps]
        wanted = list(dict.fromkeys([*kept, *between, name]))
        if not kept or len(places(keep_tables(slim, wanted)).names) <= MOST_NUMBERS:
            kept = wanted
    return keep_tables(slim, kept)


def asked_scores(schema: Schema, question: str) -> dict[tuple[str, str], float]:
    """How much a question says of each column; a table that is named counts for all of its columns."""
    found, scores = places(schema), dict(column_scores(schema, question))
    for mention in mentions(schema, question):
        for pointer in mention.pointers:
            name, *column = found.names[pointer]
            for place in scores:
                if place == (name, *column) or (not column and place[0] == name):
                    scores[place] += mention.covered / len(mention.pointers)
    return scores


def best_columns(schema: Schema, name: str, scores: Scores) -> list[str]:
    """The keys of a table and its best other columns, in their order."""
    table = schema.table(name)
    keys = schema.key_columns(table)
    others = [column.name for column in table.columns if column.name not in keys]
    best = sorted(others, key=lambda column: -scores[name, column])[:MOST_COLUMNS]
    return [column.name for column in table.columns if column.name in keys or column.name in best]
