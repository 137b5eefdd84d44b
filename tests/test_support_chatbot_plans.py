"""Answers as plans: what a small model decides, and how fixed code makes the answer of it."""

from pathlib import Path

import pytest

from common import usecase
from common.errors import GalleryError
from common.usecase import Example, Splits, UseCase
from usecases.support_chatbot import plans
from usecases.support_chatbot.scoring import CUT_MARK

CARDS = [
    {"intent": "return item", "deadline": "30 days", "fee": "3 dollars", "plus_fee": "1 dollars"},
    {"intent": "track parcel", "time": "30 days", "where": "in the app", "never": "free shipping"},
]
TWO = "return item: deadline; Klaurt\ntrack parcel: time; b1234"


@pytest.fixture(scope="module")
def found() -> UseCase:
    return usecase.find("support_chatbot").configured({"plans": True})


@pytest.fixture(scope="module")
def splits(found: UseCase) -> Splits:
    return found.load(None)


def asked(text: str) -> Example:
    return Example("1", "1", {"cards": CARDS, "turns": [{"role": "user", "content": text}]}, None)


BACK = asked("Can I send the Klaurt back, and where is order b1234?")


def test_every_right_answer_has_a_plan_that_is_right(found: UseCase, splits: Splits) -> None:
    for example in (*splits.train, *splits.val, *splits.test):
        row = found.score(example, found.gold(example))
        assert row["resolved"] == 1 and row["stops"] == 1, example.id


def test_the_prompt_shows_fields_and_no_value_but_what_is_forbidden(found: UseCase, splits: Splits) -> None:
    for example in splits.test:
        system = found.model_input(example)[0]["content"]
        for card in example.inputs["cards"]:
            values = {field: value for field, value in card.items() if field not in ("intent", "never")}
            assert all(field in system and value not in system for field, value in values.items())


def test_earlier_answers_of_a_conversation_are_plans_too(found: UseCase, splits: Splits) -> None:
    example = next(e for e in splits.train if e.kind == "follow-up")
    roles = {message["role"]: message["content"] for message in found.model_input(example)}
    assert roles["assistant"].startswith(f"{example.answer['intents'][0]}: ")
    assert found.train_rows(example, splits)[0]["completion"][0]["content"] == roles["assistant"]


def test_each_line_is_filled_from_the_card_it_names() -> None:
    text = plans.answer(BACK, TWO)
    said = "You can return the Klaurt within 30 days. It takes 30 days to track order b1234."
    assert text == f"return item + track parcel\n{said}"
    assert plans.plan(text, CARDS) == TWO
    both = plans.answer(BACK, "return item: fee + deadline; Klaurt")
    assert plans.plan(both, CARDS) == "return item: fee + deadline; Klaurt"
    assert plans.answer(BACK, f"{TWO}{CUT_MARK}") == f"{text}{CUT_MARK}"


def test_what_a_card_lacks_and_what_is_said_twice_is_left_out() -> None:
    right = plans.answer(BACK, "return item: deadline; Klaurt")
    assert plans.answer(BACK, "return item: time + deadline; Klaurt") == right
    assert plans.answer(BACK, "return item: deadline + deadline; Klaurt") == right
    twice = "return item: deadline; Klaurt\nreturn item: deadline; Klaurt"
    assert plans.answer(BACK, twice) == right


def test_a_request_whose_card_is_missing_is_named_and_handed_over(found: UseCase, splits: Splits) -> None:
    example = next(e for e in splits.train if e.kind == "card missing")
    plan = found.gold(example)
    assert plan == f"hand over: {example.answer['missing']}"
    assert found.read(example, plan).startswith("hand over\n") and found.score(example, plan)["resolved"] == 1
    outside = next(e for e in splits.train if e.kind == "outside")
    assert found.gold(outside) == "hand over"


@pytest.mark.parametrize(
    "output",
    [
        "",
        "return item",
        "return item: time; Klaurt",
        "fly: fee",
        "return item: intent",
        "return item: ; Klaurt",
    ],
)
def test_a_plan_that_does_not_fit_the_cards_is_no_answer(found: UseCase, output: str) -> None:
    assert plans.answer(BACK, output) == output


def test_handing_over_says_the_desks_words() -> None:
    text = plans.answer(BACK, "hand over")
    assert text.startswith("hand over\n") and "colleague" in text and plans.plan(text, CARDS) == "hand over"


def test_a_word_copied_wrongly_becomes_the_customers_word_and_others_stay() -> None:
    said = "I want the Klaurt of order b1234 to go back"
    assert plans.mended("Klauret", said) == "Klaurt" and plans.mended("B1243", said) == "b1234"
    assert plans.mended("xyzzy", said) == "xyzzy"


def test_asked_alone_the_card_fills_the_answer(found: UseCase, tmp_path: Path) -> None:
    card = tmp_path / "card.toml"
    card.write_text('intent = "return item"\ndeadline = "30 days"\n', encoding="utf-8")
    said = found.ask("Until when?", card, lambda _: ["return item: deadline; Klaurt"])
    assert said == "return item\nYou can return the Klaurt within 30 days."


def test_tables_judge_what_the_customer_reads(found: UseCase, splits: Splits) -> None:
    small = Splits(splits.train[:300], (), splits.test[:50])
    right = {"tuned": {"test": [found.gold(e) for e in small.test], "choose": None}}
    made = {table.title: table for table in found.tables(small, right)}
    assert ("tuned", 1.0, 1.0, 0.0) in made["Intents"].rows
    assert made["Faults"].rows == (("tuned", 0, 0, 0, 0, 0),)


def test_the_prompt_template_names_the_form(found: UseCase) -> None:
    assert found.template() != usecase.find("support_chatbot").template()
    with pytest.raises(GalleryError, match="colour"):
        found.configured({"colour": 1})


def test_lines_stand_in_the_order_of_the_cards_whatever_was_said_first() -> None:
    said = "It takes 30 days to track order b1234. You can return the Klaurt within 30 days."
    assert plans.plan(f"track parcel + return item\n{said}", CARDS) == TWO
