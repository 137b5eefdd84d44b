"""Short SQL: a query in which tables and columns are the numbers that the prompt gives them.

A small model loses itself in long names and joins. So a prompt may number its tables and columns
(`port name@2`), and the answer may leave out what the schema already says:

    SELECT T2.hb_nm, COUNT(*) FROM trawler AS T1 JOIN harbour AS T2 ON T1.hb_id = T2.hb_id GROUP BY T2.hb_id
    SELECT @2, COUNT(@4) GROUP BY @1

Tables follow from the columns, joins from the foreign keys; COUNT(@4) counts the rows of a table.
FROM names only the tables that nothing else mentions.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

# As many as the tokenizer has single pieces for; wider schemas are cut to their likeliest columns.
POINTERS = 96

SOURCE = re.compile(r" FROM (@\d+)((?: JOIN @\d+ ON @\d+ = @\d+)*)")
EDGE = re.compile(r" JOIN (@\d+) ON (@\d+) = (@\d+)")
POINTER = re.compile(r"@\d+")
INNER = re.compile(r"\(SELECT (?:[^()]|\([^()]*\))*\)")


@dataclass(frozen=True)
class Numbers:
    """Which table a numbered column is in, and which numbered columns are foreign keys."""

    owner: Mapping[str, str]
    links: frozenset[str]


def shorten(query: str, numbers: Numbers) -> str:
    """A query with numbers for names and JOINs written out -> its short form."""
    kept: list[str] = []

    def aside(match: re.Match[str]) -> str:
        kept.append("(" + _shorten_scope(match[0][1:-1], numbers) + ")")
        return f"\0{len(kept) - 1}\0"

    outer = INNER.sub(aside, query)
    parts = re.split(r" (UNION|EXCEPT|INTERSECT) ", outer)
    parts[::2] = [_shorten_scope(part, numbers) for part in parts[::2]]
    return re.sub("\0(\\d+)\0", lambda match: kept[int(match[1])], " ".join(parts))


def _shorten_scope(scope: str, numbers: Numbers) -> str:
    """One SELECT without the tables and joins that its columns imply."""
    source = SOURCE.search(scope)
    if not source or not re.match(r" (?:WHERE|GROUP|HAVING|ORDER|LIMIT)\b|$", scope[source.end() :]):
        return scope
    edges = EDGE.findall(source[2])
    tables = [source[1], *(table for table, _, _ in edges)]
    rest = scope[: source.start()] + scope[source.end() :]
    shown = {numbers.owner.get(pointer, pointer) for pointer in POINTER.findall(rest)}
    ends = [numbers.owner[column] for _, *columns in edges for column in columns]
    left_out = [table for table in tables if table not in shown and ends.count(table) < 2]
    if "COUNT(*)" in rest:
        counted = left_out[0] if left_out else _youngest(tables, edges, numbers)
        rest = rest.replace("COUNT(*)", f"COUNT({counted})")
        left_out = [table for table in left_out if table != counted]
    if not left_out:
        return rest
    at = source.start()
    return f"{rest[:at]} FROM {' '.join(left_out)}{rest[at:]}"


def _youngest(tables: list[str], edges: list[tuple[str, str, str]], numbers: Numbers) -> str:
    """The table whose rows a join repeats no further: the child of all its joins."""
    parents = {numbers.owner[column] for _, *pair in edges for column in pair if column not in numbers.links}
    return next((table for table in tables if table not in parents), tables[0])
