"""A question as a plan: what is asked of which tables, from which SQL and words are both made."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from usecases.english_to_sql.content import Entity, Field
from usecases.english_to_sql.serialize import literal

TIERS = ("easy", "medium", "hard", "extra")
Scalar = str | int | float


@dataclass(frozen=True)
class Ref:
    """A column of the table at a place of the path."""

    place: int
    field: Field


@dataclass(frozen=True)
class Condition:
    """A comparison with fixed values."""

    ref: Ref
    operator: str
    values: tuple[Scalar, ...] = ()


@dataclass(frozen=True)
class Step:
    """A join from one place of the path to a later one; `up` leads from child to parent."""

    start: int
    end: int
    link: Field
    up: bool


@dataclass(frozen=True)
class Having:
    """A bound on the aggregate of each group."""

    operator: str
    value: Scalar


@dataclass(frozen=True)
class Plan:
    """One query; `number` is what the aggregate is taken over."""

    kind: str
    tables: tuple[Entity, ...]
    steps: tuple[Step, ...] = ()
    shown: tuple[Ref, ...] = ()
    distinct: bool = False
    aggregate: str = ""
    number: Ref | None = None
    conditions: tuple[Condition, ...] = ()
    either: bool = False
    group: Ref | None = None
    group_key: bool = False
    shows_aggregate: bool = True
    having: Having | None = None
    order: Ref | None = None
    orders_groups: bool = False
    down: bool = False
    limit: int = 0
    beside: tuple[Ref, str, str] | None = None
    missing: tuple[Entity, Field, tuple[Condition, ...]] | None = None
    set_operator: str = ""
    other_conditions: tuple[Condition, ...] = field(default=())

    def is_trivial(self) -> bool:
        """Whether it asks for a value that the question itself gives."""
        asked = {
            (ref.place, ref.field.name) for ref in (*self.shown, self.group, self.number, self.order) if ref
        }
        fixed = [c.ref for c in self.conditions if c.operator in ("=", "null")]
        return any((ref.place, ref.field.name) in asked for ref in fixed)

    def names(self) -> set[tuple[str, str]]:
        """The (table, column) pairs that people ask about, without keys."""
        refs = [*self.shown, *(c.ref for c in (*self.conditions, *self.other_conditions))]
        refs += [ref for ref in (self.number, self.group, self.order) if ref]
        refs += [self.beside[0]] if self.beside else []
        return {(self.tables[ref.place].name, ref.field.name) for ref in refs}


def column(plan: Plan, ref: Ref) -> str:
    return name(plan, ref.place, ref.field.name)


def name(plan: Plan, place: int, text: str) -> str:
    """A column name, with its alias where there are several tables."""
    return f"T{place + 1}.{text}" if len(plan.tables) > 1 else text


def source(plan: Plan) -> str:
    """The FROM clause."""
    first = plan.tables[0].name
    if len(plan.tables) == 1:
        return first
    parts = [f"{first} AS T1"]
    for step in plan.steps:
        child, parent = (step.start, step.end) if step.up else (step.end, step.start)
        key = plan.tables[parent].key[0]
        on = f"T{child + 1}.{step.link.name} = T{parent + 1}.{key}"
        parts.append(f"JOIN {plan.tables[step.end].name} AS T{step.end + 1} ON {on}")
    return " ".join(parts)


def comparison(text: str, condition: Condition) -> str:
    """One condition as SQL."""
    values = [literal(value) for value in condition.values]
    operator = condition.operator
    if operator in ("null", "present"):
        return f"{text} IS {'NOT ' if operator == 'present' else ''}NULL"
    if operator in ("between", "year", "month"):
        return f"{text} BETWEEN {values[0]} AND {values[1]}"
    if operator == "in":
        return f"{text} IN ({', '.join(values)})"
    if operator in ("contains", "starts"):
        piece = str(condition.values[0]).replace("'", "''")
        return f"{text} LIKE '{'%' if operator == 'contains' else ''}{piece}%'"
    return f"{text} {operator} {values[0]}"


def where(plan: Plan, conditions: Sequence[Condition]) -> str:
    """The WHERE clause, the nested parts last."""
    parts = [comparison(column(plan, c.ref), c) for c in conditions]
    if plan.either:
        parts = [" OR ".join(parts)]
    if plan.beside:
        ref, operator, aggregate = plan.beside
        table = plan.tables[ref.place].name
        parts.append(f"{column(plan, ref)} {operator} (SELECT {aggregate}({ref.field.name}) FROM {table})")
    if plan.missing:
        child, link, inner = plan.missing
        inside = " AND ".join(comparison(c.ref.field.name, c) for c in inner)
        key = name(plan, 0, plan.tables[0].key[0])
        tail = f" WHERE {inside}" if inside else ""
        parts.append(f"{key} NOT IN (SELECT {link.name} FROM {child.name}{tail})")
    return f" WHERE {' AND '.join(parts)}" if parts else ""


def aggregate_of(plan: Plan) -> str:
    """The aggregate as SQL."""
    if plan.number is None:
        return "COUNT(*)"
    if plan.aggregate == "DISTINCT":
        return f"COUNT(DISTINCT {column(plan, plan.number)})"
    return f"{plan.aggregate}({column(plan, plan.number)})"


def select(plan: Plan) -> str:
    parts = [column(plan, ref) for ref in plan.shown]
    parts += [aggregate_of(plan)] if plan.aggregate and plan.shows_aggregate else []
    return f"SELECT {'DISTINCT ' if plan.distinct else ''}{', '.join(parts)}"


def sql(plan: Plan) -> str:
    """The query in the one style that training answers have."""
    head = f"{select(plan)} FROM {source(plan)}"
    text = head + where(plan, plan.conditions)
    if plan.set_operator:
        text += f" {plan.set_operator} {head}{where(plan, plan.other_conditions)}"
    if plan.group:
        place = plan.group.place
        key = name(plan, place, plan.tables[place].key[0]) if plan.group_key else column(plan, plan.group)
        text += f" GROUP BY {key}"
    if plan.having:
        text += f" HAVING {aggregate_of(plan)} {plan.having.operator} {literal(plan.having.value)}"
    if plan.order or plan.orders_groups:
        by = aggregate_of(plan) if plan.orders_groups or plan.order is None else column(plan, plan.order)
        text += f" ORDER BY {by}{' DESC' if plan.down else ''}"
    return text + (f" LIMIT {plan.limit}" if plan.limit else "")


def alternatives(plan: Plan) -> tuple[str, ...]:
    """Other queries that answer the same words."""
    found = []
    if plan.kind == "has_child" and len(plan.tables) == 2:
        child, link = plan.tables[1], plan.steps[0].link
        inside = " AND ".join(comparison(c.ref.field.name, c) for c in plan.conditions)
        key = plan.tables[0].key[0]
        shown = ", ".join(ref.field.name for ref in plan.shown)
        found.append(
            f"SELECT {shown} FROM {plan.tables[0].name} WHERE {key} IN "
            f"(SELECT {link.name} FROM {child.name} WHERE {inside})"
        )
    counts_all = plan.kind in ("per_parent", "parent_top") and not (plan.conditions or plan.having)
    if counts_all and len(plan.tables) == 2 and plan.number is None:
        key = f"T2.{plan.steps[0].link.name}"
        found.append(sql(plan).replace(" JOIN ", " LEFT JOIN ").replace("COUNT(*)", f"COUNT({key})"))
    return tuple(found)


def score(plan: Plan) -> int:
    """How hard a query is: joins, clauses, and nesting twice."""
    sides = 2 if plan.set_operator else 1
    joins = min(3, sides * len(plan.steps))
    clauses = bool(plan.group) + bool(plan.having) + bool(plan.order or plan.orders_groups)
    inner = plan.missing[2] if plan.missing else ()
    predicates = len(plan.conditions) + len(plan.other_conditions) + len(inner)
    predicates += bool(plan.beside) + bool(plan.missing)
    nested = bool(plan.beside) + bool(plan.missing) + bool(plan.set_operator)
    return joins + clauses + (predicates >= 2) + 2 * nested


def tier(plan: Plan) -> str:
    """The tier by score: 0-1 easy, 2-3 medium, 4-5 hard, 6 and more extra."""
    return TIERS[min(3, score(plan) // 2)]
