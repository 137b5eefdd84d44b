"""Answers with slots: what a small model writes, and how fixed code makes the answer of it."""

from pathlib import Path

import pytest

from common import usecase
from common.errors import GalleryError
from common.usecase import Example, Splits, UseCase
from usecases.support_chatbot import slots

CARDS = [
    {"intent": "return item", "deadline": "30 days", "fee": "3 dollars", "plus_fee": "1 dollars"},
    {"intent": "track parcel", "time": "30 days", "where": "in the app", "never": "free shipping"},
]
TWO = "return item + track parcel\nPlease return the Klaurt within {deadline}. To track it takes {time}."


@pytest.fixture(scope="module")
def found() -> UseCase:
    return usecase.find("support_chatbot").configured({"slots": True})


@pytest.fixture(scope="module")
def splits(found: UseCase) -> Splits:
    return found.load(None)


def asked(text: str, cards: list[dict[str, str]] = CARDS) -> Example:
    return Example("1", "1", {"cards": cards, "turns": [{"role": "user", "content": text}]}, None)


def test_every_answer_has_slots_and_is_read_back(found: UseCase, splits: Splits) -> None:
    for example in (*splits.train, *splits.val, *splits.test):
        written = found.gold(example)
        assert found.read(example, written) == example.answer["text"]
        assert example.answer["hand_over"] == ("{" not in written), written


def test_the_prompt_shows_fields_and_no_value_but_what_is_forbidden(found: UseCase, splits: Splits) -> None:
    for example in splits.test:
        system = found.model_input(example)[0]["content"]
        for card in example.inputs["cards"]:
            values = {field: value for field, value in card.items() if field not in ("intent", "never")}
            assert all(field in system and value not in system for field, value in values.items())


def test_earlier_answers_of_a_conversation_have_slots_too(found: UseCase, splits: Splits) -> None:
    example = next(e for e in splits.train if e.kind == "follow-up")
    roles = {message["role"]: message["content"] for message in found.model_input(example)}
    assert "{" in roles["assistant"]
    assert found.train_rows(example, splits)[0]["completion"][0]["content"] == roles["assistant"]


def test_each_sentence_is_filled_from_the_card_it_speaks_of() -> None:
    text = slots.filled(TWO, CARDS)
    assert text.endswith("Please return the Klaurt within 30 days. To track it takes 30 days.")
    assert slots.slotted(text, CARDS) == TWO
    assert slots.filled("return item\nIt takes {time}.", CARDS).endswith("{time}.")


@pytest.mark.parametrize(
    "output", ["", "hand over", "hand over\nA colleague.", "fly\nIt costs {fee}.", "{fee}"]
)
def test_what_names_no_card_stays_as_it_is(output: str) -> None:
    assert slots.filled(output, CARDS) == output == slots.slotted(output, CARDS)


def test_a_word_copied_wrongly_becomes_the_customers_word_and_others_stay() -> None:
    example = asked("Can I send the Klaurt back? It is order b1234.")
    mended = slots.mended("return item\nPlease return the Klauret of order b1243.", example)
    assert mended == "return item\nPlease return the Klaurt of order b1234."
    assert slots.mended("return item\nPlease return the piano.", example).endswith("the piano.")
    assert slots.mended("hand over\nA colleague will take over.", example).startswith("hand over\n")


def test_asked_alone_the_card_fills_the_answer(found: UseCase, tmp_path: Path) -> None:
    card = tmp_path / "card.toml"
    card.write_text('intent = "return item"\ndeadline = "30 days"\n', encoding="utf-8")
    said = found.ask("Until when?", card, lambda _: ["return item\nWithin {deadline}."])
    assert said == "return item\nWithin 30 days."


def test_the_prompt_template_names_the_form(found: UseCase) -> None:
    assert found.template() != usecase.find("support_chatbot").template()
    with pytest.raises(GalleryError, match="colour"):
        found.configured({"colour": 1})
