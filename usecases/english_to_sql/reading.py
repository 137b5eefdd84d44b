"""A question as a model reads it: numbers behind what it names, and in the places of its values.

What is the least weight of the catches that the Petrel landed since March?
What is the least number@15 of the rows@10 that the @21@6 landed since @22@12?
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from common.embedded.short_sql import POINTERS

from .linker import (
    Asking,
    asked,
    date_columns,
    is_apart,
    kind_of,
    link,
    number_columns,
    texts_of,
    texts_within,
    weights,
)
from .linking import Match
from .mentions import Mention, index_of, is_sure, mentions
from .numbered import places
from .schema import Schema
from .serialize import short_type
from .slots import Slot
from .values import UNKNOWN, Said, values_in
from .word_vectors import vectors

NEAR = 25  # characters from a column of numbers to a year that may be its own


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


@dataclass(frozen=True)
class Heard:
    """What stands in a question before its links: values, names, and words that may ask for a column."""

    said: tuple[Said, ...]
    found: tuple[Mention, ...]
    likely: tuple[tuple[Slot, float], ...]
    asking: tuple[Asking, ...]


@lru_cache(maxsize=16_384)
def heard(schema: Schema, question: str, stored: tuple[Match, ...]) -> Heard:
    """Listens to a question; a schema with more parts than there are numbers is not linked."""
    said = tuple(values_in(question, stored, index_of(schema).using.keys(), len(places(schema).names)))
    blank = blanked(question, said)
    found = tuple(mentions(schema, blank))
    if len(places(schema).names) > POINTERS:
        return Heard(said, found, (), ())
    return Heard(said, found, *map(tuple, asked(schema, blank, said, found, weights())))


@lru_cache(maxsize=16_384)
def read(schema: Schema, question: str, stored: tuple[Match, ...]) -> Reading:
    """Reads a question; what numbers run out for stays as it is spelt."""
    found, listened = places(schema), heard(schema, question, stored)
    said = listened.said
    named, unknown = names(schema, listened)
    marks: dict[int, list[str]] = {}
    for one in said:
        held = [v for v in stored if v.value == one.text and one.kind == "text"]
        marks[one.end] = [found.columns[value.table.lower(), value.column.lower()] for value in held]
    for mention in named:
        marks.setdefault(mention.end, []).extend(mention.pointers)
    for end, pointer in when(schema, said, named):
        marks.setdefault(end, []).append(pointer)
    for end in unknown:
        marks.setdefault(end, []).append(UNKNOWN)
    spelt = {one.text for one in said}
    whole = [m for m in named if m.covered == 1 and m.told and is_apart(m, said)]
    plain = {(m.start, m.end): plain_word(m, schema) for m in whole}
    return Reading(
        written(question, marks, said, {span: word for span, word in plain.items() if word}),
        tuple(value for value in stored if value.value not in spelt),
        tuple(said),
        frozenset(pointer for mention in named for pointer in mention.pointers),
        bool(unknown),
    )


def warm(questions: Iterable[tuple[Schema, str, tuple[Match, ...]]]) -> None:
    """Encodes what several questions need in two goes, which is far quicker than one by one."""
    every = [(schema, heard(schema, question, stored)) for schema, question, stored in questions]
    encode(text for schema, one in every for text in texts_of(schema, one.asking))
    encode(text for schema, one in every for text in texts_within(schema, one.found, one.asking))


def encode(texts: Iterable[str]) -> None:
    """Makes the vectors of some texts."""
    if found := set(texts):
        vectors(found)


def names(schema: Schema, listened: Heard) -> tuple[list[Mention], list[int]]:
    """What a question names by its name or in other words, and the ends of names of nothing.

    A name that fits in part, or that fits several, counts where words for a column may stand.
    """
    if len(places(schema).names) > POINTERS:
        return list(listened.found), []
    linked, likely, unknown = link(schema, listened.found, listened.likely, listened.asking)
    owner = places(schema).numbers.owner
    kept = [
        one
        for one in listened.found
        if one.pointers[0] not in owner
        or is_sure(one)
        or (is_apart(one, linked) and not is_apart(one, likely))
    ]
    return kept + linked, [slot.end for slot in unknown]


def when(schema: Schema, said: Sequence[Said], named: Sequence[Mention]) -> Iterator[tuple[int, str]]:
    """The ends of days and periods that are of the only date there is in the tables that a question names.

    `the fees it took in 2022` says no column for the year.
    """
    found = places(schema)
    owner, dates = found.numbers.owner, date_columns(schema)
    pointers = {pointer for mention in named for pointer in mention.pointers}
    tables = {owner.get(pointer, pointer) for pointer in pointers}
    fitting = [pointer for pointer in dates if owner[pointer] in tables]
    if len(fitting) != 1 or pointers & set(dates):
        return
    numbers = [m.end for m in named if m.pointers[0] in number_columns(schema)]
    for one in said:
        is_year = one.text.isdigit() and any(one.start - NEAR < end <= one.start for end in numbers)
        if one.kind in ("day", "period") and not is_year:
            yield one.end, fitting[0]


def plain_word(mention: Mention, schema: Schema) -> str:
    """A word of its kind in the place of a name that is said in full; none where the words say more."""
    name = places(schema).names[mention.pointers[0]]
    if len(name) == 1:
        return "rows"
    if mention.is_plain:
        return "name"
    column = schema.table(name[0]).column(name[1])
    return "" if short_type(column.type) == "boolean" else kind_of(column)


def written(
    question: str,
    marks: dict[int, list[str]],
    said: Sequence[Said],
    plain: dict[tuple[int, int], str],
) -> str:
    """The question with marks behind its words, and numbers for its values."""
    values = {one.end: one for one in said}
    starts = {end: (start, word) for (start, end), word in plain.items()}
    for end in sorted({*marks, *values}, reverse=True):
        start, pointer = (values[end].start, values[end].pointer) if end in values else (end, "")
        start, pointer = starts[end] if end in starts and end not in values else (start, pointer)
        question = question[:start] + pointer + "".join(dict.fromkeys(marks.get(end, ()))) + question[end:]
    return question


def blanked(question: str, said: Sequence[Said]) -> str:
    """The question with spaces in the places of its values."""
    for one in said:
        question = question[: one.start] + " " * (one.end - one.start) + question[one.end :]
    return question
