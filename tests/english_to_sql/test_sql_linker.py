"""The linker learns from the training schemas which words name a column."""

import pytest

from common.usecase import Example
from usecases.english_to_sql import data as own_data
from usecases.english_to_sql.fit_linker import SEVERAL, UNKNOWN, Lesson, fit_slots, lesson, linear, meant
from usecases.english_to_sql.linker import KINDS, share
from usecases.english_to_sql.numbered import places
from usecases.english_to_sql.prompting import shown


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


def test_a_linear_model_tells_what_it_was_shown() -> None:
    rows = [{"before=with", "only size"}, {"before=with"}, {"before=how"}, {"only many", "before=how"}] * 20
    model = linear(rows, [True, True, False, False] * 20)
    assert share(model, {"before=with"}) > 0.8 > 0.2 > share(model, {"before=how"})


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
