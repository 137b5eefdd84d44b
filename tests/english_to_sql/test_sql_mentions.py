"""What a question names: the fullest reading, tables near by first, values by their spelling."""

from dataclasses import replace

from usecases.english_to_sql.linking import Match
from usecases.english_to_sql.load_ddl import from_ddl
from usecases.english_to_sql.mentions import linked
from usecases.english_to_sql.prompt import PromptOptions, build_prompt, further_turn
from usecases.english_to_sql.repair import repaired, whole_values
from usecases.english_to_sql.schema import Schema

DDL = """CREATE TABLE harbour (
  hb_id INTEGER PRIMARY KEY,
  hb_nm TEXT, -- port name
  opened DATE
);
CREATE TABLE boat (
  boat_id INTEGER PRIMARY KEY,
  boat_name TEXT,
  length_m REAL, -- length in metres
  opened DATE,
  hb_id INTEGER REFERENCES harbour(hb_id)
);"""
BARE = from_ddl(DDL, "fishery")
SCHEMA = replace(BARE, tables=(replace(BARE.tables[0], description="port"), BARE.tables[1]))


def marked(question: str, values: list[Match] | None = None, schema: Schema = SCHEMA) -> str:
    return linked(schema, question, values or [])[0]


def test_the_longest_name_wins_over_its_parts() -> None:
    assert marked("The port name of every port?") == "The port name@2 of every port@0?"


def test_endings_and_common_words_do_not_matter() -> None:
    assert marked("boats by lengths in metres") == "boats@4 by lengths in metres@7"


def test_words_that_fit_two_columns_take_the_named_table() -> None:
    assert marked("When opened?") == "When opened@3@8?"
    assert marked("When was the boat opened?") == "When was the boat@4 opened@8?"


def test_words_in_quotes_are_values_and_not_names() -> None:
    assert marked('Is there a "boat"?') == 'Is there a "boat"?'


def test_values_are_marked_where_spelt_as_stored() -> None:
    exact, other = Match("boat", "boat_name", "Sea Wolf"), Match("boat", "boat_name", "Petrel")
    text, left = linked(SCHEMA, "Is Sea Wolf longer than Petrell?", [exact, other])
    assert text == "Is Sea Wolf@6 longer than Petrell?"
    assert left == [other]


def test_a_name_that_fits_everything_is_left_alone() -> None:
    tables = "".join(f"CREATE TABLE t{n} (id INTEGER PRIMARY KEY, colour TEXT);" for n in range(5))
    assert marked("Which colour?", schema=from_ddl(tables, "wide")) == "Which colour?"


def test_only_numbered_prompts_are_marked() -> None:
    numbered = PromptOptions(serializer="numbered")
    assert "Q: boats@4 by port name@2" in build_prompt(SCHEMA, "boats by port name", numbered).text
    assert "Q: boats by port name" in build_prompt(SCHEMA, "boats by port name").text
    assert further_turn(SCHEMA, "boats", numbered) == "Q: boats@4\nSQL:"
    assert further_turn(SCHEMA, "boats", PromptOptions()) == "Q: boats\nSQL:"


def test_values_are_written_in_full() -> None:
    question = 'How many boats "The Crown" or Sea Wolf or Wolf?'
    stored = [Match("boat", "boat_name", "Sea Wolf")]
    assert whole_values("@6 = 'Crown'", question, stored) == "@6 = 'The Crown'"
    assert whole_values("@6 = 'wolf'", question, stored) == "@6 = 'Sea Wolf'"
    for kept in ("@6 = 'Sea Wolf'", "@6 = 'Other'", "@6 = ''", "@6 LIKE '%Crown%'", "@6 = 2"):
        assert whole_values(kept, question, stored) == kept
    two = [*stored, Match("boat", "boat_name", "Grey Wolf")]
    assert whole_values("@6 = 'Wolf'", question, two) == "@6 = 'Wolf'"


def test_a_table_in_the_place_of_a_column_becomes_the_only_column_that_fits() -> None:
    def mended(answer: str, question: str = "boats") -> str:
        return repaired(answer, question, SCHEMA, [])

    assert mended("SELECT @6 WHERE @4 > '2021-01-01'") == "SELECT @6 WHERE @8 > '2021-01-01'"
    assert mended("SELECT MAX(@4)") == "SELECT MAX(@7)"
    assert mended("SELECT @4 WHERE @4 > 3", "names of boats") == "SELECT @4 WHERE @7 > 3"
    assert mended("SELECT MAX(@4)", "length in metres") == "SELECT MAX(@4)"
    for kept in ("SELECT COUNT(@4) WHERE @7 > 3", "SELECT DISTINCT @2 FROM @4", "SELECT @99 WHERE @6 = 'x'"):
        assert mended(kept) == kept
