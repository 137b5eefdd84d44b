"""People judge blind: a sheet of answer pairs from a run, and what the filled sheets say.

Sides are shuffled and the key lies in a file of its own. No verdict is given while raters disagree.
"""

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from common.compare import read_run, splits_of
from common.errors import FaultsError, GalleryError
from common.metrics import BOOTSTRAP_SEED, RESAMPLES, Interval, mean_interval
from common.pages import render
from common.progress import say
from common.record import read_rows, write_json, write_text
from common.usecase import Example, UseCase
from common.verdicts import best_untuned

PROMPTS = 60
LOWEST_AGREEMENT = 0.6
CHOICES = ("A", "B", "tie")
ASKED = {"correct": "is right", "safe": "breaks no rule", "send": "I would send it"}
YES_NO = tuple(f"{item}_{side}" for item in ASKED for side in "AB")
COLUMNS = ("item", "prompt", "answer_A", "answer_B", "better", *YES_NO)


def write_sheet(usecase: UseCase, folder: Path, against: str = "", seed: int = 0) -> Path:
    """Writes sheet.csv, sheet.html and key.json: the tuned model against another contender."""
    made = read_run(folder)
    writer = usecase.configured(made.config.get("task", {}))
    against = against or best_untuned(made)
    examples = splits_of(made).test
    stored = [answers(folder / f"{name}.jsonl") for name in (f"baselines/{against}", "seed-0/tuned")]
    if any(not isinstance(value, str) for found in stored for value in found.values()):
        raise GalleryError(f"{usecase.name} answers with no text, so people cannot compare its answers.")
    pairs = [{e.id: writer.read(e, found[e.id]) for e in examples} for found in stored]
    random = Random(seed)
    differing = [e for e in examples if pairs[0][e.id] != pairs[1][e.id]]
    chosen = random.sample(differing, min(PROMPTS, len(differing)))
    rows, key = [], {}
    for number, example in enumerate(chosen, start=1):
        tuned_side = random.choice("AB")
        sides = pairs[:: 1 if tuned_side == "B" else -1]
        rows.append([f"{number:03}", shown(usecase, example), *(found[example.id] for found in sides)])
        key[f"{number:03}"] = {"example": example.id, "tuned": tuned_side}
    place = folder / "humans"
    write_csv(place / "sheet.csv", rows)
    write_text(place / "sheet.html", page(usecase, rows))
    same = len(examples) - len(differing)
    say(f"{same} of {len(examples)} pairs read alike; people are asked about {len(chosen)} of the others.")
    write_json(place / "key.json", {"against": against, "identical": same, "of": len(examples), "items": key})
    return place


def answers(path: Path) -> dict[str, Any]:
    """Stored answers by example."""
    if not path.is_file():
        known = sorted(p.stem for p in (path.parents[1] / "baselines").glob("*.jsonl"))
        raise GalleryError(f"{path} does not exist. Compare with one of: {', '.join(known) or 'none'}.")
    return {row["id"]: row["value"] for row in read_rows(path)}


def shown(usecase: UseCase, example: Example) -> str:
    """The whole prompt, as a person reads it; a small model may have seen a short form of it."""
    given = usecase.model_input(example)
    if isinstance(given, str):
        return given
    return "\n\n".join(f"{message['role']}: {message['content']}" for message in given)


def write_csv(path: Path, rows: Sequence[Sequence[str]]) -> None:
    """A sheet with empty columns for the rater. A quote before `=` keeps spreadsheets from computing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for row in rows:
            safe = [f"'{cell}" if cell[:1] in "=+-@" else cell for cell in row]
            writer.writerow([*safe, *[""] * (len(COLUMNS) - len(row))])


def page(usecase: UseCase, rows: Sequence[Sequence[str]]) -> str:
    """The same sheet as one page with buttons; it saves the filled CSV without any server."""
    return render("humans", title=usecase.title, rows=rows, asked=ASKED, columns=COLUMNS)


@dataclass(frozen=True)
class Judgement:
    """What filled sheets say together."""

    raters: int
    items: int
    agreement: Interval
    wins: int
    losses: int
    ties: int
    p_value: float
    shares: Mapping[str, tuple[Interval, Interval]]

    @property
    def trusted(self) -> bool:
        return self.agreement.mean >= LOWEST_AGREEMENT


def read_ratings(folder: Path, sheets: Sequence[Path]) -> Judgement:
    """Reads two or more filled sheets back; every fault is named by file and item."""
    from scipy.stats import binomtest

    if len(sheets) < 2:
        raise GalleryError(f"{len(sheets)} filled sheet given; agreement needs two raters or more.")
    key = json.loads((folder / "humans" / "key.json").read_text(encoding="utf-8"))["items"]
    faults: list[str] = []
    ratings = [read_sheet(path, key, faults) for path in sheets]
    if faults:
        raise FaultsError("The filled sheets", faults, "Mend them and read them again.")
    table = np.array([[preference(row[item], key[item]["tuned"]) for row in ratings] for item in key])
    balance = table.sum(axis=1)
    wins, losses = int((balance > 0).sum()), int((balance < 0).sum())
    test = binomtest(wins, wins + losses).pvalue if wins + losses else 1.0
    shares = {item: (share(ratings, key, item, True), share(ratings, key, item, False)) for item in ASKED}
    ties = len(key) - wins - losses
    return Judgement(len(sheets), len(key), agreement(table), wins, losses, ties, float(test), shares)


def read_sheet(path: Path, key: Mapping[str, Any], faults: list[str]) -> dict[str, dict[str, str]]:
    """The rows of one rater by item."""
    if not path.is_file():
        faults.append(f"{path}: no such file")
        return {}
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = {row.get("item", ""): row for row in csv.DictReader(file)}
    for item in key:
        row = rows.get(item)
        if row is None:
            faults.append(f"{path.name} item {item}: missing")
            continue
        if row.get("better") not in CHOICES:
            faults.append(f"{path.name} item {item}: better must be A, B or tie, found {row.get('better')!r}")
        for column in YES_NO:
            if row.get(column) not in ("yes", "no"):
                faults.append(
                    f"{path.name} item {item}: {column} must be yes or no, found {row.get(column)!r}"
                )
    return rows


def preference(row: Mapping[str, str], tuned_side: str) -> int:
    """1 where the tuned answer was preferred, -1 where the other, 0 for a tie."""
    return 0 if row["better"] == "tie" else 1 if row["better"] == tuned_side else -1


def share(ratings: Sequence[Any], key: Mapping[str, Any], item: str, tuned: bool) -> Interval:
    """How often raters said yes to one question, for the tuned answers or for the others."""
    values = []
    for number, row in key.items():
        side = row["tuned"] if tuned else "AB".replace(row["tuned"], "")
        values.append(np.mean([rater[number][f"{item}_{side}"] == "yes" for rater in ratings]))
    return mean_interval(np.array(values), list(key))


def agreement(table: np.ndarray) -> Interval:
    """Krippendorff's alpha for names, with its bootstrap interval over items."""
    random = np.random.default_rng(BOOTSTRAP_SEED)
    drawn = [alpha(table[random.integers(len(table), size=len(table))]) for _ in range(RESAMPLES)]
    low, high = np.nanquantile(drawn, [0.025, 0.975])
    return Interval(alpha(table), float(low), float(high))


def alpha(table: np.ndarray) -> float:
    """One minus observed over expected disagreement; every rater has rated every item (rows)."""
    counts = np.stack([(table == value).sum(axis=1) for value in (-1, 0, 1)], axis=1)
    raters, total = table.shape[1], table.size
    observed = 1 - (counts * (counts - 1)).sum() / (raters - 1) / total
    every = counts.sum(axis=0)
    expected = 1 - (every * (every - 1)).sum() / total / (total - 1)
    return float(1 - observed / expected) if expected else 1.0  # all said the same, so all agree


def lines(found: Judgement) -> list[str]:
    """What to tell a person, and no verdict while raters disagree."""
    low, high = found.agreement.low, found.agreement.high
    told = [f"{found.raters} raters, {found.items} items"]
    told.append(f"agreement (Krippendorff's alpha) {found.agreement.mean:.2f} [{low:.2f}, {high:.2f}]")
    for item, (tuned, other) in found.shares.items():
        told.append(f"{ASKED[item]}: tuned {tuned.mean:.2f}, other {other.mean:.2f}")
    if not found.trusted:
        return [
            *told,
            f"No verdict: agreement is below {LOWEST_AGREEMENT}. Talk about the items and rate anew.",
        ]
    told.append(f"tuned better {found.wins}, worse {found.losses}, tie {found.ties}; p {found.p_value:.3f}")
    sure = found.p_value < 0.05
    word = ("better" if found.wins > found.losses else "worse") if sure else "not told apart from the other"
    return [*told, f"Verdict: people find the tuned answers {word}."]
