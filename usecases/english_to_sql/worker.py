"""The process in which untrusted SQL runs; it may be killed at any moment.

It reads frames from its standard input and answers on its standard output: a length, then JSON.
Databases and gold results stay warm between questions.
"""

import json
import signal
import struct
import sys
import traceback
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO

from .compare import Pair, as_bags, difference, find_columns, fingerprint, in_order
from .gold import GOLD_BUDGET, GoldError, GoldResult, gold_result
from .sandbox import Budget, Outcome, Sandbox

HEADER = struct.Struct("<Q")
CACHED_GOLDS = 50_000
# The nearer a wrong answer is to a gold, the earlier its label stands here.
NEARNESS = (
    "uninformative",
    "wrong_order",
    "missing_duplicates",
    "extra_columns",
    "wrong_rows",
    "empty_vs_rows",
    "wrong_columns",
)
Request = dict[str, Any]


def write_frame(stream: BinaryIO, data: bytes) -> None:
    stream.write(HEADER.pack(len(data)) + data)
    stream.flush()


def read_frame(stream: BinaryIO) -> bytes | None:
    """Returns the next frame, or None when the other side has gone."""
    header = stream.read(HEADER.size)
    if len(header) < HEADER.size:
        return None
    (length,) = HEADER.unpack(header)
    data = stream.read(length)
    return data if len(data) == length else None


class Databases:
    """The databases that were sent, each open once per clock."""

    def __init__(self) -> None:
        self.sources: dict[int, bytes | Path] = {}
        self.open: dict[tuple[int, str], Sandbox] = {}
        self.gold = lru_cache(maxsize=CACHED_GOLDS)(self._gold)

    def add(self, number: int, kind: str, data: bytes) -> None:
        self.sources[number] = data if kind == "bytes" else Path(data.decode())

    def get(self, number: int, clock: str) -> Sandbox:
        sandbox = self.open.get((number, clock))
        if sandbox is None:
            sandbox = Sandbox(self.sources[number], clock)
            self.open[number, clock] = sandbox
        return sandbox

    def _gold(self, sql: str, number: int, clock: str) -> GoldResult:
        return gold_result(sql, self.get(number, clock))

    def run(self, sql: str, number: int, clock: str, budget: Budget) -> Outcome:
        """Runs a prediction, and closes any database that does not prove unchanged."""
        sandbox = self.get(number, clock)
        outcome = sandbox.run(sql, budget)
        if not sandbox.is_unchanged():
            self.open.pop((number, clock)).close()
            return Outcome(label="unsafe", message="the query changed its copy of the database")
        return outcome


def _gold_results(
    databases: Databases, golds: Sequence[str], numbers: Sequence[int], clock: str
) -> list[list[GoldResult]]:
    return [[databases.gold(gold, number, clock) for number in numbers] for gold in golds]


def prepare(databases: Databases, request: Request) -> Request:
    """Runs the golds, so that judging finds their results warm."""
    _gold_results(databases, request["golds"], request["instances"], request["clock"])
    return {}


def judge(databases: Databases, request: Request) -> Request:
    """Runs the prediction on every database and compares it with every gold."""
    clock, limits = request["clock"], request["limits"]
    half = len(request["instances"]) // 2
    numbers, gold_numbers = request["instances"][:half], request["instances"][half:]
    golds = _gold_results(databases, request["golds"], gold_numbers, clock)
    outcomes: list[Outcome] = []
    for index, number in enumerate(numbers):
        budget = _budget([results[index] for results in golds], limits)
        outcomes.append(databases.run(request["sql"], number, clock, budget))
        if outcomes[-1].label:
            tables = databases.get(number, clock).tables
            return _failed(outcomes[-1], f"database {index}", tables)
    return _verdict(golds, outcomes)


def _budget(golds: Sequence[GoldResult], limits: Request) -> Budget:
    return Budget(
        steps=max(limits["steps"], limits["steps_per_gold_step"] * max(g.steps for g in golds)),
        rows=max(limits["rows"], limits["rows_per_gold_row"] * max(len(g.rows) for g in golds)),
        result_bytes=limits["result_bytes"],
    )


def _failed(outcome: Outcome, place: str, tables: dict[str, list[str]]) -> Request:
    detail = f"{outcome.message} (on {place})"
    return {"label": outcome.label, "detail": detail, "message": outcome.message, "tables": tables}


def _verdict(golds: Sequence[Sequence[GoldResult]], outcomes: Sequence[Outcome]) -> Request:
    width = len(outcomes[0].names)
    answers = [
        _against(results, outcomes, width) | {"gold_index": index} for index, results in enumerate(golds)
    ]
    best = min(answers, key=lambda answer: (not answer["correct"], answer["rank"]))
    best["correct_on_visible"] = any(answer["correct_on_visible"] for answer in answers)
    best["correct_strict"] = any(answer["correct_strict"] for answer in answers)
    best["fingerprint"] = fingerprint(outcome.rows for outcome in outcomes)
    return best


def _against(golds: Sequence[GoldResult], outcomes: Sequence[Outcome], width: int) -> Request:
    """Compares with one gold on every database, under one column order."""
    pairs = [Pair(g.runs, g.rows, o.rows) for g, o in zip(golds, outcomes, strict=True)]
    gold_width = golds[0].width
    informative = sum(bool(pair.rows or pair.gold_rows) for pair in pairs)
    columns = find_columns(pairs, gold_width, width, in_order) if gold_width == width else None
    is_equal = columns is not None
    label = "correct" if is_equal else difference(pairs, gold_width, width)
    if is_equal and not informative:
        label = "uninformative"
    return {
        "label": label,
        "correct": label == "correct",
        "rank": NEARNESS.index(label) if label in NEARNESS else -1,
        "correct_strict": label == "correct" and columns == tuple(range(width)),
        "correct_on_visible": gold_width == width
        and (is_equal or find_columns(pairs[:1], width, width, in_order) is not None),
        "informative": informative,
        "detail": "" if label == "correct" else _describe(pairs, gold_width, width, label),
    }


def _describe(pairs: Sequence[Pair], gold_width: int, width: int, label: str) -> str:
    """Says where the first difference is and how the results look there."""
    if gold_width != width:
        return f"the gold has {gold_width} columns, the answer has {width}"
    if label == "uninformative":
        return "both results are empty on every database, so nothing was shown"
    relation = in_order if label == "wrong_order" else as_bags
    for index, pair in enumerate(pairs):
        if find_columns([pair], width, width, relation) is None:
            sample = f"first rows: gold {pair.gold_rows[:2]}, answer {pair.rows[:2]}"
            counts = f"gold has {len(pair.gold_rows)} rows, the answer has {len(pair.rows)}"
            return f"database {index}: {counts}; {sample[:300]}"
    return "no single order of the columns fits all databases"


def query(databases: Databases, request: Request) -> Request:
    """Runs one query on one database and returns its rows."""
    limits, number, clock = request["limits"], request["instances"][0], request["clock"]
    budget = GOLD_BUDGET
    if not request["is_gold"]:
        budget = Budget(limits["steps"], limits["rows"], limits["result_bytes"])
    outcome = databases.run(request["sql"], number, clock, budget)
    if outcome.label:
        return _failed(outcome, "the database", databases.get(number, clock).tables)
    rows = [[{"hex": c.hex()} if isinstance(c, bytes) else c for c in r] for r in outcome.rows]
    name = fingerprint([outcome.rows])
    return {"label": "", "names": outcome.names, "rows": rows, "fingerprint": name}


def diagnose(_: Databases, request: Request) -> Request:
    """Asks sqlglot what is wrong; imported here, because it is slow to load and rarely needed."""
    from .diagnose import explain

    return {"hint": explain(request["sql"], request["tables"], request["message"])}


ACTIONS: dict[str, Callable[[Databases, Request], Request]] = {
    "prepare": prepare,
    "judge": judge,
    "query": query,
    "diagnose": diagnose,
}


def answer(databases: Databases, request: Request) -> Request:
    """Answers one request; a fault of the gold or of this program is reported as what it is."""
    try:
        return ACTIONS[request["action"]](databases, request)
    except GoldError as error:
        return {"gold_error": str(error)}
    except Exception:
        return {"fault": traceback.format_exc()}


def main() -> None:
    """Serves until the other side closes the pipe; Ctrl-C is for the other side."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    databases = Databases()
    requests, answers = sys.stdin.buffer, sys.stdout.buffer
    while (frame := read_frame(requests)) is not None:
        request = json.loads(frame)
        if request["action"] == "add":
            databases.add(request["number"], request["kind"], read_frame(requests) or b"")
            continue
        write_frame(answers, json.dumps(answer(databases, request)).encode())


if __name__ == "__main__":
    main()
