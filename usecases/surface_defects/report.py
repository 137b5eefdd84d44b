"""Further tables of the report: where a plain average would hide something."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from sklearn.metrics import brier_score_loss

from common.evaluate import score_columns
from common.job import Output
from common.usecase import Example, Splits, Table, UseCase
from usecases.surface_defects.curve import curve_table
from usecases.surface_defects.oneclass import METHODS
from usecases.surface_defects.regions import aupro, pixel_precision, upscaled
from usecases.surface_defects.rules import simple_scores
from usecases.surface_defects.scoring import ACTIONS, action, auroc, average_precision, calibration_error

Models = Mapping[str, Any]


def tables(usecase: UseCase, splits: Splits, models: Models) -> list[Table]:
    """Every further table that these splits allow."""
    made = [
        rules_table(usecase, splits),
        class_table(usecase, splits, models),
        calibration_table(usecase, splits, models),
        action_table(usecase, splits, models),
        place_table(usecase, splits, models),
        curve_table(usecase, splits, models),
        speed_table(models),
    ]
    return [table for table in made if table.rows]


def columns_of(
    usecase: UseCase, examples: Sequence[Example], answers: Sequence[Any]
) -> dict[str, np.ndarray]:
    """Per-picture scores of one contender."""
    outputs = [Output(example.id, value) for example, value in zip(examples, answers, strict=True)]
    return score_columns(usecase, examples, outputs)


def shown(value: float) -> str:
    return "" if value != value else f"{value:.3f}"


def rules_table(usecase: UseCase, splits: Splits) -> Table:
    """What a sceptic would try first."""
    bad = np.array([float(example.answer != usecase.good) for example in splits.test])
    scores = simple_scores(splits.train, splits.test, usecase.good)
    rows = [(name, shown(auroc(bad, s)), shown(average_precision(bad, s))) for name, s in scores.items()]
    return Table("Simple rules", ("rule", "auroc", "ap"), tuple(rows))


def class_table(usecase: UseCase, splits: Splits, models: Models) -> Table:
    """Share of each class that gets its right name, and share that is at least called bad."""
    labels = sorted({example.answer for example in splits.test})
    rows = []
    for label in labels:
        chosen = [i for i, example in enumerate(splits.test) if example.answer == label]
        row: list[Any] = [label, len(chosen)]
        for name in ("floor", "linear", "tuned"):
            said = [models["answers"][name][i]["label"] for i in chosen]
            named, bad = np.mean([s == label for s in said]), np.mean([s != usecase.good for s in said])
            row += [shown(float(named)), shown(float(bad))]
        rows.append(tuple(row))
    columns = [f"{name}: {what}" for name in ("floor", "linear", "tuned") for what in ("named", "called bad")]
    note = "Classes that training never had cannot be named; what counts for them is being called bad."
    return Table("Recall by class", ("class", "n", *columns), tuple(rows), note)


def calibration_table(usecase: UseCase, splits: Splits, models: Models) -> Table:
    """Whether a probability of being bad can be taken at its word, before and after one temperature."""
    rows = []
    for name, answers in models["answers"].items():
        found = columns_of(usecase, splits.test, answers)
        bad = found["_bad"]
        line: list[Any] = [name]
        for key in ("_before", "_defect"):
            chance = np.clip(found[key], 0, 1)
            line += [shown(calibration_error(bad, chance)), shown(brier_score_loss(bad, chance))]
        known = np.isfinite(found["_label"])
        right = (found["_label"] == found["_said"]).astype(float)
        rows.append((*line, shown(calibration_error(right[known], found["_sure"][known]))))
    columns = (
        "contender",
        "ece before",
        "brier before",
        "ece after",
        "brier after",
        "ece of the class after",
    )
    note = "The temperature is fitted on val. The first four columns are about good or bad."
    return Table("Calibration", columns, tuple(rows), note)


def action_table(usecase: UseCase, splits: Splits, models: Models) -> Table:
    """What the advice costs, beside doing the same with every part."""
    bad = np.array([int(example.answer != usecase.good) for example in splits.test])
    rows = []
    for name, costs in ACTIONS.items():
        rows.append(
            (f"{name} everything", *("" for _ in ACTIONS), shown(float(np.mean([costs[b] for b in bad]))))
        )
    for name, answers in models["answers"].items():
        chosen = [action(1 - answer["scores"].get(usecase.good, 0.0)) for answer in answers]
        cost = np.mean([ACTIONS[what][b] for what, b in zip(chosen, bad, strict=True)])
        shares = [f"{chosen.count(what)} ({bad[[c == what for c in chosen]].sum()} bad)" for what in ACTIONS]
        rows.append((name, *shares, shown(float(cost))))
    prices = "; ".join(f"{n}: {good:g} if good, {wrong:g} if bad" for n, (good, wrong) in ACTIONS.items())
    note = f"Cost per picture, in hand inspections. {prices}. The action has the least expected cost."
    return Table("What to do with each part", ("who decides", *ACTIONS, "cost"), tuple(rows), note)


def place_table(usecase: UseCase, splits: Splits, models: Models) -> Table:
    """Learning from good parts only, and where the defect is."""
    test = splits.test
    good = [example.inputs for example in splits.train if example.answer == usecase.good]
    asked = [example.inputs for example in test]
    bad = np.array([float(example.answer != usecase.good) for example in test])
    kinds = list(dict.fromkeys(example.kind for example in test))
    of_kind = [np.array([example.kind == kind for example in test]) for kind in kinds]
    rows = []
    for name, method in METHODS.items():
        maps = method(models["maps"], good, asked)
        score = maps.reshape(len(maps), -1).max(axis=1)
        parts = [shown(auroc(bad[rows_of], score[rows_of])) for rows_of in of_kind]
        rows.append((f"{name}, good parts only", *parts, *place_scores(maps, test)))
    score = columns_of(usecase, test, models["answers"]["tuned"])["_defect"]
    parts = [shown(auroc(bad[rows_of], score[rows_of])) for rows_of in of_kind]
    heat = models["heat"] and models["heat"](asked, models["labels"].index(usecase.good))
    rows.append(
        ("tuned, labelled defects", *parts, *(place_scores(heat, test) if heat is not None else ("",) * 3))
    )
    columns = ("method", *(f"auroc: {kind}" for kind in kinds), "AUPRO 0.3", "AUPRO 0.05", "pixel ap")
    note = "Places of the tuned model are gradient times activation (LayerCAM): it never saw a mask."
    return Table("Good parts only, and where the defect is", columns, tuple(rows), note)


def place_scores(maps: np.ndarray, test: Sequence[Example]) -> tuple[str, str, str]:
    """How well maps find the drawn masks; empty where there are none."""
    if "mask" not in test[0].extra:
        return "", "", ""
    masks = [example.extra["mask"] for example in test]
    sized = [upscaled(found, mask.shape) for found, mask in zip(maps, masks, strict=True)]
    return shown(aupro(sized, masks)), shown(aupro(sized, masks, 0.05)), shown(pixel_precision(sized, masks))


def speed_table(models: Models) -> Table:
    """How long one picture takes."""
    taken = models["milliseconds"]
    middle, late = np.percentile(taken, [50, 95])
    row = (len(taken), f"{middle:.1f}", f"{late:.1f}")
    return Table("Milliseconds for one picture at a time, tuned", ("pictures", "p50", "p95"), (row,))
