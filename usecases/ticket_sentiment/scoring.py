"""What is reported of moods: the mean over moods, so that the rare ones count, and each mood by itself."""

import numpy as np

from common.usecase import Columns, Scores

MOODS = ("negative", "neutral", "positive")


def scores(right: str, said: str) -> Scores:
    """One answer; the columns with `_` first are what the means over moods are made of."""
    return {
        "macro_f1": float(said == right),
        "accuracy": float(said == right),
        "_right": float(MOODS.index(right)),
        "_said": float(MOODS.index(said)) if said in MOODS else -1.0,
    }


def aggregate(columns: Columns) -> dict[str, float]:
    """Macro F1 over the moods that occur, accuracy, and the F1 of each mood."""
    right, said = columns["_right"], columns["_said"]
    each = {mood: f1(right == place, said == place) for place, mood in enumerate(MOODS)}
    known = [value for value in each.values() if not np.isnan(value)]
    return {
        "macro_f1": float(np.mean(known)) if known else float("nan"),
        "accuracy": float(np.mean(columns["accuracy"])),
        **{f"f1_{mood}": value for mood, value in each.items()},
    }


def f1(right: np.ndarray, said: np.ndarray) -> float:
    """F1 of one mood; NaN where it neither occurs nor is said."""
    total = right.sum() + said.sum()
    return float(2 * (right & said).sum() / total) if total else float("nan")
