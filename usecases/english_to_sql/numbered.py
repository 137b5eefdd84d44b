"""Short SQL for one schema: its numbered text for the prompt, and queries there and back.

A query that the short form cannot say (a table joined to itself, a query inside one that looks out
of it) keeps its joins and aliases, with numbers for the names.
"""

import re
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.scope import Scope, traverse_scope

from common.embedded.short_sql import INNER, POINTER, Numbers, shorten

from .schema import ForeignKey, Schema
from .serialize import Style, literal, one_line, quoted, short_type


class NotShownError(ValueError):
    """A query on a table or column that the shown schema lacks."""


WORD_BREAK = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|_")
TEXT = re.compile(r"'(?:[^']|'')*'")
INSIDE = "\1"
EXTRA = re.compile(r" FROM (@\d+(?: @\d+)*)(?= |$)")
CLAUSE = re.compile(r" (?:WHERE|GROUP BY|HAVING|ORDER BY|LIMIT) ")
SETS = re.compile(r" (UNION ALL|UNION|EXCEPT|INTERSECT) ")
LONG_FORM = re.compile(r"\bJOIN\b|\bAS T\d|\bFROM @\d+ AS\b")
COUNTED = re.compile(r"COUNT\((@\d+)\)")
NEGATED = (
    (re.compile(r"NOT ((?:T\d+\.)?@\d+) (IN|LIKE|BETWEEN) "), r"\1 NOT \2 "),
    (re.compile(r"NOT ((?:T\d+\.)?@\d+) IS NULL"), r"\1 IS NOT NULL"),
)


@dataclass(frozen=True)
class Places:
    """The number of every table and column of a schema, in the order in which the prompt shows them."""

    tables: dict[str, str]
    columns: dict[tuple[str, str], str]
    numbers: Numbers
    names: dict[str, tuple[str, ...]]


@lru_cache(maxsize=4096)
def places(schema: Schema) -> Places:
    """Numbers the schema: each table, then its columns."""
    tables: dict[str, str] = {}
    columns: dict[tuple[str, str], str] = {}
    count = 0
    for table in schema.tables:
        tables[table.name.lower()] = f"@{count}"
        for place, column in enumerate(table.columns, count + 1):
            columns[table.name.lower(), column.name.lower()] = f"@{place}"
        count += 1 + len(table.columns)
    links = {(key.table.lower(), name.lower()) for key in schema.foreign_keys for name in key.columns}
    owner = {pointer: tables[table] for (table, _), pointer in columns.items()}
    names = {tables[table.name.lower()]: (table.name,) for table in schema.tables}
    for table in schema.tables:
        for column in table.columns:
            names[columns[table.name.lower(), column.name.lower()]] = (table.name, column.name)
    numbers = Numbers(owner, frozenset(columns[link] for link in links))
    return Places(tables, columns, numbers, names)


def words(name: str) -> str:
    """The words of an identifier, in lower case."""
    return " ".join(WORD_BREAK.sub(" ", name).lower().split())


def called(name: str, *more: str) -> str:
    """A name in words, with what is said about it where that says more."""
    said = words(name)
    extra = next((one_line(text) for text in more if text and one_line(text).lower() != said), "")
    return f"{said} {extra}" if extra else said


def numbered(schema: Schema, style: Style) -> str:
    """One line per table: `port@0: *id@1, name@2, >@9 owner id@3, int depth@4`."""
    found = places(schema)
    parents = {
        (key.table.lower(), column.lower()): key.parent
        for key in reversed(schema.foreign_keys)
        if style.foreign_keys
        for column in key.columns
    }
    lines = []
    for table in schema.tables:
        about = (table.description, table.readable) if style.descriptions else ()
        parts = []
        for column in table.columns:
            place = table.name.lower(), column.name.lower()
            mark = "*" if column.name in table.primary_key else ""
            kind = short_type(column.type) if style.types and place not in parents and not mark else ""
            link = f">{found.tables[parents[place].lower()]} " if place in parents else ""
            plain = place in parents or mark
            said = () if plain or not style.descriptions else (column.description, column.readable)
            shown = ", ".join(literal(v) for v in column.values[: style.samples] if v is not None)
            parts.append(
                f"{mark}{link}{kind + ' ' if kind else ''}{called(column.name, *said)}"
                f"{found.columns[place]}" + (f" = {shown}" if shown else "")
            )
        lines.append(f"{called(table.name, *about)}{found.tables[table.name.lower()]}: {', '.join(parts)}")
    return "\n".join(lines)


@lru_cache(maxsize=1_024)
def encode(query: str, schema: Schema) -> str:
    """A query on this schema in short SQL; raises ValueError where it does not fit the schema."""
    plain, kept = _without_texts(_numbered_query(query, schema, keep_aliases=False))
    if plain:
        short = shorten(plain, places(schema).numbers)
        if _folded(_expand(short, schema)) == _folded(plain):
            return _with_texts(short, kept)
    return _numbered_query(query, schema, keep_aliases=True)


def _without_texts(query: str) -> tuple[str, list[str]]:
    """A query whose string literals are marks, so that nothing in them is taken for SQL."""
    kept = TEXT.findall(query)
    numbers = iter(range(len(kept)))
    return TEXT.sub(lambda _: f"'\0{next(numbers)}'", query), kept


def _with_texts(query: str, kept: Sequence[str]) -> str:
    """The literals back in their places."""
    return re.sub("'\0(\\d+)'", lambda match: kept[int(match[1])], query)


def _folded(text: str) -> tuple[list[str], str]:
    """What two numbered queries share that differ in no more than the order of their joins."""
    words_in_it = sorted(re.findall(r"@\d+|'[^']*'|[\w.]+|[^\w\s]", text))
    return words_in_it, re.sub(r" FROM @\d+(?: JOIN @\d+ ON @\d+ = @\d+)*", " FROM", text)


def _numbered_query(query: str, schema: Schema, keep_aliases: bool) -> str:
    """The query with numbers for names; empty where a scope needs the aliases that it may not keep."""
    try:
        tree = sqlglot.parse_one(query, read="sqlite")
        for scope in list(traverse_scope(tree)):
            if not _number_scope(scope, schema, keep_aliases):
                return ""
    except (SqlglotError, RecursionError) as error:
        raise ValueError(f"not readable as SQL: {query}") from error
    text = tree.sql("sqlite")
    for pattern, other in NEGATED:
        text = pattern.sub(other, text)
    return text


def _number_scope(scope: Scope, schema: Schema, keep_aliases: bool) -> bool:
    """Puts numbers into one SELECT; says whether that was possible."""
    found = places(schema)
    sources = {name: source for name, source in scope.sources.items() if isinstance(source, exp.Table)}
    if len(sources) != len(scope.sources):
        return keep_aliases and not _refuse(scope)
    used = Counter(source.name.lower() for source in sources.values())
    if not keep_aliases and max(used.values(), default=0) > 1:
        return False
    for column in list(scope.find_all(exp.Column)):
        at, owners = _source_of(column, sources, schema), sources
        if at is None and keep_aliases and scope.parent:  # the query around this one may own it
            owners = {n: s for n, s in scope.parent.sources.items() if isinstance(s, exp.Table)}
            at = _source_of(column, owners, schema)
        if at is None and keep_aliases:
            raise NotShownError(f"no table has the column {column.name}")
        if at is None:
            return False
        place = (owners[at].name.lower(), column.name.lower())
        if place not in found.columns:
            raise NotShownError(f"no column {column.name} in table {owners[at].name}")
        table = (
            exp.to_identifier(at) if keep_aliases and (len(sources) > 1 or owners is not sources) else None
        )
        column.replace(exp.Column(this=exp.Identifier(this=found.columns[place]), table=table))
    for name, source in sources.items():
        if source.name.lower() not in found.tables:
            raise NotShownError(f"no table {source.name}")
        identifier = exp.Identifier(this=found.tables[source.name.lower()])
        alias = exp.TableAlias(this=exp.to_identifier(name)) if keep_aliases and len(sources) > 1 else None
        source.replace(exp.Table(this=identifier, alias=alias))
    return True


def _refuse(scope: Scope) -> bool:
    raise ValueError("a query over a named query has no numbered form")


def _source_of(column: exp.Column, sources: dict[str, exp.Table], schema: Schema) -> str | None:
    """The alias whose table has the column."""
    if column.table:
        return column.table if column.table in sources else None
    for name, source in sources.items():
        if (source.name.lower(), column.name.lower()) in places(schema).columns:
            return name
    return None


def decode(text: str, schema: Schema) -> str:
    """Short SQL -> SQL; what is no short SQL comes back as it is."""
    bare, kept = _without_texts(text.strip().rstrip(";"))
    if not POINTER.search(bare):
        return text
    return _with_texts(_named(_expand(bare, schema), places(schema)), kept)


def _expand(text: str, schema: Schema) -> str:
    """Short SQL with its FROM and JOINs written out, the innermost query in brackets first."""
    inner = INNER.search(text)
    if inner:
        outside = _expand(text[: inner.start()] + INSIDE + text[inner.end() :], schema)
        return outside.replace(INSIDE, f"({_expand(inner[0][1:-1], schema)})", 1)
    parts = SETS.split(text)
    parts[::2] = [_expand_scope(part, schema) for part in parts[::2]]
    return "".join(part if place % 2 == 0 else f" {part} " for place, part in enumerate(parts))


def _expand_scope(scope: str, schema: Schema) -> str:
    if LONG_FORM.search(scope):
        return scope
    found = places(schema)
    extra = EXTRA.search(scope)
    body = scope[: extra.start()] + scope[extra.end() :] if extra else scope
    asked = [*(extra[1].split() if extra else ()), *POINTER.findall(body)]
    tables = dict.fromkeys(found.numbers.owner.get(one, one) for one in asked if one in found.names)
    body = COUNTED.sub(lambda match: "COUNT(*)" if match[1] in tables else match[0], body)
    clause = CLAUSE.search(body)
    at = clause.start() if clause else len(body)
    source = f" FROM {_joined(schema, list(tables))}" if tables else ""
    return body[:at] + source + body[at:]


def _joined(schema: Schema, tables: Sequence[str]) -> str:
    """FROM text that links the tables by the fewest foreign keys."""
    found = places(schema)
    inside, text = [tables[0]], tables[0]
    for table in tables[1:]:
        for key, new in path(schema, inside, table):
            pairs = zip(key.columns, key.parent_columns, strict=True)
            on = " AND ".join(
                f"{found.columns[key.table.lower(), one.lower()]} = "
                f"{found.columns[key.parent.lower(), other.lower()]}"
                for one, other in pairs
            )
            inside.append(new)
            text += f" JOIN {new} ON {on}"
    return text


def path(schema: Schema, inside: Sequence[str], goal: str) -> list[tuple[ForeignKey, str]]:
    """The foreign keys from any table inside to the goal, each with the table that it brings in."""
    number = places(schema).tables
    reached: dict[str, tuple[ForeignKey, str] | None] = {name: None for name in inside}
    waiting = deque(inside)
    while waiting and goal not in reached:
        here = waiting.popleft()
        for key in schema.foreign_keys:
            child, parent = number[key.table.lower()], number[key.parent.lower()]
            for one, other in ((child, parent), (parent, child)):
                if one == here and other not in reached:
                    reached[other] = (key, here)
                    waiting.append(other)
    steps, at = [], goal
    while (step := reached.get(at)) is not None:
        steps.append((step[0], at))
        at = step[1]
    return steps[::-1]


def _named(text: str, found: Places) -> str:
    """Names for numbers; a column says its table where tables are joined."""
    qualify = " JOIN " in text

    def name(match: re.Match[str]) -> str:
        parts = found.names.get(match[2])
        if parts is None:
            return match[0]
        if match[1] or not qualify:
            return match[1] + quoted(parts[-1])
        return ".".join(quoted(part) for part in parts)

    return re.sub(r"((?:\w+\.)?)(@\d+)", name, text)
