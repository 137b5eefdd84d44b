"""A wide schema is shown in part: what the question is about, with what links it; small ones stay whole."""

import pytest

from common.usecase import Example
from usecases.english_to_sql import data as own_data
from usecases.english_to_sql.load_ddl import from_ddl
from usecases.english_to_sql.narrow import MOST_NUMBERS
from usecases.english_to_sql.numbered import places
from usecases.english_to_sql.prompting import SHORT, Prompter, prompt_of
from usecases.english_to_sql.schema import Schema

SIDE = "".join(
    f"CREATE TABLE side{n} (id INTEGER PRIMARY KEY, note TEXT, mark INTEGER, day DATE);\n" for n in range(9)
)
WIDE = from_ddl(
    f"""{SIDE}CREATE TABLE port (port_id INTEGER PRIMARY KEY, port_name TEXT,
  {", ".join(f"extra{n} TEXT" for n in range(12))}, depth REAL);
CREATE TABLE berth (b INTEGER PRIMARY KEY, p INTEGER REFERENCES port(port_id));
CREATE TABLE boat (boat_id INTEGER PRIMARY KEY, title TEXT, b INTEGER REFERENCES berth(b));""",
    "wide",
)


def shown(question: str) -> Schema:
    return prompt_of(WIDE, question, SHORT).schema


@pytest.mark.parametrize(
    "question",
    [
        "Which boats lie in the port Hull?",
        "The depth of every port with boats",
        "The depth of every port with boats, and every note, mark and day",  # nothing names what lies between
    ],
)
def test_what_is_asked_is_shown_with_the_tables_between(question: str) -> None:
    found = shown(question)
    assert {"port", "berth", "boat"} <= {table.name for table in found.tables}
    assert len(places(found).names) <= MOST_NUMBERS < len(places(WIDE).names)
    assert {"port_id", "depth"} <= {
        column.name for column in found.table("port").columns
    } or "Hull" in question
    assert len(found.foreign_keys) == 2


def test_own_schemas_are_shown_whole() -> None:
    for domain in own_data.domains():
        schema = own_data.schema_of(domain)
        assert prompt_of(schema, "names", SHORT).schema is schema


def test_training_shows_what_the_answers_use() -> None:
    def example(number: int, answer: str) -> Example:
        inputs = {"schema_id": "wide", "question": "What about it?"}
        return Example(str(number), "wide", inputs, answer, extra={"tables": ["port"]})

    asked = [example(n, f"SELECT extra{n} FROM port") for n in range(12)]
    rows = Prompter(SHORT, lambda name: WIDE).training_rows(asked)
    answers = [m["content"] for row in rows for m in row["completion"] if m["role"] == "assistant"]
    assert len(rows) > 1 and len(answers) == 12 and "UNANSWERABLE" not in answers
