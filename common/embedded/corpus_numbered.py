"""Writes a random schema in words, with a number for every table and column: the form of short SQL."""

import re
from random import Random

from .corpus_schema import Column, Schema

SHOWN_TYPES = {"real": "real ", "date": "date ", "number": "int ", "year": "int ", "flag": "boolean "}
ROLES = ("leader", "superior", "parent", "predecessor", "head", "main")


def _spaced(name: str) -> str:
    """The words of an identifier, as people write them."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])|_", " ", name).lower().strip()


def link_to_itself(random: Random, schema: Schema) -> None:
    """At times gives a table a column that refers to another of its rows."""
    if random.random() < 0.2:
        table = random.choice(schema.tables)
        role = f"{random.choice(ROLES)} {table.noun}"
        table.columns.append(Column(f"{role.replace(' ', '_')}_id", "link", role, target=table))


def write_numbered(schema: Schema, random: Random) -> str:
    """The schema in words, every table and column numbered; from here on their names are the numbers."""
    described = schema.described or random.random() < 0.6
    everything = [one for table in schema.tables for one in (table, *table.columns)]
    pointers = {id(one): f"@{index}" for index, one in enumerate(everything)}
    lines = []
    for table in schema.tables:
        called = _and_phrase(_spaced(table.name), table.noun if described else "")
        parts = [_numbered(column, pointers, described) for column in table.columns]
        lines.append(f"{called}{pointers[id(table)]}: {', '.join(parts)}")
    for one in everything:
        one.name = pointers[id(one)]
    return "\n".join(lines)


def _numbered(column: Column, pointers: dict[int, str], described: bool) -> str:
    mark = "*" if column.kind == "id" else f">{pointers[id(column.target)]} " if column.target else ""
    plain = column.target is not None or column.kind == "id"
    words_of = _and_phrase(_spaced(column.name), column.phrase if described and not plain else "")
    return f"{mark}{SHOWN_TYPES.get(column.kind, '')}{words_of}{pointers[id(column)]}"


def _and_phrase(name: str, phrase: str) -> str:
    """A name in words, with the phrase for it where that says more."""
    return f"{name} {phrase}" if phrase and phrase != name else name
