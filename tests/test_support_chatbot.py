"""The support chatbot: its data, the rules as code, the six numbers, and rivals without a model."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest

from common import chat, config, usecase
from common.errors import GalleryError
from common.usecase import Example, Splits, UseCase
from usecases.support_chatbot import content, data, lessons, scoring
from usecases.support_chatbot.content import read, vocabulary
from usecases.support_chatbot.floor import label
from usecases.support_chatbot.policy import violations
from usecases.support_chatbot.prompt import messages, source_text
from usecases.support_chatbot.report import report

CARD = {
    "intent": "return item",
    "deadline": "30 days",
    "fee": "12 dollars",
    "where": "in the app",
    "never": "free shipping",
}
ANSWER = {
    "text": "return item\nYou can return the Klaurt within 30 days.",
    "intents": ["return item"],
    "values": ["30 days", "Klaurt"],
    "hand_over": False,
}
INPUTS = {"cards": [CARD], "turns": [{"role": "user", "content": "How long can I return the Klaurt?"}]}


@pytest.fixture(scope="module")
def found() -> UseCase:
    return usecase.find("support_chatbot")


@pytest.fixture(scope="module")
def splits(found: UseCase) -> Splits:
    return found.load(None)


def scored(output: str, answer: Mapping[str, Any] = ANSWER) -> Any:
    source = source_text(Example("1", "1", INPUTS, answer))
    return scoring.scores(dict(answer), [CARD], source, output, vocabulary())


def test_sizes_kinds_and_intents(splits: Splits) -> None:
    assert len(splits.train) >= 1500 and len(splits.val) == 240 and len(splits.test) == 600
    kinds = Counter(example.kind for example in splits.test)
    assert set(kinds) == {*data.KINDS, "look-alike"} and min(kinds.values()) >= 10
    named = {name for example in splits.test for name in example.answer["intents"]}
    assert len(named - {"hand over"}) >= 24


def test_a_fifth_of_test_values_is_new(splits: Splits) -> None:
    def values(examples: tuple[Example, ...]) -> list[str]:
        cards = [card for example in examples for card in example.inputs["cards"]]
        return [value.split()[0] for card in cards for field, value in card.items() if field == "fee"]

    known = set(values(splits.train))
    fresh = [value for value in values(splits.test) if value not in known]
    assert 0.12 < len(fresh) / len(values(splits.test)) < 0.28
    assert not set(fresh) & set(values(splits.val))


def test_requests_are_worded_anew_in_each_split_and_products_are_new(splits: Splits) -> None:
    for card in read("cards").values():
        assert not set(card["train"]) & set(card["val"]) | set(card["train"]) & set(card["test"])
    products = [
        {v for e in part for v in e.answer["values"] if v.isalpha() and v[0].isupper()}
        for part in (splits.train, splits.test)
    ]
    assert len(products[1]) > 100 and not products[0] & products[1]


def test_the_same_seed_writes_the_same_data() -> None:
    assert data.build("test", 7, 1) == data.build("test", 7, 1) != data.build("test", 8, 1)


def test_every_answer_of_a_conversation_is_learnt(found: UseCase, splits: Splits) -> None:
    example = next(e for e in splits.train if e.kind == "follow-up")
    row = found.train_rows(example, splits)[0]
    assert [message["role"] for message in row["completion"][:3]] == ["assistant", "user", "assistant"]
    assert [*row["prompt"], *row["completion"][:2]] == messages(example)
    assert row["completion"][2]["content"] == found.gold(example)
    assert len(chat.turns(row)) == 2 + len(lessons.further(example))


def test_further_messages_of_training_rows_have_right_answers(found: UseCase, splits: Splits) -> None:
    kinds: Counter[str] = Counter()
    for example in splits.train[:300]:
        turns = lessons.further(example)
        assert lessons.FEWEST <= len(turns) <= lessons.MOST
        said = list(example.inputs["turns"])
        for question, answer, alone in turns:
            said.append({"role": "user", "content": question})
            made = Example("more", "more", {**example.inputs, "turns": said}, answer)
            assert found.score(made, answer["text"])["resolved"] == 1, (question, answer)
            shown = {card["intent"] for card in example.inputs["cards"]}
            assert answer.get("missing") not in shown
            kinds["missing" if "missing" in answer else "refused" if answer["hand_over"] else "answered"] += 1
            kinds["alone"] += alone
    assert min(kinds.values()) > 40 and kinds["answered"] > kinds["missing"] > 100
    assert all(len(more.inputs["turns"]) == 1 for more in lessons.alone(splits.train[0]))


def test_training_rows_miss_their_card_more_often_than_others(splits: Splits) -> None:
    shares = {
        name: Counter(e.kind for e in part)["card missing"] / len(part)
        for name, part in splits.named().items()
    }
    assert shares["train"] > 1.5 * shares["test"]
    missing = [e for e in splits.train if e.kind == "card missing"]
    near = [
        any(
            card["intent"] in map(content.intent_name, content.neighbours()[name(e)])
            for card in e.inputs["cards"]
        )
        for e in missing
    ]
    assert 0.5 < sum(near) / len(near) < 0.95


def name(example: Example) -> str:
    """The request of a message whose card was not shown, as the cards' file has it."""
    return str(example.answer["missing"]).replace(" ", "_")


def test_the_right_answer_resolves_and_each_fault_is_seen() -> None:
    good = scored(ANSWER["text"])
    assert good["resolved"] == good["intent"] == good["values_right"] == good["stops"] == 1
    assert good["chrf"] == 1 and good["length_ratio"] == 1 and good["over_refusal"] == 0
    other_words = scored("return item\nPlease return the klaurt within 30 days.")
    assert other_words["resolved"] == 1 > other_words["chrf"]
    faults = {
        "intent": "exchange item\nYou can return the Klaurt within 30 days.",
        "values_right": "return item\nYou can return the Klaurt in the app.",
        "stops": ANSWER["text"] + scoring.CUT_MARK,
    }
    for name, output in faults.items():
        row = scored(output)
        assert row[name] == 0 and row["resolved"] == 0, name
    assert scored("return item\nYou can return the Klaurt within 31 days.")["invented"] == 1
    assert scored("return item\nYou can return the Zargo within 30 days.")["invented"] == 1
    assert scored(ANSWER["text"] + " It costs 12 dollars.")["values_right"] == 0
    assert scored(ANSWER["text"] + " We promise free shipping.")["violation"] == 1
    assert scored("hand over\nA colleague will take over.")["over_refusal"] == 1


def test_what_must_be_handed_over_may_not_be_answered() -> None:
    answer = {"text": "hand over\nA colleague will take over.", "intents": ["hand over"], "values": []}
    answer["hand_over"] = True
    refused, answered = (scored(text, answer) for text in (answer["text"], ANSWER["text"]))
    assert refused["resolved"] == refused["refusal_recall"] == 1 and refused["violation"] == 0
    assert answered["resolved"] == answered["refusal_recall"] == 0 and answered["violation"] == 1


RULES = [
    ("We promise that it comes.", "We cannot promise that it comes."),
    ("You get free shipping.", "Sorry, free shipping is not possible."),
    ("Tell me your password.", "Never tell me your password."),
    ("It will come for sure.", "It costs 12 dollars."),
    ("This is guaranteed.", "There is no guaranteed day."),
]


@pytest.mark.parametrize(("breaks", "keeps"), RULES)
def test_each_policy_rule_has_a_violating_and_a_passing_answer(breaks: str, keeps: str) -> None:
    assert violations(breaks, ["free shipping"]) and not violations(keeps, ["free shipping"])


def test_a_denial_excuses_its_own_sentence_only() -> None:
    assert violations("Sorry for that. You get free shipping.", ["free shipping"])


def test_rivals_without_a_model_read_the_card(found: UseCase, splits: Splits) -> None:
    small = Splits(splits.train[:500], splits.val, splits.test[:120])
    shares = {}
    for name, _, make in (("floor", "", found.floor), *found.further_floors()):
        outputs = make(small)(small.test)
        rows = [found.score(e, o) for e, o in zip(small.test, outputs, strict=True)]
        shares[name] = sum(row["resolved"] for row in rows) / len(rows)
    assert 0.3 < shares["floor"] < 0.9 and shares["nearest_answer"] < shares["intent_template"]
    assert shares["intent_template"] < shares["floor"]


def test_the_pipeline_finds_two_requests_and_cards_that_are_missing(found: UseCase, splits: Splits) -> None:
    answers = found.floor(Splits(splits.train[:800], splits.val, ()))(splits.val)
    for kind in ("two requests", "card missing"):
        rows = [
            found.score(e, a)["intent"] for e, a in zip(splits.val, answers, strict=True) if e.kind == kind
        ]
        assert sum(rows) / len(rows) > 0.4, kind


def test_tables_name_intents_and_faults(found: UseCase, splits: Splits) -> None:
    small = Splits(splits.train[:300], (), splits.test[:50])
    right = [example.answer["text"] for example in small.test]
    made = {table.title: table for table in report(small, {"tuned": {"test": right}}, found.score)}
    assert ("tuned", 1.0, 1.0, 0.0) in made["Intents"].rows and len(made["Intents"].rows) == 2
    assert made["Faults"].rows == (("tuned", 0, 0, 0, 0, 0),)


def test_intents_chosen_from_a_list_stand_beside_written_ones(found: UseCase, splits: Splits) -> None:
    small = Splits(splits.train[:300], (), splits.test[:50])

    def last(example: Example, options: list[str]) -> str:
        assert label(example) + "\n" in options or example.answer["hand_over"]
        return options[-1]

    outputs = {"tuned": {"test": ["hand over"] * 50, "choose": last}}
    made = {table.title: table for table in report(small, outputs, found.score)}
    [(name, free, chosen)] = made["Intents, written freely and chosen from a list"].rows
    assert name == "tuned" and free == chosen > 0


def test_more_cards_can_be_shown(found: UseCase) -> None:
    made = found.configured({"cards": 4})
    assert {len(e.inputs["cards"]) for e in made.load(None).val} == {4, 5}
    with pytest.raises(GalleryError, match="reads no `task` settings, found colour"):
        found.configured({"colour": 1})


def test_every_variant_holds(found: UseCase) -> None:
    for name in config.variants(found):
        data_file = {"data": "my.jsonl"} if name == "banking77" else {}
        assert config.build(found, name, data_file).tuner == "sft"
