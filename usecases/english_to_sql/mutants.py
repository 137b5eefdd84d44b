"""Changes a gold query in one place, and measures how many such changes the judge notices.

A mutant that returns the gold's rows on every database either means the same or shows that the
databases are too weak; both survive and are returned, so that a person can look at them.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import sqlglot
from sqlglot import expressions as exp
from sqlglot.errors import SqlglotError

from .judge import CLOCK, Instance, judge
from .predicates import column_places
from .schema import Schema

SWAPS: dict[type[exp.Expression], tuple[type[exp.Expression], ...]] = {
    exp.EQ: (exp.NEQ, exp.GTE),
    exp.NEQ: (exp.EQ,),
    exp.GT: (exp.GTE, exp.LT),
    exp.GTE: (exp.GT, exp.LTE),
    exp.LT: (exp.LTE, exp.GT),
    exp.LTE: (exp.LT, exp.GTE),
    exp.And: (exp.Or,),
    exp.Or: (exp.And,),
    exp.Add: (exp.Sub,),
    exp.Sub: (exp.Add,),
    exp.Mul: (exp.Add,),
    exp.Div: (exp.Mul,),
    exp.Sum: (exp.Avg, exp.Max),
    exp.Avg: (exp.Sum, exp.Min),
    exp.Min: (exp.Max,),
    exp.Max: (exp.Min, exp.Avg),
    exp.Union: (exp.Intersect, exp.Except),
    exp.Intersect: (exp.Union, exp.Except),
    exp.Except: (exp.Intersect, exp.Union),
}
SWAPPED_COLUMNS = 2


@dataclass(frozen=True)
class Mutant:
    """A query that differs from its gold in one place."""

    kind: str
    sql: str


@dataclass
class MutationReport:
    """How many mutants that run were caught, of all and of each kind; the survivors in full."""

    total: int = 0
    caught: int = 0
    not_running: int = 0
    by_kind: dict[str, tuple[int, int]] = field(default_factory=dict)
    survivors: list[tuple[str, Mutant]] = field(default_factory=list)

    @property
    def share(self) -> float:
        return self.caught / self.total if self.total else 0.0

    def add(self, gold: str, mutant: Mutant, is_caught: bool) -> None:
        self.total += 1
        self.caught += is_caught
        caught, total = self.by_kind.get(mutant.kind, (0, 0))
        self.by_kind[mutant.kind] = (caught + is_caught, total + 1)
        if not is_caught:
            self.survivors.append((gold, mutant))


def mutants(sql: str, schema: Schema) -> list[Mutant]:
    """Returns every one-edit mutant, each different text once."""
    try:
        tree = sqlglot.parse_one(sql, read="sqlite")
    except (SqlglotError, RecursionError):
        return []
    found: dict[str, Mutant] = {}
    original = tree.sql("sqlite")
    for number, node in enumerate(tree.walk()):
        for kind, change in _changes(node, tree, schema):
            text = _rewritten(tree, number, change)
            if text != original and text not in found:
                found[text] = Mutant(kind, text)
    return list(found.values())


@dataclass(frozen=True)
class Change:
    """An edit of one node: another node in its place, or none, or other arguments."""

    replacement: exp.Expression | None = None
    arguments: tuple[tuple[str, object], ...] = ()
    is_removal: bool = False


def _rewritten(tree: exp.Expression, number: int, change: Change) -> str:
    """Applies a change to a fresh copy of the tree, to the node at the same place in its walk."""
    copy = tree.copy()
    node = next(node for index, node in enumerate(copy.walk()) if index == number)
    if change.is_removal:
        node.pop()
    elif change.replacement is not None:
        new = node.replace(change.replacement.copy())
        copy = new if node is copy else copy
    for name, value in change.arguments:
        node.set(name, value)
    return copy.sql("sqlite")


def _changes(node: exp.Expression, tree: exp.Expression, schema: Schema) -> Iterator[tuple[str, Change]]:
    yield from _swaps(node)
    yield from _literals(node)
    yield from _clauses(node)
    yield from _predicates(node)
    yield from _joins(node)
    yield from _aggregates(node)
    if isinstance(node, exp.Column):
        yield from _columns(node, tree, schema)


def _swaps(node: exp.Expression) -> Iterator[tuple[str, Change]]:
    for other in SWAPS.get(type(node), ()):
        if isinstance(node, exp.SetOperation):
            arguments = {name: value for name, value in node.args.items() if name != "side"}
            yield "set operation", Change(other(**{**arguments, "distinct": True}))
        elif isinstance(node, exp.AggFunc):
            yield "aggregate", Change(other(this=node.this.copy()))
        else:
            new = other(this=node.this.copy(), expression=node.expression.copy())
            yield "operator", Change(new)
    if isinstance(node, exp.Union):
        yield "union all", Change(arguments=(("distinct", not node.args.get("distinct")),))


def _literals(node: exp.Expression) -> Iterator[tuple[str, Change]]:
    if not isinstance(node, exp.Literal):
        return
    if node.is_string:
        if isinstance(node.parent, exp.EQ | exp.NEQ | exp.In):
            yield "text literal", Change(exp.Literal.string(node.this.swapcase()))
        elif isinstance(node.parent, exp.Like):
            yield "like pattern", Change(exp.Literal.string(node.this.strip("%")))
        return
    if isinstance(node.parent, exp.Ordered | exp.Group):
        return
    number = float(node.this)
    for step in (-1, 1):
        moved = number + step
        text = str(int(moved)) if moved.is_integer() else repr(moved)
        is_limit = isinstance(node.parent, exp.Limit | exp.Offset)
        if moved >= 0 or not is_limit:
            kind = "limit" if is_limit else "off by one"
            yield kind, Change(exp.Literal.number(text))


def _clauses(node: exp.Expression) -> Iterator[tuple[str, Change]]:
    if isinstance(node, exp.Ordered):
        yield "direction", Change(arguments=(("desc", not node.args.get("desc")),))
    if isinstance(node, exp.Order | exp.Limit | exp.Having | exp.Where):
        yield f"dropped {node.key}", Change(is_removal=True)
    if isinstance(node, exp.Select):
        has_distinct = node.args.get("distinct") is not None
        distinct = None if has_distinct else exp.Distinct()
        yield "distinct", Change(arguments=(("distinct", distinct),))


def _predicates(node: exp.Expression) -> Iterator[tuple[str, Change]]:
    if isinstance(node, exp.And | exp.Or):
        yield "dropped predicate", Change(node.this)
        yield "dropped predicate", Change(node.expression)
    if isinstance(node, exp.Not):
        yield "dropped not", Change(node.this)
    if isinstance(node, exp.In | exp.Exists | exp.Like | exp.Is | exp.Between):
        if not isinstance(node.parent, exp.Not):
            yield "added not", Change(exp.Not(this=exp.Paren(this=node.copy())))
    if isinstance(node, exp.Between):
        low = exp.GT(this=node.this.copy(), expression=node.args["low"].copy())
        high = exp.LTE(this=node.this.copy(), expression=node.args["high"].copy())
        yield "between bound", Change(exp.Paren(this=exp.And(this=low, expression=high)))


def _joins(node: exp.Expression) -> Iterator[tuple[str, Change]]:
    if isinstance(node, exp.Join) and node.args.get("on"):
        side = None if node.side else "LEFT"
        yield "join side", Change(arguments=(("side", side), ("kind", None)))


def _aggregates(node: exp.Expression) -> Iterator[tuple[str, Change]]:
    if not isinstance(node, exp.Count):
        return
    if isinstance(node.this, exp.Distinct):
        yield "count distinct", Change(exp.Count(this=node.this.expressions[0].copy()))
    elif isinstance(node.this, exp.Column):
        distinct = exp.Distinct(expressions=[node.this.copy()])
        yield "count distinct", Change(exp.Count(this=distinct))
        yield "count star", Change(exp.Count(this=exp.Star()))


def _columns(node: exp.Column, tree: exp.Expression, schema: Schema) -> Iterator[tuple[str, Change]]:
    """Swaps a column for the next ones of its table that have the same type."""
    place = next(column_places(schema, tree, node), None)
    if place is None:
        return
    table = schema.table(place[0])
    position = [column.name for column in table.columns].index(place[1])
    order = (*table.columns[position + 1 :], *table.columns[:position])
    kind = table.columns[position].type.upper()
    similar = [column for column in order if column.type.upper() == kind]
    for other in similar[:SWAPPED_COLUMNS]:
        name = exp.to_identifier(other.name, quoted=not other.name.isidentifier())
        yield "column", Change(arguments=(("this", name),))


def measure_mutants(
    golds: Mapping[str, Sequence[str]],
    schemas: Mapping[str, Schema],
    instances: Mapping[str, Sequence[Instance]],
    clock: str = CLOCK,
) -> MutationReport:
    """Judges every mutant of every gold; one that does not run is no proof of a good judge."""
    report = MutationReport()
    for schema_id, queries in golds.items():
        for gold in queries:
            for mutant in mutants(gold, schemas[schema_id]):
                verdict = judge(mutant.sql, [gold], instances[schema_id], clock)
                if verdict.executable:
                    report.add(gold, mutant, not verdict.correct)
                else:
                    report.not_running += 1
    return report


def print_report(report: MutationReport, shown: int = 20) -> None:
    """Prints the share caught, the kinds from weakest to strongest, and survivors."""
    print(
        f"mutants caught: {report.caught} of {report.total} ({report.share:.1%}); "
        f"{report.not_running} more do not run and are not counted"
    )
    for kind, (caught, total) in sorted(report.by_kind.items(), key=lambda item: item[1][0] / item[1][1]):
        print(f"  {kind:18} {caught:5} of {total:5} ({caught / total:.0%})")
    for gold, mutant in report.survivors[:shown]:
        print(f"  survivor, {mutant.kind}: {mutant.sql}\n    gold: {gold}")
