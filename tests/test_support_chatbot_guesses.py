"""Guesses of a classifier in the prompt: honest in training, shown where they belong, from what is given."""

from dataclasses import replace

import pytest

from common import usecase
from common.errors import GalleryError
from common.usecase import Example, Splits, UseCase
from usecases.support_chatbot.guesses import MARK, Guesser
from usecases.support_chatbot.lessons import further
from usecases.support_chatbot.usecase import SupportChatbot

WORDINGS = {
    "return item": ("send it back", "give it back", "take it back", "hand it back", "ship it back"),
    "late parcel": ("not arrived yet", "still not here", "never arrived", "not come yet", "still waiting"),
}


def told(text: str, request: str) -> Example:
    inputs = {"cards": [], "turns": [{"role": "user", "content": text}]}
    return Example(text, text, inputs, {"intents": [request], "hand_over": False, "values": []})


TRAIN = [told(text, request) for request, texts in WORDINGS.items() for text in texts]


@pytest.fixture(scope="module")
def found() -> UseCase:
    return usecase.find("support_chatbot").configured({"plans": True, "guesses": True})


@pytest.fixture(scope="module")
def splits(found: UseCase) -> Splits:
    """A part of the training data, as data-size curves use."""
    whole = found.load(None)
    return replace(whole, train=whole.train[:200])


def test_what_a_training_message_was_about_is_not_told_to_its_own_guess() -> None:
    plain = Guesser(TRAIN)
    lied = [told("send it back", "late parcel"), *TRAIN[1:]]
    assert plain("send it back", ()) == Guesser(lied)("send it back", ())
    assert plain("send it back", ()).startswith("return item")


def test_a_new_message_is_guessed_from_all_of_training() -> None:
    guess = Guesser([*TRAIN, told("zebra", "stock question"), told("zebra stripes", "stock question")])
    assert guess("is it a zebra", ()).startswith("stock question")


def test_a_guess_leans_towards_the_card_that_is_there() -> None:
    guess = Guesser(TRAIN)
    names = {shown: guess("still back", shown) for shown in ((), ("return item",), ("late parcel",))}
    assert names["return item",].startswith("return item") and names["late parcel",].startswith("late parcel")
    assert guess("it never arrived", ("return item",)).startswith("late parcel")


def test_prompts_and_further_messages_carry_guesses(found: UseCase, splits: Splits) -> None:
    example = next(e for e in splits.train if e.kind == "follow-up")
    row = found.train_rows(example, splits)[0]
    asked = [m["content"] for m in (*row["prompt"], *row["completion"]) if m["role"] == "user"]
    assert len(asked) == 2 + len(further(example))
    assert MARK not in asked[0] and all(MARK in text for text in asked[1:])
    assert found.model_input(example)[-1]["content"] == asked[1]


def test_guesses_are_fitted_on_the_given_part_of_training(splits: Splits) -> None:
    made = SupportChatbot().configured({"plans": True, "guesses": True})
    made.train_rows(splits.train[0], splits)
    assert made.guessing is not None and made.guessing[0] is splits.train


def test_without_the_setting_prompts_have_none(splits: Splits) -> None:
    plain = usecase.find("support_chatbot").configured({"plans": True})
    assert all(MARK not in message["content"] for message in plain.model_input(splits.val[0]))
    assert plain.template() != SupportChatbot().configured({"plans": True, "guesses": True}).template()


def test_a_right_plan_stays_right(found: UseCase, splits: Splits) -> None:
    found.guesser(splits)
    for example in (*splits.train, *splits.val, *splits.test):
        assert found.score(example, found.gold(example))["resolved"] == 1, example.id


TWO = "the Brandbro can go back and the Gluxtrix has not arrived yet"


@pytest.mark.parametrize(
    ("text", "plan", "right"),
    [
        ("send back the klaurt", [("return item", "klaurt")], ["klaurt"]),
        ("send back the klaurt", [("return item", "back")], ["klaurt"]),
        ("send back the Klaurt of b1234", [("return item", "b1234")], ["Klaurt"]),
        ("where is b1234 with my Klaurt", [("track parcel", "Klaurt")], ["b1234"]),
        ("give it back", [("return item", "it")], ["it"]),
        ("let me join", [("join plus", "")], [""]),
        (TWO, [("return item", "Gluxtrix"), ("stock question", "Gluxtrix")], ["Brandbro", "Gluxtrix"]),
        (TWO, [("stock question", "Brandbro"), ("return item", "Brandbro")], ["Gluxtrix", "Brandbro"]),
        (TWO, [("stock question", "Gluxtrix"), ("return item", "Brandbro")], ["Gluxtrix", "Brandbro"]),
    ],
)
def test_things_of_a_plan_are_what_they_can_be(
    text: str, plan: list[tuple[str, str]], right: list[str]
) -> None:
    arrived = [told(text, "stock question") for text in ("has not arrived yet", "not arrived", "no arrival")]
    assert Guesser([*TRAIN[:5], *arrived]).things(text, plan) == right


def test_guesses_without_plans_are_refused() -> None:
    with pytest.raises(GalleryError, match="plans = true"):
        usecase.find("support_chatbot").configured({"guesses": True})
