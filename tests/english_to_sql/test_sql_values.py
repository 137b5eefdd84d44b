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
        "12.5": ("number", "@0"),
        "Red Fox": ("text", "@1"),
        "May 2021": ("period", "@2"),
        "2020-02-03": ("day", "@3"),
        "1998": ("period", "@4"),
        "Ann Lee": ("text", "@5"),
        "3": ("number", "@6"),
    }


@pytest.mark.parametrize(
    ("answer", "short"),
    [
        (
            "SELECT @1 WHERE @2 > 12.5 AND @3 = 'Red Fox' LIMIT 3",
            "SELECT @1 WHERE @2 > @30 AND @3 = @31 LIMIT @36",
        ),
        ("@2 BETWEEN '2021-05-01' AND '2021-05-31' AND @4 = 7", "@2 BETWEEN @32 AND @4 = 7"),
        ("@2 BETWEEN '1998-01-01' AND '1998-12-31'", "@2 BETWEEN @34"),
        ("@2 BETWEEN 3 AND 12.5", "@2 BETWEEN @36 AND @30"),
        ("@7 < 1998 ORDER BY @7 LIMIT 1", "@7 < @34 ORDER BY @7 LIMIT 1"),
        ("@2 < '1998-01-01' AND @4 > '2021-05-31'", "@2 < @34 AND @4 > @32"),
        ("@2 >= '1998-01-01' AND @4 <= '2021-05-31'", "@2 >= @34 AND @4 <= @32"),
        ("@2 BETWEEN '1998-01-01' AND '2021-05-31' AND @7 = 1998", "@2 BETWEEN @34 AND @32 AND @7 = @34"),
        ("@2 NOT BETWEEN '1998-01-01' AND '1998-12-31' OR @4 > 1", "@2 NOT BETWEEN @34 OR @4 > 1"),
        ("@2 LIKE '%Ann Lee%' OR @2 LIKE 'Ann Lee%'", "@2 LIKE %@35% OR @2 LIKE @35%"),
        ("@2 >= '2020-02-03' AND @5 = 'other' AND @6 = 40", "@2 >= @33 AND @5 = 'other' AND @6 = 40"),
    ],
)
def test_an_answer_goes_there_and_back(answer: str, short: str) -> None:
    said = values_in(QUESTION, [], first=30)
    assert pointed(answer, said) == short
    assert unpointed(short, said, {"@7"}) == answer


def test_a_year_that_a_column_of_dates_equals_is_all_its_days() -> None:
    said = values_in("Boats of 1998", [], first=30)
    assert unpointed("@2 = @30", said) == "@2 BETWEEN '1998-01-01' AND '1998-12-31'"
    assert unpointed("@2 = @30", said, {"@2"}) == "@2 = 1998"


@pytest.mark.parametrize(
    ("question", "found"),
    [
        ("at least two boats, one of twenty", [("number", "2"), ("number", "20")]),
        ("more than 1,200 or 3,400.5 litres", [("number", "1200"), ("number", "3400.5")]),
        ("before 1 March 2021", [("day", "2021-03-01")]),
        ("since the 3rd of May 2020 or June 4th, 2021", [("day", "2020-05-03"), ("day", "2021-06-04")]),
        ("twofold and two-way", []),
    ],
)
def test_numbers_and_days_in_words_are_values(question: str, found: list[tuple[str, str]]) -> None:
    assert [(one.kind, one.text) for one in values_in(question, [])] == found


def test_a_quote_in_a_value_is_escaped() -> None:
    said = values_in('Who is "O\'Hara"?', [], first=9)
    assert unpointed("SELECT @1 WHERE @2 = @9", said) == "SELECT @1 WHERE @2 = 'O''Hara'"
    assert pointed("SELECT @1 WHERE @2 = 'O''Hara'", said) == "SELECT @1 WHERE @2 = @9"


def test_stored_values_are_found_in_any_case_unless_the_schema_says_the_word() -> None:
    stored = [Match("boat", "name", "Petrel"), Match("boat", "kind", "Books")]
    found = values_in("Is petrel among books?", stored, {"book"})
    assert [(one.text, one.pointer) for one in found] == [("Petrel", "@0")]


def test_a_capital_makes_no_value_of_a_word_of_the_schema_or_of_a_first_word() -> None:
    assert values_in("Which Boats are there? List them from A to Z", [], {"boat"}) == []


def test_numbers_run_out() -> None:
    found = values_in("7, 8 and 7", [], first=94)
    assert [(one.text, one.pointer) for one in found] == [("7", "@94"), ("7", "@94")]
    assert unpointed("@1 = @94 OR @1 = @95", found) == "@1 = 7 OR @1 = @95"
