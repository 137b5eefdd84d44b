"""Questions in short SQL that group rows: by a value of theirs, or by the row that they belong to."""

from .corpus_schema import Column, Table
from .corpus_short import AGGREGATES, BOUNDS, LEAST, MOST, Pair, where
from .corpus_short_rows import RowSpeaker

EXTREMES = ("parent_most", "parent_most", "parent_fewest", "parent_most_named", "parents_most")


class GroupSpeaker(RowSpeaker):
    """Adds the questions on groups."""

    def called(self, table: Table) -> dict[str, str]:
        """What one row of a table and what several are called, for the slots of a phrasing."""
        return {"p": self.rows(table, False), "P": self.rows(table)}

    def measure(self, table: Table, article: str = "the ") -> tuple[str, str, list[str]]:
        """What is counted or computed over rows: words, SQL and conditions."""
        said, sql = self.conditions(table, 0.35)
        column = self.pick(table, "number", "real")
        if not column or self.random.random() < 0.45:
            word = self.random.choice(("number", "count", "total number"))
            return f"{article}{word} of {self.rows(table)}{said}", f"COUNT({table.name})", sql
        name = self.random.choice(list(AGGREGATES))
        word = self.random.choice(AGGREGATES[name])
        said = f"{article}{word} {self.column(column)} of {self.rows(table)}{said}"
        return said, f"{name}({column.name})", sql

    def bound(self) -> Pair:
        """A bound on a group's number."""
        sign = self.random.choice(list(BOUNDS))
        said, sql = self.value()
        return self.random.choice(BOUNDS[sign]).format(said), f"{sign} {sql}"

    def group_tail(self, measure: str) -> Pair:
        """At times a bound on the groups and an order."""
        question, sql = "", ""
        if self.random.random() < 0.2:
            bound, sign = self.bound()
            question, sql = self.form("having_tail").format(b=bound), f" HAVING {measure} {sign}"
        if self.random.random() < 0.25:
            down = self.random.random() < 0.6
            question += self.form("group_order_down" if down else "group_order_up")
            sql += f" ORDER BY {measure}{' DESC' if down else ''}"
        return question, sql

    def group(self) -> tuple[Table, Table | None, Column | None] | None:
        """Rows with their parents, or with a column of their own, to group by."""
        found = self.linked()
        if found and self.random.random() < 0.6:
            return (*found, None)
        table = self.table()
        column = self.pick(table, "text", "year", "text")
        return (table, None, column) if column else None

    def per_group(self) -> Pair | None:
        """A measure for every group."""
        found = self.group()
        if not found:
            return None
        table, parent, column = found
        measure, computed, sql = self.measure(table)
        if column:
            question = self.form("per_value").format(m=measure, g=self.column(column))
            head, by = column.name, column.name
        elif self.random.random() < 0.5:
            question = self.form("per_parent").format(m=measure, **self.called(parent))
            head, by = self.label(parent), parent.name
        else:
            listed, head = self.shown(parent, 2)
            by = parent.name
            question = self.form("per_parent_named").format(m=measure, c=listed, **self.called(parent))
        said, tail = self.group_tail(computed)
        return question + said, f"SELECT {head}, {computed}{where(sql)} GROUP BY {by}{tail}"

    def count_per_group(self) -> Pair | None:
        """How many rows there are in every group."""
        found = self.group()
        if not found:
            return None
        table, parent, column = found
        said, sql = self.conditions(table, 0.35)
        kind, head = ("count_per_value", column.name) if column else ("count_per_parent", self.label(parent))
        form, rows = self.form(kind), self.rows(table)
        names = {"g": self.column(column)} if column else self.called(parent)
        question = form.format(n=rows, w=said, **names)
        by = column.name if column else parent.name
        more, tail = self.group_tail(f"COUNT({table.name})")
        return question + more, f"SELECT {head}, COUNT({table.name}){where(sql)} GROUP BY {by}{tail}"

    def value_extreme(self) -> Pair | None:
        """The value that most or fewest rows have."""
        table = self.table()
        column = self.pick(table, "text", "year", "text")
        if not column:
            return None
        down = self.random.random() < 0.7
        said, sql = self.conditions(table, 0.35)
        question = self.form("value_most" if down else "value_fewest").format(
            g=self.column(column), n=self.rows(table), w=said
        )
        head = f"SELECT {column.name}{where(sql)} GROUP BY {column.name}"
        return question, f"{head} ORDER BY COUNT({table.name}){' DESC' if down else ''} LIMIT 1"

    def parent_extreme(self) -> Pair | None:
        """The parents with the most or fewest children."""
        found = self.linked()
        if not found:
            return None
        table, parent = found
        kind = self.random.choice(EXTREMES)
        said, sql = self.conditions(table, 0.35)
        listed, head = self.shown_rows(parent, kind.endswith("named"))
        number, limit = self.value() if kind == "parents_most" else ("", "1")
        question = self.form(kind).format(
            c=listed, k=number, **self.called(parent), n=self.rows(table), w=said
        )
        order = f" ORDER BY COUNT({table.name}){'' if kind == 'parent_fewest' else ' DESC'}"
        return question, f"SELECT {head}{where(sql)} GROUP BY {parent.name}{order} LIMIT {limit}"

    def measure_extreme(self) -> Pair | None:
        """The parent for which a measure is the highest or the lowest."""
        found = self.linked()
        if not found:
            return None
        table, parent = found
        measure, computed, sql = self.measure(table, "")
        down = self.random.random() < 0.6
        question = self.form("parent_measure_top").format(
            **self.called(parent), h=self.random.choice(MOST if down else LEAST), m=measure
        )
        head = f"SELECT {self.label(parent)}{where(sql)} GROUP BY {parent.name}"
        return question, f"{head} ORDER BY {computed}{' DESC' if down else ''} LIMIT 1"

    def having(self) -> Pair | None:
        """Groups with more or fewer rows than a number."""
        found = self.group()
        if not found:
            return None
        table, parent, column = found
        said, sql = self.conditions(table, 0.4)
        bound, sign = self.bound()
        if column:
            question = self.form("value_having").format(
                g=self.column(column), b=bound, n=self.rows(table), w=said
            )
            head, by = column.name, column.name
        else:
            named = self.random.random() < 0.4
            listed, head = self.shown_rows(parent, named)
            by = parent.name
            question = self.form("parent_having_named" if named else "parent_having").format(
                c=listed, **self.called(parent), b=bound, n=self.rows(table), w=said
            )
        return question, f"SELECT {head}{where(sql)} GROUP BY {by} HAVING COUNT({table.name}) {sign}"
