"""The judge: traps that other comparisons fall into, every label, ties, clock, several golds."""

import pytest

from usecases.english_to_sql import compare
from usecases.english_to_sql import gold as gold_module
from usecases.english_to_sql.bench_judge import GOLDS
from usecases.english_to_sql.gold import GoldError
from usecases.english_to_sql.judge import CLOCK, LABELS, Policy, judge, run_query
from usecases.english_to_sql.sandbox import Sandbox, Value

NAMES = "SELECT name FROM singer"
TOP = "SELECT name FROM singer ORDER BY age DESC, id"
YOUNGEST = "SELECT name FROM singer ORDER BY age LIMIT 1"
BOMB = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) "

# Rule by rule: the gold, an answer, and what the judge must say of it.
TRAPS = [
    (NAMES, NAMES, "correct"),
    ("SELECT city FROM singer", "SELECT DISTINCT city FROM singer", "missing_duplicates"),
    ("SELECT DISTINCT city FROM singer", "SELECT city FROM singer", "missing_duplicates"),
    ("SELECT COUNT(DISTINCT city) FROM singer", "SELECT COUNT(city) FROM singer", "wrong_rows"),
    ("SELECT COUNT(*) FROM singer", "SELECT COUNT(city) FROM singer", "wrong_rows"),
    (f"{NAMES} WHERE age <= 30", f"{NAMES} WHERE age < 30", "wrong_rows"),
    (
        "SELECT name, title FROM singer LEFT JOIN song ON singer_id = singer.id",
        "SELECT name, title FROM singer JOIN song ON singer_id = singer.id",
        "wrong_rows",
    ),
    (TOP, TOP.replace("DESC", "ASC"), "wrong_order"),
    (TOP, NAMES, "wrong_order"),
    (NAMES, f"{NAMES} ORDER BY name", "correct"),
    ("SELECT city FROM singer", 'SELECT "revenue" FROM singer', "unknown_column"),
    (f"{NAMES} WHERE city = 'Rome'", f'{NAMES} WHERE city = "Rome"', "unknown_column"),
    (NAMES, 'SELECT "name" AS "the name" FROM "singer" ORDER BY "the name"', "correct"),
    (f"{NAMES} WHERE age > 99", f"{NAMES} WHERE age > 98", "uninformative"),
    ("SELECT SUM(sales) FROM song WHERE singer_id = 3", "SELECT 0.6", "correct"),
    ("SELECT 0.1 + 0.2", "SELECT 0.3", "correct"),
    ("SELECT 1.0", "SELECT 1", "correct"),
    ("SELECT 1", "SELECT '1'", "wrong_rows"),
    ("SELECT 1000000", "SELECT 1000001", "wrong_rows"),
    ("SELECT 'é'", "SELECT 'e' || char(769)", "correct"),
    ("SELECT x'61'", "SELECT 'a'", "wrong_rows"),
    ("SELECT NULL, 1", "SELECT '', 1", "wrong_rows"),
    (
        f"{NAMES} WHERE id IN (SELECT singer_id FROM song ORDER BY sales)",
        f"{NAMES} WHERE id IN (SELECT singer_id FROM song) ORDER BY id DESC",
        "correct",
    ),
    ("SELECT name, age FROM singer", "SELECT age, name FROM singer", "correct"),
    ("SELECT name, age FROM singer", "SELECT age, name, id FROM singer", "extra_columns"),
    ("SELECT name, age FROM singer", "SELECT city, id, id FROM singer", "wrong_columns"),
    ("SELECT name, age FROM singer", NAMES, "wrong_columns"),
    (NAMES, f"{NAMES} WHERE 0", "empty_vs_rows"),
    (NAMES, "SELECT nme FROM singer", "unknown_column"),
    (NAMES, "SELECT name FROM singers", "unknown_table"),
    (NAMES, "SELECT id FROM singer JOIN song ON 1", "ambiguous"),
    (NAMES, "SELECT name FROM singer WHERE", "runtime_error"),
    (NAMES, BOMB + "SELECT COUNT(*) FROM c", "timeout"),
    (NAMES, BOMB + "SELECT x FROM c", "too_many_rows"),
    (NAMES, "DROP TABLE singer", "unsafe"),
    (NAMES, "SELECT random()", "unsafe"),
    (NAMES, f"{NAMES}; {NAMES}", "multi_statement"),
    (NAMES, f"{NAMES}; DROP TABLE singer", "multi_statement"),
    (NAMES, "I do not know.", "no_sql"),
    (NAMES, "UNANSWERABLE", "abstained"),
]


@pytest.mark.parametrize(("gold", "answer", "label"), TRAPS)
def test_trap_pairs(concerts: list[bytes], gold: str, answer: str, label: str) -> None:
    verdict = judge(answer, [gold], concerts)
    assert (verdict.label, verdict.correct) == (label, label == "correct"), verdict
    assert verdict.label == "correct" or verdict.detail or verdict.label == "abstained"


def test_traps_cover_every_label() -> None:
    assert {label for _, _, label in TRAPS} | {"not_abstained"} == set(LABELS)


def test_gold_against_itself_is_always_right(workshop_instances: list[bytes]) -> None:
    for gold in GOLDS:
        verdict = judge(gold, [gold], workshop_instances)
        assert verdict.correct and verdict.correct_strict and verdict.correct_on_visible, gold


TIES = [
    ("SELECT name, age FROM singer ORDER BY age", "SELECT name, age FROM singer ORDER BY age, id"),
    (
        "SELECT name, age FROM singer ORDER BY age",
        "SELECT name, age FROM singer ORDER BY age, id DESC",
    ),
    (YOUNGEST, "SELECT name FROM singer ORDER BY age, id DESC LIMIT 1"),
    ("SELECT name FROM singer ORDER BY 1 COLLATE NOCASE", f"{NAMES} ORDER BY lower(name), id DESC"),
    (f"{NAMES} LIMIT 2", f"{NAMES} ORDER BY id DESC LIMIT 2"),
    (
        "SELECT city c, COUNT(*) n FROM singer GROUP BY c ORDER BY n DESC LIMIT 2",
        "SELECT city, COUNT(*) FROM singer GROUP BY city ORDER BY COUNT(*) DESC, city LIMIT 2",
    ),
    (
        "SELECT DISTINCT age FROM singer UNION ALL SELECT age FROM singer ORDER BY age LIMIT 3",
        "SELECT age FROM singer UNION ALL SELECT DISTINCT age FROM singer ORDER BY 1 LIMIT 3",
    ),
    (
        "SELECT id FROM song ORDER BY sales * 0 + 0.1 * (id % 2 + 2)",
        "SELECT id FROM song ORDER BY id % 2, id DESC",
    ),
    (
        "SELECT title FROM song ORDER BY sales DESC LIMIT 1, 2",
        "SELECT title FROM song ORDER BY sales DESC, id DESC LIMIT 2 OFFSET 1",
    ),
]


@pytest.mark.parametrize(("gold", "answer"), TIES)
def test_any_order_of_tied_rows_is_right(concerts: list[bytes], gold: str, answer: str) -> None:
    assert judge(answer, [gold], concerts).correct, judge(answer, [gold], concerts)


@pytest.mark.parametrize(
    ("gold", "answer"),
    [
        (YOUNGEST, "SELECT name FROM singer ORDER BY age DESC LIMIT 1"),
        (YOUNGEST, "SELECT name FROM singer WHERE age = (SELECT MIN(age) FROM singer)"),
        (YOUNGEST, "SELECT name FROM singer ORDER BY age LIMIT 2"),
        ("SELECT age FROM singer ORDER BY age LIMIT 2", "SELECT MIN(age) FROM singer"),
        ("SELECT title FROM song ORDER BY sales DESC", "SELECT title FROM song ORDER BY title"),
    ],
)
def test_ties_do_not_excuse_other_rows(concerts: list[bytes], gold: str, answer: str) -> None:
    assert not judge(answer, [gold], concerts).correct


def test_float_noise_in_a_sort_key_is_a_tie(concerts: list[bytes]) -> None:
    tables = "(SELECT 'a' AS t, 0.1 + 0.2 AS v UNION ALL SELECT 'b', 0.3)"
    assert judge(f"SELECT t FROM {tables} ORDER BY t", [f"SELECT t FROM {tables} ORDER BY v"],
                 concerts).correct  # fmt: skip


def test_permutation_is_one_for_all_databases(concerts: list[bytes]) -> None:
    gold = "SELECT MIN(id), MAX(age) FROM singer"
    swap_on_some = (
        "SELECT CASE WHEN n = 5 THEN a ELSE b END, CASE WHEN n = 5 THEN b ELSE a END FROM "
        "(SELECT MIN(id) a, MAX(age) b, COUNT(*) n FROM singer)"
    )
    assert judge("SELECT MAX(age), MIN(id) FROM singer", [gold], concerts).correct
    assert not judge("SELECT MAX(age), MIN(id) FROM singer", [gold], concerts).correct_strict
    assert judge(swap_on_some, [gold], concerts).label == "wrong_rows"


def test_one_gold_must_fit_every_database(concerts: list[bytes]) -> None:
    golds = ["SELECT COUNT(*) FROM singer", "SELECT 5"]
    assert judge("SELECT 5", golds, concerts).gold_index == 1
    assert judge("SELECT COUNT(id) FROM singer", golds, concerts).gold_index == 0
    mixed = "SELECT CASE WHEN (SELECT COUNT(*) FROM song) = 7 THEN 5 ELSE 4 END"
    assert judge(mixed, ["SELECT 4", "SELECT 5"], concerts).label == "wrong_rows"


def test_the_visible_database_alone_lets_more_through(concerts: list[bytes]) -> None:
    verdict = judge("SELECT 5", ["SELECT COUNT(*) FROM singer"], concerts)
    assert verdict.correct_on_visible and not verdict.correct


def test_clock_stands_still(concerts: list[bytes]) -> None:
    day = ("date('now')", "CURRENT_DATE", "date()", "strftime('%Y-%m-%d')", "'2024-06-15'")
    for expression in day:
        gold = f"{NAMES} WHERE born = '2024-06-15'"
        assert judge(f"{NAMES} WHERE born = {expression}", [gold], concerts).correct, expression
    times = "SELECT CURRENT_TIMESTAMP, CURRENT_TIME, time('now'), julianday('now'), unixepoch()"
    row = ("2024-06-15 12:00:00", "12:00:00", "12:00:00", 2460477.0, 1718452800)
    assert run_query(times, concerts[0]).rows == (row,)
    later = run_query("SELECT date('now', '+1 month')", concerts[0], "2030-01-31 00:00:00")
    assert later.rows == (("2030-03-03",),)


def test_unanswerable_needs_a_refusal(concerts: list[bytes]) -> None:
    assert judge("UNANSWERABLE", [], concerts).correct
    assert judge("unanswerable.", [], concerts).correct
    assert judge(NAMES, [], concerts).label == "not_abstained"


def test_bad_golds_are_the_callers_fault(concerts: list[bytes]) -> None:
    for gold in ("SELECT nothing FROM singer", "DROP TABLE singer", "words"):
        with pytest.raises(GoldError, match="gold query gives"):
            judge(NAMES, [gold], concerts)
    with pytest.raises(ValueError, match="at least one"):
        judge(NAMES, [NAMES], [])


def test_hints_name_what_is_nearest(concerts: list[bytes]) -> None:
    assert judge("SELECT nme FROM singer", [NAMES], concerts).hint.endswith("singer.name")
    assert "song.title" in judge("SELECT title FROM singer", [NAMES], concerts).hint
    assert "nearest: singer" in judge("SELECT name FROM singr", [NAMES], concerts).hint
    assert "singer.id or song.id" in judge("SELECT id FROM singer JOIN song ON 1", [NAMES], concerts).hint
    assert "line 1" in judge("SELECT name FROM singer WHERE (1", [NAMES], concerts).hint


def test_limits_grow_with_the_gold(concerts: list[bytes]) -> None:
    gold = BOMB + "SELECT x FROM c LIMIT 3000"
    small = Policy(min_rows=10, rows_per_gold_row=1)
    assert judge(gold, [gold], concerts, policy=small).correct
    more = gold.replace("3000", "3001")
    assert judge(more, [gold], concerts, policy=small).label == "too_many_rows"


def test_many_like_columns_are_matched_in_time(concerts: list[bytes]) -> None:
    gold = "SELECT " + ", ".join(f"id + {i} * 0" for i in range(12)) + ", age FROM singer"
    answer = "SELECT age, " + ", ".join("id" for _ in range(12)) + " FROM singer"
    assert judge(answer, [gold], concerts).correct
    assert not judge(answer.replace("age", "name"), [gold], concerts).correct


def test_equal_columns_do_not_use_up_the_search(concerts: list[bytes]) -> None:
    """The first column looks right until the last; the equal ones between must not multiply."""
    table = "(VALUES (1, 2, 'x'), (2, 3, 'y'), (3, 1, 'z'))"
    ones = ", ".join("1" for _ in range(9))
    gold = f"SELECT column1, {ones}, column2, column3 FROM {table}"
    answer = f"SELECT column2, {ones}, column1, column3 FROM {table}"
    assert judge(answer, [gold], concerts).correct


def test_a_rank_that_changes_the_meaning_is_not_used(
    concerts: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox = Sandbox(concerts[0], CLOCK)
    outcome = sandbox.run(TOP, gold_module.GOLD_BUDGET)
    wrong = "SELECT name, DENSE_RANK() OVER (ORDER BY age), age FROM singer"
    monkeypatch.setattr(gold_module, "_keyed_queries", lambda *_: [wrong])
    runs = gold_module.accepted_runs(TOP, outcome, sandbox)
    assert [run.rows for run in runs] == [[row] for row in outcome.rows]


def test_aliases_in_order_by_keep_their_meaning(concerts: list[bytes]) -> None:
    """In ORDER BY the alias hides the column, in the select list it does not."""
    for gold in (
        "SELECT -age AS id, name FROM singer ORDER BY id",
        "SELECT -age AS id, name FROM singer ORDER BY id + 0, name",
        "SELECT upper(name) AS name, age FROM singer ORDER BY name || 'x' DESC",
        "SELECT city AS c, MIN(age) AS age FROM singer GROUP BY c ORDER BY age + 1, c LIMIT 2",
    ):
        assert judge(gold, [gold], concerts).correct, gold


@pytest.mark.parametrize(
    ("left", "right", "is_same"),
    [
        (1, 1.0, True),
        (1.0, 1.0 + 9e-7, True),
        (1.0, 1.0 + 3e-6, False),
        (1e9, 1e9 + 900.0, True),
        (10**12, 10**12 + 1, False),
        (float("inf"), float("inf"), True),
        (None, 0, False),
        ("1", 1, False),
        ("a", b"a", False),
    ],
)
def test_values(left: Value, right: Value, is_same: bool) -> None:
    assert compare.same_value(left, right) is is_same
    assert compare.bag_within([(left, "x")], [(right, "x")]) is is_same


def test_bags_pair_noisy_rows_whatever_their_order() -> None:
    left = [(1.0, "b"), (1.0 + 1e-9, "a"), (2, "c")]
    right = [(1.0, "a"), (1.0 + 1e-9, "b"), (2, "c")]
    assert compare.bag_within(left, right)
    assert not compare.bag_within(left + [(2, "c")], right + [(3, "c")])
