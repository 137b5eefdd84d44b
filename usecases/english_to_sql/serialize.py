"""Writes a schema as text: `ddl`, `ddl+comments`, `mschema` or `compact`, one column order.

`compact` is the default, because it is the shortest that still shows types and joins:
    album(album_id* int, title, artist_id int>artist)
A star marks the primary key, an arrow the parent; a column without a type holds text.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from .sandbox import Value
from .schema import Column, ForeignKey, Schema, Table

PLAIN_NAME = re.compile(r"[A-Za-z_]\w*")
MAX_VALUE_CHARACTERS = 40
KEYWORDS = set(
    """ADD ALL ALTER AND AS BETWEEN BY CASE CHECK COLLATE COLUMN COMMIT CONSTRAINT CREATE CROSS
    DEFAULT DELETE DESC DISTINCT DROP ELSE END ESCAPE EXCEPT EXISTS FOREIGN FROM GROUP HAVING IN
    INDEX INNER INSERT INTERSECT INTO IS JOIN LEFT LIKE LIMIT NATURAL NOT NULL ON OR ORDER OUTER
    PRIMARY REFERENCES RIGHT SELECT SET TABLE THEN TO TRANSACTION TRIGGER UNION UNIQUE UPDATE
    USING VALUES VIEW WHEN WHERE WITH""".split()
)


@dataclass(frozen=True)
class Style:
    """What a serialized schema shows."""

    foreign_keys: bool = True
    types: bool = True
    descriptions: bool = True
    samples: int = 0


def quoted(name: str) -> str:
    """Writes a name as SQL reads it."""
    if PLAIN_NAME.fullmatch(name) and name.upper() not in KEYWORDS:
        return name
    return '"' + name.replace('"', '""') + '"'


def literal(value: Value) -> str:
    """Writes a value as an SQL literal; long text is cut."""
    if value is None:
        return "NULL"
    if isinstance(value, bytes):
        return f"x'{value[:MAX_VALUE_CHARACTERS].hex()}'"
    if isinstance(value, str):
        text = " ".join(value.split())[:MAX_VALUE_CHARACTERS]
        return "'" + text.replace("'", "''") + "'"
    return repr(value)


def names(columns: tuple[str, ...]) -> str:
    return ", ".join(quoted(column) for column in columns)


def samples(column: Column, count: int) -> list[str]:
    """Returns the first values as literals, without NULL."""
    return [literal(value) for value in column.values[:count] if value is not None]


def one_line(text: str) -> str:
    return " ".join(text.split())


def words(column: Column) -> str:
    """Returns the description, else the readable name where it adds something."""
    plain = column.name.lower().replace("_", " ")
    readable = column.readable if column.readable.lower() != plain else ""
    return one_line(column.description or readable)


def arrow(key: ForeignKey) -> str:
    """Writes a key in full: child(a, b) -> parent(c, d), or child.a -> parent.c."""
    if len(key.columns) == 1:
        child = f"{quoted(key.table)}.{quoted(key.columns[0])}"
        return f"{child} -> {quoted(key.parent)}.{quoted(key.parent_columns[0])}"
    return f"{quoted(key.table)}({names(key.columns)}) -> {quoted(key.parent)}({names(key.parent_columns)})"


def short_type(declared: str) -> str:
    """Shortens a type by SQLite's own rules of affinity; text needs no word."""
    kind = declared.partition("(")[0].strip().upper()
    if "INT" in kind:
        return "int"
    return "" if any(word in kind for word in ("CHAR", "TEXT", "CLOB")) else kind.lower()


def ddl(schema: Schema, style: Style) -> str:
    """CREATE TABLE statements that SQLite runs."""
    return "\n".join(_create(schema, table, style, "") for table in schema.tables)


def ddl_comments(schema: Schema, style: Style) -> str:
    """CREATE TABLE statements with a comment on what a column means and holds."""
    return "\n".join(_create(schema, table, style, "--") for table in schema.tables)


def _create(schema: Schema, table: Table, style: Style, mark: str) -> str:
    lines = [(_column_ddl(column, style), _comment(column, style)) for column in table.columns]
    if table.primary_key:
        lines.append((f"PRIMARY KEY ({names(table.primary_key)})", ""))
    if style.foreign_keys:
        lines += [(_key_ddl(key), "") for key in schema.foreign_keys if key.table == table.name]
    head = f"CREATE TABLE {quoted(table.name)} ("
    if mark and style.descriptions and (table.description or table.readable):
        head += f" -- {one_line(table.description or table.readable)}"
    body = [
        f"  {text}{',' if index < len(lines) - 1 else ''}" + (f" -- {note}" if mark and note else "")
        for index, (text, note) in enumerate(lines)
    ]
    return "\n".join([head, *body, ");"])


def _column_ddl(column: Column, style: Style) -> str:
    parts = [quoted(column.name)]
    parts += [column.type] if style.types and column.type else []
    parts += ["NOT NULL"] if not column.nullable else []
    parts += ["UNIQUE"] if column.unique else []
    return " ".join(parts)


def _key_ddl(key: ForeignKey) -> str:
    parent = f"{quoted(key.parent)} ({names(key.parent_columns)})"
    return f"FOREIGN KEY ({names(key.columns)}) REFERENCES {parent}"


def _comment(column: Column, style: Style) -> str:
    examples = samples(column, style.samples)
    parts = [words(column)] if style.descriptions and words(column) else []
    parts += [f"e.g. {', '.join(examples)}"] if examples else []
    return "; ".join(parts)


def mschema(schema: Schema, style: Style) -> str:
    """The M-Schema layout: one line per column, then a block of foreign keys."""
    lines = [f"[Schema] {schema.name}"]
    for table in schema.tables:
        note = one_line(table.description or table.readable) if style.descriptions else ""
        lines.append(f"# Table: {quoted(table.name)}" + (f", {note}" if note else ""))
        lines.append("[")
        lines += [f"({_mschema_column(table, column, style)})," for column in table.columns]
        lines.append("]")
    if style.foreign_keys and schema.foreign_keys:
        lines += ["[Foreign keys]", *(arrow(key) for key in schema.foreign_keys)]
    return "\n".join(lines)


def _mschema_column(table: Table, column: Column, style: Style) -> str:
    kind = column.type if style.types else ""
    parts = [quoted(column.name) + (f":{kind}" if kind else "")]
    parts += [words(column)] if style.descriptions and words(column) else []
    parts += ["Primary Key"] if column.name in table.primary_key else []
    examples = samples(column, style.samples)
    parts += [f"Examples: [{', '.join(examples)}]"] if examples else []
    return ", ".join(parts)


def compact(schema: Schema, style: Style) -> str:
    """One line per table; keys of several columns follow as lines of their own."""
    lines = [_compact_table(schema, table, style) for table in schema.tables]
    if style.foreign_keys:
        lines += [arrow(key) for key in schema.foreign_keys if not _fits_inline(schema, key)]
    return "\n".join(lines)


def _fits_inline(schema: Schema, key: ForeignKey) -> bool:
    first = next(k for k in schema.foreign_keys if k.table == key.table and k.columns == key.columns)
    return len(key.columns) == 1 and first is key


def _compact_table(schema: Schema, table: Table, style: Style) -> str:
    arrows = {
        key.columns[0]: _compact_arrow(schema, key)
        for key in schema.foreign_keys
        if style.foreign_keys and key.table == table.name and _fits_inline(schema, key)
    }
    columns = [_compact_column(table, column, style, arrows.get(column.name, "")) for column in table.columns]
    return f"{quoted(table.name)}({', '.join(columns)})"


def _compact_arrow(schema: Schema, key: ForeignKey) -> str:
    parent = schema.table(key.parent)
    is_usual = key.parent_columns == parent.primary_key
    return f">{quoted(parent.name)}" + ("" if is_usual else f".{quoted(key.parent_columns[0])}")


def _compact_column(table: Table, column: Column, style: Style, arrow_text: str) -> str:
    text = quoted(column.name) + ("*" if column.name in table.primary_key else "")
    kind = short_type(column.type) if style.types else ""
    text += (f" {kind}" if kind else "") + arrow_text
    note = words(column) if style.descriptions else ""
    examples = samples(column, style.samples)
    note = "; ".join(part for part in (note, ", ".join(examples)) if part)
    return f"{text} [{note}]" if note else text


SERIALIZERS: dict[str, Callable[[Schema, Style], str]] = {
    "ddl": ddl,
    "ddl+comments": ddl_comments,
    "mschema": mschema,
    "compact": compact,
}


def serialize(schema: Schema, serializer: str, style: Style) -> str:
    """Writes the schema in the serializer of this name."""
    if serializer not in SERIALIZERS:
        raise ValueError(f"serializer {serializer!r} is unknown; known: {', '.join(SERIALIZERS)}")
    return SERIALIZERS[serializer](schema, style)


def create_script(schema: Schema) -> str:
    """The DDL that builds an empty database of this schema."""
    return ddl(schema, Style())
