"""Which tables and columns the words of a question name, by their names and descriptions."""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from .linking import COMMON, stems
from .numbered import places, words
from .schema import Schema, Table

WORD = re.compile(r"[^\W_]+")
EMPTY = COMMON - {"name"}
LONGEST_WORDS = 6
LEAST_COVERED = 0.45
LEAST_COVERED_TABLE = 0.7  # a table called by half of its name is mostly something else
SAME_COVERED = 0.25  # among names that are covered in part
MOST_MEANINGS = 3
BESIDE = 12  # characters, as in `name of each boat`
NAME = frozenset(stems("name"))
Spoken = tuple[int, int, frozenset[str]]


@dataclass(frozen=True)
class Item:
    """One way to name a table or a column."""

    pointer: str
    table: str
    stems: frozenset[str]
    is_key: bool = False


@dataclass(frozen=True)
class Mention:
    """Words of a question, from one character to another, and what they may name."""

    start: int
    end: int
    told: int
    covered: float
    pointers: tuple[str, ...]
    is_plain: bool = False


def is_sure(one: Mention) -> bool:
    """Whether the words are all of a name, and more than a word that verbs share."""
    return one.covered == 1 and len(one.pointers) == 1 and not one.is_plain


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
    shared = frozenset.intersection(*(telling(table.name) for table in schema.tables))
    for table in schema.tables:
        owner, keys = numbers.tables[table.name.lower()], schema.identifiers(table)
        own, every = telling(table.name), own_words(table)
        items = [Item(owner, owner, own - shared or own)]  # a prefix of all tables names none of them
        items += [Item(owner, owner, telling(text)) for text in (table.description, table.readable)]
        for column in table.columns:
            pointer = numbers.columns[table.name.lower(), column.name.lower()]
            said = (column.name, column.description, column.readable)
            told = [telling(text) for text in said]
            told += [NAME for stems_of in told if stems_of - every == NAME]  # of its own table
            items += [Item(pointer, owner, stems_of, column.name in keys) for stems_of in told]
        found += [item for item in dict.fromkeys(items) if item.stems]
    using = defaultdict(set)
    for place, item in enumerate(found):
        for stem in item.stems:
            using[stem].add(place)
    spread = Counter(stem for _, stem in {(item.pointer, stem) for item in found for stem in item.stems})
    weights = {stem: math.log(1 + len(found) / count) for stem, count in spread.items()}
    return Index(tuple(found), {stem: frozenset(which) for stem, which in using.items()}, weights)


def own_words(table: Table) -> frozenset[str]:
    """The words that a table is called by."""
    return telling(table.name) | telling(table.description) | telling(table.readable)


@lru_cache(maxsize=50_000)
def telling(text: str) -> frozenset[str]:
    """The words of a name without endings and without those that every question has."""
    said = [word for word in words(text).split() if word not in EMPTY]
    return frozenset(stem for word in said for once in stems(word) for stem in stems(once))


def mentions(schema: Schema, question: str) -> list[Mention]:
    """The best reading of each part of a question without its values, in its order."""
    index = index_of(schema)
    spoken = [(match.start(), match.end(), telling(match[0])) for match in WORD.finditer(question)]
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
    keys = {item.pointer for item in fitting if item.is_key}
    covered = {pointer: share for pointer, share in covered.items() if pointer not in keys} or covered
    best = max(covered.values())
    least = best if best == 1 else best - SAME_COVERED
    near = (pointer for pointer, share in covered.items() if share >= least)
    pointers = tuple(sorted(near, key=lambda pointer: int(pointer[1:])))
    return Mention(start, end, len(said), best, pointers, said == NAME)


def nearer(found: Sequence[Mention], known: Sequence[Item]) -> list[Mention]:
    """Readings with few meanings: where words fit several columns, those of the table last named."""
    owner = {item.pointer: item.table for item in known}
    ordered = sorted(found, key=lambda mention: mention.start)
    clear = [(mention.start, mention.pointers[0]) for mention in ordered if len(mention.pointers) == 1]
    result = []
    for mention in ordered:
        pointers = mention.pointers
        if len(pointers) > 1:
            named = [owner[p] for at, p in clear if mention.end < at <= mention.end + BESIDE]
            named += [owner[p] for at, p in clear if at < mention.start][::-1]
            named += [owner[p] for at, p in clear if at > mention.start]
            table = next((t for t in named if any(owner[p] == t for p in pointers)), None)
            pointers = tuple(p for p in pointers if owner[p] == table) or pointers
        if len(pointers) <= MOST_MEANINGS:
            result.append(replace(mention, pointers=pointers))
    return result
