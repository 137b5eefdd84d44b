"""What a question names: the fullest reading, tables near by first, other words by their meaning."""

import json
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from usecases.english_to_sql import linker, word_vectors
from usecases.english_to_sql import reading as reader
from usecases.english_to_sql.linking import Match
from usecases.english_to_sql.load_ddl import from_ddl
from usecases.english_to_sql.mentions import mentions
from usecases.english_to_sql.prompt import PromptOptions, build_prompt, further_turn, reading
from usecases.english_to_sql.prompting import as_sql
from usecases.english_to_sql.reading import heard, read
from usecases.english_to_sql.repair import is_misplaced, repaired
from usecases.english_to_sql.schema import Schema
from usecases.english_to_sql.slots import slots

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
PLAIN = {"slot": {"bias": -9.0}, **{kind: {"bias": 0.0} for kind in linker.KINDS}}


@pytest.fixture(autouse=True)
def no_links(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No words that may name a column, so that no vectors are needed."""
    use(monkeypatch, PLAIN)
    yield
    forget()


def forget() -> None:
    for kept in (heard, read, reading):
        kept.cache_clear()


def use(monkeypatch: pytest.MonkeyPatch, models: dict[str, dict[str, float]]) -> None:
    link = {"bias": -4.0, "cosine": 8.0, **{name: 0.0 for name in linker.EVIDENCE[1:]}}
    for module in (linker, reader):
        monkeypatch.setattr(module, "weights", lambda: {**models, "link": link})
    forget()


def named(question: str, schema: Schema = SCHEMA) -> list[tuple[str, tuple[str, ...]]]:
    return [(question[one.start : one.end], one.pointers) for one in mentions(schema, question)]


def marked(question: str, values: tuple[Match, ...] = ()) -> str:
    return read(SCHEMA, question, values).text


def test_the_longest_name_wins_over_its_parts() -> None:
    assert marked("The port name of every port?") == "The text@2 of every rows@0?"


def test_endings_and_common_words_do_not_matter() -> None:
    assert marked("boats by lengths in metres") == "rows@4 by number@7"


def test_a_name_in_full_gives_way_to_its_kind_and_a_yes_or_no_keeps_its_words() -> None:
    schema = from_ddl(DDL.replace("length_m REAL, -- length in metres", "seaworthy BOOLEAN,"), "fishery")
    asked = "boats that are seaworthy, opened last, with boat name and length"
    assert read(schema, asked, ()).text == (
        "rows@4 that are seaworthy@7, date@8 last, with text@6 and length"
    )


def test_a_name_around_a_value_keeps_its_words_so_that_the_value_stays_where_it_is() -> None:
    assert marked("names of the 3 boats where it rains") == "names of the @10 boats@6 where it rains"
    assert marked("length in metres of the 3 boats.") == "number@7 of the @10 rows@4."


def test_a_time_without_a_column_is_that_of_the_only_date_in_sight() -> None:
    assert marked("boats since March 2022") == "rows@4 since @10@8"
    assert marked("boats opened since March 2022") == "rows@4 date@8 since @10"
    assert marked("boats of a port since March 2022") == "rows@4 of a rows@0 since @10"  # both have one
    assert marked("boats with lengths in metres of 2022") == "rows@4 with number@7 of @10"


def test_several_values_of_a_kind_and_a_speaker_who_says_i() -> None:
    stored = Match("boat", "boat_name", "Trawler")
    assert (
        marked("any trawlers I'd like in port, I'm told", (stored,))
        == "any @10@6 I'd like in rows@0, I'm told"
    )


def test_words_that_fit_two_columns_take_the_named_table() -> None:
    assert named("When opened?") == [("opened", ("@3", "@8"))]
    assert named("When was the boat opened?") == [("boat", ("@4",)), ("opened", ("@8",))]
    assert named("Of boats, those opened by a port")[1] == ("opened", ("@3",))


def test_a_table_is_meant_before_its_key() -> None:
    assert named("boats") == [("boats", ("@4",))]
    assert named("boat id") == [("boat id", ("@5",))]


def test_a_prefix_of_all_tables_names_none() -> None:
    schema = from_ddl("CREATE TABLE t_boat (a TEXT); CREATE TABLE t_port (b TEXT);", "prefixed")
    assert named("boats", schema) == [("boats", ("@0",))]


def test_a_name_that_fits_everything_is_left_alone() -> None:
    tables = "".join(f"CREATE TABLE t{n} (id INTEGER PRIMARY KEY, colour TEXT);" for n in range(5))
    assert named("Which colour?", from_ddl(tables, "wide")) == []


def test_values_have_numbers_and_the_columns_that_hold_them() -> None:
    exact, other = Match("boat", "boat_name", "Sea Wolf"), Match("boat", "boat_name", "Petrel")
    found = read(SCHEMA, "Is Sea Wolf above Petrell or 12?", (exact, other))
    assert found.text == "Is @10@6 above @11 or @12?"
    assert found.left == (other,)


def test_words_in_quotes_are_values_and_not_names() -> None:
    assert marked('Is there a "boat"?') == "Is there a @10?"


def test_other_words_are_linked_by_meaning(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = {"size": (1.0, 0.0), "length in metres": (0.9, 0.1), "colour": (0.0, -1.0)}
    monkeypatch.setattr(word_vectors, "VECTORS", Vectors(vectors))
    use(monkeypatch, {**PLAIN, "slot": {"bias": -9.0, "only size": 12.0, "only colour": 12.0}})
    assert marked("boats by size") == "rows@4 by size@7"
    assert marked("boats by colour") == "rows@4 by colour@95"


class Vectors(dict[str, np.ndarray]):
    """Some vectors; all other texts are like nothing."""

    def __init__(self, known: dict[str, tuple[float, float]]) -> None:
        super().__init__({text: np.array(vector) for text, vector in known.items()})

    def __missing__(self, text: str) -> np.ndarray:
        return np.zeros(2)

    def __contains__(self, text: object) -> bool:
        return True


def test_slots_start_and_end_with_telling_words() -> None:
    question = "the depth of the keel"
    found = slots(question, (), mentions(SCHEMA, question), {"@0", "@4"})
    assert [question[one.start : one.end] for one in found] == ["depth", "depth of the keel", "keel"]


def test_the_models_that_ship_know_every_kind_of_evidence() -> None:
    shipped = json.loads(linker.WEIGHTS.read_text(encoding="utf-8"))
    assert set(shipped) == {"slot", "link", *linker.KINDS}
    assert set(shipped["link"]) == {"bias", *linker.EVIDENCE}


def test_only_numbered_prompts_are_marked() -> None:
    numbered = PromptOptions(serializer="numbered")
    assert "Q: rows@4 by text@2" in build_prompt(SCHEMA, "boats by port name", numbered).text
    assert "Q: boats by port name" in build_prompt(SCHEMA, "boats by port name").text
    assert further_turn(SCHEMA, "boats", numbered) == "Q: rows@4\nSQL:"
    assert further_turn(SCHEMA, "boats", PromptOptions()) == "Q: boats\nSQL:"


def test_a_table_in_the_place_of_a_column_becomes_the_only_column_that_fits() -> None:
    def mended(answer: str, *named: str) -> str:
        return repaired(answer, SCHEMA, named)

    assert mended("SELECT @6 WHERE @4 > '2021-01-01'") == "SELECT @6 WHERE @8 > '2021-01-01'"
    assert mended("SELECT MAX(@4)") == "SELECT MAX(@7)"
    assert mended("SELECT @4 WHERE @4 > 3", "@6") == "SELECT @4 WHERE @7 > 3"
    assert mended("SELECT MAX(@4)", "@7") == "SELECT MAX(@4)"
    for kept in ("SELECT COUNT(@4) WHERE @7 > 3", "SELECT DISTINCT @2 FROM @4", "SELECT @99 WHERE @6 = 'x'"):
        assert mended(kept) == kept


def test_a_table_that_stays_in_the_place_of_a_column_is_seen() -> None:
    assert is_misplaced("SELECT @4 WHERE @7 > 3", SCHEMA)
    assert is_misplaced("SELECT @6 WHERE @4 > 3", SCHEMA)
    for fine in ("SELECT COUNT(@4) WHERE @7 > 3", "SELECT @2 FROM @4", "SELECT T1.@6 FROM @4 AS T1"):
        assert not is_misplaced(fine, SCHEMA)


def test_a_question_for_a_column_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(word_vectors, "VECTORS", Vectors({"colour": (0.0, -1.0)}))
    use(monkeypatch, {**PLAIN, "slot": {"bias": -9.0, "only colour": 12.0}})
    short = PromptOptions(serializer="numbered")
    assert as_sql("SELECT @6", "boats by colour", SCHEMA, short) == "UNANSWERABLE"
    assert as_sql("SELECT @6 WHERE @0 > 3", "boats", SCHEMA, short) == "UNANSWERABLE"
    assert as_sql("SELECT @6", "boats", SCHEMA, short) == "SELECT boat_name FROM boat"
