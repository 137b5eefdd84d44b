"""The same task for a model that writes: a small JSON report of each picture."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from common.usecase import Answerer, Columns, Example, Scores, Splits, Table
from usecases.surface_defects.floor import trees
from usecases.surface_defects.scoring import ACTIONS, macro_f1
from usecases.surface_defects.usecase import SurfaceDefects

ROWS, COLUMNS = ("top", "middle", "bottom"), ("left", "centre", "right")
EMPTY = {"class": "", "place": "", "action": ""}


def place_of(mask: np.ndarray | None) -> str:
    """Where a mask has its middle, in words; empty without one."""
    if mask is None or not mask.any():
        return ""
    row, column = (
        int(3 * where.mean() / side) for where, side in zip(np.nonzero(mask), mask.shape, strict=True)
    )
    return f"{ROWS[row]} {COLUMNS[column]}"


def parsed(text: str) -> dict[str, Any]:
    """The report in a text; empty where it is no valid one."""
    try:
        found = json.loads(text)
    except json.JSONDecodeError:
        return dict(EMPTY)
    return found if isinstance(found, dict) and set(found) == set(EMPTY) else dict(EMPTY)


class WrittenReports(SurfaceDefects):
    """Class, place and action of a picture as JSON, from a small vision-language model."""

    title = "Surface defects: inspection reports from a vision-language model"
    tuner = "vlm"
    headline = "macro_f1"
    labels: tuple[str, ...] = ()

    def load(self, data: Any) -> Splits:
        splits = super().load(data)
        self.labels = tuple(sorted({e.answer for e in splits.train}))
        return splits

    def prompt(self) -> str:
        """The question, the same in training and answering."""
        return (
            f"Inspect this part. Answer with JSON: class (one of {', '.join(self.labels)}), place, "
            f"and action (one of {', '.join(ACTIONS)})."
        )

    def model_input(self, example: Example) -> dict[str, Any]:
        return {"image": example.inputs, "prompt": self.prompt()}

    def report(self, label: str, place: str) -> str:
        """The report that is right for a label."""
        return json.dumps(
            {"class": label, "place": place, "action": "pass" if label == self.good else "scrap"}
        )

    def gold(self, example: Example) -> str:
        return self.report(example.answer, place_of(example.extra.get("mask")))

    def blank(self) -> str:
        return ""

    def score(self, example: Example, output: str) -> Scores:
        found, right = parsed(output), parsed(self.gold(example))
        known = (*self.labels, example.answer)
        said = known.index(found["class"]) if found["class"] in known else -1
        return {
            "macro_f1": float(found["class"] == right["class"]),
            "place": float(found["place"] == right["place"]) if right["place"] else np.nan,
            "action": float(found["action"] == right["action"]),
            "valid": float(found != EMPTY),
            "_label": float(self.labels.index(example.answer)) if example.answer in self.labels else np.nan,
            "_said": float(said),
        }

    def aggregate(self, columns: Columns) -> dict[str, float]:
        made = {name: plain_mean(columns[name]) for name in ("place", "action", "valid")}
        return {"macro_f1": macro_f1(columns["_label"], columns["_said"]), **made}

    def floor(self, splits: Splits) -> Answerer:
        def answer(examples: Sequence[Example]) -> list[str]:
            labels, (scores,) = trees(splits.train, (examples,))
            return [self.report(labels[int(row.argmax())], "") for row in scores]

        return answer

    def train_rows(self, example: Example, splits: Splits) -> list[dict[str, Any]]:
        return [{"image": example.inputs, "prompt": self.prompt(), "completion": self.gold(example)}]

    def tables(self, splits: Splits, models: Mapping[str, Any]) -> list[Table]:
        return []


def plain_mean(column: np.ndarray) -> float:
    return float(np.nanmean(column)) if np.isfinite(column).any() else float("nan")
