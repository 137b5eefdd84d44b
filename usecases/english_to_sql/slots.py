"""Where a question may name a column: runs of words, and what stands in and around them."""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from .linking import COMMON
from .mentions import Mention, is_sure
from .values import Said

PIECE = re.compile(r"[^\W\d_][^\W\d_-]*(?:-[^\W\d_]+)*|\d+|[^\w\s]")
EMPTY = COMMON - {"name", "first", "last"}
OF = ("of", "the", "a", "an", "on", "in", "at", "for")
LONGEST_WORDS = 6
NEAR, VALUE_WITHIN = 4, 8
COLUMN, TABLE, END = "<column>", "<table>", "<end>"


@dataclass(frozen=True)
class Piece:
    """A word, a sign, or what is known already: a value, a table, a column."""

    start: int
    end: int
    text: str


@dataclass(frozen=True)
class Slot:
    """A run of words that may name a column, from one character to another."""

    start: int
    end: int
    features: frozenset[str]


def pieces(
    question: str, said: Sequence[Said], found: Sequence[Mention], tables: Collection[str]
) -> list[Piece]:
    """A question whose values are blank, in its order; names that fit in part count as words."""
    known = [Piece(one.start, one.end, f"<{one.kind}>") for one in said]
    for mention in found:
        if mention.pointers[0] in tables:
            known.append(Piece(mention.start, mention.end, TABLE))
        elif is_sure(mention):
            known.append(Piece(mention.start, mention.end, COLUMN))
    words = [Piece(match.start(), match.end(), match[0].lower()) for match in PIECE.finditer(question)]
    free = [word for word in words if not any(one.start <= word.start < one.end for one in known)]
    return sorted([*known, *free], key=lambda piece: piece.start)


def slots(
    question: str, said: Sequence[Said], found: Sequence[Mention], tables: Collection[str]
) -> Iterator[Slot]:
    """Every run of up to six words that starts and ends with a telling one."""
    line = pieces(question, said, found, tables)
    for first, piece in enumerate(line):
        if piece.text in EMPTY:
            continue
        for last in range(first, min(len(line), first + LONGEST_WORDS)):
            text = line[last].text
            if not text[0].isalpha() and text != TABLE:
                break
            if text == TABLE and last > first and line[last - 1].text not in OF:
                break
            if text not in EMPTY and not (text == TABLE and last == first):
                yield Slot(piece.start, line[last].end, features(line, first, last))


def features(line: Sequence[Piece], first: int, last: int) -> frozenset[str]:
    """The words around a run, and those in it by their place."""

    def at(place: int) -> str:
        return line[place].text if 0 <= place < len(line) else END

    before, after = at(first - 1), at(last + 1)
    found = {
        f"before={before}",
        f"before2={at(first - 2)} {before}",
        f"after={after}",
        f"after2={after} {at(last + 2)}",
        f"around={before} {after}",
        f"length={last - first + 1}",
        f"table first={at(first) == TABLE}",
        f"table last={at(last) == TABLE}",
        f"value={value_after(line, last)}",
    }
    found |= {f"near before={at(place)}" for place in range(first - NEAR, first - 1)}
    found |= {f"near after={at(place)}" for place in range(last + 2, last + NEAR + 1)}
    if first == last:
        return frozenset({*found, f"only {at(first)}"})
    inside = {f"in {at(place)}" for place in range(first + 1, last)}
    return frozenset({*found, f"head {at(first)}", f"tail {at(last)}", *inside})


def value_after(line: Sequence[Piece], last: int) -> str:
    """Of what kind the next value is, unless something else is named before it."""
    for piece in line[last + 1 : last + 1 + VALUE_WITHIN]:
        if piece.text[0] == "<" or piece.text == ",":
            return piece.text
    return ""
