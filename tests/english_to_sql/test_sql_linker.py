"""The linker learns from the training schemas which words name a column."""

from dataclasses import replace

import numpy as np
import pytest

from common.data import by_hash
from common.usecase import Example
from usecases.english_to_sql import data as own_data
from usecases.english_to_sql import word_vectors
from usecases.english_to_sql.fit_linker import (
    SEVERAL,
    UNKNOWN,
    Lesson,
    chosen_among,
    fit_slots,
    lesson,
    linear,
    meant,
    settled,
)
from usecases.english_to_sql.linker import KINDS, LEAST_LINK, linked, margins, share, shares, weights
from usecases.english_to_sql.linking import link_values
from usecases.english_to_sql.numbered import places
from usecases.english_to_sql.prompt import reading, warmed
from usecases.english_to_sql.prompting import SHORT, Prompter, shown
from usecases.english_to_sql.reading import heard, read
from usecases.english_to_sql.repair import columns_of, repaired

HAND = "hand-written"


def asked(question: str, answer: str, **more: str) -> Example:
    return Example("hotel-1", "hotel", {"schema_id": "hotel", "question": question, **more}, answer)


def said(example: Example) -> dict[str, str]:
    """The words that `meant` finds, with the name of their column."""
    schema, question = shown(example, own_data.schema), example.inputs["question"]
    names = places(schema).names
    found = meant(example, schema, question)
    return {question[start:end]: ".".join(names.get(one, (one,))) for (start, end), one in found.items()}


def test_words_for_a_column_of_the_query_are_found_in_any_phrasing() -> None:
    example = asked("Nightly rate of rooms by star rating?", "SELECT NightRate FROM Room")
    assert said(example) == {"Nightly rate": "Room.NightRate"}


def test_words_for_a_removed_column_mean_nothing() -> None:
    example = asked("Nightly rate of rooms?", "UNANSWERABLE", removed="Room.NightRate")
    assert said(example)["Nightly rate"] == UNKNOWN


def test_words_that_two_columns_share_mean_neither() -> None:
    query = "SELECT PropertyName FROM Property UNION SELECT GuestName FROM Guest"
    assert said(asked("Every name?", query)) == {"name": SEVERAL}


def test_what_people_mean_without_its_name_is_found_where_the_models_find_it_likeliest() -> None:
    question = "What do we pay a night for each room?"
    by_hand = replace(asked(question, "SELECT NightRate FROM Room"), kind=HAND)
    one = lesson(by_hand, shown(by_hand, own_data.schema))
    (pointer,) = one.unsaid
    assert places(one.schema).names[pointer] == ("Room", "NightRate") and not one.meant
    ((span, found),) = settled(one, weights()).meant.items()
    assert found == pointer and one.question[slice(*span)].strip() not in ("", "room", "each room")
    template = lesson(replace(by_hand, kind="easy"), one.schema)
    assert settled(template, weights()) == template  # its words are known, so what is not said is not there


def test_a_question_is_learnt_from_when_it_marks_what_its_answer_needs() -> None:
    prompter = Prompter(SHORT, own_data.schema)
    schema = own_data.schema("hotel")
    assert prompter.is_told(asked("Nightly rate of all rooms?", "SELECT NightRate FROM Room"), schema)
    assert not prompter.is_told(asked("So, all of it?", "SELECT NightRate FROM Room"), schema)


def test_what_was_encoded_for_many_questions_is_not_encoded_again(monkeypatch: pytest.MonkeyPatch) -> None:
    schema = own_data.schema("hotel")
    questions = [
        "How dear is a night in our priciest room?",
        "Guests who came from abroad, by when they left",
    ]
    warmed(((schema, question) for question in questions), SHORT)
    monkeypatch.setattr(word_vectors, "encoder", lambda: pytest.fail("encodes again"))
    heard.cache_clear()
    read.cache_clear()
    reading.cache_clear()
    assert all("@" in reading(schema, question, SHORT).text for question in questions)


def test_words_without_hope_are_left_out_and_nothing_is_linked_otherwise() -> None:
    """Every link that a bound leaves out is one that its full evidence would not have chosen."""
    model, counts = weights()["link"], [0, 0]
    for example in by_hash(own_data.load().val)[:25]:
        schema, question = shown(example, own_data.schema), example.inputs["question"]
        found = heard(schema, question, tuple(link_values(schema, question)))
        every = linked(schema, found.found, found.asking)
        some = linked(schema, found.found, found.asking, model)
        kept = {(one.start, one.end) for one in some}
        same = [one for one in every if (one.start, one.end) in kept]
        assert [one.pointer for one in some] == [one.pointer for one in same]
        assert np.allclose([one.evidence for one in some], [one.evidence for one in same], atol=1e-5)
        likely = zip(shares(every, model), every, strict=True)
        left = [sure for sure, one in likely if (one.start, one.end) not in kept]
        assert all(sure < LEAST_LINK for sure in left)
        counts[0] += len(every)
        counts[1] += len(left)
    assert 0.1 < counts[1] / counts[0] < 0.9


def test_a_linear_model_tells_what_it_was_shown() -> None:
    rows = [{"before=with", "only size"}, {"before=with"}, {"before=how"}, {"only many", "before=how"}] * 20
    model = linear(rows, [True, True, False, False] * 20)
    assert share(model, {"before=with"}) > 0.8 > 0.2 > share(model, {"before=how"})


def test_columns_compete_for_a_word_with_each_other_and_with_none() -> None:
    alike = np.array([[0.9, 0.2, 0.1], [0.1, 0.1, 0.0]])
    np.testing.assert_allclose(margins(alike), [[0.3, -0.7, -0.8], [0.0, 0.0, -0.1]])
    rows = np.array([[1.0, 1.0], [1.0, 0.0], [1.0, 0.0], [1.0, 0.1]] * 50)  # two words of two columns each
    right = np.array([True, False, False, False] * 50)
    bias, weight = chosen_among(rows, right, np.arange(0, 200, 2))
    assert bias < -1 and weight + bias > 1  # the first word means its first column, the other one none


def test_a_total_of_what_is_no_number_counts_rows() -> None:
    schema = own_data.schema("hotel")
    table = places(schema).tables["room"]
    several = columns_of(schema, table, "number")
    assert len(several) > 1 and repaired(f"SELECT SUM({table})", schema, ()) == f"SELECT COUNT({table})"
    assert repaired(f"SELECT SUM({table})", schema, several[1:]) == f"SELECT SUM({several[0]})"


@pytest.fixture(scope="module")
def lessons() -> list[Lesson]:
    examples = [e for e in own_data.load().train if "~" not in e.inputs["schema_id"]]
    return [lesson(example, shown(example, own_data.schema)) for example in examples]


def test_slots_are_learnt_from_the_words_around_them(lessons: list[Lesson]) -> None:
    models = fit_slots(lessons)
    assert set(models) == {"slot", *KINDS}
    likely = share(models["slot"], {"before=whose", "after=is", "around=whose is"})
    unlikely = share(models["slot"], {"before=<end>", "after=the", "around=<end> the"})
    assert likely > unlikely
