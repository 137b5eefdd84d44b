"""A table's number stands for the key or the name of its rows, there and back."""

import pytest

from usecases.english_to_sql.load_ddl import from_ddl
from usecases.english_to_sql.row_names import with_columns, with_rows

PORTS = from_ddl(
    """CREATE TABLE port (port_id INTEGER PRIMARY KEY, coast TEXT, port_name TEXT);
CREATE TABLE boat (boat_id INTEGER PRIMARY KEY, title TEXT, length REAL,
  port_id INTEGER REFERENCES port(port_id));
CREATE TABLE log (boat_id INTEGER REFERENCES boat(boat_id), day DATE, miles INTEGER,
  PRIMARY KEY (boat_id, day));""",
    "ports",
)  # port@0: port_id@1 coast@2 port_name@3; boat@4: boat_id@5 title@6 length@7 port_id@8; log@9


@pytest.mark.parametrize(
    ("columns", "rows"),
    [
        ("SELECT @3, COUNT(@4) GROUP BY @1", "SELECT @0, COUNT(@4) GROUP BY @0"),
        ("SELECT @3 GROUP BY @1 HAVING COUNT(@4) > 2", "SELECT @0 GROUP BY @0 HAVING COUNT(@4) > 2"),
        (
            "SELECT @6 WHERE @5 NOT IN (SELECT @10 WHERE @12 > 5)",
            "SELECT @4 WHERE @4 NOT IN (SELECT @9 WHERE @12 > 5)",
        ),
        ("SELECT @6 WHERE @3 = 'Hull' ORDER BY @6", "SELECT @4 WHERE @0 = 'Hull' ORDER BY @4"),
        ("SELECT DISTINCT @3 FROM @4", "SELECT DISTINCT @0 FROM @4"),
        ("SELECT COUNT(@4)", "SELECT COUNT(@4)"),
        ("SELECT COUNT(DISTINCT @6)", "SELECT COUNT(DISTINCT @4)"),
        ("SELECT @11 WHERE @6 LIKE 'A%'", "SELECT @11 WHERE @4 LIKE 'A%'"),
    ],
)
def test_rows_stand_for_columns_there_and_back(columns: str, rows: str) -> None:
    assert with_rows(columns, PORTS, ()) == rows
    assert with_columns(rows, PORTS) == columns


def test_what_the_question_shows_keeps_its_number() -> None:
    answer = "SELECT @3, COUNT(@4) GROUP BY @1"
    assert with_rows(answer, PORTS, {"@3"}) == "SELECT @3, COUNT(@4) GROUP BY @0"
    assert with_rows(answer, PORTS, {"@3", "@1"}) == answer


@pytest.mark.parametrize(
    "answer",
    [
        "SELECT MAX(@6)",  # a table there is a place for its only number
        "SELECT T1.@3 FROM @0 AS T1 JOIN @0 AS T2 ON T1.@1 = T2.@1",
        "SELECT @12 GROUP BY @10",  # no column alone is the key of a log
    ],
)
def test_what_would_not_come_back_stays(answer: str) -> None:
    assert with_rows(answer, PORTS, ()) == answer


@pytest.mark.parametrize(
    "answer", ["SELECT AVG(@4)", "SELECT @2 WHERE @4 > 3", "SELECT @2 FROM @4", "SELECT @9"]
)
def test_places_for_other_columns_are_left_to_others(answer: str) -> None:
    assert with_columns(answer, PORTS) == answer
