"""Questions in short SQL that compare rows with other rows."""

from .corpus_schema import Table
from .corpus_short import Pair, where
from .corpus_short_groups import GroupSpeaker

KINDS = {
    "show": 12, "which": 9, "count": 9, "aggregate": 4, "one_number": 4, "several_numbers": 1, "distinct": 4,
    "count_distinct": 4, "top": 9, "superlative": 4, "per_group": 10, "count_per_group": 4,
    "value_extreme": 4, "parent_extreme": 7, "measure_extreme": 3, "having": 8, "with_child": 5,
    "without_child": 8, "beside": 7, "at_extreme": 3, "side": 6, "sets": 5, "own_kind": 3,
}  # fmt: skip


class ShortSpeaker(GroupSpeaker):
    """Adds the questions with a query inside, two queries side by side, or a table joined to itself."""

    def ask(self) -> Pair | None:
        """A question and its short SQL; none where the schema has no room for the kind drawn."""
        kind = self.random.choices(list(KINDS), list(KINDS.values()))[0]
        pair = getattr(self, kind)()
        return self.finished(*pair) if pair and not self.is_lacking else None

    def head(self, table: Table, kind: str) -> tuple[str, str, str]:
        """The phrasing of a kind, with or without columns to show: form, said columns, SQL columns."""
        named = self.random.random() < 0.4
        listed, columns = self.shown_rows(table, named)
        return self.form(f"{kind}_named" if named else kind), listed, columns

    def with_child(self) -> Pair | None:
        """Parents with a child that meets a condition."""
        found = self.linked()
        if not found:
            return None
        table, parent = found
        said, sql = self.conditions(table)
        form, listed, columns = self.head(parent, "with_child")
        question = form.format(
            c=listed, P=self.rows(parent), n=self.rows(table), t=self.rows(table, False), w=said
        )
        return question, f"SELECT DISTINCT {columns}{where(sql)}"

    def without_child(self) -> Pair | None:
        """Parents without a child, or without one that meets a condition."""
        found = self.linked()
        if not found:
            return None
        table, parent = found
        said, sql = self.conditions(table, 0.4)
        inner = f"{parent.name} NOT IN (SELECT {table.name}{where(sql)})"
        rows = {"P": self.rows(parent), "n": self.rows(table), "t": self.rows(table, False), "w": said}
        if self.random.random() < 0.2:
            question = self.form("count_without_child").format(**rows)
            return question, f"SELECT COUNT({parent.name}) WHERE {inner}"
        form, listed, columns = self.head(parent, "without_child")
        if self.random.random() < 0.2:
            own, own_sql = self.condition(parent)
            rows["P"] += f" {own}"
            inner = f"{own_sql} AND {inner}"
        return form.format(c=listed, **rows), f"SELECT {columns} WHERE {inner}"

    def beside(self) -> Pair | None:
        """Rows above or below the average."""
        table = self.table()
        column = self.pick(table, "number", "real")
        if not column:
            return None
        said, sql = self.conditions(table, 0.35, depth=1)
        above = self.random.random() < 0.6
        form, listed, columns = self.head(table, "above_average" if above else "below_average")
        question = form.format(c=listed, n=self.rows(table), w=said, x=self.column(column))
        compared = f"{column.name} {'>' if above else '<'} (SELECT AVG({column.name}))"
        tail, order = self.ordered(table, 0.15)
        return question + tail, f"SELECT {columns}{where([*sql, compared])}{order}"

    def at_extreme(self) -> Pair | None:
        """All rows at the highest or the lowest value."""
        table = self.table()
        column = self.pick(table, "number", "real")
        if not column:
            return None
        high = self.random.random() < 0.6
        question = self.form("at_largest" if high else "at_smallest").format(
            n=self.rows(table), w="", x=self.column(column)
        )
        inner = f"{'MAX' if high else 'MIN'}({column.name})"
        return question, f"SELECT {self.label(table)} WHERE {column.name} = (SELECT {inner})"

    def side(self) -> Pair | None:
        """A column of rows beside one of their parents."""
        found = self.linked()
        if not found:
            return None
        table, parent = found
        said, sql = self.conditions(table, 0.4)
        listed, columns = self.shown(table, 1)
        other, other_columns = self.shown(parent, 1)
        question = self.form("side").format(
            c=listed, n=self.rows(table), t=self.rows(table, False), w=said, d=other,
            p=self.rows(parent, False),
        )  # fmt: skip
        tail, order = self.ordered(table, 0.1)
        return question + tail, f"SELECT {columns}, {other_columns}{where(sql)}{order}"

    def sets(self) -> Pair | None:
        """Values among two kinds of rows: in both, in the first only, in any."""
        table = self.table()
        column = self.pick(table, "text", "year", "text", "name")
        if not column:
            return None
        kind, joint = self.random.choice(
            (("both", "INTERSECT"), ("both", "INTERSECT"), ("only_first", "EXCEPT"), ("any_of_two", "UNION"))
        )
        (one, one_sql), (two, two_sql) = self.conditions(table), self.conditions(table)
        question = self.form(kind).format(
            x=self.column(column), A=f"{self.rows(table)}{one}", B=f"{self.rows(table)}{two}"
        )
        first, second = (f"SELECT {column.name}{where(sql)}" for sql in (one_sql, two_sql))
        return question, f"{first} {joint} {second}"

    def own_kind(self) -> Pair | None:
        """Rows beside, or by, the row of their own table that they refer to."""
        found = [(table, column) for table, column, target in self.schema.links() if target is table]
        if not found:
            return None
        table, link = self.random.choice(found)
        source = f"FROM {table.name} AS T1 JOIN {table.name} AS T2 ON T1.{link.name} = T2.{table.key.name}"
        name = table.label.name
        rows, link_word = self.rows(table), f"{self.other_words('text')}{link.name}"
        if self.random.random() < 0.4:
            question = self.form("own_pair").format(n=rows, l=link_word, c=f"name{name}")
            return question, f"SELECT T1.{name}, T2.{name} {source}"
        if self.random.random() < 0.3:
            return self.form("own_none").format(n=rows, l=link_word), (
                f"SELECT {self.label(table)} WHERE {link.name} IS NULL"
            )
        said, sql = self.condition(table)
        sql = sql.replace(self.label(table), name)
        question = self.form("own_where").format(n=rows, l=link_word, w=f" {said}")
        return question, f"SELECT T1.{name} {source} WHERE T2.{sql}"
