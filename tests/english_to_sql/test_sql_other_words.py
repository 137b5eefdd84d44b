"""Words that ask for a column without its name: what they measure, and where they do not ask at all."""

import pytest

from usecases.english_to_sql.load_ddl import from_ddl
from usecases.english_to_sql.other_words import measures
from usecases.english_to_sql.prompt import PromptOptions, reading

BEASTS = from_ddl(
    """CREATE TABLE keeper (keeper_id INTEGER PRIMARY KEY, keeper_name TEXT, salary REAL);
CREATE TABLE beast (beast_id INTEGER PRIMARY KEY, beast_name TEXT, weight_kg REAL, birthday DATE,
  keeper_id INTEGER REFERENCES keeper(keeper_id));""",
    "beasts",
)  # keeper@0: @1, name@2, salary@3; beast@4: @5, name@6, weight@7, birthday@8, @9


@pytest.mark.parametrize(
    ("question", "meant"),
    [
        ("What is the heaviest beast?", ["weight"]),
        ("How old are they and what do they cost?", ["age", "price or cost"]),
        ("When was Rex born?", ["date", "date of birth"]),
        ("Beasts where the price is 3, oldest first, from latest to earliest", []),
        ("The record-oldest", []),
    ],
)
def test_words_that_measure_are_found_unless_they_only_sort_or_join(question: str, meant: list[str]) -> None:
    assert sorted(measure.meant for measure in measures(question)) == sorted(meant)


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("Who looks after the heaviest beast?", "Who looks after the heaviest@7 rows@4?"),
        ("Which keeper earns least?", "Which rows@0 earns@3 least?"),
        ("The oldest beast, please", "The oldest@8 rows@4, please"),
        pytest.param(
            "Which keeper is the tallest?",
            "Which rows@0 is the tallest?",
            marks=pytest.mark.xfail(reason="links too readily", strict=True),
        ),
    ],
)
def test_they_are_linked_where_a_column_holds_what_they_measure(question: str, text: str) -> None:
    assert reading(BEASTS, question, PromptOptions(serializer="numbered")).text == text
