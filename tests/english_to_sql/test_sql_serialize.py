"""Serializers: what is written can be read back, with the same tables, columns and keys."""

import re

import pytest

from usecases.english_to_sql.load_ddl import from_ddl
from usecases.english_to_sql.schema import Column, ForeignKey, Schema, Table
from usecases.english_to_sql.serialize import SERIALIZERS, Style, serialize
from usecases.english_to_sql.sql_text import Token, split_commas, tokens

ODD = Schema(
    "odd names",
    (
        Table(
            "order",
            (
                Column("id", "INTEGER", nullable=False, description="the number, (unique)"),
                Column("Home Town", "VARCHAR(20)", readable="town", values=("St. John's, NB", "b")),
                Column('say "hi"', "", values=(1, 2.5, None)),
                Column("ünit", "DECIMAL(10, 2)", unique=True, description="a -- b; c"),
            ),
            ("id",),
            description="what was ordered",
        ),
        Table(
            "sbTx Line",
            (Column("ordId", "INT"), Column("no", "INT"), Column("select")),
            ("ordId", "no"),
        ),
        Table(
            "mark",
            tuple(Column(name, "INT") for name in ("ordId", "lineNo", "prev", "who")),
        ),
    ),
    (
        ForeignKey("sbTx Line", ("ordId",), "order", ("id",)),
        ForeignKey("mark", ("ordId", "lineNo"), "sbTx Line", ("ordId", "no")),
        ForeignKey("mark", ("prev",), "order", ("id",)),
        ForeignKey("mark", ("who",), "order", ("Home Town",)),
        ForeignKey("mark", ("who",), "sbTx Line", ("select",)),
    ),
    ("revenue means price times count",),
)
Shape = tuple[dict[str, list[str]], dict[str, list[str]], set[tuple[object, ...]]]


def shape(schema: Schema) -> Shape:
    keys = {(k.table, k.columns, k.parent, k.parent_columns) for k in schema.foreign_keys}
    return schema.names(), {t.name: list(t.primary_key) for t in schema.tables}, keys


def read_arrow(line: str) -> tuple[object, ...]:
    """Reads `a.x -> b.y` and `a(x, y) -> b(c, d)`."""
    sides = []
    for side in line.split(" -> "):
        names = [token.name for token in tokens(side) if token.name]
        sides += [names[0], tuple(names[1:])]
    return tuple(sides)


def read_ddl(text: str) -> Shape:
    return shape(from_ddl(text, "read"))


def read_compact(text: str) -> Shape:
    columns: dict[str, list[str]] = {}
    primary: dict[str, list[str]] = {}
    arrows: list[tuple[str, str, list[Token]]] = []
    keys: set[tuple[object, ...]] = set()
    for line in text.splitlines():
        if " -> " in line:
            keys.add(read_arrow(line))
            continue
        found = tokens(line)
        table = found[0].name
        inside = line[found[2].start : found[-1].start]
        # Notes in square brackets may hold commas; a value may not hold a closing bracket.
        for part in split_commas(inside, _without_notes(inside)):
            pieces = _without_notes(part)
            columns.setdefault(table, []).append(pieces[0].name)
            if len(pieces) > 1 and pieces[1].text == "*":
                primary.setdefault(table, []).append(pieces[0].name)
            arrow = next((i for i, piece in enumerate(pieces) if piece.text == ">"), None)
            if arrow is not None:
                arrows.append((table, pieces[0].name, pieces[arrow + 1 :]))
    for table, column, target in arrows:
        parent = tuple(primary[target[0].name]) if len(target) == 1 else (target[2].name,)
        keys.add((table, (column,), target[0].name, parent))
    return columns, {table: primary.get(table, []) for table in columns}, keys


def _without_notes(text: str) -> list[Token]:
    return [token for token in tokens(text) if not token.text.startswith("[")]


def read_mschema(text: str) -> Shape:
    columns: dict[str, list[str]] = {}
    primary: dict[str, list[str]] = {}
    keys: set[tuple[object, ...]] = set()
    for line in text.splitlines():
        if line.startswith("# Table: "):
            table = tokens(line[9:])[0].name
            columns[table], primary[table] = [], []
        elif line.startswith("("):
            name = tokens(line[1:])[0].name
            columns[table].append(name)
            primary[table] += [name] if re.search(r", Primary Key[,)]", line) else []
        elif " -> " in line:
            keys.add(read_arrow(line))
    return columns, primary, keys


READERS = {
    "ddl": read_ddl,
    "ddl+comments": read_ddl,
    "mschema": read_mschema,
    "compact": read_compact,
}


@pytest.mark.parametrize("serializer", SERIALIZERS)
@pytest.mark.parametrize("samples", [0, 3])
@pytest.mark.parametrize("types", [True, False])
def test_round_trip(serializer: str, samples: int, types: bool, workshop: Schema) -> None:
    for schema in (ODD, workshop):
        style = Style(types=types, descriptions=samples > 0, samples=samples)
        text = serialize(schema, serializer, style)
        assert READERS[serializer](text) == shape(schema), text


@pytest.mark.parametrize("serializer", SERIALIZERS)
def test_keys_can_be_left_out(serializer: str) -> None:
    text = serialize(ODD, serializer, Style(foreign_keys=False))
    assert READERS[serializer](text)[2] == set()


def test_ddl_keeps_types_and_rules() -> None:
    read = from_ddl(serialize(ODD, "ddl", Style()), "read")
    for table in ODD.tables:
        for column in table.columns:
            other = read.table(table.name).column(column.name)
            assert (other.nullable, other.unique) == (column.nullable, column.unique)
            assert bool(other.type) == bool(column.type)


def test_comments_hold_words_and_samples() -> None:
    text = serialize(ODD, "ddl+comments", Style(samples=1))
    assert """-- town; e.g. 'St. John''s, NB'""" in text and "-- what was ordered" in text
    assert from_ddl(text, "read").table("order").column("id").description == "the number, (unique)"
    assert "--" not in serialize(ODD, "ddl", Style(samples=1)).replace("a -- b", "")


def test_long_and_broken_samples_stay_on_one_line() -> None:
    column = Column("a", values=("x\ny " * 40, b"\x00" * 90))
    schema = Schema("s", (Table("t", (column,)),))
    for serializer in SERIALIZERS:
        lines = serialize(schema, serializer, Style(samples=2)).splitlines()
        assert len(lines) == len(serialize(schema, serializer, Style()).splitlines())
        assert all(len(line) < 170 for line in lines)


def test_compact_is_the_shortest(workshop: Schema) -> None:
    sizes = {name: len(serialize(workshop, name, Style())) for name in SERIALIZERS}
    assert min(sizes, key=lambda name: sizes[name]) == "compact"
    line = serialize(workshop, "compact", Style()).splitlines()[1]
    assert line == (
        "maker(maker_id* int, full_name, craft, hourly_rate real, "
        "workshop_id int>workshop, mentor_id int>maker)"
    )


def test_unknown_serializer_is_named(workshop: Schema) -> None:
    with pytest.raises(ValueError, match="'xml' is unknown; known: ddl"):
        serialize(workshop, "xml", Style())
