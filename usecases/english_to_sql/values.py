"""The values that a question names, each with a number of its own, so that no model has to copy one.

They are counted on from the last number of the schema. A period alone behind BETWEEN is its days:

    boats longer than 12 built in May 2021    ->  boats longer than @9 built in @10
    ... WHERE @7 > @9 AND @8 BETWEEN @10      ->  ... @8 BETWEEN '2021-05-01' AND '2021-05-31'
"""

import calendar
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from common.embedded.short_sql import POINTERS

from .linking import Match, stems
from .serialize import literal

MONTHS = {name: number for number, name in enumerate(calendar.month_name) if name}
QUOTED = re.compile(r"\"[^\"]+\"|(?<!\w)'[^']+'(?!\w)")
PERIOD = re.compile(rf"\b(?:(?:{'|'.join(MONTHS)}) \d{{4}}|(?:19|20)\d\d)\b(?![-.,]\d)")
DAY = re.compile(r"\b\d{4}-\d\d-\d\d\b")
NUMBER = re.compile(r"(?<![\w.,-])-?\d+(?:\.\d+)?(?![\w-]|[.,]\d)")
NAMES = re.compile(r"(?<=[\w,'\"] )[A-Z][\w'-]+(?: [A-Z][\w'-]+)*")
UNKNOWN = f"@{POINTERS - 1}"  # behind words for a column that is not there
BOUNDS = re.compile(r"BETWEEN '(\d{4}-\d\d-\d\d)' AND '(\d{4}-\d\d-\d\d)'")
LITERAL = re.compile(r"(LIMIT |= )?('(?:[^']|'')*'|(?<![@\w.])\d+(?:\.\d+)?)")
POINTED = re.compile(r"(%?)(@\d+)(%?)")
SPAN = re.compile(r"BETWEEN (@\d+)(?: AND (@\d+))?")


@dataclass(frozen=True)
class Said:
    """A value where the question names it, and its number."""

    start: int
    end: int
    kind: str
    text: str
    pointer: str = ""

    def sql(self, before: str = "", after: str = "") -> str:
        """The value as SQL writes it."""
        bare = self.kind == "number" or (self.kind == "period" and self.text.isdigit())
        return self.text if bare else literal(before + self.text + after)

    def bounds(self) -> str:
        """The days that a period spans, as SQL compares them."""
        *month, year = self.text.split()
        first, last = (MONTHS[month[0]],) * 2 if month else (1, 12)
        days = calendar.monthrange(int(year), last)[1]
        return f"'{year}-{first:02d}-01' AND '{year}-{last:02d}-{days:02d}'"


def values_in(
    question: str, stored: Sequence[Match], named: Collection[str] = (), first: int = 0
) -> list[Said]:
    """Every value of a question in its order, numbered from the first free number on while there are any.

    `named` are the words of the schema: capitals alone make no value of them.
    """
    found: list[Said] = []
    for one in candidates(question, stored, named):
        if all(one.end <= other.start or other.end <= one.start for other in found):
            found.append(one)
    known: dict[tuple[str, str], str] = {}
    result = []
    for one in sorted(found, key=lambda value: value.start):
        pointer = known.setdefault((one.kind, one.text), f"@{first + len(known)}")
        if int(pointer[1:]) < POINTERS - 1:
            result.append(Said(one.start, one.end, one.kind, one.text, pointer))
    return result


def candidates(question: str, stored: Sequence[Match], named: Collection[str]) -> Iterator[Said]:
    """What may be a value, the surest first."""
    for match in QUOTED.finditer(question):
        yield Said(match.start(), match.end(), "text", match[0][1:-1])
    for value in sorted({match.value for match in stored}, key=len, reverse=True):
        for match in re.finditer(rf"(?<!\w){re.escape(value)}(?!\w)", question, re.IGNORECASE):
            if match[0] == value or not set(stems(value)) & set(named):
                yield Said(match.start(), match.end(), "text", value)
    for kind, pattern in (("day", DAY), ("period", PERIOD), ("number", NUMBER)):
        for match in pattern.finditer(question):
            yield Said(match.start(), match.end(), kind, match[0])
    for match in NAMES.finditer(question):
        if not set(stems(match[0])) & set(named):
            yield Said(match.start(), match.end(), "text", match[0])


def pointed(answer: str, said: Sequence[Said]) -> str:
    """An answer with numbers for the values that the question names."""
    periods = {one.bounds(): one.pointer for one in said if one.kind == "period"}
    texts = {one.text: one.pointer for one in said if one.kind in ("text", "day")}
    numbers = {one.text: one.pointer for one in said if one.kind in ("number", "period")}

    def bounds(match: re.Match[str]) -> str:
        pointer = periods.get(match[0].removeprefix("BETWEEN "))
        return f"BETWEEN {pointer}" if pointer else match[0]

    def value(match: re.Match[str]) -> str:
        before, text = match[1] or "", match[2]
        if text[0] != "'":
            first = before == "LIMIT " and text == "1"  # what no question says in digits
            return match[0] if first or text not in numbers else before + numbers[text]
        inner = text[1:-1].replace("''", "'")
        bare = inner.strip("%")
        if bare not in texts:
            return match[0]
        return before + inner.replace(bare, texts[bare])

    return LITERAL.sub(value, BOUNDS.sub(bounds, answer))


def unpointed(answer: str, said: Sequence[Said]) -> str:
    """An answer with the values in the places of their numbers."""
    known = {one.pointer: one for one in said}

    def span(match: re.Match[str]) -> str:
        one = known.get(match[1])
        if one is None or one.kind != "period" or match[2] in known:
            return match[0]
        return match[0].replace(match[1], one.bounds(), 1)

    def value(match: re.Match[str]) -> str:
        one = known.get(match[2])
        return one.sql(match[1], match[3]) if one else match[0]

    return POINTED.sub(value, SPAN.sub(span, answer))
