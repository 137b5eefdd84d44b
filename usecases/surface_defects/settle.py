"""The last word on a contender's scores, from val alone: a temperature, rare labels, where to flag."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

from common.usecase import Example
from usecases.surface_defects.scoring import RECALLS, macro_f1

SMALLEST = 1e-6
RANGE = (-3.0, 3.0)  # of the logarithm of the temperature
LIFTS = (0.0, 0.25, 0.5, 0.75, 1.0)


def temperature(logits: np.ndarray, truth: np.ndarray) -> float:
    """The divisor of the logits that makes the right labels of val most likely; 1 without val."""
    if not len(truth):
        return 1.0

    def loss(log: float) -> float:
        return -float(log_softmax(logits / np.exp(log), axis=1)[np.arange(len(truth)), truth].mean())

    return float(np.exp(minimize_scalar(loss, bounds=RANGE, method="bounded").x))


def lift(logits: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """What to add to the logits when a label is named, so that rare labels get a fair chance.

    A share of minus the logarithm of each label's frequency in val; the share with the best macro-F1 there.
    Probabilities stay as they are.
    """
    if not len(truth):
        return np.zeros(logits.shape[1])
    rare = -np.log(np.bincount(truth, minlength=logits.shape[1]) + 1.0)
    found = [macro_f1(truth.astype(float), (logits + share * rare).argmax(axis=1)) for share in LIFTS]
    return LIFTS[int(np.argmax(found))] * rare


def threshold(bad: np.ndarray, score: np.ndarray, recall: float) -> float:
    """The highest score at which val reaches the recall.

    Without a bad part in val there is nothing to choose by; then nothing is flagged, rather than all.
    """
    found = np.sort(score[bad])[::-1]
    if not len(found):
        return float("inf")
    return float(found[int(np.ceil(recall * len(found))) - 1])


def settled(
    good: str, labels: Sequence[str], val: Sequence[Example], val_scores: np.ndarray, scores: np.ndarray
) -> list[dict[str, Any]]:
    """Answers from rows of label probabilities, with what val teaches about them."""
    known = [i for i, example in enumerate(val) if example.answer in labels]
    truth = np.array([labels.index(val[i].answer) for i in known], dtype=int)
    val_logits, logits = (np.log(np.maximum(rows, SMALLEST)) for rows in (val_scores[known], scores))
    divisor = temperature(val_logits, truth)
    place = list(labels).index(good)
    after = softmax(logits / divisor, axis=1)
    val_defect = 1 - softmax(val_logits / divisor, axis=1)[:, place]
    named = (logits / divisor + lift(val_logits / divisor, truth)).argmax(axis=1)
    limits = {r: threshold(truth != place, val_defect, r) for r in RECALLS}
    return [
        {
            "label": labels[name],
            "scores": {label: round(float(p), 6) for label, p in zip(labels, row, strict=True)},
            "before": round(float(1 - first[place]), 6),
            **{f"flag{r}": bool(1 - row[place] >= limit) for r, limit in limits.items()},
        }
        for row, first, name in zip(after, scores, named, strict=True)
    ]
