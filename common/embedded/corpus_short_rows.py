"""Questions in short SQL on the rows of one table: one method a kind."""

from .corpus_schema import Column, Table
from .corpus_short import AGGREGATES, EARLIEST, LATEST, LEAST, MOST, Pair, Speaker, where

# Words that say order and column in one, and whether they ask for the highest.
SUPERLATIVES = {
    "heaviest": True, "longest": True, "tallest": True, "busiest": True, "dearest": True, "fastest": True,
    "strongest": True, "deepest": True, "widest": True, "most expensive": True, "best rated": True,
    "lightest": False, "shortest": False, "cheapest": False, "slowest": False, "weakest": False,
    "narrowest": False, "least expensive": False,
}  # fmt: skip
DATED_SUPERLATIVES = {"latest": True, "newest": True, "most recent": True, "earliest": False, "oldest": False}
ONE_NUMBER = {"average": "AVG", "total": "SUM", "largest": "MAX", "smallest": "MIN"}


class RowSpeaker(Speaker):
    """Asks for rows of one table, and for numbers over them."""

    def table(self) -> Table:
        """Any table."""
        return self.random.choice(self.schema.tables)

    def pick(self, table: Table, *kinds: str) -> Column | None:
        """A column of one of the kinds, if there is one."""
        found = table.of(*kinds)
        return self.random.choice(found) if found else None

    def linked(self) -> tuple[Table, Table] | None:
        """A child and its parent."""
        links = [(table, parent) for table, _, parent in self.schema.links() if table is not parent]
        return self.random.choice(links) if links else None

    def shown(self, table: Table, most: int = 3) -> tuple[str, str]:
        """Columns to show, as the question and as SQL say them."""
        usable = [column for column in table.columns if not column.target]
        count = min(len(usable), self.random.choice((1, 1, 1, 2, 2, most)))
        chosen = self.random.sample(usable, count)
        said = [self.column(column) for column in chosen]
        listed = said[0] if count == 1 else f"{', '.join(said[:-1])} and {said[-1]}"
        return listed, ", ".join(column.name for column in chosen)

    def shown_rows(self, table: Table, by_columns: bool) -> tuple[str, str]:
        """Columns to show, or what stands for a row where the question names none."""
        return self.shown(table, 2) if by_columns else ("", self.label(table))

    def ordered(self, table: Table, chance: float) -> Pair:
        """At times an order by a column."""
        column = self.pick(table, "number", "real", "date", "name", "text")
        if not column or self.random.random() > chance:
            return "", ""
        down = self.random.random() < 0.5
        tail = self.form("order_down" if down else "order_up").format(x=self.column(column))
        return tail, f" ORDER BY {column.name}{' DESC' if down else ''}"

    # rows of one table -----------------------------------------------------------------------

    def show(self) -> Pair:
        """Some columns of rows."""
        table = self.table()
        said, sql = self.conditions(table, 0.75)
        listed, columns = self.shown(table)
        tail, order = self.ordered(table, 0.25)
        question = self.form("list").format(c=listed, n=self.rows(table), w=said)
        return question + tail, f"SELECT {columns}{where(sql)}{order}"

    def which(self) -> Pair:
        """Rows by what they are called."""
        table = self.table()
        said, sql = self.conditions(table, 0.93)
        tail, order = self.ordered(table, 0.12)
        question = self.form("which").format(n=self.rows(table), w=said)
        return question + tail, f"SELECT {self.label(table)}{where(sql)}{order}"

    def count(self) -> Pair:
        """How many rows."""
        table = self.table()
        said, sql = self.conditions(table, 0.85)
        question = self.form("count").format(n=self.rows(table), w=said)
        return question, f"SELECT COUNT({table.name}){where(sql)}"

    def aggregate(self) -> Pair | None:
        """One number over a column, by an adjective."""
        table = self.table()
        column = self.pick(table, "number", "real")
        if not column:
            return None
        name = self.random.choice(list(AGGREGATES))
        said, sql = self.conditions(table, 0.6)
        word = self.random.choice(AGGREGATES[name])
        question = self.form("aggregate").format(a=word, x=self.column(column), n=self.rows(table), w=said)
        return question, f"SELECT {name}({column.name}){where(sql)}"

    def one_number(self) -> Pair | None:
        """One number over a column, by the words of the phrasing."""
        table = self.table()
        column = self.pick(table, "number", "real")
        if not column:
            return None
        kind = self.random.choice(list(ONE_NUMBER))
        said, sql = self.conditions(table, 0.6)
        question = self.form(kind).format(x=self.column(column), n=self.rows(table), w=said)
        return question, f"SELECT {ONE_NUMBER[kind]}({column.name}){where(sql)}"

    def several_numbers(self) -> Pair | None:
        """Two or three numbers over one column."""
        table = self.table()
        column = self.pick(table, "number", "real")
        if not column:
            return None
        names = self.random.sample(list(AGGREGATES), self.random.choice((2, 3)))
        said, sql = self.conditions(table, 0.3)
        asked = [self.random.choice(AGGREGATES[name]) for name in names]
        question = self.form("aggregate").format(
            a=f"{', '.join(asked[:-1])} and {asked[-1]}", x=self.column(column), n=self.rows(table), w=said
        )
        return question, f"SELECT {', '.join(f'{name}({column.name})' for name in names)}{where(sql)}"

    def distinct(self, count: bool = False) -> Pair | None:
        """The different values of a column."""
        table = self.table()
        column = self.pick(table, "text", "year", "name", "text", "date")
        if not column:
            return None
        said, sql = self.conditions(table, 0.45)
        kind, what = ("count_distinct", "COUNT(DISTINCT {})") if count else ("distinct", "DISTINCT {}")
        question = self.form(kind).format(x=self.column(column), n=self.rows(table), w=said)
        return question, f"SELECT {what.format(column.name)}{where(sql)}"

    def count_distinct(self) -> Pair | None:
        """How many different values."""
        return self.distinct(count=True)

    def top(self) -> Pair | None:
        """The first rows by a number or a date."""
        table = self.table()
        column = self.pick(table, "number", "real", "date", "year")
        if not column:
            return None
        down, many, named = (self.random.random() < share for share in (0.6, 0.45, 0.6))
        dated = column.kind == "date"
        word = self.random.choice((LATEST if down else EARLIEST) if dated else (MOST if down else LEAST))
        said, sql = self.conditions(table, 0.3)
        listed, columns = self.shown_rows(table, named)
        number, limit = self.value() if many else ("", "1")
        kind = f"top_{'many' if many else 'one'}{'' if named else '_row'}"
        question = self.form(kind).format(
            c=listed, k=number, t=self.rows(table, False), n=self.rows(table), w=said, h=word,
            x=self.column(column),
        )  # fmt: skip
        return question, self.first_rows(columns, where(sql), column.name, down, limit)

    def first_rows(self, columns: str, condition: str, by: str, down: bool, limit: str) -> str:
        """Rows in order, cut off."""
        return f"SELECT {columns}{condition} ORDER BY {by}{' DESC' if down else ''} LIMIT {limit}"

    def superlative(self) -> Pair | None:
        """The first rows by a word such as `heaviest`, which names the column as well."""
        table = self.table()
        column = self.pick(table, "number", "real", "date")
        if not column or self.is_lacking:
            return None
        dated = column.kind == "date"
        word, down = self.random.choice(list((DATED_SUPERLATIVES if dated else SUPERLATIVES).items()))
        many, named = self.random.random() < 0.35, self.random.random() < 0.5
        said, sql = self.conditions(table, 0.25)
        listed, columns = self.shown_rows(table, named)
        number, limit = self.value() if many else ("", "1")
        kind = f"superlative_{'many' if many else 'one'}{'' if named else '_row'}"
        question = self.form(kind).format(
            c=listed, k=number, t=self.rows(table, False), n=self.rows(table), w=said,
            s=f"{word}{column.name}",
        )  # fmt: skip
        return question, self.first_rows(columns, where(sql), column.name, down, limit)
