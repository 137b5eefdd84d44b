"""Schemas and their loaders, with files as broken as real ones."""

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from usecases.english_to_sql.folder import split_names
from usecases.english_to_sql.load_ddl import from_ddl
from usecases.english_to_sql.load_folder import load_folder
from usecases.english_to_sql.load_schema import (
    database_from_script,
    from_connection,
    from_jsonl,
    from_spider,
    from_sqlite,
    snapshot,
    with_values,
)
from usecases.english_to_sql.sandbox import connect
from usecases.english_to_sql.schema import (
    Column,
    ForeignKey,
    Schema,
    SchemaError,
    Table,
    drop_components,
    keep_tables,
    remove_column,
    shuffle,
    with_distractors,
)
from usecases.english_to_sql.serialize import create_script

DDL = """
-- INSERT INTO nothing; in a comment
CREATE TABLE IF NOT EXISTS "room" (id INT PRIMARY KEY, -- number on the door
  floor, size NUMERIC(5, 1) NOT NULL, code VARCHAR(9), UNIQUE (code));
INSERT INTO room VALUES (1, ';', 2, 'x');
CREATE TABLE booking (room_id INTEGER REFERENCES room, day DATE, guest TEXT REFERENCES nobody(x),
  CONSTRAINT pk PRIMARY KEY (Room_ID, day), CHECK (room_id > 0));
CREATE TABLE extra (room INT, day DATE, FOREIGN KEY (room, day) REFERENCES BOOKING (room_id, day));
ALTER TABLE extra ADD CONSTRAINT r FOREIGN KEY (room) REFERENCES room(id);
CREATE INDEX i ON room (code);
"""


def test_ddl_is_read() -> None:
    schema = from_ddl(DDL, "hotel")
    assert list(schema.names()) == ["room", "booking", "extra"]
    assert schema.table("BOOKING").primary_key == ("room_id", "day")
    assert schema.table("room").column("ID").description == "number on the door"
    assert schema.table("room").column("code").unique
    assert not schema.table("room").column("size").nullable
    assert schema.foreign_keys == (
        ForeignKey("booking", ("room_id",), "room", ("id",)),
        ForeignKey("extra", ("room", "day"), "booking", ("room_id", "day")),
        ForeignKey("extra", ("room",), "room", ("id",)),
    )
    assert schema.neighbours("room") == {"booking", "extra"}


def test_sqlite_file_and_its_ddl_give_the_same_schema(tmp_path: Path, workshop: Schema) -> None:
    path = tmp_path / "workshop.sqlite"
    connection = sqlite3.connect(path)
    connection.executescript(create_script(workshop))
    connection.close()
    read = from_sqlite(path)
    assert read.names() == workshop.names()
    assert set(read.foreign_keys) == set(workshop.foreign_keys)
    assert [t.primary_key for t in read.tables] == [t.primary_key for t in workshop.tables]
    assert [c.nullable for t in read.tables for c in t.columns] == [
        c.nullable for t in workshop.tables for c in t.columns
    ]


def test_sqlite_reads_composite_and_implied_keys() -> None:
    schema = from_connection(connect(database_from_script(DDL.partition("ALTER")[0], "hotel")), "hotel")
    assert set(schema.foreign_keys) == {
        ForeignKey("booking", ("room_id",), "room", ("id",)),
        ForeignKey("extra", ("room", "day"), "booking", ("room_id", "day")),
    }
    assert schema.table("room").column("code").unique


SPIDER = {
    "db_id": "shop",
    "table_names_original": ["Item", "Sale"],
    "table_names": ["item", "sale of an item"],
    "column_names_original": [[-1, "*"], [0, "Id"], [0, "Name"], [1, "Item_Id"], [1, "Day"]],
    "column_names": [[-1, "*"], [0, "id"], [0, "item name"], [1, "item id"], [1, "day"]],
    "column_types": ["text", "number", "text", "number", "time"],
    "primary_keys": [1, [3, 4]],
    "foreign_keys": [[3, 1]],
}


def test_spider_tables_are_read(tmp_path: Path) -> None:
    path = tmp_path / "tables.json"
    path.write_text(json.dumps([SPIDER]))
    schema = from_spider(path)["shop"]
    assert schema.names() == {"Item": ["Id", "Name"], "Sale": ["Item_Id", "Day"]}
    assert schema.table("Sale").primary_key == ("Item_Id", "Day")
    assert schema.foreign_keys == (ForeignKey("Sale", ("Item_Id",), "Item", ("Id",)),)
    assert schema.table("Item").column("name").readable == "item name"
    path.write_text(json.dumps([SPIDER, {"db_id": "x"}]))
    with pytest.raises(SchemaError, match="tables.json, entry 1: KeyError"):
        from_spider(path)
    path.write_text("[")
    with pytest.raises(SchemaError, match="tables.json: not JSON"):
        from_spider(path)


def test_json_lines_are_read_with_readable_names(tmp_path: Path) -> None:
    path = tmp_path / "schemas.jsonl"
    readable = {"room": {"name": "a room", "columns": {"size": "square metres"}}}
    record = {"schema_id": "hotel", "ddl": DDL, "readable": readable}
    path.write_text(json.dumps(record) + "\n\n{}\n")
    with pytest.raises(SchemaError, match="schemas.jsonl, line 3: KeyError"):
        from_jsonl(path)
    path.write_text(json.dumps(record))
    room = from_jsonl(path)["hotel"].table("room")
    assert (room.readable, room.column("size").readable) == ("a room", "square metres")


BAD_SCHEMAS = [
    (lambda: Schema("s", ()), "schema s has no tables"),
    (lambda: from_ddl("CREATE VIEW v AS SELECT 1", "s"), "schema s has no tables"),
    (lambda: from_ddl("CREATE TABLE t (", "s"), "schema s: 'CREATE TABLE t \\(' is not DDL"),
    (lambda: Schema("s", (Table("t", ()),)), "table t has no columns"),
    (lambda: Schema("s", (Table("t", (Column("a"), Column("A"))),)), "names a more than once"),
    (lambda: Schema("s", (Table("t", (Column("a"),), ("b",)),)), "table t has no column b"),
    (
        lambda: Schema("s", (Table("t", (Column("a"),)),), (ForeignKey("t", ("a",), "u", ("b",)),)),
        "schema s has no table u",
    ),
    (
        lambda: Schema("s", (Table("t", (Column("a"),)),), (ForeignKey("t", ("a",), "t", ()),)),
        "as many columns on each side",
    ),
]


@pytest.mark.parametrize(("make", "message"), BAD_SCHEMAS)
def test_bad_schemas_are_named(make: Callable[[], Schema], message: str) -> None:
    with pytest.raises(SchemaError, match=message):
        make()


def test_corrupt_missing_empty_and_locked_files(tmp_path: Path) -> None:
    corrupt = tmp_path / "corrupt.sqlite"
    corrupt.write_bytes(b"SQLite format 3\0" + b"\xff" * 5000)
    empty = tmp_path / "empty.sqlite"
    empty.write_bytes(b"")
    locked = tmp_path / "locked.sqlite"
    holder = sqlite3.connect(locked, isolation_level=None)
    holder.executescript("CREATE TABLE t (a); BEGIN EXCLUSIVE")
    for read in (from_sqlite, snapshot):
        with pytest.raises(SchemaError, match="corrupt.sqlite: SQLite cannot read"):
            read(corrupt)
        with pytest.raises(SchemaError, match="locked.sqlite.*locked; close the program"):
            read(locked)
        with pytest.raises(SchemaError, match="missing.sqlite: there is no such file"):
            read(tmp_path / "missing.sqlite")
    with pytest.raises(SchemaError, match="empty.sqlite: schema empty has no tables"):
        from_sqlite(empty)
    holder.close()
    assert from_connection(connect(snapshot(locked)), "s").names() == {"t": ["a"]}


def test_scripts_reach_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SchemaError, match="evil: the script does not run"):
        database_from_script("ATTACH 'stolen.db' AS s; CREATE TABLE s.t (a)", "evil")
    assert not list(tmp_path.iterdir())


GOOD = {
    "schema_id": "hotel",
    "question": "How large?",
    "sql": 'SELECT size FROM room WHERE code = "x"',
}
BAD_ROWS = [
    ("{broken", "row 2: Expecting property name"),
    ("[1]", "row 2: not a JSON object"),
    (json.dumps({**GOOD, "sql": None}), "row 2: text is missing for sql"),
    (json.dumps({**GOOD, "schema_id": "inn"}), "row 2: schema 'inn' is unknown; known: hotel"),
    (
        json.dumps({**GOOD, "sql": "SELECT sise FROM room"}),
        "row 2: SQL does not run on schema hotel: there is no column sise; nearest: room.size",
    ),
    (
        json.dumps({**GOOD, "sql_alternatives": ["SELECT (size FROM room"]}),
        "row 2: SQL does not run on schema hotel: does not parse at line 1",
    ),
    (json.dumps({**GOOD, "sql": "DROP TABLE room"}), "does not run on schema hotel: only queries"),
]


@pytest.mark.parametrize(("row", "message"), BAD_ROWS)
def test_broken_rows_are_named_and_the_rest_is_kept(tmp_path: Path, row: str, message: str) -> None:
    (tmp_path / "schemas").mkdir()
    (tmp_path / "schemas" / "hotel.sql").write_text(DDL)
    (tmp_path / "questions.jsonl").write_text(f"{json.dumps(GOOD)}\n{row}\n{json.dumps(GOOD)}\n")
    folder = load_folder(tmp_path)
    assert [question.row for question in folder.questions] == [1, 3]
    assert folder.questions[0].golds == ("SELECT size FROM room WHERE code = 'x'",)
    assert len(folder.problems) == 1 and message in folder.problems[0], folder.problems
    assert "questions.jsonl" in folder.problems[0]


def test_a_line_ends_at_its_end_alone(tmp_path: Path) -> None:
    """People's texts hold characters that also part lines, such as U+2028, which JSON leaves as they are."""
    asked = {**GOOD, "question": "How\u2028large\x85is it?"}
    schema = {"schema_id": "hotel", "ddl": DDL, "readable": {"room": {"name": "room\u2028of a guest"}}}
    for name, row in (("questions.jsonl", asked), ("schemas.jsonl", schema)):
        (tmp_path / name).write_text(json.dumps(row, ensure_ascii=False) + "\r\n", encoding="utf-8")
    folder = load_folder(tmp_path)
    assert not folder.problems and [one.question for one in folder.questions] == [asked["question"]]
    assert split_names(tmp_path / "questions.jsonl", []) == {}


def test_unanswerable_questions_and_other_schema_files(tmp_path: Path) -> None:
    (tmp_path / "schemas").mkdir()
    (tmp_path / "schemas" / "hotel.sql").write_text(DDL)
    (tmp_path / "schemas" / "broken.sqlite").write_bytes(b"not a database at all" * 100)
    (tmp_path / "tables.json").write_text(json.dumps([SPIDER]))
    (tmp_path / "questions.jsonl").write_text(json.dumps({**GOOD, "sql": ""}))
    folder = load_folder(tmp_path)
    assert set(folder.schemas) == {"hotel", "shop"} and folder.questions[0].golds == ()
    assert len(folder.problems) == 1 and "broken.sqlite" in folder.problems[0]


def test_folders_without_content_say_so(tmp_path: Path) -> None:
    with pytest.raises(SchemaError, match="there is no such folder"):
        load_folder(tmp_path / "nowhere")
    with pytest.raises(SchemaError, match="no schema could be read: no .*sql"):
        load_folder(tmp_path)
    (tmp_path / "hotel.sql").write_text(DDL)
    with pytest.raises(SchemaError, match="questions.jsonl: there is no such file"):
        load_folder(tmp_path)


def test_values_come_from_the_visible_database() -> None:
    data = database_from_script(
        "CREATE TABLE t (a TEXT, b INTEGER); INSERT INTO t VALUES ('x', 1), ('y', 2), ('y', NULL), ('', 2)",
        "s",
    )
    schema = with_values(from_ddl("CREATE TABLE t (a TEXT, b INTEGER)", "s"), data)
    assert [column.values for column in schema.table("t").columns] == [("y", "x"), (2, 1)]
    with pytest.raises(SchemaError, match="schema s is not that of its database"):
        with_values(from_ddl("CREATE TABLE t (c TEXT)", "s"), data)


def test_shuffling_is_seeded_and_loses_nothing(workshop: Schema) -> None:
    shuffled = shuffle(workshop, 3)
    assert shuffled == shuffle(workshop, 3) != workshop
    assert {t: sorted(c) for t, c in shuffled.names().items()} == {
        t: sorted(c) for t, c in workshop.names().items()
    }
    assert set(shuffled.foreign_keys) == set(workshop.foreign_keys)
    for table in shuffled.tables:
        first = [column.name for column in table.columns[: len(table.primary_key)]]
        assert sorted(first) == sorted(table.primary_key)


def test_components_drop_at_their_rates(workshop: Schema) -> None:
    versions = [drop_components(workshop, seed) for seed in range(400)]
    without_types = sum(not version.tables[0].columns[0].type for version in versions)
    assert 0.14 < without_types / len(versions) < 0.26
    assert all(version.names() == workshop.names() for version in versions)
    assert drop_components(workshop, 1, types=0.0) == workshop


def test_distractors_fill_what_fits(workshop: Schema) -> None:
    kept = with_distractors(workshop, ["piece"], 0, lambda schema: len(schema.tables) <= 3)
    assert {"piece", "maker"} <= set(kept.names()) and len(kept.tables) == 3
    assert set(with_distractors(workshop, ["piece"], 0, lambda _: False).names()) == {"piece"}
    assert len(with_distractors(workshop, ["tool"], 0, lambda _: True).tables) == 5


def test_removing_a_column_removes_its_keys(workshop: Schema) -> None:
    smaller = remove_column(workshop, "MAKER", "mentor_id")
    assert "mentor_id" not in smaller.names()["maker"]
    assert len(smaller.foreign_keys) == len(workshop.foreign_keys) - 1
    assert len(keep_tables(workshop, ["maker", "piece"]).foreign_keys) == 2
    with pytest.raises(SchemaError, match="no column nothing"):
        remove_column(workshop, "maker", "nothing")
