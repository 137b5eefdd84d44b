"""One page of every record that works from a disk: filter, sort, open a run, compare two rows.

Everything is inside the file. What records say is put there as data, never as markup, and the page
forbids itself every connection.
"""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from common import curve, methods_table, results
from common.pages import render
from common.record import write_text
from common.results import Entry
from common.verdicts import advice, best_untuned, training_seconds

FACTS = ("trainable_parameters", "adapter_bytes", "peak_memory_bytes", "learning_rate")
READABLE = 0o644  # a page is there to be shown; what this project writes is private at first
PLACES = ("device", "threads", "machine", "date", "git_commit")
DIGITS = 4


def write_board(path: Path, home: Path = results.BENCHMARKS) -> Path:
    """Writes the page."""
    write_text(path, page(results.entries(home)))
    path.chmod(READABLE)
    return path


def page(found: Sequence[Entry]) -> str:
    """The page as text."""
    # An opening bracket could end the script that holds the data.
    text = json.dumps(content(found), ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    return render("web", count=len(found)).replace('"the data goes here"', text, 1)


def content(found: Sequence[Entry]) -> dict[str, Any]:
    """Rows, the test sets that rows share, the scores per example, and the curves."""
    rows, tests = [], {}
    for entry in found:
        row = facts(entry)
        kept = results.examples_in(results.examples_path(entry)) if entry.tuned else None
        if kept and "tuned" in kept["scores"]:
            row["test"] = entry.row.data.get("test_ids_hash", "")
            tests.setdefault(row["test"], {key: kept[key] for key in ("ids", "groups", "kinds", "asked")})
            row["scores"] = by_seed(kept)
        rows.append(row)
    return {"rows": rows, "tests": tests, "curves": [points(group) for group in curve.curves(found)]}


def by_seed(kept: Mapping[str, Any]) -> list[list[float | None]]:
    """The tuned score of every example for each seed; an example without a score stays without."""
    return [[short(score) for score in scores] for scores in results.tuned_scores(kept).tolist()]


def facts(entry: Entry) -> dict[str, Any]:
    """What the page shows of a record."""
    row = entry.row
    against = best_untuned(row) if entry.tuned else ""
    seconds, exact = training_seconds(row)
    return {
        "name": entry.name,
        "usecase": row.usecase,
        "variant": row.variant,
        "method": row.method,
        "tier": entry.tier,
        "status": row.status,
        "kind": kind(entry),
        "verdict": advice(row) if entry.tuned else row.status,
        "reason": row.verdict.get("reason", "") if entry.tuned else row.reason,
        "headline": row.headline,
        "seeds": len(row.seeds),
        "train": row.data.get("counts", {}).get("train"),
        "base": row.base.get("id", ""),
        "contenders": [contender(row.contenders[name], row.headline) for name in row.contenders],
        "tuned": interval(entry.score()) if entry.tuned else None,
        "against": row.contenders[against]["label"] if against else "",
        "gap": interval(row.difference[against]) if against else None,
        "cost": {key: row.training[key] for key in FACTS if key in row.training},
        "seconds": short(seconds) if row.training else None,
        "clock": "processor" if exact else "clock",
        "lost": short(row.forgetting.get("loss")),
        "made": {key: row.environment[key] for key in PLACES if key in row.environment},
    }


def kind(entry: Entry) -> str:
    """What a row is there for."""
    if not entry.whole:
        return "part of the data"
    return "compared method" if methods_table.sought(entry) else "variant"


def contender(found: dict[str, Any], headline: str) -> dict[str, Any]:
    """A contender's label, interval and cost."""
    return {
        "label": found["label"],
        "score": interval(found["scores"][headline]),
        "tokens": [round(found["tokens_in"]), round(found["tokens_out"])],
        "ms": short(1000 * found["seconds"]),
    }


def interval(value: dict[str, float]) -> list[float | None]:
    """Mean, low, high."""
    return [short(value[key]) for key in ("mean", "low", "high")]


def short(value: float | None) -> float | None:
    """A number with as many digits as anybody reads; what is no number is null."""
    if value is None or not math.isfinite(value):
        return None
    found = round(float(value), DIGITS)
    return int(found) if found == int(found) else found


def points(group: Sequence[Entry]) -> dict[str, Any]:
    """A data-size curve with what twice the data would give, where that can be believed."""
    sizes = curve.points_of(group)
    twice = curve.twice(sizes)
    return {
        "names": [entry.name for entry in group],
        "points": [[size.examples, *interval(e.score())] for size, e in zip(sizes, group, strict=True)],
        "twice": twice and [2 * sizes[-1].examples, *interval(twice.as_dict())],
    }
