"""Reads SQL at the level of tokens: the query inside an answer, and its outermost clauses.

Tokens and not a parser, because this code decides verdicts and must accept whatever SQLite does.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

TOKEN = re.compile(
    r"""(?P<space>\s+)
    |(?P<comment>--[^\n]*|/\*(?:[^*]|\*(?!/))*(?:\*/|\Z))
    |(?P<string>'[^']*(?:''[^']*)*(?:'|\Z))
    |(?P<double>"[^"]*(?:""[^"]*)*(?:"|\Z))
    |(?P<quoted>`[^`]*(?:``[^`]*)*(?:`|\Z)|\[[^\]]*(?:\]|\Z))
    |(?P<number>\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)
    |(?P<word>[^\W\d][\w$]*)
    |(?P<symbol>.)""",
    re.VERBOSE | re.DOTALL,
)
READ_START = r"SELECT\b|WITH\s+(?:RECURSIVE\s+)?[\w\"`\[]+[^\n(]*?(?:\(|\bAS\b)|VALUES\s*\("
OTHER_START = (
    r"DROP\s+(?:TABLE|VIEW|INDEX|TRIGGER)\b|DELETE\s+FROM\b|INSERT\s+(?:INTO|OR)\b"
    r"|REPLACE\s+INTO\b|UPDATE\s+\S+\s+SET\b|ALTER\s+TABLE\b"
    r"|CREATE\s+(?:TABLE|VIEW|INDEX|TRIGGER|TEMP|TEMPORARY|UNIQUE|VIRTUAL)\b"
    r"|ATTACH\s+\S+|DETACH\s+\S+|PRAGMA\s+\w+|VACUUM\s*(?:INTO\b|;|\Z)|REINDEX\b|ANALYZE\b"
    r"|EXPLAIN\s+(?:QUERY|SELECT|WITH)\b|BEGIN\s*(?:TRANSACTION\b|;)|COMMIT\s*;|SAVEPOINT\s+\w+"
)
START = re.compile(rf"\b(?:(?P<read>{READ_START})|(?P<other>{OTHER_START}))", re.IGNORECASE)
FENCE = re.compile(r"```[ \t]*(?:sqlite|sql)?[ \t]*\n?", re.IGNORECASE)
COMPOUND = {"UNION", "INTERSECT", "EXCEPT"}


@dataclass(frozen=True)
class Token:
    """One piece of SQL that is neither space nor comment."""

    kind: str
    text: str
    start: int
    end: int
    depth: int

    @property
    def word(self) -> str:
        return self.text.upper() if self.kind == "word" else ""

    @property
    def name(self) -> str:
        """Returns the identifier without its quotes, or an empty string."""
        if self.kind == "word":
            return self.text
        if self.kind in ("double", "quoted"):
            quote = "" if self.text[0] == "[" else self.text[0]
            return self.text[1:-1].replace(quote * 2, quote) if quote else self.text[1:-1]
        return ""


@dataclass(frozen=True)
class Extract:
    """The query found in an answer; `problem` is a verdict label when there is none to run."""

    sql: str
    was_clean: bool
    problem: str = ""


@dataclass(frozen=True)
class Outer:
    """The outermost clauses of one query, as text."""

    body: str
    insert_at: int
    items: tuple[str, ...]
    order_terms: tuple[str, ...]
    limit: str
    offset: str
    is_compound: bool
    is_distinct: bool


def tokens(sql: str) -> list[Token]:
    """Splits SQL into tokens; the depth counts the parentheses around each."""
    found: list[Token] = []
    depth = 0
    for match in TOKEN.finditer(sql):
        kind = match.lastgroup or ""
        if kind in ("space", "comment"):
            continue
        text = match.group()
        depth -= text == ")" and kind == "symbol"
        found.append(Token(kind, text, match.start(), match.end(), depth))
        depth += text == "(" and kind == "symbol"
    return found


def without_thinking(text: str) -> str:
    """Drops think-blocks; one that never closes takes the rest of the answer with it."""
    kept: list[str] = []
    position = 0
    while (start := text.find("<think>", position)) >= 0:
        kept.append(text[position:start])
        end = text.find("</think>", start)
        position = len(text) if end < 0 else end + len("</think>")
    kept.append(text[position:])
    return "".join(kept)


def is_abstention(answer: str, marker: str) -> bool:
    """Says whether the answer opens with the marker that refuses the question."""
    return without_thinking(answer).strip(" \t\r\n\"'`*.-").upper().startswith(marker.upper())


def fenced(text: str) -> str:
    """Returns the content of the first code fence, or the whole text."""
    opening = FENCE.search(text)
    if not opening:
        return text
    end = text.find("```", opening.end())
    inside = text[opening.end() : end if end >= 0 else len(text)]
    return inside if START.search(inside) else text


def extract(answer: str) -> Extract:
    """Finds the one query in an answer; it never repairs what it finds."""
    text = fenced(without_thinking(answer))
    start = START.search(text)
    if not start:
        return Extract("", False, "no_sql")
    sql, rest = cut_statement(text[start.start() :])
    was_clean = answer.strip().rstrip(";").rstrip() == sql
    if start["other"]:
        return Extract(sql, was_clean, "unsafe")
    if START.match(rest):
        return Extract(sql, False, "multi_statement")
    return Extract(sql, was_clean)


def cut_statement(text: str) -> tuple[str, str]:
    """Splits at the first semicolon outside strings and comments."""
    for match in TOKEN.finditer(text):
        if match.lastgroup == "symbol" and match.group() == ";":
            return text[: match.start()].rstrip(), skip_space(text[match.end() :])
    return text.rstrip(), ""


def skip_space(text: str) -> str:
    """Drops leading spaces, comments and stray semicolons."""
    for match in TOKEN.finditer(text):
        if match.lastgroup not in ("space", "comment") and match.group() != ";":
            return text[match.start() :]
    return ""


def identifiers_only(sql: str) -> str:
    """Writes "x" as `x`: SQLite reads an unknown "x" as a string, but rejects an unknown `x`."""
    if '"' not in sql:
        return sql
    return "".join(
        "`" + match.group()[1:-1].replace('""', '"').replace("`", "``") + "`"
        if match.lastgroup == "double"
        else match.group()
        for match in TOKEN.finditer(sql)
    )


def requote_strings(sql: str, names: Sequence[str]) -> str:
    """Turns double-quoted text that names nothing into single-quoted strings.

    For gold queries from older data sets only; a prediction is never repaired.
    """
    known = {name.lower() for name in names}
    parts: list[str] = []
    after_as = False
    for match in TOKEN.finditer(sql):
        text = match.group()
        inner = text[1:-1].replace('""', '"')
        if match.lastgroup == "double":
            known |= {inner.lower()} if after_as else set()
            if inner.lower() not in known:
                text = "'" + inner.replace("'", "''") + "'"
        if match.lastgroup not in ("space", "comment"):
            after_as = text.upper() == "AS"
        parts.append(text)
    return "".join(parts)


def split_commas(sql: str, part: Sequence[Token]) -> tuple[str, ...]:
    """Splits a run of tokens at its outermost commas."""
    if not part:
        return ()
    level = min(token.depth for token in part)
    pieces: list[str] = []
    start = part[0].start
    for token in part:
        if token.text == "," and token.depth == level:
            pieces.append(sql[start : token.start].strip())
            start = token.end
    return (*pieces, sql[start : part[-1].end].strip())


def outer(sql: str) -> Outer:
    """Finds the outermost select list, ORDER BY and LIMIT; parts that are missing stay empty."""
    found = tokens(sql)
    main = [index for index, token in enumerate(found) if token.depth == 0]
    words = {index: found[index].word for index in main}
    select = next((index for index in main if words[index] == "SELECT"), 0)
    order = _last(index for index in main if words[index] == "ORDER")
    limit = _last(index for index in main if words[index] == "LIMIT")
    end = min(index for index in (order, limit, len(found)) if index is not None)
    source = next((i for i in main if select < i < end and _is_from(found, i)), end)
    first = select + 1 + (found[select + 1].word in ("DISTINCT", "ALL") if end > select + 1 else 0)
    stop = found[end].start if end < len(found) else len(sql)
    terms = found[order + 2 : limit] if order is not None else []
    count, skip = _limit_parts(sql, found[limit + 1 :] if limit is not None else [])
    return Outer(
        body=sql[:stop],
        insert_at=found[source].start if source < end else stop,
        items=split_commas(sql, found[first:source]),
        order_terms=split_commas(sql, terms),
        limit=count,
        offset=skip,
        is_compound=any(words[index] in COMPOUND for index in main if index < end),
        is_distinct=select + 1 < end and found[select + 1].word == "DISTINCT",
    )


def _last(indices: Iterable[int]) -> int | None:
    return max(indices, default=None)


def _is_from(found: Sequence[Token], index: int) -> bool:
    """Tells the FROM clause from the operator IS DISTINCT FROM."""
    return found[index].word == "FROM" and found[index - 1].word != "DISTINCT"


def _limit_parts(sql: str, part: Sequence[Token]) -> tuple[str, str]:
    """Reads `n`, `n OFFSET m` and `m, n`."""
    for position, token in enumerate(part):
        if token.word == "OFFSET" and token.depth == 0:
            rest = part[position + 1 :]
            return sql[part[0].start : token.start].strip(), sql[rest[0].start : rest[-1].end]
    pieces = split_commas(sql, part)
    if len(pieces) == 2:
        return pieces[1], pieces[0]
    return (pieces[0], "") if pieces else ("", "")
