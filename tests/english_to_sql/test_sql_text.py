"""Finding the query in an answer, and its outermost clauses."""

import pytest

from usecases.english_to_sql.diagnose import diagnose, same_query
from usecases.english_to_sql.sql_text import (
    extract,
    identifiers_only,
    is_abstention,
    outer,
    requote_strings,
)


@pytest.mark.parametrize(
    ("answer", "sql", "was_clean", "problem"),
    [
        ("SELECT 1", "SELECT 1", True, ""),
        ("SELECT 1;", "SELECT 1", True, ""),
        ("Sure! SELECT 1; Hope it helps", "SELECT 1", False, ""),
        ("```sql\nSELECT 1;\n```\nDone. SELECT 2", "SELECT 1", False, ""),
        (
            "```\nwith a as (select 1) select * from a",
            "with a as (select 1) select * from a",
            0,
            "",
        ),
        ("<think>SELECT 9</think>SELECT 1", "SELECT 1", False, ""),
        ("<think>SELECT 9", "", False, "no_sql"),
        ("With this query: SELECT 1", "SELECT 1", False, ""),
        ("VALUES (1), (2)", "VALUES (1), (2)", True, ""),
        ("SELECT ';' -- ; here", "SELECT ';' -- ; here", True, ""),
        ("SELECT 1; -- done", "SELECT 1", False, ""),
        ("SELECT 1; SELECT 2", "SELECT 1", False, "multi_statement"),
        ("DELETE FROM t; SELECT 1", "DELETE FROM t", False, "unsafe"),
        ("PRAGMA writable_schema = 1", "PRAGMA writable_schema = 1", True, "unsafe"),
        ("EXPLAIN SELECT 1", "EXPLAIN SELECT 1", True, "unsafe"),
        ("INSERT INTO t SELECT 1", "INSERT INTO t SELECT 1", True, "unsafe"),
        ("", "", False, "no_sql"),
    ],
)
def test_extract(answer: str, sql: str, was_clean: bool, problem: str) -> None:
    found = extract(answer)
    assert (found.sql, found.was_clean, found.problem) == (sql, bool(was_clean), problem)


def test_double_quotes_become_identifiers_only() -> None:
    text = """SELECT "a""b", 'it''s "c"', [d"] FROM t -- "e"\n"""
    assert identifiers_only(text) == """SELECT `a"b`, 'it''s "c"', [d"] FROM t -- "e"\n"""


def test_gold_strings_are_requoted() -> None:
    sql = 'SELECT "Name" AS "x y" FROM t WHERE c = "it\'s" ORDER BY "x y"'
    expected = 'SELECT "Name" AS "x y" FROM t WHERE c = \'it\'\'s\' ORDER BY "x y"'
    assert requote_strings(sql, ["name", "t", "c"]) == expected


def test_outer_clauses_are_the_outermost() -> None:
    found = outer(
        "WITH w AS (SELECT 1 ORDER BY 1 LIMIT 1) SELECT DISTINCT a IS DISTINCT FROM b, f(x, y) "
        "FROM w WHERE a IN (SELECT b FROM t ORDER BY b) ORDER BY a, f(b, c) DESC LIMIT 3, 4"
    )
    assert found.items == ("a IS DISTINCT FROM b", "f(x, y)")
    assert found.order_terms == ("a", "f(b, c) DESC")
    assert (found.limit, found.offset, found.is_distinct, found.is_compound) == ("4", "3", 1, 0)
    assert found.body.endswith("ORDER BY b) ")
    nested = outer("SELECT a FROM (SELECT a FROM t ORDER BY a LIMIT 2)")
    assert (nested.order_terms, nested.limit) == ((), "")
    union = outer("SELECT 1 UNION SELECT 2 ORDER BY 1 LIMIT 5 OFFSET (SELECT 1)")
    assert (union.is_compound, union.limit, union.offset) == (True, "5", "(SELECT 1)")


def test_abstention() -> None:
    assert is_abstention("<think>hm</think> `UNANSWERABLE`", "UNANSWERABLE")
    assert not is_abstention("SELECT 'UNANSWERABLE'", "UNANSWERABLE")


TABLES = {"singer": ["id", "name"], "song": ["id", "title"]}


@pytest.mark.parametrize(
    ("sql", "kind"),
    [
        ("SELECT name FROM singer", None),
        ("SELECT nme FROM singer", "unresolved"),
        ("SELECT id FROM singer JOIN song ON 1", "unresolved"),
        ("SELECT name FROM singer WHERE (", "parse_error"),
        ("SELECT " + "(" * 1_900 + "1" + ")" * 1_900, None),
    ],
)
def test_sqlglot_findings(sql: str, kind: str | None) -> None:
    assert [finding.kind for finding in diagnose(sql, TABLES)] == ([kind] if kind else [])


def test_same_query_ignores_how_it_is_written() -> None:
    assert same_query("select Name from `singer`", 'SELECT "name"\nFROM singer')
    assert not same_query("SELECT name FROM singer", "SELECT id FROM singer")
    assert not same_query("SELECT (", "SELECT (")
