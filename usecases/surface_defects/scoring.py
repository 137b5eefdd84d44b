"""What is right about answers to pictures: per picture, and over a set. No torch."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from common.usecase import Columns, Scores

GOOD = "good"
BINS = 15
RECALLS = (0.95, 0.99)
# What an action costs, in hand inspections: on a good part, and on a bad one.
ACTIONS = {"pass": (0.0, 25.0), "inspect": (1.0, 1.0), "scrap": (8.0, 0.0)}


def action(defect: float) -> str:
    """The action with the least expected cost at a probability of being bad."""
    return min(ACTIONS, key=lambda name: (1 - defect) * ACTIONS[name][0] + defect * ACTIONS[name][1])


def picture_scores(good: str, answer: str, output: Mapping[str, Any]) -> Scores:
    """Numbers of one answer; `auroc` of a single picture is the probability on the right side."""
    scores = output["scores"]
    labels = sorted(scores)
    defect = 1 - scores[good] if good in scores else 0.5
    bad = answer != good
    said = output["label"]
    return {
        "auroc": defect if bad else 1 - defect,
        "_bad": float(bad),
        "_defect": defect,
        "_before": output.get("before", defect),
        "_label": float(labels.index(answer)) if answer in labels else np.nan,
        "_said": float(labels.index(said)) if said in labels else -1.0,
        "_sure": scores.get(said, 0.0),
        "_cost": ACTIONS[action(defect)][int(bad)],
        **{f"_flag{recall}": float(output.get(f"flag{recall}", defect >= 0.5)) for recall in RECALLS},
    }


def auroc(bad: np.ndarray, score: np.ndarray) -> float:
    """Chance that a bad part scores above a good one (Mann-Whitney, ties count half)."""
    positives, negatives = bad.sum(), (1 - bad).sum()
    if not positives or not negatives:
        return float("nan")
    from scipy.stats import rankdata

    ranks = rankdata(score)[bad > 0].sum()
    return float((ranks - positives * (positives + 1) / 2) / (positives * negatives))


def average_precision(bad: np.ndarray, score: np.ndarray) -> float:
    from sklearn.metrics import average_precision_score

    return float(average_precision_score(bad, score)) if 0 < bad.sum() < len(bad) else float("nan")


def macro_f1(label: np.ndarray, said: np.ndarray) -> float:
    """Mean F1 over the labels that occur; pictures of a kind that training never had do not count."""
    known = np.isfinite(label)
    truth, said = label[known].astype(int), said[known].astype(int)
    if not len(truth):
        return float("nan")
    size = max(truth.max(), said.max()) + 1
    right = np.bincount(truth[truth == said], minlength=size)
    wanted, given = np.bincount(truth, minlength=size), np.bincount(said[said >= 0], minlength=size)
    occurs = wanted + given > 0
    return float((2 * right[occurs] / (wanted + given)[occurs]).mean())


def calibration_error(right: np.ndarray, sure: np.ndarray, bins: int = BINS) -> float:
    """Mean gap between how sure and how often right, over bins of equal width."""
    place = np.minimum((sure * bins).astype(int), bins - 1)
    gap = np.bincount(place, sure - right, bins)
    return float(np.abs(gap).sum() / len(sure)) if len(sure) else float("nan")


def precision(bad: np.ndarray, flag: np.ndarray) -> float:
    return float(bad[flag > 0].mean()) if (flag > 0).any() else float("nan")


def recall(bad: np.ndarray, flag: np.ndarray) -> float:
    return float(flag[bad > 0].mean()) if bad.any() else float("nan")


METRICS: dict[str, Callable[[Columns], float]] = {
    "auroc": lambda c: auroc(c["_bad"], c["_defect"]),
    "ap": lambda c: average_precision(c["_bad"], c["_defect"]),
    "macro_f1": lambda c: macro_f1(c["_label"], c["_said"]),
    "cost": lambda c: float(c["_cost"].mean()),
    "ece": lambda c: calibration_error(c["_bad"], c["_defect"]),
    "ece_before": lambda c: calibration_error(c["_bad"], c["_before"]),
    "precision_at_95": lambda c: precision(c["_bad"], c["_flag0.95"]),
    "recall_at_95": lambda c: recall(c["_bad"], c["_flag0.95"]),
    "precision_at_99": lambda c: precision(c["_bad"], c["_flag0.99"]),
    "recall_at_99": lambda c: recall(c["_bad"], c["_flag0.99"]),
}


class Lazy(Mapping[str, float]):
    """Metrics of a set, each computed when it is asked for: intervals ask for one at a time."""

    def __init__(self, columns: Columns) -> None:
        self.columns = columns

    def __getitem__(self, name: str) -> float:
        return METRICS[name](self.columns)

    def __iter__(self) -> Iterator[str]:
        return iter(METRICS)

    def __len__(self) -> int:
        return len(METRICS)
