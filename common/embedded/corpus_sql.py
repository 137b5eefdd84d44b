"""Questions about one table of a random schema, with the SQL that answers them."""

from random import Random

from . import words
from .corpus_conditions import conditions
from .corpus_schema import Column, Schema, Table

Pair = tuple[str, str]

ASK_LIST = (
    "Show the",
    "List the",
    "Give me the",
    "What are the",
    "Find the",
    "Return the",
    "Display the",
    "Get the",
    "I need the",
    "Tell me the",
)
ASK_WHICH = (
    "Which {n} are there",
    "Find all {n}",
    "Who or what are the {n}",
    "List all {n}",
    "Name the {n}",
    "Show every one of the {n}",
)
ASK_COUNT = (
    "How many {n} are there",
    "Count the {n}",
    "What is the number of {n}",
    "Give the count of {n}",
    "How many {n} do we have",
    "Tell me how many {n} exist",
)
AGGREGATES = {
    "AVG": ("average", "mean", "typical"),
    "SUM": ("total", "sum of the", "combined", "overall"),
    "MAX": ("maximum", "highest", "largest", "greatest"),
    "MIN": ("minimum", "lowest", "smallest"),
}
MOST = ("highest", "largest", "greatest", "biggest", "most")
LEAST = ("lowest", "smallest", "least")


class Asker:
    """Makes question and query pairs over one schema with one way of writing joins."""

    def __init__(self, random: Random, schema: Schema) -> None:
        self.random, self.schema = random, schema
        self.mode = random.choices(("T", "name", "letter"), (0.45, 0.45, 0.1))[0]

    def pick(self, *kinds: str, table: Table) -> Column | None:
        """A column of one of the kinds, if there is one."""
        found = table.of(*kinds)
        return self.random.choice(found) if found else None

    def plural(self, table: Table) -> str:
        """The word for rows of a table."""
        return words.plural(table.noun)

    def table(self) -> Table:
        """Any table."""
        return self.random.choice(self.schema.tables)

    def where(self, table: Table, chance: float, ref: str = "") -> Pair:
        """A condition with the given chance, as (question part, SQL part)."""
        if self.random.random() > chance:
            return "", ""
        said, sql = conditions(self.random, table, ref, self.random.choice((1, 1, 2)))
        return f" {said}", f" WHERE {sql}"

    def aliases(self, tables: list[Table]) -> tuple[list[str], list[str]]:
        """FROM items and the prefixes of their columns."""
        if self.mode == "name":
            return [table.name for table in tables], [f"{table.name}." for table in tables]
        short = [f"T{index}" for index in range(1, len(tables) + 1)]
        if self.mode == "letter":
            short = [table.name[0].lower() for table in tables]
            short = [
                name if short.count(name) == 1 else f"{name}{index}" for index, name in enumerate(short, 1)
            ]
        items = [f"{table.name} AS {name}" for table, name in zip(tables, short, strict=True)]
        return items, [f"{name}." for name in short]

    def join(self, child: Table, link: Column, parent: Table, flip: bool = False) -> tuple[str, str, str]:
        """FROM text of a child joined to its parent (parent first if flip), and both prefixes."""
        (one, two), (first, second) = self.aliases([parent, child] if flip else [child, parent])
        child_ref, parent_ref = (second, first) if flip else (first, second)
        on = f"{child_ref}{link.name} = {parent_ref}{parent.key.name}"
        return f"{one} JOIN {two} ON {on}", child_ref, parent_ref

    # one table -----------------------------------------------------------------------------

    def columns(self) -> Pair:
        """Some columns, with conditions and an order."""
        table = self.table()
        usable = [column for column in table.columns if not column.target]
        chosen = self.random.sample(usable, min(len(usable), self.random.choice((1, 1, 2, 2, 3))))
        said, sql = self.where(table, 0.65)
        phrases = [column.phrase for column in chosen]
        listed = phrases[0] if len(phrases) == 1 else f"{', '.join(phrases[:-1])} and {phrases[-1]}"
        question = f"{self.random.choice(ASK_LIST)} {listed} of {self.random.choice(('', 'all ', 'the '))}"
        question += f"{self.plural(table)}{said}"
        query = f"SELECT {', '.join(column.name for column in chosen)} FROM {table.name}{sql}"
        return self.ordered(table, question, query)

    def ordered(self, table: Table, question: str, query: str) -> Pair:
        """At times adds an order and a limit."""
        column = self.pick("number", "real", "date", "year", "name", table=table)
        if not column or self.random.random() > 0.3:
            return question, query
        down = self.random.random() < 0.5
        word = self.random.choice(
            ("descending", "decreasing", "from high to low")
            if down
            else ("ascending", "increasing", "from low to high")
        )
        form = self.random.choice(
            (
                ", sorted by {p} {w}",
                " ordered by {p}, {w}",
                ", in {w} order of {p}" if "from" not in word else ", by {p} {w}",
            )
        )
        question += form.format(p=column.phrase, w=word)
        return question, f"{query} ORDER BY {column.name}{' DESC' if down else ''}"

    def named(self) -> Pair:
        """The label of rows that meet a condition."""
        table = self.table()
        said, sql = self.where(table, 0.9)
        question = self.random.choice(ASK_WHICH).format(n=self.plural(table)) + said
        return question, f"SELECT {table.label.name} FROM {table.name}{sql}"

    def everything(self) -> Pair:
        """Whole rows."""
        table = self.table()
        said, sql = self.where(table, 0.8)
        form = self.random.choice(
            ("Show all details of {n}", "Show all columns of {n}", "Give every field of the {n}")
        )
        return form.format(n=self.plural(table)) + said, f"SELECT * FROM {table.name}{sql}"

    def count(self) -> Pair:
        """How many rows."""
        table = self.table()
        said, sql = self.where(table, 0.75)
        question = self.random.choice(ASK_COUNT).format(n=self.plural(table)) + said
        return question, f"SELECT COUNT(*) FROM {table.name}{sql}"

    def aggregate(self) -> Pair | None:
        """One number over a column."""
        table = self.table()
        column = self.pick("number", "real", table=table)
        if not column:
            return None
        name = self.random.choice(list(AGGREGATES))
        said, sql = self.where(table, 0.5)
        word = self.random.choice(AGGREGATES[name])
        ask = self.random.choice(("What is the", "Give the", "Compute the", "Find the", "Show me the"))
        question = f"{ask} {word} {column.phrase} of {self.random.choice(('', 'all ', 'the '))}"
        return (
            f"{question}{self.plural(table)}{said}",
            f"SELECT {name}({column.name}) FROM {table.name}{sql}",
        )

    def different(self) -> Pair | None:
        """Distinct values or their number."""
        table = self.table()
        column = self.pick("text", "year", "name", table=table)
        if not column:
            return None
        word = self.random.choice(("different", "distinct", "unique"))
        said, sql = self.where(table, 0.3)
        if self.random.random() < 0.5:
            question = f"How many {word} {words.plural(column.phrase)} do the {self.plural(table)} have"
            return question + (f", counting those{said}" if said else ""), (
                f"SELECT COUNT(DISTINCT {column.name}) FROM {table.name}{sql}"
            )
        question = (
            f"{self.random.choice(ASK_LIST)} {word} {words.plural(column.phrase)} of {self.plural(table)}"
        )
        return question + said, f"SELECT DISTINCT {column.name} FROM {table.name}{sql}"

    def top(self) -> Pair | None:
        """The first rows by a number or date."""
        table = self.table()
        column = self.pick("number", "real", "date", "year", table=table)
        if not column:
            return None
        down = self.random.random() < 0.6
        shown = self.random.choice((table.label, table.label, self.random.choice(table.columns)))
        said, sql = self.where(table, 0.25)
        limit = self.random.choice((1, 1, 1, 2, 3, 5, 10))
        dated = column.kind in ("date", "year")
        word = self.random.choice(
            (("latest", "most recent", "newest") if down else ("earliest", "oldest", "first"))
            if dated
            else (MOST if down else LEAST)
        )
        if limit == 1:
            forms = (
                "What is the {c} of the {t}{s} with the {w} {p}",
                "Which {t}{s} has the {w} {p}? Show the {c}",
                "Find the {c} of the {t}{s} that has the {w} {p}",
            )
        else:
            forms = (
                "List the {c} of the {k} {n}{s} with the {w} {p}",
                "Show the {c} of the top {k} {n}{s} by {w} {p}",
                "Which {k} {n}{s} have the {w} {p}? Give the {c}",
            )
        question = self.random.choice(forms).format(
            c=shown.phrase, t=table.noun, n=self.plural(table), s=said, w=word, p=column.phrase, k=limit
        )
        return question, (
            f"SELECT {shown.name} FROM {table.name}{sql} ORDER BY {column.name}"
            f"{' DESC' if down else ''} LIMIT {limit}"
        )
