"""Plans of every kind over the graph of a schema: a path of tables, conditions, and one thing to ask."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from usecases.english_to_sql.drawer import ASKABLE, NUMBERS, Drawer
from usecases.english_to_sql.plans import Having, Plan, Ref, Step


class Planner(Drawer):
    """Makes a plan of a kind."""

    def plan(self, kind: str) -> Plan | None:
        """A plan of a kind, or None where the draw does not fit the schema."""
        makers: dict[str, Callable[[], Plan | None]] = {
            "list": self.listing, "names": self.names, "count": self.count, "number": self.number,
            "distinct": self.distinct, "count_distinct": self.count_distinct, "top": self.top,
            "side": self.side, "beside": self.beside, "per_value": self.per_value,
            "value_top": self.value_top, "per_parent": self.per_parent,
            "parent_having": self.parent_having, "parent_top": self.parent_top,
            "has_child": self.has_child, "missing": self.missing, "set": self.set_operation,
        }  # fmt: skip
        return makers[kind]()

    def based(self, kind: str, hops: Sequence[int], counts: Sequence[int]) -> Plan | None:
        """A plan with a path upwards and conditions on it."""
        path = self.upwards(self.size(*hops))
        if path is None:
            return None
        conditions = self.conditions(path[0], 0, self.size(*counts))
        if conditions is None:
            return None
        plan = Plan(kind, *path, conditions=conditions)
        several = len(conditions) == 2 and len(path[0]) == 1
        return replace(plan, either=several and self.chance(0.2))

    def ordered(self, plan: Plan, share: float) -> Plan:
        """At times sorts the rows by a column of the first table."""
        field = self.pick(plan.tables[0], "int", "real", "date", "year", "name")
        if field is None or not self.often(share):
            return plan
        return replace(plan, order=Ref(0, field), down=self.chance(0.5))

    def listing(self) -> Plan | None:
        plan = self.based("list", (0, 0, 0, 1, 1, 2, 3), (0, 1, 1, 1, 2))
        fields = plan.tables[0].of(*ASKABLE) if plan else []
        if plan is None or not fields:
            return None
        shown = self.random.sample(fields, min(len(fields), self.random.choice((1, 1, 2))))
        return self.ordered(replace(plan, shown=tuple(Ref(0, field) for field in shown)), 0.3)

    def names(self) -> Plan | None:
        plan = self.based("names", (0, 0, 1, 2), (1, 1, 2))
        if plan is None or plan.tables[0].label is None:
            return None
        return replace(plan, shown=(Ref(0, plan.tables[0].label),))

    def count(self) -> Plan | None:
        plan = self.based("count", (0, 0, 1, 2, 3), (0, 1, 1, 2))
        return replace(plan, aggregate="COUNT") if plan else None

    def number(self) -> Plan | None:
        plan = self.based("number", (0, 0, 1, 2), (0, 1, 1, 2))
        field = self.pick(plan.tables[0], *NUMBERS) if plan else None
        if plan is None or field is None:
            return None
        return replace(plan, aggregate=self.aggregate(), number=Ref(0, field))

    def aggregate(self) -> str:
        return self.random.choice(("AVG", "SUM", "MAX", "MIN"))

    def distinct(self) -> Plan | None:
        plan = self.based("distinct", (0, 0, 1), (0, 1))
        field = self.pick(plan.tables[0], "text") if plan else None
        if plan is None or field is None:
            return None
        return replace(plan, distinct=True, shown=(Ref(0, field),))

    def count_distinct(self) -> Plan | None:
        plan = self.based("count_distinct", (0, 0, 1), (0, 1))
        field = self.pick(plan.tables[0], "text", "name") if plan else None
        if plan is None or field is None:
            return None
        return replace(plan, aggregate="DISTINCT", number=Ref(0, field))

    def top(self) -> Plan | None:
        plan = self.based("top", (0, 0, 0, 1, 2), (0, 0, 1))
        field = self.pick(plan.tables[0], "int", "real", "date", "year") if plan else None
        if plan is None or field is None:
            return None
        shown = plan.tables[0].label or self.pick(plan.tables[0], *ASKABLE)
        if shown is None or shown is field:
            return None
        limit = self.random.choice((1, 1, 2, 3, 4, 5))
        # SQLite sorts NULL first, which is not what people mean by the smallest.
        down = field.nullable or self.chance(0.5)
        return replace(plan, shown=(Ref(0, shown),), order=Ref(0, field), down=down, limit=limit)

    def side(self) -> Plan | None:
        path = self.upwards(self.random.choice((1, 1, 2)))
        if path is None or path[0][-1].label is None:
            return None
        field = self.pick(path[0][0], *ASKABLE)
        conditions = self.conditions(path[0][:1], 0, self.random.choice((0, 0, 1)))
        if field is None or conditions is None:
            return None
        shown = (Ref(0, field), Ref(len(path[0]) - 1, path[0][-1].label))
        return self.ordered(Plan("side", *path, shown=shown, conditions=conditions), 0.25)

    def beside(self) -> Plan | None:
        """Rows above or below the average, or at the extreme."""
        plan = self.based("beside", (0, 0, 0, 1, 2, 2), (0, 0, 1))
        field = self.pick(plan.tables[0], *NUMBERS) if plan else None
        shown = plan and (plan.tables[0].label or self.pick(plan.tables[0], "text", "date"))
        if plan is None or field is None or shown is None or plan.either:
            return None
        if any(c.ref.field is field for c in plan.conditions):
            return None
        operator, name = self.random.choice(
            ((">", "AVG"), (">", "AVG"), ("<", "AVG"), ("=", "MAX"), ("=", "MIN"))
        )
        plan = replace(plan, shown=(Ref(0, shown),), beside=(Ref(0, field), operator, name))
        plan = self.ordered(plan, 0.6 if len(plan.tables) > 2 else 0.15)
        return plan if name == "AVG" or not plan.conditions else None

    def bound(self, plan: Plan) -> Having:
        """A bound on counts, or on the aggregate near its usual size."""
        # A join leaves out parents without children, so "fewer than" would be unclear for them.
        unclear = plan.number is None and plan.group_key
        operator = self.random.choice((">", ">=") if unclear else (">", ">=", "<"))
        if plan.number is None:
            return Having(operator, self.random.randint(1, 3) + (operator != ">"))
        table = plan.tables[plan.number.place].name
        values = sorted(float(v) for v in self.values.get((table, plan.number.field.name), (1.0,)))
        middle = values[len(values) // 2]
        return Having(operator, int(middle * (3 if plan.aggregate == "SUM" else 1)) or 1)

    def finished(self, plan: Plan, having: float, order: float) -> Plan:
        """Adds clauses on groups."""
        if self.often(having):
            plan = replace(plan, having=self.bound(plan))
        if self.often(order):
            plan = replace(plan, orders_groups=True, down=self.chance(0.7))
        return plan

    def aggregated(self, plan: Plan, place: int, share: float) -> Plan:
        """Counts, or at times aggregates a number of the table at a place."""
        field = self.pick(plan.tables[place], *NUMBERS)
        if field is None or not self.chance(share):
            return replace(plan, aggregate="COUNT")
        return replace(plan, aggregate=self.aggregate(), number=Ref(place, field))

    def per_value(self) -> Plan | None:
        plan = self.based("per_value", (0, 0, 1, 2), (0, 0, 1))
        field = self.pick(plan.tables[0], "text", "year") if plan else None
        if plan is None or field is None:
            return None
        plan = replace(plan, shown=(Ref(0, field),), group=Ref(0, field))
        plan = self.finished(self.aggregated(plan, 0, 0.45), 0.35, 0.35)
        return replace(plan, shows_aggregate=plan.having is None or self.chance(0.5))

    def value_top(self) -> Plan | None:
        plan = self.based("value_top", (0, 0, 1), (0, 0, 1))
        field = self.pick(plan.tables[0], "text") if plan else None
        if plan is None or field is None:
            return None
        plan = replace(plan, shown=(Ref(0, field),), group=Ref(0, field), shows_aggregate=False)
        down = self.chance(0.75)
        return replace(plan, aggregate="COUNT", orders_groups=True, down=down, limit=1)

    def grouped_parents(self, kind: str, share: float) -> Plan | None:
        """Parents grouped over the rows of a child table."""
        path = self.downwards(self.size(1, 1, 2, 2, 3))
        label = path[0][0].label if path else None
        if path is None or label is None:
            return None
        conditions = self.conditions(path[0][-1:], 0, self.size(0, 0, 1, 2))
        if conditions is None:
            return None
        last = len(path[0]) - 1
        moved = tuple(replace(c, ref=Ref(last, c.ref.field)) for c in conditions)
        plan = Plan(
            kind, *path, conditions=moved, shown=(Ref(0, label),), group=Ref(0, label), group_key=True
        )
        return self.aggregated(plan, last, share)

    def per_parent(self) -> Plan | None:
        plan = self.grouped_parents("per_parent", 0.5)
        return self.finished(plan, 0.35, 0.4) if plan else None

    def parent_having(self) -> Plan | None:
        plan = self.grouped_parents("parent_having", 0.0)
        return replace(plan, shows_aggregate=False, having=self.bound(plan)) if plan else None

    def parent_top(self) -> Plan | None:
        plan = self.grouped_parents("parent_top", 0.3)
        if plan is None:
            return None
        limit = self.random.choice((1, 1, 1, 2, 3))
        number = plan.number
        is_clear = not number.field.nullable if number else len(plan.steps) == 1 and not plan.conditions
        down = self.chance(0.75) or not is_clear
        plan = replace(plan, shows_aggregate=False, orders_groups=True, down=down, limit=limit)
        return replace(plan, having=self.bound(plan)) if limit > 1 and self.often(0.4) else plan

    def has_child(self) -> Plan | None:
        """Parents with a child that meets a condition, or whose child has another such parent."""
        path = self.downwards(1)
        if path is None:
            return None
        tables, steps = path
        ways = [f for f in tables[1].fields if f.parent and f.parent not in (tables[0].name, tables[1].name)]
        if ways and self.chance(0.5):
            link = self.random.choice(ways)
            tables = (*tables, self.domain.entity(link.parent))
            steps = (*steps, Step(1, 2, link, up=True))
        conditions = self.conditions(tables, 1, self.size(1, 1, 2))
        label = tables[0].label
        if not conditions or label is None:
            return None
        return Plan("has_child", tables, steps, (Ref(0, label),), distinct=True, conditions=conditions)

    def missing(self) -> Plan | None:
        """Parents without a child, or without one that meets a condition."""
        ways = [w for w in self.links if not w[1].nullable and w[2].label and w[0] is not w[2]]
        if not ways:
            return None
        child, link, parent = self.random.choice(ways)
        inner = self.conditions((child,), 0, 1) if self.chance(0.4) else ()
        outer = self.conditions((parent,), 0, 1) if self.chance(0.35) else ()
        if inner is None or outer is None or parent.label is None:
            return None
        shown = (Ref(0, parent.label),)
        plan = Plan("missing", (parent,), shown=shown, conditions=outer, missing=(child, link, inner))
        return replace(plan, shown=(), aggregate="COUNT") if self.chance(0.25) else plan

    def set_operation(self) -> Plan | None:
        """Values that belong to two sets of rows, to one and not the other, or to either."""
        plan = self.based("set", (0, 1, 2, 2), (1,))
        if plan is None:
            return None
        other = self.conditions(plan.tables, 0, 1)
        field = self.pick(plan.tables[0], "text", "name")
        conditions = (*plan.conditions, *(other or ()))
        if not other or field is None or any(c.ref.field is field for c in conditions):
            return None
        if plan.conditions == other:
            return None
        operator = self.random.choice(("INTERSECT", "EXCEPT", "UNION"))
        plan = replace(plan, shown=(Ref(0, field),), set_operator=operator, other_conditions=other)
        return plan
