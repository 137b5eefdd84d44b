"""Where the benchmark keeps its records, and how they are read: three folders, three tiers.

`results` holds what was run on this project's machines, `contributed` what others sent and nobody has
run again, `drafts` what is no evidence yet: a dirty tree, a smoke run, too few seeds. `examples` holds
the headline score of every test example, so that two rows can be compared in pairs.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from common import record, usecase
from common.errors import GalleryError
from common.metrics import Interval, mean_interval
from common.record import RunRecord

VERIFIED, CONTRIBUTED, DRAFT = "verified here", "contributed", "draft"
FOLDERS = {VERIFIED: "results", CONTRIBUTED: "contributed", DRAFT: "drafts"}
BENCHMARKS = usecase.ROOT / "benchmarks"


@dataclass(frozen=True)
class Entry:
    """A record with the name of its file and the tier of its folder."""

    name: str
    tier: str
    row: RunRecord
    home: Path = BENCHMARKS

    @property
    def share(self) -> float:
        """The part of the training data that it was trained on."""
        return self.row.config.get("train_share", 1.0)

    @property
    def base(self) -> tuple[str, str]:
        """The name of the base and its weights: one that was grown on is another under its old name."""
        return self.row.base.get("id", ""), self.row.base.get("file_hash") or ""

    @property
    def whole(self) -> bool:
        """Whether it was trained on all training data."""
        return self.share == 1.0

    @property
    def tuned(self) -> bool:
        """Whether there is a tuned model to judge."""
        return "tuned" in self.row.contenders

    def score(self, contender: str = "tuned") -> Mapping[str, float]:
        """A contender's headline with its interval."""
        return self.row.contenders[contender]["scores"][self.row.headline]


def entries(home: Path = BENCHMARKS) -> list[Entry]:
    """Every record of every tier, by tier and name; a name that was contributed and verified counts once."""
    found: dict[tuple[bool, str], Entry] = {}
    for tier, folder in FOLDERS.items():
        for path in sorted((home / folder).glob("*.json"), key=lambda path: path.stem):
            found.setdefault((tier == DRAFT, path.stem), Entry(path.stem, tier, read(path), home))
    return list(found.values())


def read(path: Path) -> RunRecord:
    """A record, or an error that names the file."""
    facts = path.stat()
    return read_version(path, facts.st_mtime_ns, facts.st_size)


@lru_cache(maxsize=20_000)
def read_version(path: Path, changed: int, size: int) -> RunRecord:
    """The file as it was at a time: the tables and the board of one command read it once."""
    try:
        return record.read(path)
    except ValueError as error:
        raise GalleryError(
            f"{path} is no record of this version: {error}. Run it again or move it away."
        ) from error


def evidence(found: Sequence[Entry]) -> list[Entry]:
    """What may stand in a main table."""
    return [entry for entry in found if entry.tier != DRAFT]


def examples_path(entry: Entry) -> Path:
    """Where the scores per example of a record are."""
    return entry.home / "examples" / f"{entry.name}.json"


@lru_cache(maxsize=4096)
def examples_in(path: Path) -> Mapping[str, Any] | None:
    """The scores per example, where they were kept."""
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None


def tuned_scores(kept: Mapping[str, Any]) -> np.ndarray:
    """Seeds by examples; an example that does not carry the metric is NaN."""
    return np.array(kept["scores"]["tuned"], dtype=float)


def difference(left: Entry, right: Entry) -> tuple[Interval, bool]:
    """Headline of left minus right, and whether it could be paired example by example.

    Without scores per example the intervals are added as if the two had nothing to do with each
    other, which is wider than the paired interval and so never claims too much.
    """
    first, second = examples_in(examples_path(left)), examples_in(examples_path(right))
    if first and second and first["averages"] and first["ids"] == second["ids"]:
        a, b = tuned_scores(first), tuned_scores(second)
        if len(a) != len(b):
            a, b = a.mean(axis=0, keepdims=True), b.mean(axis=0, keepdims=True)
        return mean_interval(a - b, first["groups"]), True
    a, b = left.score(), right.score()
    mean = a["mean"] - b["mean"]
    down = np.hypot(a["mean"] - a["low"], b["high"] - b["mean"])
    up = np.hypot(a["high"] - a["mean"], b["mean"] - b["low"])
    return Interval(mean, float(mean - down), float(mean + up)), False
