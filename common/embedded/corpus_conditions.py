"""Conditions on one column: how people say them and how SQL says them."""

from random import Random

from . import words
from .corpus_schema import Column, Table

Condition = tuple[str, str]  # what the question says, what SQL says

GREATER = (
    "with {p} above {v}",
    "with {p} over {v}",
    "whose {p} is greater than {v}",
    "with a {p} of more than {v}",
    "whose {p} exceeds {v}",
    "having {p} higher than {v}",
    "with {p} larger than {v}",
    "where {p} is beyond {v}",
)
LESS = (
    "with {p} below {v}",
    "with {p} under {v}",
    "whose {p} is less than {v}",
    "with a {p} of less than {v}",
    "whose {p} is smaller than {v}",
    "having {p} lower than {v}",
)
AT_LEAST = (
    "with {p} of at least {v}",
    "whose {p} is {v} or more",
    "with no less than {v} {p}",
    "whose {p} is not below {v}",
)
AT_MOST = (
    "with {p} of at most {v}",
    "whose {p} is {v} or less",
    "with no more than {v} {p}",
    "whose {p} is not above {v}",
)
EQUAL = (
    "whose {p} is {v}",
    "with {p} {v}",
    "where the {p} is {v}",
    "that have {v} as {p}",
    "with the {p} {v}",
    "having {p} equal to {v}",
    "of {p} {v}",
    "whose {p} equals {v}",
)
DIFFERENT = (
    "whose {p} is not {v}",
    "with a {p} other than {v}",
    "where the {p} is not {v}",
    "excluding {p} {v}",
)
CALLED = ("named {v}", "called {v}", "with the {p} {v}", "whose {p} is {v}")
AFTER = ("with {p} after {v}", "whose {p} is later than {v}", "with a {p} past {v}")
BEFORE = ("with {p} before {v}", "whose {p} is earlier than {v}", "with a {p} prior to {v}")
BETWEEN = ("with {p} between {v} and {w}", "whose {p} is from {v} to {w}", "with {p} in the range {v} to {w}")
MISSING = (
    "with no {p}",
    "whose {p} is missing",
    "without a {p}",
    "where the {p} is not recorded",
    "with an unknown {p}",
)
PRESENT = ("whose {p} is known", "that have a {p}", "where the {p} is recorded")
STARTS = ("whose {p} starts with {v}", "with a {p} beginning with {v}")
CONTAINS = ("whose {p} contains {v}", "with {v} in the {p}", "whose {p} includes {v}")
ENDS = ("whose {p} ends with {v}", "with a {p} ending in {v}")
EITHER = ("whose {p} is {v} or {w}", "with {p} either {v} or {w}", "with {p} {v} or {w}")
IS = ("that are {p}", "marked as {p}", "which are {p}", "flagged {p}")
IS_NOT = ("that are not {p}", "not marked as {p}", "which are not {p}")


def _quoted(random: Random, value: str) -> str:
    """How a question names a value: mostly bare, at times in quotes."""
    return random.choices((value, f"'{value}'", f'"{value}"'), (0.7, 0.2, 0.1))[0]


def sql_text(value: str) -> str:
    """A string literal."""
    return "'" + value.replace("'", "''") + "'"


def _say(random: Random, forms: tuple[str, ...], phrase: str, *values: str) -> str:
    first, second = (*values, "", "")[:2]
    return random.choice(forms).format(p=phrase, v=first, w=second)


def _number(random: Random, column: Column) -> str:
    if column.kind == "year":
        return str(random.randint(1950, 2026))
    value = words.number(random)
    return (
        f"{value}.{random.randint(1, 9)}" if column.kind == "real" and random.random() < 0.3 else str(value)
    )


def _compare(random: Random, column: Column, ref: str) -> Condition:
    first = _number(random, column)
    if random.random() < 0.15:
        second = str(int(float(first)) + random.randint(1, 90))
        said = _say(random, BETWEEN, column.phrase, first, second)
        return said, f"{ref} BETWEEN {first} AND {second}"
    choices = ((GREATER, ">"), (LESS, "<"), (AT_LEAST, ">="), (AT_MOST, "<="), (EQUAL, "="))
    if column.kind == "year":
        choices = ((AFTER, ">"), (BEFORE, "<"), (EQUAL, "="), (EQUAL, "="))
    forms, sign = random.choice(choices)
    return _say(random, forms, column.phrase, first), f"{ref} {sign} {first}"


def _dated(random: Random, column: Column, ref: str) -> Condition:
    first = words.date(random)
    forms, sign = random.choice(((AFTER, ">"), (BEFORE, "<"), (EQUAL, "=")))
    return _say(random, forms, column.phrase, first), f"{ref} {sign} '{first}'"


def _part(random: Random, column: Column, ref: str) -> Condition:
    piece = words.pseudo_word(random, 1).capitalize() if random.random() < 0.5 else words.noun(random)[:4]
    forms, pattern = random.choice(((STARTS, "{}%"), (CONTAINS, "%{}%"), (ENDS, "%{}")))
    said = _say(random, forms, column.phrase, _quoted(random, piece))
    return said, f"{ref} LIKE '{pattern.format(piece)}'"


def _worded(random: Random, column: Column, ref: str) -> Condition:
    pick = random.random()
    if pick < 0.12:
        return _part(random, column, ref)
    value = words.title(random) if column.kind == "name" else words.value_of(random, column.attribute)
    if column.kind == "name" and random.random() < 0.4:
        value = words.person_name(random)
    shown = _quoted(random, value)
    if pick < 0.2:
        return _say(random, DIFFERENT, column.phrase, shown), f"{ref} <> {sql_text(value)}"
    if pick < 0.28:
        other = words.value_of(random, column.attribute)
        said = _say(random, EITHER, column.phrase, shown, _quoted(random, other))
        return said, f"{ref} IN ({sql_text(value)}, {sql_text(other)})"
    forms = CALLED if column.kind == "name" else EQUAL
    return _say(random, forms, column.phrase, shown), f"{ref} = {sql_text(value)}"


def condition(random: Random, column: Column, ref: str) -> Condition:
    """One condition on one column."""
    if random.random() < 0.06:
        if random.random() < 0.7:
            return _say(random, MISSING, column.phrase), f"{ref} IS NULL"
        return _say(random, PRESENT, column.phrase), f"{ref} IS NOT NULL"
    if column.kind == "flag":
        yes = random.random() < 0.6
        return _say(random, IS if yes else IS_NOT, column.phrase), f"{ref} = {int(yes)}"
    if column.kind == "date":
        return _dated(random, column, ref)
    if column.kind in ("number", "real", "year"):
        return _compare(random, column, ref)
    return _worded(random, column, ref)


def conditions(random: Random, table: Table, ref: str, most: int) -> Condition:
    """Up to `most` conditions on a table's columns, joined by and, at times by or."""
    columns = table.of("name", "text", "number", "real", "date", "year", "flag")
    chosen = random.sample(columns, min(len(columns), random.choice(range(1, most + 1))))
    parts = [condition(random, column, ref + column.name) for column in chosen]
    joint = "or" if len(parts) == 2 and random.random() < 0.2 else "and"
    return f" {joint} ".join(said for said, _ in parts), f" {joint.upper()} ".join(sql for _, sql in parts)
