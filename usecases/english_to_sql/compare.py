"""Compares the rows of two queries: bags, ties, tolerance, and one column order for all databases.

A gold result is a list of runs. Rows inside a run are tied and may come in any order; when LIMIT
cuts through a run, any choice of `take` of its rows is right. An unordered result is one run.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from .sandbox import Row, Value

RELATIVE_TOLERANCE = 1e-6
MAX_PAIRED_ROWS = 500
MAX_SEARCH_NODES = 2_000


@dataclass(frozen=True)
class Run:
    """Rows that are tied, and how many of them the result holds."""

    rows: list[Row]
    take: int


@dataclass(frozen=True)
class Pair:
    """What the gold accepts and what the prediction returned on one database."""

    runs: list[Run]
    gold_rows: list[Row]
    rows: list[Row]


Relation = Callable[[Pair, Sequence[int], Sequence[int]], bool]


def same_value(left: Value, right: Value) -> bool:
    """Equality of two cells; the tolerance is for floats, integers must be equal."""
    if isinstance(left, float) or isinstance(right, float):
        if not (isinstance(left, int | float) and isinstance(right, int | float)):
            return False
        scale = max(1.0, abs(left), abs(right))
        return left == right or abs(left - right) <= RELATIVE_TOLERANCE * scale
    return type(left) is type(right) and left == right


def same_row(left: Row, right: Row) -> bool:
    return all(map(same_value, left, right))


def bag_within(rows: Iterable[Row], gold: Iterable[Row]) -> bool:
    """Says whether every row has its own equal partner in the gold rows."""
    left, right = Counter(rows), Counter(gold)
    extra = left - right
    return not extra or _pair_up(list(extra.elements()), list((right - left).elements()))


def _pair_up(rows: list[Row], spare: list[Row]) -> bool:
    """Pairs rows that differ by float noise only."""
    has_floats = any(isinstance(cell, float) for row in (*rows, *spare) for cell in row)
    if not has_floats or len(rows) > len(spare):
        return False
    if len(rows) == len(spare):
        rows, spare = sorted(rows, key=_sort_key), sorted(spare, key=_sort_key)
        if all(map(same_row, rows, spare)):
            return True
    if len(rows) > MAX_PAIRED_ROWS:
        return False
    for row in rows:
        partner = next((i for i, other in enumerate(spare) if same_row(row, other)), None)
        if partner is None:
            return False
        spare.pop(partner)
    return True


def _sort_key(row: Row) -> tuple[tuple[int, str, float], ...]:
    return tuple((0, "", cell) if isinstance(cell, int | float) else (1, repr(cell), 0.0) for cell in row)


def project(rows: Iterable[Row], columns: Sequence[int]) -> list[Row]:
    return [tuple([row[column] for column in columns]) for row in rows]


def in_order(pair: Pair, gold_columns: Sequence[int], columns: Sequence[int]) -> bool:
    """Equal as runs: the full rule, with order where the gold asks for one."""
    if len(pair.rows) != sum(run.take for run in pair.runs):
        return False
    rows = project(pair.rows, columns)
    position = 0
    for run in pair.runs:
        part = rows[position : position + run.take]
        if not bag_within(part, project(run.rows, gold_columns)):
            return False
        position += run.take
    return True


def as_bags(pair: Pair, gold_columns: Sequence[int], columns: Sequence[int]) -> bool:
    """Equal but for the order."""
    return len(pair.rows) == len(pair.gold_rows) and bag_within(
        project(pair.rows, columns), project(pair.gold_rows, gold_columns)
    )


def as_sets(pair: Pair, gold_columns: Sequence[int], columns: Sequence[int]) -> bool:
    """Equal but for order and duplicates."""
    rows = list(dict.fromkeys(project(pair.rows, columns)))
    gold = list(dict.fromkeys(project(pair.gold_rows, gold_columns)))
    return len(rows) == len(gold) and bag_within(rows, gold)


def find_columns(
    pairs: Sequence[Pair], gold_width: int, width: int, relation: Relation
) -> tuple[int, ...] | None:
    """Finds one column order under which the relation holds on every database.

    A prefix of a right order keeps the relation on its own columns, which prunes the search.
    """
    identity = tuple(range(gold_width))
    if gold_width <= width and _holds(pairs, identity, relation):
        return identity
    nodes = [0]
    return _extend(pairs, gold_width, width, relation, (), nodes) if gold_width <= width else None


def _holds(pairs: Sequence[Pair], columns: Sequence[int], relation: Relation) -> bool:
    gold_columns = range(len(columns))
    return all(relation(pair, gold_columns, columns) for pair in pairs)


def _extend(
    pairs: Sequence[Pair],
    gold_width: int,
    width: int,
    relation: Relation,
    chosen: tuple[int, ...],
    nodes: list[int],
) -> tuple[int, ...] | None:
    if len(chosen) == gold_width:
        return chosen
    tried: list[int] = []
    for column in range(width):
        if column in chosen or any(_twins(pairs, column, other) for other in tried):
            continue
        tried.append(column)
        nodes[0] += 1
        if nodes[0] > MAX_SEARCH_NODES:
            return None
        longer = (*chosen, column)
        if _holds(pairs, longer, relation):
            found = _extend(pairs, gold_width, width, relation, longer, nodes)
            if found is not None:
                return found
    return None


def _twins(pairs: Sequence[Pair], left: int, right: int) -> bool:
    """Two columns with the same cells everywhere need trying only once."""
    return all(row[left] == row[right] for pair in pairs for row in pair.rows)


def difference(pairs: Sequence[Pair], gold_width: int, width: int) -> str:
    """Names the way in which a result that is not right differs from the gold."""
    if gold_width < width and find_columns(pairs, gold_width, width, in_order) is not None:
        return "extra_columns"
    if gold_width != width:
        return "wrong_columns"
    for label, relation in (("wrong_order", as_bags), ("missing_duplicates", as_sets)):
        if find_columns(pairs, gold_width, width, relation) is not None:
            return label
    differing = [pair for pair in pairs if not as_bags(pair, range(width), range(width))]
    one_side_empty = all(bool(pair.rows) != bool(pair.gold_rows) for pair in differing)
    return "empty_vs_rows" if one_side_empty else "wrong_rows"


def fingerprint(results: Iterable[Sequence[Row]]) -> str:
    """Names a result over all databases; rows in any order give the same name."""
    digest = hashlib.sha256()
    for rows in results:
        lines = sorted(repr(tuple(_rounded(cell) for cell in row)) for row in rows)
        digest.update("\n".join(lines).encode("utf-8", "backslashreplace") + b"\0")
    return digest.hexdigest()[:16]


def _rounded(cell: Value) -> Value:
    if isinstance(cell, float):
        return int(cell) if cell.is_integer() else float(f"{cell:.6g}")
    return cell
