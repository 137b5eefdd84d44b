"""Finds which columns and which stored values a question talks about."""

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from .schema import Column, Schema, Table

WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[^\W\d_A-Z]+|\d+")
ENDINGS = (("ies", "y"), ("sses", "ss"), ("ss", "ss"), ("s", ""), ("ing", ""), ("ed", ""))
COMMON = set(
    """a an all and any are as at be by count did do each every first for from has have how in is
    it last least list many more most name no not of on one only or show than that the their them
    there to two was were what when where which who with without yes""".split()
)
LONGEST_VALUE_WORDS = 6
PLURAL = re.compile(r"[^\W\d_]{2}[^\W\ds_]s$")
SHORTEST_EDITED_CHARACTERS = 5
EDIT_SIMILARITY = 0.85


@dataclass(frozen=True)
class Match:
    """A stored value that the question names."""

    table: str
    column: str
    value: str


def stems(text: str) -> list[str]:
    """Splits text or an identifier into lower-case words without their endings."""
    return [_stem(word.lower()) for word in WORD.findall(text)]


def _stem(word: str) -> str:
    for ending, other in ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            word = word[: -len(ending)] + other
            break
    return word.rstrip("e")


def column_scores(schema: Schema, question: str) -> dict[tuple[str, str], float]:
    """Scores how much of each column's words stands in the question, its table's words included."""
    asked = set(stems(question)) - COMMON
    matched = {(match.table, match.column) for match in link_values(schema, question)}
    return {
        (table.name, column.name): _column_score(table, column, asked)
        + 2.0 * ((table.name, column.name) in matched)
        for table in schema.tables
        for column in table.columns
    }


def _column_score(table: Table, column: Column, asked: set[str]) -> float:
    own = max(_share(text, asked) for text in (column.name, column.readable, column.description))
    return own + 0.5 * max(_share(table.name, asked), _share(table.readable, asked))


def _share(text: str, asked: set[str]) -> float:
    found = set(stems(text))
    return len(found & asked) / len(found) if found else 0.0


def table_scores(schema: Schema, question: str) -> dict[str, float]:
    """Scores each table by its best column, and a little by its best neighbour."""
    columns = column_scores(schema, question)
    own = {
        table.name: max(columns[table.name, column.name] for column in table.columns)
        for table in schema.tables
    }
    return {
        name: score + 0.5 * max((own[other] for other in schema.neighbours(name)), default=0.0)
        for name, score in own.items()
    }


def link_values(schema: Schema, question: str, limit: int = 5) -> list[Match]:
    """Finds stored text that the question names, exactly or but for a typing error."""
    spoken = _words(question)
    phrases = _phrases(spoken)
    found: list[tuple[float, int, Match]] = []
    for table in schema.tables:
        for column in table.columns:
            for value in column.values:
                if isinstance(value, str) and (score := _value_score(value, phrases)):
                    match = Match(table.name, column.name, value)
                    found.append((-score, len(found), match))
    return [match for _, _, match in sorted(found)[:limit]]


@lru_cache(maxsize=100_000)
def _words(text: str) -> tuple[str, ...]:
    return tuple(re.findall(r"\w+", text.lower()))


def _phrases(spoken: Sequence[str]) -> dict[int, set[str]]:
    """Groups the word sequences of the question by their length; `dogs` says Dog too."""
    found: dict[int, set[str]] = {}
    for size in range(1, LONGEST_VALUE_WORDS + 1):
        said = {" ".join(spoken[i : i + size]) for i in range(len(spoken) - size + 1)}
        found[size] = said | {one[:-1] for one in said if PLURAL.search(one)}
    return found


def _value_score(value: str, phrases: dict[int, set[str]]) -> float:
    """The number of letters that match; exact matches come before edited ones."""
    parts = _words(value)
    text = " ".join(parts)
    known: Iterable[str] = phrases.get(len(parts), ())
    if len(text) < 2 or text in COMMON or text.isdigit():
        return 0.0
    if text in known:
        return float(len(text))
    if len(text) < SHORTEST_EDITED_CHARACTERS:
        return 0.0
    near = [p for p in known if p[:1] == text[:1] and abs(len(p) - len(text)) <= 2]
    close = difflib.get_close_matches(text, near, n=1, cutoff=EDIT_SIMILARITY)
    return len(text) / 2 if close else 0.0
