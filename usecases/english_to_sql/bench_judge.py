"""Measures the judge beside the usual comparison of sets on one database, in one run.

    python -m usecases.english_to_sql.bench_judge

Both judge the same one-edit mutants of correct queries: how many a minute, and how many they let
through. The usual comparison has no sandbox, one database, and forgets order and duplicates.
Then the same for the use case's own test answers and databases, with the mutants that survive.
"""

import argparse
import sqlite3
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import sqlglot

from .gold_gate import gate_all, print_dropped
from .judge import ABSTAIN_MARKER, judge
from .load_ddl import from_ddl
from .mutants import measure_mutants, mutants, print_report
from .populate import populate
from .sandbox import connect

DDL = """
CREATE TABLE workshop (workshop_id INTEGER PRIMARY KEY, name TEXT NOT NULL, town TEXT,
  benches INTEGER, opened_on DATE);
CREATE TABLE maker (maker_id INTEGER PRIMARY KEY, full_name TEXT NOT NULL, craft TEXT,
  hourly_rate REAL, workshop_id INTEGER REFERENCES workshop, mentor_id INTEGER REFERENCES maker);
CREATE TABLE piece (piece_id INTEGER PRIMARY KEY, title TEXT, material TEXT, weight_kg REAL,
  price REAL, finished_on DATE, maker_id INTEGER REFERENCES maker);
CREATE TABLE tool (tool_id INTEGER PRIMARY KEY, label TEXT, material TEXT, year_bought INTEGER);
CREATE TABLE tool_use (maker_id INTEGER REFERENCES maker, tool_id INTEGER REFERENCES tool,
  hours REAL, PRIMARY KEY (maker_id, tool_id));
"""
GOLDS = (
    "SELECT full_name FROM maker WHERE hourly_rate > 30",
    "SELECT town, COUNT(*) FROM workshop GROUP BY town",
    "SELECT title FROM piece WHERE material = 'oak' AND price >= 100",
    "SELECT title, price FROM piece ORDER BY price DESC LIMIT 5",
    "SELECT m.full_name, COUNT(*) FROM maker AS m JOIN piece AS p ON p.maker_id = m.maker_id"
    " GROUP BY m.maker_id HAVING COUNT(*) >= 2",
    "SELECT w.name, AVG(m.hourly_rate) FROM workshop AS w JOIN maker AS m"
    " ON m.workshop_id = w.workshop_id GROUP BY w.workshop_id ORDER BY 2 DESC",
    "SELECT full_name FROM maker WHERE maker_id NOT IN (SELECT maker_id FROM piece"
    " WHERE maker_id IS NOT NULL)",
    "SELECT COUNT(DISTINCT material) FROM piece WHERE finished_on >= '2023-06-01'",
    "SELECT label FROM tool WHERE year_bought BETWEEN 2005 AND 2015 ORDER BY label",
    "SELECT material FROM piece INTERSECT SELECT material FROM tool",
    "SELECT a.full_name, b.full_name FROM maker AS a JOIN maker AS b ON a.mentor_id = b.maker_id",
    "SELECT t.label, SUM(u.hours) FROM tool AS t LEFT JOIN tool_use AS u ON u.tool_id = t.tool_id"
    " GROUP BY t.tool_id",
    "SELECT title FROM piece WHERE price > (SELECT AVG(price) FROM piece)",
    "SELECT craft, MAX(hourly_rate) - MIN(hourly_rate) FROM maker GROUP BY craft",
    "SELECT DISTINCT material FROM piece WHERE weight_kg < 12.5 OR material LIKE '%oak%'",
)


OWN_STEP = 4


@dataclass(frozen=True)
class Case:
    """One mutant to judge against its gold."""

    mutant: str
    gold: str


def set_comparison(case: Case, connection: sqlite3.Connection) -> bool:
    """The usual way: run both on one database and compare the rows as sets."""
    try:
        rows = set(connection.execute(case.mutant).fetchall())
    except sqlite3.Error:
        return False
    return rows == set(connection.execute(case.gold).fetchall())


def measure(name: str, cases: Sequence[Case], decide: Callable[[Case], bool]) -> None:
    """Times one way of judging and counts the mutants that it lets through."""
    started = time.perf_counter()
    passed = sum(decide(case) for case in cases)
    seconds = time.perf_counter() - started
    speed = len(cases) / seconds * 60
    share = passed / len(cases)
    print(f"{name:42} {speed:9,.0f} verdicts/minute   lets {share:6.1%} of the mutants through")


def main() -> None:
    """Builds the databases, then measures both ways."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeat", type=int, default=5, help="how often to judge every mutant")
    repeat = parser.parse_args().repeat
    schema = from_ddl(DDL, "workshop")
    instances = populate(schema, GOLDS)
    kept, dropped = gate_all({schema.name: GOLDS}, {schema.name: instances})
    print_dropped(dropped, len(GOLDS))
    golds = kept[schema.name]
    cases = [Case(mutant.sql, gold) for gold in golds for mutant in mutants(gold, schema)] * repeat
    # One verdict starts the worker; a run of the judge keeps it warm.
    judge(golds[0], [golds[0]], instances)
    connection = connect(instances[0])
    print(
        f"{len(cases):,} verdicts on {len(instances)} databases; SQLite {sqlite3.sqlite_version}, "
        f"sqlglot {sqlglot.__version__}"
    )
    measure("set comparison on one database", cases, lambda case: set_comparison(case, connection))
    measure(
        f"judge on {len(instances)} databases, sandboxed",
        cases,
        lambda case: judge(case.mutant, [case.gold], instances).correct,
    )
    own_strength()


def own_strength() -> None:
    """How many one-edit mutants of the test questions' own answers the shipped databases tell apart."""
    from . import data

    golds: dict[str, list[str]] = {}
    for example in data.load().test[::OWN_STEP]:
        if example.answer != ABSTAIN_MARKER:
            golds.setdefault(example.group, []).append(example.answer)
    schemas = {name: data.schema(name) for name in golds}
    print_report(measure_mutants(golds, schemas, {name: data.databases(name) for name in golds}))


if __name__ == "__main__":
    main()
