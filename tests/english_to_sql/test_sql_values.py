"""Values of a question get numbers, and answers with these numbers become SQL again."""

import pytest

from usecases.english_to_sql.linking import Match
from usecases.english_to_sql.values import pointed, unpointed, values_in

QUESTION = (
    "Boats above 12.5 or 'Red Fox' built in May 2021, not 2020-02-03, nor 1998, by Ann Lee, top 3, above 12.5"
)


def test_every_kind_of_value_is_found() -> None:
    found = {one.text: (one.kind, one.pointer) for one in values_in(QUESTION, [])}
    assert found == {
        "12.5": ("number", "@90"),
        "Red Fox": ("text", "@95"),
        "May 2021": ("period", "@80"),
        "2020-02-03": ("day", "@85"),
        "1998": ("period", "@79"),
        "Ann Lee": ("text", "@94"),
        "3": ("number", "@89"),
    }


@pytest.mark.parametrize(
    ("answer", "short"),
    [
        (
            "SELECT @1 WHERE @2 > 12.5 AND @3 = 'Red Fox' LIMIT 3",
            "SELECT @1 WHERE @2 > @90 AND @3 = @95 LIMIT @89",
        ),
        ("@2 BETWEEN '2021-05-01' AND '2021-05-31' AND @4 = 7", "@2 BETWEEN @80 AND @4 = 7"),
        ("@2 BETWEEN '1998-01-01' AND '1998-12-31'", "@2 BETWEEN @79"),
        ("@2 BETWEEN 3 AND 12.5", "@2 BETWEEN @89 AND @90"),
        ("@2 < 1998 ORDER BY @2 LIMIT 1", "@2 < @79 ORDER BY @2 LIMIT 1"),
        ("@2 LIKE '%Ann Lee%' OR @2 LIKE 'Ann Lee%'", "@2 LIKE %@94% OR @2 LIKE @94%"),
        ("@2 >= '2020-02-03' AND @5 = 'other' AND @6 = 40", "@2 >= @85 AND @5 = 'other' AND @6 = 40"),
    ],
)
def test_an_answer_goes_there_and_back(answer: str, short: str) -> None:
    said = values_in(QUESTION, [])
    assert pointed(answer, said) == short
    assert unpointed(short, said) == answer


def test_a_quote_in_a_value_is_escaped() -> None:
    said = values_in('Who is "O\'Hara"?', [])
    assert unpointed("SELECT @1 WHERE @2 = @95", said) == "SELECT @1 WHERE @2 = 'O''Hara'"
    assert pointed("SELECT @1 WHERE @2 = 'O''Hara'", said) == "SELECT @1 WHERE @2 = @95"


def test_stored_values_are_found_in_any_case_unless_the_schema_says_the_word() -> None:
    stored = [Match("boat", "name", "Petrel"), Match("boat", "kind", "Books")]
    found = values_in("Is petrel among books?", stored, {"book"})
    assert [(one.text, one.pointer) for one in found] == [("Petrel", "@95")]


def test_a_capital_makes_no_value_of_a_word_of_the_schema_or_of_a_first_word() -> None:
    assert values_in("Which Boats are there? List them from A to Z", [], {"boat"}) == []


def test_numbers_run_out() -> None:
    found = values_in("1, 2, 3, 4, 5, 6 and 1", [])
    assert [one.text for one in found] == ["1", "2", "3", "4", "5", "1"]
    assert unpointed("@1 = @86 OR @1 = @80", found) == "@1 = 5 OR @1 = @80"
