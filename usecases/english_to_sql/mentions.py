"""Which tables and columns the words of a question name, written into the question as numbers.

what is the least weight in kilograms@15 of the catches@10 landed by Sea Wolf@6
"""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from .linking import COMMON, Match, stems
from .numbered import places, words
from .schema import Schema

WORD = re.compile(r"[^\W_]+")
QUOTED = re.compile(r"\"[^\"]*\"|(?<!\w)'[^']*'(?!\w)")
EMPTY = COMMON - {"name"}
LONGEST_WORDS = 6
LEAST_COVERED = 0.45
LEAST_COVERED_TABLE = 0.7  # a table called by half of its name is mostly something else
SAME_COVERED = 0.25  # among names that are covered in part
MOST_MEANINGS = 3
Spoken = tuple[int, int, frozenset[str]]


@dataclass(frozen=True)
class Item:
    """One way to name a table or a column."""

    pointer: str
    table: str
    stems: frozenset[str]


@dataclass(frozen=True)
class Mention:
    """Words of a question, from one character to another, and what they may name."""

    start: int
    end: int
    told: int
    covered: float
    pointers: tuple[str, ...]


@dataclass(frozen=True)
class Index:
    """Every way to name something, which of them use a word, and how telling the word is."""

    items: tuple[Item, ...]
    using: dict[str, frozenset[int]]
    weights: dict[str, float]


@lru_cache(maxsize=2_048)
def index_of(schema: Schema) -> Index:
    """All names and descriptions of a schema."""
    found, numbers = [], places(schema)
    for table in schema.tables:
        owner = numbers.tables[table.name.lower()]
        said = [(owner, text) for text in (table.name, table.description, table.readable)]
        for column in table.columns:
            pointer = numbers.columns[table.name.lower(), column.name.lower()]
            said += [(pointer, text) for text in (column.name, column.description, column.readable)]
        named = [Item(pointer, owner, telling(text)) for pointer, text in dict.fromkeys(said)]
        found += [item for item in named if item.stems]
    using = defaultdict(set)
    for place, item in enumerate(found):
        for stem in item.stems:
            using[stem].add(place)
    spread = Counter(stem for _, stem in {(item.pointer, stem) for item in found for stem in item.stems})
    weights = {stem: math.log(1 + len(found) / count) for stem, count in spread.items()}
    return Index(tuple(found), {stem: frozenset(which) for stem, which in using.items()}, weights)


@lru_cache(maxsize=50_000)
def telling(text: str) -> frozenset[str]:
    """The words of a name without endings and without those that every question has."""
    said = [word for word in words(text).split() if word not in EMPTY]
    return frozenset(stem for word in said for once in stems(word) for stem in stems(once))


def mentions(schema: Schema, question: str) -> list[Mention]:
    """The best reading of each part of a question, in its order."""
    index = index_of(schema)
    outside = QUOTED.sub(lambda match: " " * len(match[0]), question)
    spoken = [(match.start(), match.end(), telling(match[0])) for match in WORD.finditer(outside)]
    every = [mention for first in range(len(spoken)) for mention in readings(spoken, first, index)]
    chosen: list[Mention] = []
    for mention in sorted(every, key=lambda m: (m.covered < 1, -m.told, m.end - m.start)):
        if all(mention.end <= other.start or other.end <= mention.start for other in chosen):
            chosen.append(mention)
    return nearer(chosen, index.items)


def readings(spoken: Sequence[Spoken], first: int, index: Index) -> Iterator[Mention]:
    """What the runs of words from one on name: the items that hold all of their telling words."""
    said: set[str] = set()
    fitting: frozenset[int] | None = None
    for _, end, told in spoken[first : first + LONGEST_WORDS]:
        if not told:
            if not said:
                return
            continue
        if said & told:
            return  # a word said twice names two things
        said |= told
        for stem in told:
            using = index.using.get(stem, frozenset())
            fitting = using if fitting is None else fitting & using
        if not fitting:
            return
        mention = reading(spoken[first][0], end, said, [index.items[place] for place in fitting], index)
        if mention:
            yield mention


def reading(start: int, end: int, said: set[str], fitting: Sequence[Item], index: Index) -> Mention | None:
    """The items whose names are covered most by what is said, if that is enough."""
    weight = sum(index.weights[stem] for stem in said)
    covered: dict[str, float] = {}
    for item in fitting:
        share = round(weight / sum(index.weights[stem] for stem in item.stems), 6)
        if share >= (LEAST_COVERED_TABLE if item.pointer == item.table else LEAST_COVERED):
            covered[item.pointer] = max(share, covered.get(item.pointer, 0.0))
    if not covered:
        return None
    best = max(covered.values())
    least = best if best == 1 else best - SAME_COVERED
    near = (pointer for pointer, share in covered.items() if share >= least)
    pointers = tuple(sorted(near, key=lambda pointer: int(pointer[1:])))
    return Mention(start, end, len(said), best, pointers)


def nearer(found: Sequence[Mention], known: Sequence[Item]) -> list[Mention]:
    """Readings with few meanings: where words fit several columns, those of the table last named."""
    owner = {item.pointer: item.table for item in known}
    ordered = sorted(found, key=lambda mention: mention.start)
    clear = [(mention.start, mention.pointers[0]) for mention in ordered if len(mention.pointers) == 1]
    result = []
    for mention in ordered:
        pointers = mention.pointers
        if len(pointers) > 1:
            named = [owner[p] for at, p in clear if at < mention.start][::-1]
            named += [owner[p] for at, p in clear if at > mention.start]
            table = next((t for t in named if any(owner[p] == t for p in pointers)), None)
            pointers = tuple(p for p in pointers if owner[p] == table) or pointers
        if len(pointers) <= MOST_MEANINGS:
            result.append(replace(mention, pointers=pointers))
    return result


def linked(schema: Schema, question: str, values: Sequence[Match]) -> tuple[str, list[Match]]:
    """The question with numbers behind what it names, and the values that it spells in another way."""
    marks: dict[int, list[str]] = {}
    left: list[Match] = []
    for value in values:
        spelt = re.search(rf"(?<!\w){re.escape(value.value)}(?!\w)", question)
        if not spelt:
            left.append(value)
            continue
        pointer = places(schema).columns[value.table.lower(), value.column.lower()]
        marks.setdefault(spelt.end(), []).append(pointer)
    for mention in mentions(schema, question):
        marks.setdefault(mention.end, []).extend(mention.pointers)
    for at in sorted(marks, reverse=True):
        question = question[:at] + "".join(dict.fromkeys(marks[at])) + question[at:]
    return question, left
