"""Works out what a gold query accepts on one database: its rows, their ties, and its LIMIT.

The tie groups come from SQLite itself: DENSE_RANK over the ORDER BY terms as a hidden column, so
that collations, NULLs and expressions tie exactly as they do in the query. The sort keys are
fetched too, because sums that differ by float noise only are tied as well.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from .compare import Pair, Run, in_order, same_row
from .sandbox import Budget, Outcome, Row, Sandbox
from .sql_text import Outer, Token, outer, tokens

GOLD_BUDGET = Budget(steps=50_000_000, rows=100_000, result_bytes=100_000_000)
SUFFIX_WORDS = {"ASC", "DESC", "NULLS", "FIRST", "LAST"}
NEVER_ALIAS = {"END", "NULL", "TRUE", "FALSE"}
NEVER_BEFORE_ALIAS = {"NOT", "AND", "OR", "IS", "LIKE", "GLOB", "IN", "DISTINCT", "COLLATE", "ALL"}


class GoldError(ValueError):
    """A gold query that cannot judge anything."""


@dataclass(frozen=True)
class GoldResult:
    """The rows of a gold query on one database, and the runs that it accepts."""

    rows: list[Row]
    runs: list[Run]
    width: int
    steps: int


def gold_result(sql: str, sandbox: Sandbox) -> GoldResult:
    """Runs a gold query and finds every result that is as right as its own."""
    outcome = sandbox.run(sql, GOLD_BUDGET)
    if outcome.label:
        raise GoldError(f"gold query gives {outcome.label}: {outcome.message} | query: {sql}")
    return GoldResult(
        rows=outcome.rows,
        runs=accepted_runs(sql, outcome, sandbox),
        width=len(outcome.names),
        steps=outcome.steps,
    )


def accepted_runs(sql: str, outcome: Outcome, sandbox: Sandbox) -> list[Run]:
    """Returns the tie runs; where none can be found, the order of the gold rows is exact."""
    clauses = outer(sql)
    if not clauses.order_terms and not clauses.limit:
        return [Run(outcome.rows, len(outcome.rows))]
    window = _window(clauses, sandbox)
    for query in _keyed_queries(clauses, outcome.names):
        keyed = sandbox.run(query, GOLD_BUDGET)
        if keyed.label or window is None:
            continue
        width = range(len(outcome.names))
        groups = _groups(keyed.rows, len(width)) if clauses.order_terms else [keyed.rows]
        runs = _cut(groups, *window)
        # A keyed query that changed the meaning would reject the gold's own rows.
        if in_order(Pair(runs, outcome.rows, outcome.rows), width, width):
            return runs
    return [Run([row], 1) for row in outcome.rows]


def _window(clauses: Outer, sandbox: Sandbox) -> tuple[int, int | None] | None:
    """Evaluates OFFSET and LIMIT; None when they are not plain numbers."""
    outcome = sandbox.run(f"SELECT ({clauses.offset or 0}), ({clauses.limit or -1})", GOLD_BUDGET)
    values = outcome.rows[0] if outcome.rows else (None,)
    if not all(isinstance(value, int) for value in values):
        return None
    offset, limit = (int(str(value)) for value in values)
    return max(offset, 0), (None if limit < 0 else limit)


def _groups(rows: Sequence[Row], width: int) -> list[list[Row]]:
    """Groups rows of one rank, and neighbouring ranks whose keys differ by float noise only."""
    groups: list[list[Row]] = []
    last: Row = ()
    for row in sorted(rows, key=lambda row: int(str(row[width]))):
        is_tied = bool(last) and (row[width] == last[0] or same_row(row[width + 1 :], last[1:]))
        if not is_tied:
            groups.append([])
        groups[-1].append(row[:width])
        last = row[width:]
    return groups


def _cut(groups: Sequence[list[Row]], offset: int, limit: int | None) -> list[Run]:
    """Keeps, of each tie group, as many rows as fall inside the window."""
    runs: list[Run] = []
    start = 0
    for group in groups:
        end = start + len(group)
        last = end if limit is None else min(end, offset + limit)
        take = last - max(start, offset)
        if take > 0:
            runs.append(Run(group, take))
        start = end
    return runs


def _keyed_queries(clauses: Outer, names: Sequence[str]) -> list[str]:
    """Returns ways to fetch the unlimited rows with rank and sort keys, the most exact first."""
    if not clauses.order_terms:
        return [clauses.body]
    queries: list[str] = []
    if not clauses.is_compound and not clauses.is_distinct:
        for inside in (False, True):
            terms = [_inner_term(term, clauses.items, inside) for term in clauses.order_terms]
            head, tail = clauses.body[: clauses.insert_at], clauses.body[clauses.insert_at :]
            queries.append(f"{head.rstrip()}, {_rank_and_keys(terms)} {tail}")
    mapped = [_output_term(term, clauses.items, names) for term in clauses.order_terms]
    if all(expression for expression, _ in mapped):
        columns = ", ".join(f"c{index}" for index in range(1, len(names) + 1))
        body = f"WITH gold_rows({columns}) AS ({clauses.body})"
        queries.append(f"{body} SELECT *, {_rank_and_keys(mapped)} FROM gold_rows")
    return queries


def _rank_and_keys(terms: Sequence[tuple[str, str]]) -> str:
    order = ", ".join(expression + suffix for expression, suffix in terms)
    keys = ", ".join(expression for expression, _ in terms)
    return f"DENSE_RANK() OVER (ORDER BY {order}), {keys}"


def _split_suffix(term: str) -> tuple[list[Token], str]:
    """Parts the sorted expression from its COLLATE, ASC, DESC and NULLS."""
    found = tokens(term)
    end = len(found)
    while end > 1:
        if found[end - 1].word in SUFFIX_WORDS:
            end -= 1
        elif end > 2 and found[end - 2].word == "COLLATE":
            end -= 2
        else:
            break
    return found[:end], term[found[end - 1].end :]


def _item_parts(item: str) -> tuple[str, str]:
    """Splits a select item into its expression and its alias."""
    found = tokens(item)
    if len(found) < 2 or not found[-1].name or found[-1].word in NEVER_ALIAS:
        return item, ""
    before = found[-2]
    if before.word == "AS" and before.depth == 0:
        return item[: before.start].rstrip(), found[-1].name
    follows_value = before.text == ")" or before.kind not in ("symbol", "space")
    if follows_value and before.word not in NEVER_BEFORE_ALIAS:
        return item[: before.end], found[-1].name
    return item, ""


def _inner_term(term: str, items: Sequence[str], inside: bool) -> tuple[str, str]:
    """Writes a term so that it works in the select list, where ordinals and aliases do not."""
    head, suffix = _split_suffix(term)
    plain = term[: head[-1].end]
    parts = [_item_parts(item) for item in items]
    if len(head) == 1 and head[0].kind == "number":
        place = int(float(head[0].text))
        return (f"({parts[place - 1][0]})" if 0 < place <= len(parts) else plain), suffix
    aliases = {alias.lower(): expression for expression, alias in parts if alias}
    if len(head) == 1 or inside:
        return _replace_names(term, head, aliases), suffix
    return plain, suffix


def _replace_names(term: str, head: Sequence[Token], aliases: dict[str, str]) -> str:
    """Puts the aliased expression in the place of each unqualified name."""
    written: list[str] = []
    position = 0
    for index, token in enumerate(head):
        before = head[index - 1].text if index else ""
        after = head[index + 1].text if index + 1 < len(head) else ""
        if token.name.lower() in aliases and before != "." and after not in (".", "("):
            written += [term[position : token.start], f"({aliases[token.name.lower()]})"]
            position = token.end
    return "".join(written) + term[position : head[-1].end]


def _output_term(term: str, items: Sequence[str], names: Sequence[str]) -> tuple[str, str]:
    """Writes a term as a column of the result, or as nothing when it is not one."""
    head, suffix = _split_suffix(term)
    if len(head) == 1 and head[0].kind == "number":
        return f"c{head[0].text}", suffix
    text = _plain(head)
    expressions = [_plain(tokens(_item_parts(item)[0])) for item in items]
    if text in expressions and len(expressions) == len(names):
        return f"c{expressions.index(text) + 1}", suffix
    lowered = [name.lower() for name in names]
    last = head[-1].name.lower()
    is_name = len(head) == 1 or (len(head) == 3 and head[1].text == ".")
    return (f"c{lowered.index(last) + 1}" if is_name and last in lowered else ""), suffix


def _plain(part: Sequence[Token]) -> str:
    return " ".join(token.text.lower() for token in part)
