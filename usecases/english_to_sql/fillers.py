"""Chooses the values that a column of a generated database draws from."""

import datetime
import itertools
import random
import re
from collections.abc import Iterable, Sequence

from .linking import WORD
from .sandbox import Value
from .schema import Column

LITERALS_PER_DATABASE = 6
FILLERS_PER_DATABASE = 6
DAYS_AROUND_CLOCK = 900
DATE_WORDS = {"date", "dt", "timestamp", "birthday", "dob"}
YEAR_OR_MONTH = re.compile(r"(\d{4})(?:-(\d{2}))?-?")
FILLER_WORDS = (
    "amber birch cedar delta ember falcon garnet harbor indigo juniper kestrel lumen maple nectar "
    "onyx pearl quartz raven saffron tundra umber violet willow zephyr"
).split()
PEOPLE = "Ada Ben Chen Dana Elif Farid Grace Hugo Ines Jonas Kofi Lena Mira Noor Omar Priya".split()
PLACES = "Arden Brixley Corvo Delmar Eastwick Fairview Glenrock Havenport Isola Juno".split()


def is_number(column: Column) -> bool:
    kind = column.type.upper()
    return any(word in kind for word in ("INT", "REAL", "NUM", "DEC", "FLOA", "DOUB", "BOOL"))


def is_date(column: Column) -> bool:
    """Dates are told by their type or by their name."""
    if any(word in column.type.upper() for word in ("DATE", "TIME")):
        return True
    words = [word.lower() for word in WORD.findall(column.name)]
    is_named = bool(DATE_WORDS & set(words)) or words[-1:] in (["on"], ["at"])
    return is_named and not is_number(column)


def value_pool(
    column: Column, literals: Sequence[Value], generator: random.Random, clock: str
) -> list[Value]:
    """Mixes literals, their close neighbours, known values and fillers for one database."""
    chosen = generator.sample(list(literals), min(LITERALS_PER_DATABASE, len(literals)))
    known = [value for value in column.values if value not in (None, "")]
    shown = generator.sample(known, min(FILLERS_PER_DATABASE, len(known)))
    fillers = shown or _fillers(column, generator, clock)
    beside = list(itertools.chain.from_iterable(_beside(value, column, generator) for value in chosen))
    pool: list[Value] = []
    # A literal counts twice, so that equality predicates meet rows.
    for value in (*chosen, *chosen, *beside, *fillers):
        pool += _fitting(value, column, generator)
    return pool or _fillers(column, generator, clock)


def _beside(value: Value, column: Column, generator: random.Random) -> Iterable[Value]:
    """Values that tell < from <=, and = from LIKE; a part of a date has other years."""
    if isinstance(value, int):
        return [value + generator.choice((-1, 1))]
    if isinstance(value, float):
        return [round(value + generator.choice((-0.01, 0.01, 1.0)), 4)]
    if not isinstance(value, str):
        return []
    day = _parse_day(value)
    if day:
        return [(day + datetime.timedelta(days=generator.choice((-1, 1)))).isoformat()]
    if is_date(column):
        step = generator.choice((-1, 1))
        return [re.sub(r"\d{4}", lambda year: f"{int(year[0]) + step:04d}", value, count=1)]
    return [generator.choice((f"{value} {generator.choice(FILLER_WORDS)}", f"new {value}"))]


def _parse_day(text: str) -> datetime.date | None:
    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        return None


def _fillers(column: Column, generator: random.Random, clock: str) -> list[Value]:
    kind = column.type.upper()
    count = range(FILLERS_PER_DATABASE)
    if is_date(column):
        today = datetime.datetime.fromisoformat(clock)
        spans = [generator.randint(-DAYS_AROUND_CLOCK, 60) for _ in count]
        days = [today + datetime.timedelta(days=span, minutes=span * 7) for span in spans]
        has_time = "TIME" in kind or column.name.lower().endswith("_at")
        return [day.isoformat(" ") if has_time else day.date().isoformat() for day in days]
    if "BOOL" in kind or column.name.lower().startswith(("is_", "has_")):
        return [0, 1]
    if is_number(column):
        top = generator.choice((10, 100, 1000))
        if "INT" in kind or "NUM" in kind:
            return [generator.randint(1, top) for _ in count]
        return [round(generator.uniform(1, top), 2) for _ in count]
    return _text_fillers(column.name.lower(), generator)


def _text_fillers(name: str, generator: random.Random) -> list[Value]:
    if any(word in name for word in ("city", "town", "country", "place", "location", "region")):
        return list(generator.sample(PLACES, FILLERS_PER_DATABASE))
    if "name" in name or "person" in name:
        return list(generator.sample([*PEOPLE, *FILLER_WORDS[:8]], FILLERS_PER_DATABASE))
    return list(generator.sample(FILLER_WORDS, FILLERS_PER_DATABASE))


def _fitting(value: Value, column: Column, generator: random.Random) -> list[Value]:
    """Keeps text out of number columns and parts of dates out of date columns.

    `strftime('%Y', day) = '2023'` asks for days in that year, not for the text 2023; `day = '8/24/2012'` and
    `month = '201208'` do ask for such texts.
    """
    if is_date(column):
        text = str(value)
        part = YEAR_OR_MONTH.fullmatch(text)
        if part:
            month = int(part[2] or generator.randint(1, 12))
            return [f"{part[1]}-{month:02d}-{generator.randint(1, 28):02d}"]
        return [value] if _parse_day(text[:10]) or re.fullmatch(r"(?:[\W_]*\d){6,}[\W_]*", text) else []
    if isinstance(value, str) and is_number(column):
        try:
            number = float(value)
        except ValueError:
            return []
        return [int(number) if number.is_integer() else number]
    return [value]
