"""Questions in short SQL, put together from the phrasings in `asks.toml`.

What a question names stands there with its number, mostly with its kind in the place of its name, and
values are numbers counted on from the schema's last one, so that no answer holds a word of its question:

    Which rows@4 of a rows@0 called @9@2 have a number@8 above @10   ->   SELECT @4 WHERE @2 = @9 AND @8 > @10

A table's number also stands for its key where rows are grouped or looked up, and for its name where none
is said.
"""

import re
import tomllib
from functools import cache
from pathlib import Path
from random import Random

from . import words
from .corpus_schema import Column, Schema, Table

Pair = tuple[str, str]

CHOICE = re.compile(r"\(([^()]*)\)")
VALUE = re.compile(r"<(\d+)>")
UNKNOWN = "@95"  # behind words for a column that no table has
KIND_WORDS = {"name": "text", "text": "text", "date": "date", "id": "number"}
POOLS = {"text": words.TEXT_ATTRIBUTES, "date": words.DATE_ATTRIBUTES, "number": words.NUMBER_ATTRIBUTES}
# How a question names a column: by its kind, in any words at all, in its own words without a number.
SAID = (0.5, 0.44, 0.06)
AGGREGATES = {
    "AVG": ("average", "mean", "typical"),
    "SUM": ("total", "overall", "combined", "summed"),
    "MAX": ("highest", "largest", "maximum", "top", "greatest"),
    "MIN": ("lowest", "smallest", "minimum", "least"),
}
MOST = ("highest", "largest", "greatest", "biggest", "top", "maximum")
LEAST = ("lowest", "smallest", "least", "minimum", "bottom")
LATEST, EARLIEST = ("latest", "most recent", "newest", "last"), ("earliest", "oldest", "first")
BOUNDS = {
    ">": ("more than {}", "over {}", "above {}", "upwards of {}", "greater than {}"),
    ">=": ("at least {}", "no fewer than {}", "{} or more", "a minimum of {}", "not below {}"),
    "<": ("fewer than {}", "less than {}", "under {}", "below {}"),
    "<=": ("at most {}", "no more than {}", "{} or fewer", "up to {}"),
    "=": ("exactly {}", "just {}", "precisely {}"),
}
SIGNS = {"greater": ">", "less": "<", "at_least": ">=", "at_most": "<=", "equal": "=", "different": "<>"}
DATED = {"after": ">", "before": "<", "since": ">=", "until": "<="}


@cache
def asks() -> dict[str, tuple[str, ...]]:
    """The phrasings by kind of question, condition or ending."""
    found = tomllib.loads((Path(__file__).parent / "asks.toml").read_text(encoding="utf-8"))
    return {kind: tuple(forms) for kind, forms in found.items()}


def phrasing(random: Random, kind: str) -> str:
    """A phrasing of a kind, with its free choices made."""
    return CHOICE.sub(lambda match: random.choice(match[1].split("|")), random.choice(asks()[kind]))


class Speaker:
    """Says the tables, columns, values and conditions of one question, and writes them in short SQL."""

    def __init__(self, random: Random, schema: Schema, first: int, is_lacking: bool = False) -> None:
        self.random, self.schema, self.first = random, schema, first
        self.is_lacking = is_lacking
        self.values = 0

    def form(self, kind: str) -> str:
        """A phrasing of a kind."""
        return phrasing(self.random, kind)

    # what is named ---------------------------------------------------------------------------

    def rows(self, table: Table, is_plural: bool = True) -> str:
        """The rows of a table."""
        pick = self.random.random()
        noun = words.plural(table.noun) if is_plural else table.noun
        return f"rows{table.name}" if pick < 0.75 else f"{noun}{table.name}" if pick < 0.92 else noun

    def column(self, column: Column) -> str:
        """What a question calls a column."""
        kind = KIND_WORDS.get(column.kind, "number")
        if self.is_lacking:
            self.is_lacking = False
            return self.random.choice(POOLS[kind]).replace("_", " ") + self.random.choice(("", "", UNKNOWN))
        pick = self.random.choices(("kind", "words", "own"), SAID)[0]
        if column.kind == "flag":
            return f"{column.phrase}{column.name}"
        if pick == "own":
            return column.phrase
        shown = "name" if column.kind == "name" and self.random.random() < 0.6 else kind
        other = self.random.choice((column.phrase, self.other_words(kind)))
        stray = f"@{self.random.randrange(self.first)}" if self.random.random() < 0.03 else ""
        return f"{shown if pick == 'kind' else other}{column.name}{stray}"

    def other_words(self, kind: str) -> str:
        """Words that the schema does not show: their number alone tells what they mean."""
        first = self.random.choice(POOLS[kind]).replace("_", " ")
        return self.random.choice((first, first, f"{self.random.choice(words.ADJECTIVES)} {first}"))

    def value(self, column: Column | None = None) -> tuple[str, str]:
        """A new value, as the question says it and as SQL does; a stored one carries its column."""
        mark = f"<{self.values}>"
        self.values += 1
        known = column is not None and column.kind in ("text", "name") and self.random.random() < 0.55
        return mark + (column.name if known and column else ""), mark

    def label(self, table: Table) -> str:
        """What stands for a row where nothing more is asked; see `finished`."""
        return f"[{table.name}|{table.label.name}]"

    def finished(self, question: str, answer: str) -> Pair:
        """Values numbered in the order of the question, and tables for names that it does not say."""
        order = list(dict.fromkeys(VALUE.findall(question)))
        numbers = {mark: f"@{self.first + place}" for place, mark in enumerate(order)}
        said = set(re.findall(r"@\d+", question))
        answer = re.sub(
            r"\[(@\d+)\|(@\d+)\]", lambda match: match[2] if match[2] in said else match[1], answer
        )
        return tuple(VALUE.sub(lambda match: numbers[match[1]], text) for text in (question, answer))

    # conditions ------------------------------------------------------------------------------

    def condition(self, table: Table) -> Pair:
        """One condition on a column of a table, as the question and as SQL say it."""
        usable = [column for column in table.columns if column.kind not in ("id", "link")]
        column = self.random.choice(usable)
        if column.kind != "flag" and self.random.random() < 0.06:
            kind, sign = self.random.choice((("unknown", "IS NULL"), ("known", "IS NOT NULL")))
            return self.form(kind).format(x=self.column(column)), f"{column.name} {sign}"
        if column.kind == "flag":
            kind, yes = self.random.choice((("is_flag", 1), ("is_flag", 1), ("is_not_flag", 0)))
            return self.form(kind).format(x=self.column(column)), f"{column.name} = {yes}"
        if column.kind == "date":
            return self._dated(column)
        if column.kind in ("name", "text"):
            return self._worded(table, column)
        return self._counted(column)

    def _counted(self, column: Column) -> Pair:
        (said, sql), (other, other_sql) = self.value(), self.value()
        if self.random.random() < 0.14:
            kind, tail = "between", f"BETWEEN {sql} AND {other_sql}"
        else:
            kind, sign = self.random.choice(list(SIGNS.items()))
            tail = f"{sign} {sql}"
        return self.form(kind).format(x=self.column(column), v=said, u=other), f"{column.name} {tail}"

    def _dated(self, column: Column) -> Pair:
        (said, sql), (other, other_sql) = self.value(), self.value()
        pick = self.random.random()
        if pick < 0.35:
            kind, tail = "during", f"BETWEEN {sql}"
        elif pick < 0.45:
            kind, tail = "between", f"BETWEEN {sql} AND {other_sql}"
        elif pick < 0.55:
            kind, tail = "equal", f"= {sql}"
        else:
            kind, sign = self.random.choice(list(DATED.items()))
            tail = f"{sign} {sql}"
        return self.form(kind).format(x=self.column(column), v=said, u=other), f"{column.name} {tail}"

    def _worded(self, table: Table, column: Column) -> Pair:
        pick = self.random.random()
        if column.kind == "name" and pick < 0.6 and not self.is_lacking:
            said, sql = self.value(column)
            return self.form("named").format(v=said), f"{self.label(table)} = {sql}"
        if pick < 0.15:
            kind, pattern = self.random.choice((("starts", "{}%"), ("contains", "%{}%"), ("ends", "%{}")))
            said, sql = self.value()
            return (
                self.form(kind).format(x=self.column(column), v=said),
                f"{column.name} LIKE {pattern.format(sql)}",
            )
        said, sql = self.value(column)
        if pick < 0.3:
            other, other_sql = self.value(column)
            said = self.form("either").format(x=self.column(column), v=said, u=other)
            return said, f"{column.name} IN ({sql}, {other_sql})"
        kind, sign = ("is_not_text", "<>") if pick < 0.4 else ("is_text", "=")
        return self.form(kind).format(x=self.column(column), v=said), f"{column.name} {sign} {sql}"

    def conditions(self, table: Table, chance: float = 1.0, depth: int = 0) -> tuple[str, list[str]]:
        """With the given chance conditions on rows of a table or on those that they belong to."""
        said, sql = "", []
        if self.random.random() > chance:
            return said, sql
        parents = [column.target for column in table.columns if column.target not in (None, table)]
        if parents and depth < 2 and self.random.random() < 0.4:
            parent = self.random.choice(parents)
            more, sql = self.conditions(parent, 1.0, depth + 1)
            said = " " + self.form("of_parent").format(p=self.rows(parent, False), w=more)
            if self.random.random() > 0.25 or depth:
                return said, sql
            own, own_sql = self.condition(table)
            return f" {own}{self.random.choice(('', ' and'))}{said}", [own_sql, *sql]
        own, own_sql = self.condition(table)
        if self.random.random() < 0.2:
            more, more_sql = self.condition(table)
            joint = "and" if depth else self.random.choice(("and", "and", "or"))
            said = f" {own} {joint} {more}"
            return said, [f"{own_sql} OR {more_sql}"] if joint == "or" else [own_sql, more_sql]
        return f" {own}", [own_sql]


def where(sql: list[str]) -> str:
    """The WHERE of some conditions."""
    return f" WHERE {' AND '.join(sql)}" if sql else ""
