"""A question as a model reads it: numbers behind what it names, and in the places of its values.

What is the least weight in kilograms@15 of the catches@10 landed by @21@6 since @22
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from common.embedded.short_sql import POINTERS

from .linker import is_apart, link
from .linking import Match
from .mentions import Mention, index_of, is_sure, mentions
from .numbered import places
from .schema import Schema
from .values import UNKNOWN, Said, values_in


@dataclass(frozen=True)
class Reading:
    """The text, stored values spelt in another way, its own values, and what it names.

    `is_lacking`: the question names a column that the schema does not have.
    """

    text: str
    left: tuple[Match, ...]
    said: tuple[Said, ...]
    named: frozenset[str]
    is_lacking: bool


@lru_cache(maxsize=16_384)
def read(schema: Schema, question: str, stored: tuple[Match, ...]) -> Reading:
    """Reads a question; what numbers run out for stays as it is spelt."""
    found = places(schema)
    said = values_in(question, stored, index_of(schema).using.keys(), len(found.names))
    named, unknown = names(schema, blanked(question, said), said)
    marks: dict[int, list[str]] = {}
    for one in said:
        held = [v for v in stored if v.value == one.text and one.kind == "text"]
        marks[one.end] = [found.columns[value.table.lower(), value.column.lower()] for value in held]
    for mention in named:
        marks.setdefault(mention.end, []).extend(mention.pointers)
    for end in unknown:
        marks.setdefault(end, []).append(UNKNOWN)
    spelt = {one.text for one in said}
    return Reading(
        written(question, marks, said),
        tuple(value for value in stored if value.value not in spelt),
        tuple(said),
        frozenset(pointer for mention in named for pointer in mention.pointers),
        bool(unknown),
    )


def names(schema: Schema, question: str, said: Sequence[Said]) -> tuple[list[Mention], list[int]]:
    """What a question names by its name or in other words, and the ends of names of nothing.

    A name that fits in part, or that fits several, counts where words for a column may stand.
    """
    found = mentions(schema, question)
    if len(places(schema).names) > POINTERS:
        return found, []
    linked, likely, unknown = link(schema, question, said, found)
    owner = places(schema).numbers.owner
    kept = [
        one
        for one in found
        if one.pointers[0] not in owner
        or is_sure(one)
        or (is_apart(one, linked) and not is_apart(one, likely))
    ]
    return kept + linked, [slot.end for slot in unknown]


def written(question: str, marks: dict[int, list[str]], said: Sequence[Said]) -> str:
    """The question with marks behind its words, and numbers for its values."""
    values = {one.end: one for one in said}
    for end in sorted({*marks, *values}, reverse=True):
        start, pointer = (values[end].start, values[end].pointer) if end in values else (end, "")
        question = question[:start] + pointer + "".join(dict.fromkeys(marks.get(end, ()))) + question[end:]
    return question


def blanked(question: str, said: Sequence[Said]) -> str:
    """The question with spaces in the places of its values."""
    for one in said:
        question = question[: one.start] + " " * (one.end - one.start) + question[one.end :]
    return question
