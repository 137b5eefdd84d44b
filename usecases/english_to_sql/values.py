"""The values that a question names, each with a number of its own, so that no model has to copy one.

They are counted on from the last number of the schema. A period beside a column of dates is its days:

    boats longer than twelve built in May 2021    ->  boats longer than @9 built in @10
    ... WHERE @7 > @9 AND @8 BETWEEN @10          ->  ... @8 BETWEEN '2021-05-01' AND '2021-05-31'
    ... WHERE @8 > @10                            ->  ... @8 > '2021-05-31'
"""

import calendar
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from common.embedded.short_sql import POINTERS

from .linking import Match, stems
from .serialize import literal

MONTHS = {name: number for number, name in enumerate(calendar.month_name) if name}
WORDS = (
    "two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen twenty"
).split()
SPELT = {word: str(number) for number, word in enumerate(WORDS, 2)}
QUOTED = re.compile(r"\"[^\"]+\"|(?<!\w)'[^']+'(?!\w)")
PERIOD = re.compile(rf"\b(?:(?:{'|'.join(MONTHS)}) \d{{4}}|(?:19|20)\d\d)\b(?![-.,]\d)")
DAY = re.compile(r"\b\d{4}-\d\d-\d\d\b")
SPELT_DAY = re.compile(
    rf"\b(?:(?P<d>\d\d?)(?:st|nd|rd|th)?(?: of)? (?P<m>{'|'.join(MONTHS)})"
    rf"|(?P<m2>{'|'.join(MONTHS)}) (?P<d2>\d\d?)(?:st|nd|rd|th)?),? (?P<y>\d{{4}})\b"
)
NUMBER = re.compile(r"(?<![\w.,-])-?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?![\w-]|[.,]\d)")
SPELT_NUMBER = re.compile(rf"(?<![\w-])(?:{'|'.join(WORDS)})(?![\w-])", re.IGNORECASE)
NAMES = re.compile(r"(?<=[\w,'\"] )(?!I\b)[A-Z][\w'-]+(?: [A-Z][\w'-]+)*")
UNKNOWN = f"@{POINTERS - 1}"  # behind words for a column that is not there
DATES = re.compile(r"([<>]=?|BETWEEN) ('\d{4}-\d\d-\d\d')(?: AND ('\d{4}-\d\d-\d\d'))?")
LITERAL = re.compile(r"(LIMIT |= )?('(?:[^']|'')*'|(?<![@\w.])\d+(?:\.\d+)?)")
COMPARED = ("<", ">", "<=", ">=")
POINTED = re.compile(r"(%?)(@\d+)(%?)")
SPAN = re.compile(
    r"(?P<column>@\d+) (?:(?P<sign>[<>]=?|=)|(?P<between>(?:NOT )?BETWEEN)) (?P<first>@\d+)\b"
    r"(?(between)(?: AND (?P<last>@\d+)\b(?! (?:[<>=]|(?:NOT|BETWEEN|IN|LIKE|IS)\b)))?)"
)


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

    def days(self) -> tuple[str, str]:
        """The first and the last day of a period, as SQL writes them."""
        *month, year = self.text.split()
        first, last = (MONTHS[month[0]],) * 2 if month else (1, 12)
        days = calendar.monthrange(int(year), last)[1]
        return f"'{year}-{first:02d}-01'", f"'{year}-{last:02d}-{days:02d}'"


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
        for match in re.finditer(rf"(?<!\w){re.escape(value)}s?(?!\w)", question, re.IGNORECASE):
            if match[0] == value or not set(stems(value)) & set(named):
                yield Said(match.start(), match.end(), "text", value)
    for match in SPELT_DAY.finditer(question):
        day, month = int(match["d"] or match["d2"]), MONTHS[match["m"] or match["m2"]]
        yield Said(match.start(), match.end(), "day", f"{match['y']}-{month:02d}-{day:02d}")
    for kind, pattern in (("day", DAY), ("period", PERIOD), ("number", NUMBER), ("number", SPELT_NUMBER)):
        for match in pattern.finditer(question):
            text = SPELT.get(match[0].lower(), match[0])
            yield Said(match.start(), match.end(), kind, text.replace(",", ""))
    for match in NAMES.finditer(question):
        if not set(stems(match[0])) & set(named):
            yield Said(match.start(), match.end(), "text", match[0])


def pointed(answer: str, said: Sequence[Said]) -> str:
    """An answer with numbers for the values that the question names."""
    texts = {one.text: one.pointer for one in said if one.kind in ("text", "day")}
    numbers = {one.text: one.pointer for one in said if one.kind in ("number", "period")}

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

    return LITERAL.sub(value, _with_periods(answer, said))


def _with_periods(answer: str, said: Sequence[Said]) -> str:
    """An answer with the numbers of periods for their days, but for days that the question names."""
    periods = [one for one in said if one.kind == "period"]
    first, last = ({one.days()[end]: one.pointer for one in periods} for end in (0, 1))
    for known in (first, last):
        for one in said:
            known.pop(f"'{one.text}'", None)

    def days(match: re.Match[str]) -> str:
        sign, one, other = match.groups()
        if not other:
            known = last if sign in (">", "<=") else first
            return f"{sign} {known.get(one, one)}"
        start, end = first.get(one, one), last.get(other, other)
        return f"{sign} {start}" if start == end else f"{sign} {start} AND {end}"

    return DATES.sub(days, answer)


def unpointed(answer: str, said: Sequence[Said], numbers: Collection[str] = ()) -> str:
    """An answer with the values in the places of their numbers; `numbers` are the columns of numbers."""
    known = {one.pointer: one for one in said}

    def span(match: re.Match[str]) -> str:
        one, other = known.get(match["first"]), known.get(match["last"] or "")
        sign = match["sign"] or match["between"]
        ends = [end.days() if end and end.kind == "period" else None for end in (one, other)]
        if match["column"] in numbers or not any(ends):
            return match[0]
        if ends[0] and not match["last"] and sign not in COMPARED:
            return f"{match['column']} {sign.replace('=', 'BETWEEN')} {' AND '.join(ends[0])}"
        start = ends[0][sign in (">", "<=")] if ends[0] else match["first"]
        end = ends[1][1] if ends[1] else match["last"]
        return f"{match['column']} {sign} {start}" + (f" AND {end}" if end else "")

    def value(match: re.Match[str]) -> str:
        one = known.get(match[2])
        return one.sql(match[1], match[3]) if one else match[0]

    return POINTED.sub(value, SPAN.sub(span, answer))
