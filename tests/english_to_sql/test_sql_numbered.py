"""Short SQL: what goes in comes back, gold answers stay right, and models are read as they wrote."""

import re
import sqlite3
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from common import cores, usecase
from common.errors import GalleryError
from common.usecase import Example, Splits
from usecases.english_to_sql import prompting
from usecases.english_to_sql.judge import ABSTAIN_MARKER
from usecases.english_to_sql.load_ddl import from_ddl
from usecases.english_to_sql.numbered import NotShownError, decode, encode, numbered, places
from usecases.english_to_sql.prompt import PromptOptions, build_prompt, reading
from usecases.english_to_sql.prompting import (
    QUESTIONS_PER_ROW,
    SHORT,
    Prompter,
    conversations,
    shown,
    with_values,
)
from usecases.english_to_sql.schema import Schema
from usecases.english_to_sql.serialize import Style
from usecases.english_to_sql.usecase import EnglishToSql

SHOP = from_ddl(
    """CREATE TABLE shop (shop_id INTEGER PRIMARY KEY, shopTown TEXT,
  boss_id INTEGER REFERENCES shop(shop_id));
CREATE TABLE item (item_id INTEGER PRIMARY KEY, "group" TEXT, price REAL,
  shop_id INTEGER REFERENCES shop(shop_id));
CREATE TABLE sale (item_id INTEGER REFERENCES item(item_id), day DATE, pieces INTEGER,
  PRIMARY KEY (item_id, day));""",
    "shop",
)
PAIRS = {
    "SELECT shopTown FROM shop": "SELECT @2",
    "SELECT COUNT(*) FROM item WHERE price > 2.5": "SELECT COUNT(@4) WHERE @7 > 2.5",
    "SELECT * FROM sale": "SELECT * FROM @9",
    "SELECT T1.shopTown, COUNT(*) FROM shop AS T1 JOIN item AS T2 ON T2.shop_id = T1.shop_id "
    "GROUP BY T1.shop_id HAVING COUNT(*) > 2": "SELECT @2, COUNT(@4) GROUP BY @1 HAVING COUNT(@4) > 2",
    "SELECT T1.shopTown FROM shop AS T1 JOIN item AS T2 ON T2.shop_id = T1.shop_id JOIN sale AS T3 ON "
    "T3.item_id = T2.item_id WHERE T3.pieces < 3": "SELECT @2 WHERE @12 < 3",
    "SELECT DISTINCT T1.shopTown FROM shop AS T1 JOIN item AS T2 ON T2.shop_id = T1.shop_id": (
        "SELECT DISTINCT @2 FROM @4"
    ),
    "SELECT shopTown FROM shop WHERE shop_id NOT IN (SELECT shop_id FROM item WHERE price IS NOT NULL)": (
        "SELECT @2 WHERE @1 NOT IN (SELECT @8 WHERE @7 IS NOT NULL)"
    ),
    'SELECT "group" FROM item WHERE "group" = \'it\'\'s @3 (SELECT\' EXCEPT SELECT "group" FROM item': (
        "SELECT @6 WHERE @6 = 'it''s @3 (SELECT' EXCEPT SELECT @6"
    ),
    "SELECT T1.shopTown FROM shop AS T1 JOIN shop AS T2 ON T1.boss_id = T2.shop_id WHERE T2.shopTown = 'X'": (
        "SELECT T1.@2 FROM @0 AS T1 JOIN @0 AS T2 ON T1.@3 = T2.@1 WHERE T2.@2 = 'X'"
    ),
}


@pytest.fixture(scope="module")
def case() -> EnglishToSql:
    return usecase.find("english_to_sql").configured({"answers": "short"})


@pytest.fixture(scope="module")
def splits(case: EnglishToSql) -> Splits:
    return case.load(None)


@pytest.mark.parametrize("query", PAIRS)
def test_short_form(query: str) -> None:
    assert encode(query, SHOP) == PAIRS[query]


@pytest.mark.parametrize("query", PAIRS)
def test_there_and_back_is_stable(query: str) -> None:
    back = decode(PAIRS[query], SHOP)
    assert "@" not in re.sub(r"'(?:[^']|'')*'", "", back)
    assert encode(back, SHOP) == PAIRS[query]


def test_the_schema_says_its_numbers_in_words() -> None:
    lines = numbered(SHOP, Style()).splitlines()
    assert lines[0] == "shop@0: *shop id@1, shop town@2, >@0 boss id@3"
    assert lines[2] == "sale@9: *>@4 item id@10, *day@11, int pieces@12"
    assert places(SHOP).names["@7"] == ("item", "price")


def test_what_is_no_short_sql_stays() -> None:
    for text in ("SELECT name FROM item", "UNANSWERABLE", "", "x @ y"):
        assert decode(text, SHOP) == text


def test_unknown_numbers_do_not_crash() -> None:
    for text in (
        "SELECT @99",
        "SELECT COUNT(@2) FROM @77",
        "SELECT @2 WHERE @1 IN (SELECT",
        "(((@1",
        "SELECT @0",
    ):
        assert isinstance(decode(text, SHOP), str)


def test_a_query_on_what_is_not_shown_is_named() -> None:
    with pytest.raises(NotShownError, match="owner"):
        encode("SELECT owner FROM shop", SHOP)
    with pytest.raises(NotShownError, match="no table cellar"):
        encode("SELECT COUNT(*) FROM cellar", SHOP)


def test_every_gold_stays_right(case: EnglishToSql, splits: Splits) -> None:
    examples = [*splits.test[::9], *splits.probes["hand_written"], *splits.probes["order_1"][::4]]
    answerable = [e for e in examples if e.answer != ABSTAIN_MARKER]
    assert len(answerable) > 150
    for example in answerable:
        schema = case.prompter.asked(example).schema
        answer = case.prompter.answer(example, schema)
        assert "@" in answer
        # Without the rule that refuses: here the short form alone is held to lose nothing.
        said = reading(schema, example.inputs["question"], SHORT).said
        query = decode(with_values(answer, said, schema), schema)
        assert case.score(example, query)["ex_suite"] == 1.0, (example.answer, answer)


def test_people_are_shown_the_query_of_a_short_answer(case: EnglishToSql, splits: Splits) -> None:
    asked = [example for example in splits.test if example.answer != ABSTAIN_MARKER][::40]
    short = [case.prompter.answer(example, case.prompter.asked(example).schema) for example in asked]
    shown = [case.read(example, answer) for example, answer in zip(asked, short, strict=True)]
    queries = [
        (example, query) for example, query in zip(asked, shown, strict=True) if query != ABSTAIN_MARKER
    ]
    assert len(queries) > 0.8 * len(asked)
    assert all(" FROM " in query and "@" not in query for _, query in queries)
    assert np.mean([case.score(example, query)["ex_suite"] for example, query in queries]) > 0.9


def test_the_short_form_is_much_shorter(case: EnglishToSql, splits: Splits) -> None:
    examples = [e for e in splits.test if e.answer != ABSTAIN_MARKER][::5]
    short = sum(len(case.prompter.answer(e, shown(e, case.schema))) for e in examples)
    assert short < 0.6 * sum(len(e.answer) for e in examples)


def test_a_row_that_is_longer_than_a_prompt_may_be_is_halved(case: EnglishToSql, splits: Splits) -> None:
    group = next(whole_groups(case, splits, QUESTIONS_PER_ROW))
    whole = case.prompter.training_rows(group)
    tight = Prompter(replace(SHORT, budget=1_500), case.schema).training_rows(group)
    assert len(whole) == 1 < len(tight) <= len(group)
    asked = [sum(m["role"] == "assistant" for m in row["completion"]) for row in tight]
    assert sum(asked) == len(group) and max(asked) < len(group)


def test_a_row_holds_several_questions_on_one_schema(case: EnglishToSql, splits: Splits) -> None:
    groups = list(conversations(splits.train))
    assert sum(map(len, groups)) == len(splits.train)
    assert max(map(len, groups)) == QUESTIONS_PER_ROW
    assert all(len({e.inputs["schema_id"] for e in group}) == 1 for group in groups)
    assert all(sum("removed" in e.inputs for e in group) <= 1 for group in groups)
    group = next(whole_groups(case, splits, 4))
    row, schema = case.prompter.training_row(group), case.prompter.training_schema(group)
    assert [m["role"] for m in row["completion"]] == ["assistant", "user"] * 3 + ["assistant"]
    for example, turn in zip(group[1:], row["completion"][1::2], strict=True):
        asked = re.search(r"Q: (.*)\nSQL:", turn["content"])[1]
        assert asked == reading(schema, example.inputs["question"], SHORT).text


def test_a_question_that_marks_too_little_is_left_out_of_its_row(case: EnglishToSql, splits: Splits) -> None:
    group = next(whole_groups(case, splits, 4))
    vague = replace(group[1], inputs={**group[1].inputs, "question": "So, all of it?"})
    row = case.prompter.training_row([group[0], vague, *group[2:]])
    assert [m["role"] for m in row["completion"]] == ["assistant", "user"] * 2 + ["assistant"]


def test_a_shot_shows_the_tables_of_its_answer_alone(case: EnglishToSql, splits: Splits) -> None:
    for example in [e for e in splits.train[:200] if e.extra.get("tables")][:40]:
        schema = case.prompter.training_schema([example], shot=True)
        assert {table.name for table in schema.tables} == set(example.extra["tables"])
        shown = case.train_rows(example, splits)[0]["prompt"][0]["content"]
        assert len(shown) <= len(case.prompter.asked(example).text)


def whole_groups(case: EnglishToSql, splits: Splits, count: int) -> Iterator[list[Example]]:
    """Conversations of so many questions that all mark what their answers need."""
    for group in conversations(splits.train):
        schema = case.prompter.training_schema(group)
        if len(group) == count and all(case.prompter.is_told(example, schema) for example in group):
            yield group


def test_refusals_are_no_more_common_in_first_answers(case: EnglishToSql, splits: Splits) -> None:
    rows = case.training_set(replace(splits, train=splits.train[:700]))
    said = [[m["content"] for m in row["completion"] if m["role"] == "assistant"] for row in rows]
    first = sum(row[0] == ABSTAIN_MARKER for row in said) / len(said)
    every = sum(text == ABSTAIN_MARKER for row in said for text in row) / sum(map(len, said))
    assert 0.05 < every < 0.2
    assert first < every + 0.05


def wide(columns: int) -> Schema:
    body = ", ".join(f"field_{n} INTEGER" for n in range(columns))
    return from_ddl(f"CREATE TABLE wide (id INTEGER PRIMARY KEY, {body});", "wide")


def test_what_a_long_schema_lost_is_unanswerable(case: EnglishToSql) -> None:
    schema = wide(400)
    made = build_prompt(schema, "What is field 390?", SHORT)
    assert made.truncated and "field 390@" in made.schema_text
    example = Example("x", "wide", {"schema_id": "wide", "question": "?"}, "SELECT field_17 FROM wide")
    assert case.prompter.answer(example, made.schema) == ABSTAIN_MARKER


def test_asking_a_file_reads_numbers(case: EnglishToSql, tmp_path: Path) -> None:
    path = tmp_path / "shop.sqlite"
    with sqlite3.connect(path) as connection:
        connection.executescript(
            "CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT, price REAL);"
            "CREATE TABLE buy (id INTEGER); INSERT INTO item VALUES (1, 'Lamp', 9.5)"
        )
    connection.close()
    report = case.ask("What does the Lamp cost?", path, lambda _: ["SELECT @3 WHERE @2 = 'Lamp'"])
    assert "SELECT price FROM item WHERE name = 'Lamp'" in report and "9.5" in report
    assert "item@0: " in report and "buy@" not in report


def test_every_question_is_learnt_under_several_orders_of_its_schema(
    splits: Splits, capsys: pytest.CaptureFixture[str]
) -> None:
    few = replace(splits, train=splits.train[:40])
    once, twice = (EnglishToSql().configured({"answers": "short", "orders": n}) for n in (1, 2))
    rows, more = once.training_set(few), twice.training_set(few)
    assert more[: len(rows)] == rows and more == twice.training_set(few)
    first, second = (Counter(map(pieces_of, part)) for part in (rows, more[len(rows) :]))
    assert sum(first.values()) > 3 and not first & second
    left_out = 2 * 40 - sum(m["role"] == "assistant" for row in more for m in row["completion"])
    assert f"{left_out} of 80 questions are left out" in capsys.readouterr().out


def test_no_more_questions_are_learnt_than_asked_for(splits: Splits) -> None:
    few = replace(splits, train=splits.train[:60])
    some = EnglishToSql().configured({"answers": "short", "questions": 20}).training_set(few)
    every = EnglishToSql().configured({"answers": "short", "questions": 60}).training_set(few)
    assert every == EnglishToSql().configured({"answers": "short"}).training_set(few)
    learnt, known = (
        sum(m["role"] == "assistant" for r in rows for m in r["completion"]) for rows in (some, every)
    )
    assert 10 < learnt <= 20 and 40 < known <= 60
    assert some == EnglishToSql().configured({"answers": "short", "questions": 20}).training_set(few)


def test_rows_are_the_same_in_one_process_and_in_two(splits: Splits, monkeypatch: pytest.MonkeyPatch) -> None:
    few = replace(splits, train=splits.train[:60])
    monkeypatch.setattr(prompting, "READ_AT_ONCE", 3)
    case = EnglishToSql().configured({"answers": "short"})
    monkeypatch.setattr(cores, "available", lambda: 1)
    alone = case.training_set(few)
    used: list[int] = []
    pool = cores.ProcessPoolExecutor
    monkeypatch.setattr(cores, "available", lambda: 2)
    monkeypatch.setattr(cores, "ProcessPoolExecutor", lambda n, **more: used.append(n) or pool(n, **more))
    assert case.training_set(few) == alone and used == [2]


def pieces_of(row: dict[str, Any]) -> str:
    """The schema that a conversation begins with."""
    return row["prompt"][0]["content"].split("\nQ: ")[0]


def test_unknown_settings_are_refused() -> None:
    wrong = ({"answers": "long"}, {"answer": "short"}, {"orders": 0}, {"orders": "two"}, {"orders": 2.0})
    for task in (*wrong, {"questions": 0}, {"questions": "all"}):
        with pytest.raises(GalleryError, match="task reads answers"):
            EnglishToSql().configured(task)
    with pytest.raises(ValueError, match="inline or not at all"):
        PromptOptions(serializer="numbered", keys="block")
