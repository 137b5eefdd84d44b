"""Attacks: whatever is run, the databases stay as they were and an answer comes in five seconds."""

import hashlib
import os
import signal
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from usecases.english_to_sql import client
from usecases.english_to_sql.client import CLIENT, WorkerTimeout
from usecases.english_to_sql.judge import Policy, judge, run_query
from usecases.english_to_sql.sandbox import Budget, Sandbox

NAMES = "SELECT name FROM singer"
BUDGET = Budget(steps=2_000_000, rows=10_000, result_bytes=20_000_000)
BOMB = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) "
# One call that takes long inside one step, where no step budget can stop it.
SLOW = "SELECT instr(printf('%.*c', 900000, 'a'), printf('%.*c', 400000, 'a') || 'b')"
ATTACKS = [
    "DROP TABLE singer",
    "DELETE FROM singer",
    "UPDATE singer SET name = 'x'",
    "INSERT INTO singer(name) SELECT 'x'",
    "REPLACE INTO singer(id, name) VALUES (1, 'x')",
    "ALTER TABLE singer ADD COLUMN x",
    "CREATE TEMP TABLE x AS SELECT 1",
    "ATTACH DATABASE 'stolen.db' AS s",
    "VACUUM INTO 'stolen.db'",
    "PRAGMA writable_schema = ON",
    "PRAGMA user_version = 7",
    "WITH a AS (SELECT 1) DELETE FROM singer",
    "WITH a AS (SELECT 1) INSERT INTO singer(name) SELECT 'x'",
    "SELECT load_extension('evil')",
    "SELECT writefile('stolen.db', 'x')",
    "SELECT readfile('/etc/passwd')",
    "SELECT * FROM pragma_database_list",
    "SELECT sql FROM sqlite_master",
    "SELECT randomblob(8)",
    "SELECT hex(zeroblob(4e8))",
    "SELECT zeroblob(900000) FROM singer, singer a, singer b, singer c, singer d",
    SLOW,
    BOMB + "SELECT COUNT(*) FROM c",
    BOMB + "SELECT x FROM c",
    BOMB + "SELECT x, zeroblob(900000) z FROM c ORDER BY z, x DESC",
    BOMB + "SELECT group_concat(x) FROM c",
    "SELECT COUNT(*) FROM " + ", ".join(f"song s{i}" for i in range(12)),
    "SELECT " + "1, " * 330_000 + "1",
    "SELECT " + "(" * 5_000 + "1" + ")" * 5_000,
    "<think>" * 150_000,
    "```sql\n" * 100_000,
    "SELECT '" + "a" * 1_000_000,
    "SELECT name FROM singer WHERE name = '\udcff'",
    "SELECT name FROM singer\0; DROP TABLE singer",
]


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.fixture()
def database_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, concert: bytes) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "concerts.sqlite"
    path.write_bytes(concert)
    return path


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack[:40].encode("unicode_escape"))
def test_attacks_change_nothing(attack: str, database_file: Path, concerts: list[bytes]) -> None:
    before = digest(database_file.read_bytes()), sorted(os.listdir(database_file.parent))
    started = time.monotonic()
    verdict = judge(attack, [NAMES], [database_file, *concerts])
    assert time.monotonic() - started < 5.0
    assert not verdict.correct and verdict.label not in ("wrong_rows", "uninformative"), verdict
    after = digest(database_file.read_bytes()), sorted(os.listdir(database_file.parent))
    assert after == before
    assert judge(NAMES, [NAMES], [database_file, *concerts]).correct


WRITES = ATTACKS[:13]


@pytest.mark.parametrize("attack", WRITES)
def test_sqlite_itself_refuses_writes(attack: str, concert: bytes) -> None:
    """The text check may be fooled, so the engine is asked directly."""
    sandbox = Sandbox(concert, "2024-06-15 12:00:00")
    assert sandbox.run(attack, BUDGET).label == "unsafe"
    assert sandbox.is_unchanged() and sandbox.connection.serialize() == concert


@pytest.mark.parametrize(
    ("attack", "label", "message"),
    [
        (BOMB + "SELECT COUNT(*) FROM c", "timeout", "stopped after 2,001,000 steps"),
        (BOMB + "SELECT x FROM c", "too_many_rows", "10,000 rows"),
        ("SELECT zeroblob(900000) FROM song, song b", "too_many_rows", "20,000,000 bytes"),
        ("SELECT hex(zeroblob(4e8))", "runtime_error", "too big"),
        (BOMB + "SELECT zeroblob(9e5) z FROM c ORDER BY z", "runtime_error", "more memory"),
    ],
)
def test_each_limit_stops_by_itself(attack: str, label: str, message: str, concert: bytes) -> None:
    """The kill after some seconds would hide a limit that is gone."""
    outcome = Sandbox(concert, "2024-06-15 12:00:00").run(attack, BUDGET)
    assert outcome.label == label and message in outcome.message, outcome


def test_long_queries_are_not_even_sent(concerts: list[bytes]) -> None:
    verdict = judge("SELECT " + "1, " * 9_000 + "1", [NAMES], concerts)
    assert verdict.detail == "the query has 27,008 bytes, at most 20,000 are run"


def test_a_changed_copy_is_noticed(concert: bytes) -> None:
    sandbox = Sandbox(concert, "2024-06-15 12:00:00")
    sandbox.connection.set_authorizer(None)
    sandbox.connection.execute("PRAGMA query_only = OFF")
    sandbox.connection.execute("DELETE FROM singer")
    assert not sandbox.is_unchanged()


def test_query_only_holds_without_the_authorizer(concert: bytes) -> None:
    sandbox = Sandbox(concert, "2024-06-15 12:00:00")
    sandbox.connection.set_authorizer(None)
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        sandbox.connection.execute("DELETE FROM singer")


def test_a_stuck_worker_is_killed_and_replaced(concerts: list[bytes]) -> None:
    judge(NAMES, [NAMES], concerts)
    worker = CLIENT.process
    started = time.monotonic()
    verdict = judge(SLOW, [NAMES], concerts, policy=Policy(wall_seconds=1.0))
    assert (verdict.label, time.monotonic() - started < 2.0) == ("timeout", True)
    assert "killed" in verdict.detail and worker.poll() is not None
    assert judge(NAMES, [NAMES], concerts).correct
    assert CLIENT.process is not worker


def test_a_worker_that_dies_is_replaced(concerts: list[bytes]) -> None:
    judge(NAMES, [NAMES], concerts)
    CLIENT.process.kill()
    CLIENT.process.wait()
    assert judge(NAMES, [NAMES], concerts).correct


def test_the_worker_stays_warm(concerts: list[bytes]) -> None:
    judge(NAMES, [NAMES], concerts)
    worker = CLIENT.process
    judge("SELECT nme FROM singer", [NAMES], concerts)
    judge("DROP TABLE singer", [NAMES], concerts)
    CLIENT.process.send_signal(signal.SIGINT)  # Ctrl-C in a terminal reaches it too
    assert judge(NAMES, [NAMES], concerts).correct
    assert CLIENT.process is worker


def test_a_full_worker_is_replaced(concerts: list[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    judge(NAMES, [NAMES], concerts[:1])
    worker = CLIENT.process
    monkeypatch.setattr(client, "MAX_INSTANCES", len(CLIENT.sent))
    assert judge(NAMES, [NAMES], concerts).correct
    assert CLIENT.process is not worker and len(CLIENT.sent) == 3


def test_threads_get_their_own_verdicts(concerts: list[bytes]) -> None:
    answers = [NAMES, "SELECT city FROM singer", "SELECT nme FROM singer"] * 20
    with ThreadPoolExecutor(4) as pool:
        labels = [v.label for v in pool.map(lambda a: judge(a, [NAMES], concerts), answers)]
    assert labels == ["correct", "wrong_rows", "unknown_column"] * 20


def test_a_forked_child_starts_its_own_worker(concerts: list[bytes]) -> None:
    judge(NAMES, [NAMES], concerts)
    child = os.fork()
    if child == 0:
        is_right = judge(NAMES, [NAMES], concerts).correct
        slow = judge(SLOW, [NAMES], concerts, policy=Policy(wall_seconds=0.5))
        os._exit(0 if is_right and slow.label == "timeout" else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert judge(NAMES, [NAMES], concerts).correct


def test_a_slow_hint_changes_no_verdict(concerts: list[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    ask = CLIENT.ask

    def slow_hints(request: dict[str, Any], instances: list[bytes], wall_seconds: float) -> dict[str, Any]:
        if request["action"] == "diagnose":
            raise WorkerTimeout
        return ask(request, instances, wall_seconds)

    monkeypatch.setattr(CLIENT, "ask", slow_hints)
    verdict = judge("SELECT nme FROM singer", [NAMES], concerts)
    assert (verdict.label, verdict.hint) == ("unknown_column", "")


def test_query_results_come_back_whole(database_file: Path) -> None:
    result = run_query("SELECT 1, 2.5, 'é', NULL, x'00ff', 9e999 AS big", database_file)
    assert result.rows == ((1, 2.5, "é", None, b"\x00\xff", float("inf")),)
    assert result.names[-1] == "big" and not result.label
    assert run_query("SELECT x FROM singer", database_file).label == "unknown_column"
    assert run_query("nothing", database_file).label == "no_sql"


def test_text_that_is_not_utf8_is_read(tmp_path: Path) -> None:
    path = tmp_path / "latin.sqlite"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE t (a TEXT)")
    connection.execute("INSERT INTO t VALUES (CAST(x'63616665ff' AS TEXT))")
    connection.commit()
    connection.close()
    assert run_query("SELECT a FROM t", path).rows == (("cafe\\xff",),)
