"""Pictures of the report: what the data looks like, what was missed, what a probability is worth."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from common.report import picture
from common.usecase import Example, Splits, UseCase
from usecases.surface_defects.regions import upscaled
from usecases.surface_defects.scoring import BINS

Models = Mapping[str, Any]
SHOWN_EACH = 8
WORST_EACH = 6


def pictures(usecase: UseCase, splits: Splits, models: Models) -> list[tuple[str, str]]:
    """Every picture, with its title."""
    heat = models["heat"]
    looked = (lambda chosen: heat(chosen, models["labels"].index(usecase.good))) if heat else None
    answers = models["answers"]
    defect = {
        name: np.array([1 - answer["scores"].get(usecase.good, 0.0) for answer in found])
        for name, found in answers.items()
    }
    bad = np.array([example.answer != usecase.good for example in splits.test])
    made = [("What the pictures look like, test", contact_sheet(splits.test))]
    for title, wanted, order in (
        ("Worst misses: bad parts that look good to the tuned model", bad, defect["tuned"]),
        ("Worst false alarms: good parts that look bad to the tuned model", ~bad, -defect["tuned"]),
    ):
        rows = [int(i) for i in np.argsort(order, kind="stable") if wanted[i]][:WORST_EACH]
        made.append((title, worst_sheet([splits.test[i] for i in rows], defect["tuned"][rows], looked)))
    made.append(
        ("How often parts with a stated probability were bad", reliability(bad, answers["tuned"], defect))
    )
    made.append(("What a threshold costs", cost_curve(bad, defect)))
    return made


def bare(axes: Any) -> Any:
    axes.set_xticks([])
    axes.set_yticks([])
    return axes


def framed(pixels: np.ndarray) -> np.ndarray:
    return pixels if pixels.ndim == 3 else np.repeat(pixels[:, :, None], 3, axis=2)


def contact_sheet(examples: Sequence[Example]) -> str:
    """A row of pictures for each class."""
    labels = sorted({example.answer for example in examples})
    figure = Figure(figsize=(8, 0.95 * len(labels)), layout="constrained")
    grid = figure.subplots(len(labels), SHOWN_EACH, squeeze=False)
    for line, label in zip(grid, labels, strict=True):
        members = [example for example in examples if example.answer == label]
        chosen = members[:: max(1, len(members) // SHOWN_EACH)][:SHOWN_EACH]
        for axes in line:
            bare(axes).axis("off")
        for axes, example in zip(line, chosen, strict=False):
            axes.imshow(framed(example.inputs.pixels()))
        line[0].set_title(label, fontsize=8, loc="left", pad=2)
    return picture(figure)


def worst_sheet(examples: Sequence[Example], chances: np.ndarray, looked: Any) -> str:
    """Each picture, where the model looks, and where the defect is."""
    figure = Figure(figsize=(8, 3.0), layout="constrained")
    grid = figure.subplots(2, WORST_EACH, squeeze=False)
    for axes in grid.flat:
        bare(axes).axis("off")
    heat = looked([example.inputs for example in examples]) if looked and examples else None
    for column, example in enumerate(examples):
        pixels = framed(example.inputs.pixels())
        grid[0, column].imshow(pixels)
        grid[0, column].set_title(f"{example.answer}: {chances[column]:.2f} bad", fontsize=8)
        grid[1, column].imshow(pixels)
        if heat is not None:
            grid[1, column].imshow(upscaled(heat[column], pixels.shape[:2]), cmap="inferno", alpha=0.55)
        mask = example.extra.get("mask")
        if mask is not None and mask.any():
            grid[1, column].contour(mask, levels=[0.5], colors="cyan", linewidths=0.8)
    return picture(figure)


def reliability(bad: np.ndarray, tuned: Sequence[Any], defect: Mapping[str, np.ndarray]) -> str:
    """Stated against observed, before and after the temperature."""
    figure = Figure(figsize=(5, 4), layout="constrained")
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color="#94a3b8", linewidth=1)
    before = np.array([answer.get("before", 0.5) for answer in tuned])
    for name, chance, colour in (("before", before, "#334155"), ("after", defect["tuned"], "#c2410c")):
        place = np.minimum((chance * BINS).astype(int), BINS - 1)
        count = np.bincount(place, minlength=BINS)
        full = count > 0
        said = np.bincount(place, chance, BINS)[full] / count[full]
        seen = np.bincount(place, bad, BINS)[full] / count[full]
        axes.plot(said, seen, "o-", color=colour, label=f"{name} the temperature", markersize=4)
    axes.set_xlabel("stated probability of being bad")
    axes.set_ylabel("share that was bad")
    axes.legend(fontsize=8)
    return picture(figure)


def cost_curve(bad: np.ndarray, defect: Mapping[str, np.ndarray]) -> str:
    """Good parts flagged against bad parts missed, as the threshold moves."""
    figure = Figure(figsize=(6.5, 4), layout="constrained")
    axes = figure.subplots()
    colours = {"floor": "#94a3b8", "linear": "#334155", "tuned": "#c2410c"}
    for name, colour in colours.items():
        if name in defect:
            order = np.argsort(-defect[name], kind="stable")
            missed = 1 - np.cumsum(bad[order]) / max(bad.sum(), 1)
            flagged = np.cumsum(~bad[order]) / max((~bad).sum(), 1)
            axes.plot(flagged, missed, color=colour, label=name)
    axes.set_xlabel("share of good parts flagged")
    axes.set_ylabel("share of bad parts missed")
    axes.grid(color="#e2e8f0")
    axes.legend(fontsize=8)
    return picture(figure)
