"""Learning by trying: what is paid, on which databases, and what the model is shown before it."""

from pathlib import Path

import pytest

from common import usecase
from common.errors import GalleryError
from common.usecase import Example, Splits
from usecases.english_to_sql import data as own_data
from usecases.english_to_sql.judge import ABSTAIN_MARKER
from usecases.english_to_sql.load_ddl import from_ddl
from usecases.english_to_sql.paid import Cashier
from usecases.english_to_sql.populate import populate
from usecases.english_to_sql.scoring import golds
from usecases.english_to_sql.usecase import EnglishToSql

DDL = """CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT NOT NULL, price REAL);
CREATE TABLE buy (id INTEGER PRIMARY KEY, item_id INTEGER NOT NULL REFERENCES item(id), pieces INTEGER);"""
ASKED = Example(
    "a", "shop", {"schema_id": "shop", "question": "How many items above 5?"},
    "SELECT COUNT(*) FROM item WHERE price > 5",
)  # fmt: skip
NOT_THERE = Example("b", "shop", {"schema_id": "shop", "question": "Who owns it?"}, ABSTAIN_MARKER)
PAID = 40


@pytest.fixture(scope="module")
def case() -> EnglishToSql:
    return usecase.find("english_to_sql").configured({"answers": "short", "questions": 60, "paid": True})


@pytest.fixture(scope="module")
def splits(case: EnglishToSql) -> Splits:
    return case.load(None)


@pytest.fixture
def cashier() -> Cashier:
    return Cashier(lambda name: from_ddl(DDL, name))


def test_right_rows_are_paid_whatever_the_words_and_nothing_else_is(cashier: Cashier) -> None:
    assert cashier.pay(ASKED, ASKED.answer) == 1.0
    assert cashier.pay(ASKED, "SELECT COUNT(id) FROM item WHERE NOT price <= 5") == 1.0
    for wrong in (
        "SELECT COUNT(*) FROM item WHERE price >= 5",
        "SELECT COUNT(*) FROM buy",
        "",
        ABSTAIN_MARKER,
    ):
        assert cashier.pay(ASKED, wrong) == 0.0, wrong
    assert cashier.pay(NOT_THERE, ABSTAIN_MARKER) == 1.0
    assert cashier.pay(NOT_THERE, "SELECT COUNT(*) FROM item") == 0.0


def test_a_question_whose_own_query_does_not_run_pays_nothing(cashier: Cashier) -> None:
    broken = Example("c", "shop", ASKED.inputs, "SELECT COUNT(*) FROM nowhere")
    assert cashier.pay(broken, broken.answer) == 0.0


def test_no_database_that_pays_is_one_that_scores(case: EnglishToSql, splits: Splits) -> None:
    scored = {database for found in own_data.stored().databases.values() for database in found}
    for example in splits.train[:10]:
        assert not scored & set(case.cashier.databases_of(example))


def test_every_right_answer_to_a_paid_question_is_paid_in_the_models_own_words(
    case: EnglishToSql, splits: Splits
) -> None:
    paid = splits.train[:PAID]
    case.ready(paid)
    rows = [row for example in paid for row in case.train_rows(example, splits)]
    pays = []
    for example, row in zip(paid, rows, strict=True):
        assert row["prompt"] == case.model_input(example)
        right, wrong = (row[side][0]["content"] for side in ("chosen", "rejected"))
        assert example.answer == ABSTAIN_MARKER or case.reward(example, wrong) == 0.0
        pays.append(case.reward(example, right))
    assert sum(pays) > 0.85 * PAID  # a query that finds no row on any database proves nothing


def test_the_supervised_start_is_the_training_of_the_supervised_variant(
    case: EnglishToSql, splits: Splits
) -> None:
    supervised = usecase.find("english_to_sql").configured({"answers": "short", "questions": 60})
    start = [row for example in splits.train for row in case.start_rows(example, splits)]
    assert start == supervised.training_set(supervised.load(None))


def test_a_hint_is_a_solved_training_question_before_the_asked_one(
    case: EnglishToSql, splits: Splits
) -> None:
    example = splits.test[0]
    shown = case.hinted_input(example, splits)
    assert [message["role"] for message in shown] == ["user", "assistant", "user"]
    assert shown[-1:] == case.model_input(example)
    assert example.inputs["question"] not in shown[0]["content"]


def test_what_cannot_be_is_named() -> None:
    with pytest.raises(GalleryError, match="paid = true or false; found {'paid': 3}"):
        usecase.find("english_to_sql").configured({"paid": 3})
    assert usecase.find("english_to_sql").configured({}).tuner == "sft"
    assert usecase.find("english_to_sql").configured({"paid": True}).tuner == "preference"


def test_a_persons_own_questions_are_paid_on_databases_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "schemas").mkdir()
    rows = []
    for place, name in enumerate(("shop", "store", "stall")):
        (tmp_path / "schemas" / f"{name}.sql").write_text(DDL)
        split = ("train", "val", "test")[place]
        rows.append(f'{{"schema_id": "{name}", "question": "Names?", "sql": "SELECT name FROM item", '
                    f'"split": "{split}"}}')  # fmt: skip
    (tmp_path / "questions.jsonl").write_text("\n".join(rows))
    case = usecase.find("english_to_sql").configured({"paid": True})
    example = case.load(tmp_path).train[0]
    assert case.reward(example, "SELECT name FROM item") == 1.0
    paying = set(case.cashier.databases_of(example))
    assert not paying & set(case.databases_of(example))
    same = populate(case.schema("shop"), golds(example))
    assert not paying & set(same), "the seed alone keeps them apart where schema and queries are the same"
