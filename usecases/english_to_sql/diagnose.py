"""Words what is wrong with a query, with the nearest names that exist.

sqlglot is imported inside the functions: it explains a verdict and never decides one.
"""

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

Tables = Mapping[str, Sequence[str]]
MISSING = re.compile(r"no such (table|column): (.+)")
AMBIGUOUS = re.compile(r"ambiguous column name: (.+)")
MAX_DIAGNOSED_CHARACTERS = 4_000


@dataclass(frozen=True)
class Finding:
    """One thing that sqlglot finds wrong with a query."""

    kind: str
    message: str


def nearest(name: str, known: Sequence[str], count: int = 2) -> list[str]:
    """Returns the known names that look most like this one."""
    lowered = {candidate.lower(): candidate for candidate in known}
    wanted = name.lower()
    close = difflib.get_close_matches(wanted, lowered, n=count, cutoff=0.5)
    inside = [other for other in lowered if wanted in other or other in wanted]
    return [lowered[other] for other in dict.fromkeys([*close, *inside])][:count]


def explain(sql: str, tables: Tables, message: str) -> str:
    """Turns a message of SQLite into a hint; an empty hint when there is nothing to add."""
    missing, ambiguous = MISSING.search(message), AMBIGUOUS.search(message)
    if missing and missing[1] == "table":
        return _suggest(f"there is no table {missing[2]}", nearest(missing[2], list(tables)))
    if missing:
        return _missing_column(sql, tables, missing[2])
    if ambiguous:
        column = ambiguous[1].split(".")[-1]
        owners = [table for table in _used_tables(sql, tables) if _has(tables[table], column)]
        choices = [f"{table}.{column}" for table in owners]
        return _suggest(f"{column} is in more than one table", choices, "write")
    findings = diagnose(sql, tables)
    return findings[0].message if findings else ""


def _suggest(problem: str, names: Sequence[str], verb: str = "nearest:") -> str:
    return f"{problem}; {verb} {' or '.join(names)}" if names else problem


def _has(columns: Sequence[str], column: str) -> bool:
    return column.lower() in (name.lower() for name in columns)


def _missing_column(sql: str, tables: Tables, name: str) -> str:
    column = name.split(".")[-1]
    used = _used_tables(sql, tables)
    elsewhere = [f"{t}.{column}" for t in tables if t not in used and _has(tables[t], column)]
    if elsewhere:
        return _suggest(f"no table of this query has {column}", elsewhere[:2], "found in")
    known = {c: f"{t}.{c}" for t in (used or tables) for c in tables[t]}
    return _suggest(f"there is no column {name}", [known[c] for c in nearest(column, list(known))])


def _used_tables(sql: str, tables: Tables) -> list[str]:
    """Lists the known tables that the query names, without needing it to parse."""
    words = {word.lower() for word in re.findall(r"\w+", sql)}
    return [table for table in tables if table.lower() in words]


def diagnose(sql: str, tables: Tables) -> list[Finding]:
    """Checks syntax and names with sqlglot; an empty list means that it found nothing."""
    import sqlglot
    from sqlglot.errors import OptimizeError, ParseError, SqlglotError
    from sqlglot.optimizer.qualify import qualify

    if len(sql) > MAX_DIAGNOSED_CHARACTERS:
        return []
    try:
        tree = sqlglot.parse_one(sql, read="sqlite")
        schema = {table: dict.fromkeys(columns, "TEXT") for table, columns in tables.items()}
        qualify(tree, schema=schema, dialect="sqlite", validate_qualify_columns=True)
    except ParseError as error:
        place = error.errors[0] if error.errors else {}
        where = f"line {place.get('line')}, column {place.get('col')}"
        near = f"{place.get('start_context', '')[-30:]}{place.get('highlight', '')}"
        return [Finding("parse_error", f"does not parse at {where}, after: {near}")]
    except OptimizeError as error:
        # sqlglot has one message for names that are unknown and names that are ambiguous.
        return [Finding("unresolved", str(error).splitlines()[0])]
    except (SqlglotError, RecursionError):
        return []
    return []


def same_query(left: str, right: str) -> bool:
    """Says whether two queries are the same text but for spacing, quoting and letter case."""
    import sqlglot
    from sqlglot.errors import SqlglotError
    from sqlglot.optimizer.normalize_identifiers import normalize_identifiers

    try:
        trees = [sqlglot.parse_one(sql, read="sqlite") for sql in (left, right)]
        first, second = (
            normalize_identifiers(tree, dialect="sqlite").sql("sqlite", identify=True) for tree in trees
        )
    except (SqlglotError, RecursionError):
        return False
    return first == second
