"""Judges SQL by what it returns: `judge(pred, golds, instances, clock, policy) -> Verdict`.

A prediction is right when it returns the rows of one accepted gold query on every database. The
first database is the visible one; the others stay hidden from prompts. Untrusted SQL runs in a
sandbox inside a process that can be killed. SQLite decides; sqlglot only words the hints.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .client import CLIENT, WorkerDied, WorkerTimeout
from .gold import GoldError
from .sandbox import MAX_SQL_BYTES, Value
from .sql_text import Extract, extract, identifiers_only, is_abstention

CLOCK = "2024-06-15 12:00:00"
ABSTAIN_MARKER = "UNANSWERABLE"
GOLD_SECONDS = 60.0
HINT_SECONDS = 0.9
MAX_ANSWER_CHARACTERS = 4_000_000
SCHEMA_LABELS = ("unknown_table", "unknown_column", "ambiguous")
LABELS = (
    "correct",
    "wrong_rows",
    "wrong_order",
    "wrong_columns",
    "extra_columns",
    "missing_duplicates",
    "empty_vs_rows",
    "uninformative",
    "runtime_error",
    *SCHEMA_LABELS,
    "timeout",
    "too_many_rows",
    "unsafe",
    "multi_statement",
    "no_sql",
    "abstained",
    "not_abstained",
)

Instance = bytes | Path


@dataclass(frozen=True)
class Policy:
    """What a prediction may use up."""

    min_steps: int = 2_000_000
    steps_per_gold_step: int = 50
    min_rows: int = 10_000
    rows_per_gold_row: int = 10
    result_bytes: int = 20_000_000
    wall_seconds: float = 4.0

    def limits(self) -> dict[str, int]:
        return {
            "steps": self.min_steps,
            "steps_per_gold_step": self.steps_per_gold_step,
            "rows": self.min_rows,
            "rows_per_gold_row": self.rows_per_gold_row,
            "result_bytes": self.result_bytes,
        }


@dataclass(frozen=True)
class Verdict:
    """One judged answer; `correct` is the headline, the rest says how it came about."""

    label: str
    correct: bool
    detail: str = ""
    hint: str = ""
    sql: str = ""
    was_clean: bool = False
    executable: bool = False
    correct_strict: bool = False
    correct_on_visible: bool = False
    informative: int = 0
    gold_index: int | None = None
    fingerprint: str = ""

    @property
    def schema_valid(self) -> bool:
        """Names that exist were used, as far as the query was understood."""
        return self.executable or self.label in ("timeout", "too_many_rows")


@dataclass(frozen=True)
class QueryResult:
    """What one query returned from the sandbox; `label` is empty when it ran."""

    sql: str
    label: str = ""
    detail: str = ""
    hint: str = ""
    names: tuple[str, ...] = ()
    rows: tuple[tuple[Value, ...], ...] = ()
    fingerprint: str = ""


DEFAULT_POLICY = Policy()


def judge(
    pred: str,
    golds: Sequence[str],
    instances: Sequence[Instance],
    clock: str = CLOCK,
    policy: Policy = DEFAULT_POLICY,
) -> Verdict:
    """Judges one answer; without golds the question has no answer and must be refused."""
    return judge_across(pred, golds, instances, instances, clock, policy)


def judge_across(
    pred: str,
    golds: Sequence[str],
    gold_instances: Sequence[Instance],
    instances: Sequence[Instance],
    clock: str = CLOCK,
    policy: Policy = DEFAULT_POLICY,
) -> Verdict:
    """Judges an answer that runs on other copies of the databases than the golds do."""
    if len(instances) == 0 or len(instances) != len(gold_instances):
        raise ValueError(
            f"judge needs the same databases for golds and answer, at least one; found "
            f"{len(gold_instances)} and {len(instances)}"
        )
    found = _early_verdict(pred, golds)
    if isinstance(found, Verdict):
        return found
    gold_texts = [_gold_text(gold) for gold in golds]
    _prepare(gold_texts, gold_instances, clock)
    request = {"action": "judge", "sql": identifiers_only(found.sql), "golds": gold_texts}
    request |= {"clock": clock, "limits": policy.limits()}
    reply = _ask(request, [*instances, *gold_instances], policy.wall_seconds)
    return _as_verdict(reply, found)


def _prepare(golds: Sequence[str], instances: Sequence[Instance], clock: str) -> None:
    """Runs new golds first, in their own time, so that a slow gold is no fault of the answer."""
    request = {"action": "prepare", "golds": golds, "clock": clock}
    try:
        reply = CLIENT.ask_once(request, instances, GOLD_SECONDS)
    except (WorkerTimeout, WorkerDied) as error:
        detail = f"gave no result in {GOLD_SECONDS} seconds or ended the sandbox"
        raise GoldError(f"gold query {detail} | queries: {list(golds)}") from error
    _raise_faults(reply)


def _early_verdict(pred: str, golds: Sequence[str]) -> Verdict | Extract:
    """Decides what needs no database: refusals, unsafe statements and answers without SQL."""
    if len(pred) > MAX_ANSWER_CHARACTERS:
        detail = f"the answer has {len(pred):,} characters, at most {MAX_ANSWER_CHARACTERS:,} read"
        return Verdict("runtime_error", False, detail)
    if is_abstention(pred, ABSTAIN_MARKER):
        return Verdict("abstained", not golds, was_clean=pred.strip() == ABSTAIN_MARKER)
    found = extract(pred)
    if not golds:
        return Verdict("not_abstained", False, "no query can answer this question", sql=found.sql)
    if found.problem:
        return Verdict(found.problem, False, _problem_detail(found), sql=found.sql)
    too_long = _too_long(found)
    return Verdict("runtime_error", False, too_long, sql=found.sql) if too_long else found


def _problem_detail(found: Extract) -> str:
    if found.problem == "no_sql":
        return "no SELECT, WITH or VALUES was found in the answer"
    if found.problem == "multi_statement":
        return "more than one statement was found; exactly one is run"
    return f"only queries are run; found {found.sql[:60]!r}"


def _too_long(found: Extract) -> str:
    size = len(found.sql.encode("utf-8", "backslashreplace"))
    is_long = size > MAX_SQL_BYTES
    return f"the query has {size:,} bytes, at most {MAX_SQL_BYTES:,} are run" if is_long else ""


def _gold_text(gold: str) -> str:
    found = extract(gold)
    if found.problem:
        raise GoldError(f"gold query gives {found.problem} | query: {gold}")
    return identifiers_only(found.sql)


def _ask(request: dict[str, Any], instances: Sequence[Instance], wall_seconds: float) -> dict[str, Any]:
    """Asks the worker; a killed or broken worker is a verdict on the query that broke it."""
    try:
        reply = CLIENT.ask(request, instances, wall_seconds)
    except WorkerTimeout:
        return {"label": "timeout", "detail": f"killed after {wall_seconds} seconds"}
    except WorkerDied:
        return {"label": "runtime_error", "detail": "the sandbox process ended inside the query"}
    _raise_faults(reply)
    return reply


def _raise_faults(reply: dict[str, Any]) -> None:
    if "gold_error" in reply:
        raise GoldError(reply["gold_error"])
    if "fault" in reply:
        raise RuntimeError(f"the sandbox failed, not the query:\n{reply['fault']}")


def _hint(sql: str, reply: dict[str, Any]) -> str:
    """Asks for words on a query that did not run; no answer in time is no hint."""
    if reply["label"] not in (*SCHEMA_LABELS, "runtime_error") or "tables" not in reply:
        return ""
    request = {"action": "diagnose", "sql": sql}
    request |= {"tables": reply["tables"], "message": reply["message"]}
    try:
        return CLIENT.ask(request, [], HINT_SECONDS).get("hint", "")
    except (WorkerTimeout, WorkerDied):
        return ""


def _as_verdict(reply: dict[str, Any], found: Extract) -> Verdict:
    return Verdict(
        label=reply["label"],
        correct=reply.get("correct", False),
        detail=reply["detail"],
        hint=_hint(found.sql, reply),
        sql=found.sql,
        was_clean=found.was_clean,
        executable="fingerprint" in reply,
        correct_strict=reply.get("correct_strict", False),
        correct_on_visible=reply.get("correct_on_visible", False),
        informative=reply.get("informative", 0),
        gold_index=reply.get("gold_index"),
        fingerprint=reply.get("fingerprint", ""),
    )


def run_query(
    answer: str,
    instance: Instance,
    clock: str = CLOCK,
    policy: Policy = DEFAULT_POLICY,
    is_gold: bool = False,
) -> QueryResult:
    """Runs the query of an answer in the sandbox; a trusted gold gets the wider budget."""
    found = extract(answer)
    if found.problem or _too_long(found):
        label = found.problem or "runtime_error"
        detail = _problem_detail(found) if found.problem else _too_long(found)
        return QueryResult(found.sql, label, detail)
    request = {
        "action": "query",
        "sql": identifiers_only(found.sql),
        "clock": clock,
        "limits": policy.limits(),
        "is_gold": is_gold,
    }
    reply = _ask(request, [instance], policy.wall_seconds)
    if reply["label"]:
        return QueryResult(found.sql, reply["label"], reply["detail"], _hint(found.sql, reply))
    rows = tuple(tuple(_cell(cell) for cell in row) for row in reply["rows"])
    names = tuple(reply["names"])
    return QueryResult(found.sql, names=names, rows=rows, fingerprint=reply["fingerprint"])


def _cell(cell: Any) -> Value:
    return bytes.fromhex(cell["hex"]) if isinstance(cell, dict) else cell
