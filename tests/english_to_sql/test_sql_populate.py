"""Generated databases, the gold gate, and how many mutants the judge catches on them."""

import sqlite3

import pytest

from usecases.english_to_sql import bench_judge
from usecases.english_to_sql.bench_judge import GOLDS
from usecases.english_to_sql.gold_gate import gate, gate_all, print_dropped, reordered
from usecases.english_to_sql.judge import Verdict, judge
from usecases.english_to_sql.load_ddl import from_ddl
from usecases.english_to_sql.mutants import measure_mutants, mutants, print_report
from usecases.english_to_sql.populate import populate
from usecases.english_to_sql.predicates import predicate_literals
from usecases.english_to_sql.sandbox import connect
from usecases.english_to_sql.schema import Schema
from usecases.english_to_sql.verdicts import abstention, consistency, make_reward

HARD = """
CREATE TABLE a (id INTEGER PRIMARY KEY, b_id INTEGER NOT NULL REFERENCES b, boss INTEGER NOT NULL
  REFERENCES a);
CREATE TABLE b (code TEXT PRIMARY KEY, a_id INTEGER REFERENCES a, mail TEXT UNIQUE NOT NULL);
CREATE TABLE ab (a_id INTEGER REFERENCES a, b_code TEXT REFERENCES b, no INTEGER,
  PRIMARY KEY (a_id, b_code));
CREATE TABLE note (a_id INTEGER, b_code TEXT, day DATE, at TIMESTAMP, flag BOOLEAN,
  FOREIGN KEY (a_id, b_code) REFERENCES ab (a_id, b_code), FOREIGN KEY (a_id) REFERENCES a (id));
"""


def rows(instance: bytes, sql: str) -> list[tuple[object, ...]]:
    connection = connect(instance)
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


def anywhere(instances: list[bytes], sql: str) -> bool:
    return any(rows(instance, sql)[0][0] for instance in instances)


def test_populating_is_seeded(workshop: Schema) -> None:
    first = populate(workshop, GOLDS, seed=4)
    assert first == populate(workshop, GOLDS, seed=4)
    assert len(set(first + populate(workshop, GOLDS, seed=5))) == 18


def test_every_needed_kind_of_row_is_there(workshop: Schema, workshop_instances: list[bytes]) -> None:
    instances = workshop_instances
    assert len(instances) == 9
    sizes = [rows(i, "SELECT COUNT(*) FROM piece")[0][0] for i in instances]
    assert min(sizes) >= 8 and max(sizes) > 45 and len(set(sizes)) > 3
    needs = {
        "NULL": "SELECT COUNT(*) FROM piece WHERE price IS NULL",
        "empty text": "SELECT COUNT(*) FROM piece WHERE material = ''",
        "tie": "SELECT COUNT(*) - COUNT(DISTINCT price) FROM piece WHERE price IS NOT NULL",
        "other case": "SELECT COUNT(DISTINCT material) > COUNT(DISTINCT lower(material))"
        " FROM piece",
        "literal": "SELECT COUNT(*) FROM piece WHERE price = 100",
        "beside": "SELECT COUNT(*) FROM piece WHERE abs(price - 100) BETWEEN 0.001 AND 1",
        "date beside": "SELECT COUNT(*) FROM piece WHERE finished_on = '2023-05-31'",
        "childless": "SELECT COUNT(*) FROM maker WHERE maker_id NOT IN"
        " (SELECT maker_id FROM piece WHERE maker_id IS NOT NULL)",
        "no parent": "SELECT COUNT(*) FROM piece WHERE maker_id IS NULL",
        "no NULL": "SELECT MIN(price IS NOT NULL) FROM piece",
    }  # fmt: skip
    missing = [name for name, sql in needs.items() if not anywhere(instances, sql)]
    assert not missing
    assert all(rows(i, "PRAGMA foreign_key_check") == [] for i in instances)


def test_rows_are_stored_out_of_order() -> None:
    """A query that forgets ORDER BY must not look right."""
    for instance in populate(from_ddl("CREATE TABLE t (id NUMERIC PRIMARY KEY, x TEXT)", "s")):
        found = rows(instance, "SELECT id, x FROM t")
        assert found != sorted(found)


def test_columns_without_any_null_are_common(workshop_instances: list[bytes]) -> None:
    """One NULL makes NOT IN empty, which would hide every mistake around it."""
    columns = ("title", "material", "weight_kg", "price", "finished_on", "maker_id")
    free = [
        rows(instance, f"SELECT COUNT(*) = COUNT({column}) FROM piece")[0][0]
        for instance in workshop_instances
        for column in columns
    ]
    assert 0.3 < sum(free) / len(free) < 0.8


def test_hard_keys_are_kept() -> None:
    for seed in range(5):
        for instance in populate(from_ddl(HARD, "hard"), seed=seed):
            assert rows(instance, "PRAGMA foreign_key_check") == []
            assert rows(instance, "SELECT COUNT(*) >= 8 FROM a") == [(1,)]
            assert rows(instance, "SELECT COUNT(*) - COUNT(DISTINCT mail) FROM b") == [(0,)]
            assert rows(instance, "SELECT COUNT(*) FROM note WHERE day <> date(day)") == [(0,)]
            assert rows(instance, "SELECT COUNT(*) FROM ab WHERE a_id IS NULL") == [(0,)]


def test_literals_find_their_columns(workshop: Schema) -> None:
    found = predicate_literals(
        workshop,
        [
            "SELECT 1 FROM piece AS p JOIN maker m ON 1 WHERE p.price > 5 AND craft LIKE '%wood%'",
            "SELECT 1 FROM tool_use WHERE tool_id IN (3, -4) AND hours BETWEEN 1.5 AND 2",
            "SELECT 1 FROM piece WHERE strftime('%Y', finished_on) = '2021'",
            "not sql at all (",
        ],
    )
    assert found["piece", "price"] == [5] and found["maker", "craft"] == ["wood"]
    assert found["tool_use", "hours"] == [1.5, 2]
    assert found["tool", "tool_id"] == found["tool_use", "tool_id"] == [3, -4]
    assert found["piece", "finished_on"] == ["2021"]


DATES = (
    "SELECT title FROM piece WHERE strftime('%Y', finished_on) < '1994'",
    "SELECT title FROM piece WHERE strftime('%Y-%m', finished_on) > '2031-12'",
    "SELECT title FROM piece WHERE finished_on LIKE '1987-%'",
    "SELECT title FROM piece WHERE finished_on = '201208'",
    "SELECT title FROM piece WHERE finished_on = '8/24/2012'",
)


@pytest.mark.parametrize("gold", DATES)
def test_parts_of_dates_and_other_spellings_of_them_find_rows(workshop: Schema, gold: str) -> None:
    instances = populate(workshop, [gold])
    assert not gate(gold, instances)
    spelt_otherwise = "SELECT COUNT(*) FROM piece WHERE finished_on NOT GLOB '????-??-??'"
    assert anywhere(instances, spelt_otherwise) == (gold in DATES[3:])


GATE = [
    ("SELECT full_name FROM maker WHERE hourly_rate > 30", ""),
    ("SELECT title FROM piece WHERE price < 0", "on 0 of 9"),
    ("SELECT COUNT(*) FROM maker WHERE hourly_rate IS 'x'", "on 0 of 9"),
    ("SELECT 1", "the same rows on every database"),
    ("SELECT group_concat(full_name) FROM maker", "depends on the stored row order"),
    ("SELECT craft, MAX(benches), label FROM maker, workshop, tool", "stored row order"),
    ("SELECT none FROM maker", "unknown_column on database 0"),
    ("SELECT full_name FROM maker ORDER BY hourly_rate LIMIT 3", ""),
    ("SELECT craft, AVG(hourly_rate) FROM maker GROUP BY craft ORDER BY 2", ""),
]


@pytest.mark.parametrize(("gold", "reason"), GATE)
def test_gold_gate(workshop_instances: list[bytes], gold: str, reason: str) -> None:
    found = gate(gold, workshop_instances)
    assert (reason in found) if reason else not found, found


def test_the_gate_says_what_it_dropped(
    workshop: Schema, workshop_instances: list[bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    kept, dropped = gate_all({"w": [*GOLDS, "SELECT 1", "SELECT 1"]}, {"w": workshop_instances})
    assert kept["w"] == list(GOLDS) and [item.sql for item in dropped] == ["SELECT 1"]
    print_dropped(dropped, 16)
    assert "1 of 16 queries dropped" in capsys.readouterr().out


def test_reordering_keeps_rows_and_moves_them(workshop_instances: list[bytes]) -> None:
    moved = reordered(workshop_instances[0])
    for table in ("maker", "tool_use"):
        before = rows(workshop_instances[0], f"SELECT * FROM {table}")
        after = rows(moved, f"SELECT * FROM {table}")
        assert sorted(map(repr, before)) == sorted(map(repr, after)) and before != after


def test_seventy_percent_of_mutants_are_caught(
    workshop: Schema, workshop_instances: list[bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    report = measure_mutants({"w": GOLDS}, {"w": workshop}, {"w": workshop_instances})
    assert report.total > 120 and report.share >= 0.70
    assert len(report.survivors) == report.total - report.caught
    one = measure_mutants({"w": GOLDS}, {"w": workshop}, {"w": workshop_instances[:1]})
    assert one.share < report.share
    print_report(report)
    assert "survivor" in capsys.readouterr().out


def test_each_kind_of_mutant_is_made(workshop: Schema) -> None:
    sql = (
        "SELECT DISTINCT craft, COUNT(full_name), SUM(hourly_rate) FROM maker JOIN piece ON "
        "maker.maker_id = piece.maker_id WHERE NOT price > 3 AND craft LIKE 'a%' AND material "
        "IN ('oak', 'ash') AND weight_kg BETWEEN 1 AND 2 GROUP BY craft HAVING COUNT(*) > 1 "
        "ORDER BY 2 DESC LIMIT 3"
    )
    kinds = {mutant.kind for query in (sql, "SELECT 1 UNION SELECT 2") for mutant in mutants(query, workshop)}
    assert kinds == {
        "operator", "aggregate", "set operation", "union all", "text literal", "like pattern",
        "off by one", "limit", "direction", "dropped order", "dropped limit", "dropped having",
        "dropped where", "distinct", "dropped predicate", "dropped not", "added not",
        "between bound", "join side", "count distinct", "count star", "column",
    }  # fmt: skip
    assert mutants("not sql (", workshop) == []
    assert all(mutant.sql != sql for mutant in mutants(sql, workshop))


def test_the_benchmark_runs(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.argv", ["bench_judge", "--repeat", "1"])
    bench_judge.main()
    printed = capsys.readouterr().out
    assert printed.count("verdicts/minute") == 2 and "SQLite" in printed


def test_speed_is_enough_for_rewards(workshop_instances: list[bytes]) -> None:
    """The target is 5,000 a minute; a tenth of it also holds on a busy machine."""
    import time

    judge(GOLDS[4], [GOLDS[4]], workshop_instances)
    started = time.perf_counter()
    for _ in range(100):
        assert judge(GOLDS[4], [GOLDS[4]], workshop_instances).correct
    assert 100 / (time.perf_counter() - started) * 60 > 500


def test_abstention_scores() -> None:
    right, wrong = Verdict("correct", True), Verdict("wrong_rows", False)
    refused, refused_rightly = Verdict("abstained", False), Verdict("abstained", True)
    report = abstention([right, wrong, refused, refused_rightly], [True, True, True, False])
    assert (report["precision"], report["recall"]) == (0.5, 1.0)
    assert [report[f"score_cost_{cost}"] for cost in (0, 1, 10)] == [0.5, 0.25, -2.0]


def test_paraphrases_agree(concerts: list[bytes]) -> None:
    def verdict(sql: str) -> Verdict:
        return judge(sql, ["SELECT name FROM singer"], concerts)

    name, ordered, city = (
        verdict(f"SELECT {text}") for text in ("name FROM singer", "name FROM singer ORDER BY 1",
                                              "city FROM singer")
    )  # fmt: skip
    report = consistency({"a": [name, ordered], "b": [city, city], "c": [name, city], "d": [name]})
    assert report == {"groups": 3, "all_correct": 1 / 3, "all_same": 2 / 3}


def test_rewards_never_see_a_test_database(concerts: list[bytes]) -> None:
    reward = make_reward({"s": concerts[:2]}, {"s": concerts[2:]})
    gold = [["SELECT name FROM singer"]] * 2
    answers = ["SELECT name FROM singer", "SELECT city FROM singer"]
    assert reward(completions=answers, schema_id=["s", "s"], golds=gold) == [1.0, 0.0]
    with pytest.raises(ValueError, match="test database is among"):
        make_reward({"s": concerts}, {"s": concerts[:1]})


def test_instances_are_plain_sqlite_databases(workshop_instances: list[bytes]) -> None:
    connection = sqlite3.connect(":memory:")
    connection.deserialize(workshop_instances[0])
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
