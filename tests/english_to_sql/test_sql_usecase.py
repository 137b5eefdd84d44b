"""The use case: gold is right, blank and wrong are not, user folders load or say what is wrong."""

import json
import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from common import usecase
from common.errors import FaultsError, GalleryError
from common.usecase import Example, Splits
from usecases.english_to_sql.ablation import ablate, as_text, grid
from usecases.english_to_sql.ask import answer_question
from usecases.english_to_sql.floor import NearestQuestion, spelt
from usecases.english_to_sql.judge import ABSTAIN_MARKER
from usecases.english_to_sql.load_ddl import from_ddl
from usecases.english_to_sql.populate import populate
from usecases.english_to_sql.prompting import PLAIN
from usecases.english_to_sql.schema import Schema
from usecases.english_to_sql.usecase import EnglishToSql

DDL = """CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT NOT NULL, price REAL);
CREATE TABLE buy (id INTEGER PRIMARY KEY, item_id INTEGER NOT NULL REFERENCES item(id), pieces INTEGER);"""
ROWS = [
    {"schema_id": "shop", "question": "How many items cost more than 5?",
     "sql": "SELECT COUNT(*) FROM item WHERE price > 5", "split": "train"},
    {"schema_id": "shop2", "question": "List all item names.", "sql": "SELECT name FROM item",
     "sql_alternatives": ["SELECT name FROM item ORDER BY name"], "split": "test"},
    {"schema_id": "shop2", "question": "Who is the owner?", "sql": "", "split": "test"},
    {"schema_id": "shop3", "question": "Names of items?", "sql": "SELECT name FROM item", "split": "val"},
]  # fmt: skip


@pytest.fixture(scope="module")
def case() -> EnglishToSql:
    return usecase.find("english_to_sql")


@pytest.fixture(scope="module")
def splits(case: EnglishToSql) -> Splits:
    return case.load(None)


def spread(examples: tuple[Example, ...], count: int) -> list[Example]:
    return list(examples)[:: max(1, len(examples) // count)]


def user_folder(folder: Path, rows: list[dict[str, object]]) -> Path:
    (folder / "schemas").mkdir()
    for name in ("shop", "shop2", "shop3"):
        (folder / "schemas" / f"{name}.sql").write_text(DDL)
    (folder / "questions.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    return folder


def test_gold_scores_one_and_blank_and_wrong_do_not(case: EnglishToSql, splits: Splits) -> None:
    for example in (*spread(splits.test, 150), *splits.probes["hand_written"]):
        assert case.score(example, case.gold(example))["ex_suite"] == 1.0, example
        assert case.score(example, case.blank())["ex_suite"] == 0.0
        assert case.score(example, "SELECT 1")["ex_suite"] == 0.0


def test_scores_say_what_is_wrong(case: EnglishToSql, splits: Splits) -> None:
    example = next(e for e in splits.test if e.answer != ABSTAIN_MARKER)
    refused = case.score(example, ABSTAIN_MARKER)
    assert refused["answered"] == 0.0 and refused["executable"] == 0.0
    unknown = case.score(example, "SELECT nothing FROM nowhere")
    assert unknown["schema_valid"] == 0.0 and unknown["exact_ast"] == 0.0
    missing = next(e for e in splits.test if e.answer == ABSTAIN_MARKER)
    assert case.score(missing, ABSTAIN_MARKER) == {"ex_suite": 1.0, "ex_single": 1.0, "abstained_right": 1.0}
    assert case.score(missing, "SELECT 1")["abstained_right"] == 0.0


def test_the_floor_is_below_gold_and_above_blank(case: EnglishToSql, splits: Splits) -> None:
    small = Splits(splits.train[::4], (), tuple(spread(splits.test, 100)))
    answers = case.floor(small)(small.test)
    right = [case.score(e, a)["ex_suite"] for e, a in zip(small.test, answers, strict=True)]
    assert 0.0 < sum(right) / len(right) < 0.6


def test_the_floor_carries_queries_whose_names_are_in_other_capitals() -> None:
    schema = from_ddl("CREATE TABLE Boat (Boat_ID INTEGER PRIMARY KEY, Title TEXT, Length REAL);", "boats")
    assert spelt("SELECT title FROM BOAT WHERE length > 3 AND title <> 'BOAT'", schema) == (
        "SELECT Title FROM Boat WHERE Length > 3 AND Title <> 'BOAT'"
    )
    asked = {"schema_id": "boats", "question": "The title of boats with a length above 3"}
    known = Example("1", "boats", asked, "SELECT TITLE FROM boat WHERE LENGTH > 3")
    nearest = NearestQuestion([known], lambda name: schema)
    wanted = replace(known, id="2", inputs={**asked, "question": "The title of boats with a length above 7"})
    assert nearest.answer([wanted], lambda example: schema) == ["SELECT Title FROM Boat WHERE Length > 7"]


def test_the_floor_is_the_same_every_time(case: EnglishToSql, splits: Splits) -> None:
    small = Splits(splits.train[:500], (), splits.test[:20])
    assert case.floor(small)(small.test) == case.floor(small)(small.test)


def test_prompts_show_the_schema_and_hide_the_answer(case: EnglishToSql, splits: Splits) -> None:
    for example in spread(splits.test, 100):
        (message,) = case.model_input(example)
        assert message["role"] == "user" and message["content"].endswith("\nSQL:")
        assert example.inputs["question"] in message["content"]
        assert example.answer == ABSTAIN_MARKER or example.answer not in message["content"]
        removed = example.inputs.get("removed", "").rpartition(".")[2]
        schema = message["content"].partition("\nQ: ")[0]
        assert not removed or f"{removed} [" not in schema or schema.count(removed) < 2


def test_shuffled_orders_change_the_prompt_only(case: EnglishToSql, splits: Splits) -> None:
    by_id = {example.id: example for example in splits.test}
    for example in splits.probes["order_2"][:20]:
        plain = by_id[example.id.removesuffix("-o2")]
        one, two = (case.model_input(e)[0]["content"] for e in (plain, example))
        assert one != two and len(one) == len(two)
        assert example.answer == plain.answer


def test_training_rows_hold_every_table_of_their_query(case: EnglishToSql, splits: Splits) -> None:
    for example in spread(splits.train, 200):
        (row,) = case.train_rows(example, splits)
        prompt = row["prompt"][0]["content"]
        assert row["completion"] == [{"role": "assistant", "content": example.answer}]
        assert row == case.train_rows(example, splits)[0]
        if example.answer != ABSTAIN_MARKER:
            assert all(f"{table}(" in prompt for table in example.extra["tables"])


def test_the_report_has_every_table(case: EnglishToSql, splits: Splits) -> None:
    small = Splits((), (), splits.test[50:110], probes={k: v[:20] for k, v in splits.probes.items()})
    tuned = {"test": [e.answer for e in small.test]}
    tuned |= {name: [e.answer for e in part] for name, part in small.probes.items()}
    models = {"tuned": tuned, "zero_shot": {"test": ["SELECT 1"] * 60}}
    tables = {table.title: table for table in case.tables(small, models)}
    assert len(tables) == 11
    assert tables["Paired test on EX-suite"].rows[0][1:3] == (60, 0)
    assert tables["Tuned, 5 shuffled schema orders"].rows[0][1:] == ("1.000", "1.000", "1.000")
    assert all(len(row) == len(table.columns) for table in tables.values() for row in table.rows)
    assert case.tables(small, {"tuned": {"test": tuned["test"]}})


def test_the_report_of_a_paid_model_names_every_model_once(case: EnglishToSql, splits: Splits) -> None:
    small = Splits((), (), splits.test[50:60])
    names = ("floor", "untuned", "zero_shot", "few_shot", "chosen_only", "tuned")
    (first, *_) = case.tables(small, {name: {"test": ["SELECT 1"] * 10} for name in names})
    shown = [row[0] for row in first.rows]
    assert len(set(shown)) == len(names) and "zero_shot" not in shown


def test_the_answer_that_most_samples_agree_on_is_chosen(case: EnglishToSql, splits: Splits) -> None:
    example = next(e for e in splits.test if e.answer.startswith("SELECT COUNT"))
    right = [example.answer, example.answer.replace("COUNT(*)", "COUNT(*) AS n")]
    assert case.choose(example, ["SELECT broken", "SELECT -1", *right]) == example.answer
    assert case.choose(example, ["SELECT broken"]) == "SELECT broken"


def test_a_user_folder_loads(tmp_path: Path) -> None:
    case = EnglishToSql()
    splits = case.load(user_folder(tmp_path, ROWS))
    assert [len(part) for part in splits.named().values()] == [1, 1, 2]
    for example in splits.test:
        assert case.score(example, case.gold(example))["ex_suite"] == 1.0
    assert "item(id* int, name, price real)" in case.model_input(splits.test[0])[0]["content"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"sql": "SELECT nme FROM item"}, r"row 2: SQL does not run on schema shop2: .*nearest: item.name"),
        ({"schema_id": "elsewhere"}, r"row 2: schema 'elsewhere' is unknown"),
        ({"question": None}, r"row 2: text is missing for question"),
        ({"split": "exam"}, r"row 2: split 'exam' is none of"),
        ({"split": None}, r"3 of 4 rows have a split"),
    ],
)
def test_faults_of_a_user_folder_are_named(tmp_path: Path, change: dict[str, object], said: str) -> None:
    rows = [ROWS[0], {**ROWS[1], **change}, *ROWS[2:]]
    with pytest.raises(FaultsError, match=said):
        EnglishToSql().load(user_folder(tmp_path, rows))


def test_broken_json_and_missing_folders_are_named(tmp_path: Path) -> None:
    folder = user_folder(tmp_path, ROWS)
    (folder / "questions.jsonl").write_text('{"schema_id": ')
    with pytest.raises(FaultsError, match="row 1"):
        EnglishToSql().load(folder)
    with pytest.raises(GalleryError, match="no such folder"):
        EnglishToSql().load(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(GalleryError, match="no schema could be read"):
        EnglishToSql().load(tmp_path / "empty")


def test_many_values_of_one_column_crowd_no_question_out(tmp_path: Path) -> None:
    rows = [
        {
            "schema_id": "shop",
            "split": "test",
            "question": f"Price of number {n}?",
            "sql": f"SELECT price FROM item WHERE name = 'Number {n}'",
        }
        for n in range(120)
    ]
    case = EnglishToSql()
    splits = case.load(user_folder(tmp_path, [*rows, {**ROWS[0], "split": "train"}]))
    assert len(splits.test) == 120 and not splits.dropped
    assert len({case.databases_of(example) for example in splits.test}) > 1
    for example, other in zip(splits.test[:20], splits.test[1:21], strict=True):
        assert case.score(example, example.answer)["ex_suite"] == 1.0
        assert case.score(example, other.answer)["ex_suite"] == 0.0


def test_a_query_that_depends_on_the_order_of_rows_has_no_second_try(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled: list[str] = []

    def counted(schema: Schema, *given: object, **more: object) -> list[bytes]:
        filled.append(schema.name)
        return populate(schema, *given, **more)

    monkeypatch.setattr("usecases.english_to_sql.folder.populate", counted)
    bad = {
        **ROWS[1],
        "sql": "SELECT group_concat(name) FROM item",
        "sql_alternatives": [],
        "question": "Some names?",
    }
    splits = EnglishToSql().load(user_folder(tmp_path, [*ROWS, bad]))
    assert [text for text in splits.dropped if "depends on the stored row order" in text]
    assert sorted(filled) == ["shop", "shop2", "shop3"]


def test_the_layout_of_spider_loads(tmp_path: Path) -> None:
    schemas = [{"schema_id": f"s{n}", "ddl": DDL} for n in range(12)]
    (tmp_path / "schemas.jsonl").write_text("\n".join(map(json.dumps, schemas)))
    rows = [
        {"schema_id": f"s{n}", "question": f"Names {n}?", "sql": "SELECT name FROM item"} for n in range(12)
    ]
    (tmp_path / "train.jsonl").write_text("\n".join(map(json.dumps, rows[:11])))
    (tmp_path / "dev.jsonl").write_text(json.dumps(rows[11]))
    splits = EnglishToSql().load(tmp_path)
    assert [len(part) for part in splits.named().values()] == [9, 2, 1]


def spider_tables(names: list[str], kinds: tuple[str, str] = ("number", "text")) -> str:
    """Schemas of one table with two columns, as Spider and BIRD write them."""
    columns = [[-1, "*"], [0, "id"], [0, "name"]]
    about = {"table_names_original": ["item"], "table_names": ["item"], "column_types": ["text", *kinds]}
    about |= {"column_names_original": columns, "column_names": columns, "foreign_keys": []}
    return json.dumps([{"db_id": name, "primary_keys": [1], **about} for name in names])


def spider_row(name: str, **more: Any) -> dict[str, Any]:
    return {
        "db_id": name,
        "question": f"Names in {name}?",
        "query": "SELECT name FROM item",
        "sql": {},
        **more,
    }


def test_the_files_of_the_spider_release_load_as_they_are(tmp_path: Path) -> None:
    names = [f"s{n}" for n in range(13)]
    (tmp_path / "tables.json").write_text(spider_tables(names))
    (tmp_path / "train_spider.json").write_text(json.dumps([spider_row(name) for name in names[:8]]))
    (tmp_path / "train_others.json").write_text(json.dumps([spider_row(name) for name in names[8:11]]))
    (tmp_path / "dev.json").write_text(json.dumps([spider_row(name) for name in names[11:]]))
    splits = EnglishToSql().load(tmp_path)
    assert [len(part) for part in splits.named().values()] == [9, 2, 2]
    assert {e.group for e in splits.test} == {"s11", "s12"}
    assert splits.test[0].answer == "SELECT name FROM item"
    assert any("train_others" in e.id for e in splits.train)


def test_the_dev_files_of_bird_load_alone_with_what_they_say_beside_a_question(tmp_path: Path) -> None:
    names = [f"s{n}" for n in range(20)]
    (tmp_path / "dev_tables.json").write_text(spider_tables(names, ("integer", "text")))
    rows = [
        {"db_id": n, "question": "Who?", "SQL": "SELECT name FROM item", "evidence": "who: name"}
        for n in names
    ]
    (tmp_path / "dev.json").write_text(json.dumps([*rows[1:], {**rows[0], "evidence": ""}]))
    case = EnglishToSql()
    splits = case.load(tmp_path)
    groups = [{e.group for e in part} for part in splits.named().values()]
    assert all(groups) and sum(map(len, groups)) == 20
    asked = {e.group: e.inputs["question"] for part in splits.named().values() for e in part}
    assert asked["s0"] == "Who?" and asked["s1"] == "Who? (who: name)"
    assert case.user.schemas["s0"].tables[0].columns[0].type == "INTEGER"


@pytest.mark.parametrize(
    ("text", "message"),
    [("{", "dev.json: not JSON"), ("{}", "dev.json: expected a list of questions, found")],
)
def test_a_published_file_that_is_none_is_named(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "tables.json").write_text(spider_tables(["s0"]))
    (tmp_path / "dev.json").write_text(text)
    with pytest.raises(GalleryError, match=message):
        EnglishToSql().load(tmp_path)


def shop_file(path: Path) -> Path:
    with sqlite3.connect(path) as connection:
        connection.executescript(DDL + "INSERT INTO item VALUES (1, 'Lamp', 9.5), (2, 'Mug', NULL);")
    connection.close()
    return path


def test_a_question_about_a_file_is_answered(tmp_path: Path, case: EnglishToSql) -> None:
    path = shop_file(tmp_path / "shop.sqlite")
    before = path.read_bytes()
    report = case.ask("What does the Lamp cost?", path, lambda _: ["SELECT name, price FROM item"])
    assert "Lamp  9.5" in report and "Mug   NULL" in report
    assert "item(id* int, name, price real)" in report and "buy(" not in report
    assert "match: item.name = 'Lamp'" in report
    refused = answer_question(path, "Drop it", lambda _: "DROP TABLE item", PLAIN)
    assert "did not run: unsafe" in refused
    assert "cannot answer" in answer_question(path, "Who?", lambda _: ABSTAIN_MARKER, PLAIN)
    assert path.read_bytes() == before


def test_bad_databases_are_named(tmp_path: Path, case: EnglishToSql) -> None:
    broken = tmp_path / "broken.sqlite"
    broken.write_bytes(b"not a database" * 100)
    with pytest.raises(GalleryError, match="cannot read this file"):
        answer_question(broken, "What?", lambda _: "", PLAIN)
    with pytest.raises(GalleryError, match="there is no such file"):
        answer_question(tmp_path / "none.sqlite", "What?", lambda _: "", PLAIN)
    with pytest.raises(GalleryError, match="question is empty"):
        answer_question(shop_file(tmp_path / "shop.sqlite"), " ", lambda _: "", PLAIN)
    with pytest.raises(GalleryError, match="No database was named"):
        case.ask("What?", None, lambda _: "")


def test_the_ablation_scores_every_cell(case: EnglishToSql, splits: Splits) -> None:
    table = ablate(case, splits, lambda prompts: ["SELECT 1"] * len(prompts), count=3)
    assert len(table.rows) == len(list(grid())) == 84
    assert {row[4] for row in table.rows} == {"0.000"}
    assert len({row[7] for row in table.rows}) == 42
    assert "serializer" in as_text(table)
