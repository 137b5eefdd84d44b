"""A record to pages: the table in the terminal, REPORT.md, and one self-contained report.html."""

import base64
import io
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from common import board, cells
from common.evaluate import Scored
from common.job import Output
from common.pages import render
from common.record import RunRecord, read_rows, write_text
from common.usecase import Example, UseCase

WORST_SHOWN = 12


def terminal_table(row: RunRecord) -> Any:
    """What a person sees at the end of a run."""
    from rich.table import Table

    table = Table(title=f"{row.usecase}--{row.variant}: {row.headline}", title_justify="left")
    for column in ("contender", row.headline, "95 % interval", "tuned minus this", "ms per answer"):
        table.add_column(column, justify="left" if column == "contender" else "right")
    for name, facts in row.contenders.items():
        score, gap = facts["scores"][row.headline], row.difference.get(name)
        table.add_row(
            facts["label"],
            f"{score['mean']:.3f}",
            f"{score['low']:.3f} to {score['high']:.3f}",
            cells.gap(gap) if gap else "",
            f"{1000 * facts['seconds']:.1f}",
            style="bold" if name == "tuned" else None,
        )
    return table


def write_report(
    folder: Path,
    row: RunRecord,
    usecase: UseCase,
    examples: Sequence[Example],
    scored: Sequence[Scored],
    outputs: Mapping[str, Sequence[Output]],
) -> None:
    """REPORT.md and report.html in the run's folder."""
    write_text(folder / "REPORT.md", f"# {usecase.title}\n\n{board.section(row)}\n")
    curves = [read_rows(path) for path in sorted(folder.glob("seed-*/train.jsonl"))]
    html = render(
        "report",
        row=row,
        usecase=usecase,
        plots=[*plots(row, curves, examples, scored), *further_pictures(folder)],
        worst=worst(usecase, examples, scored, outputs),
        tables=board.tables(row),
        cost=board.cost_line(row),
    )
    write_text(folder / "report.html", html)


def plots(
    row: RunRecord,
    curves: Sequence[Sequence[dict[str, Any]]],
    examples: Sequence[Example],
    scored: Sequence[Scored],
) -> list[tuple[str, str]]:
    """Titles and SVG pictures: every contender, every kind of example, the loss of every seed."""
    import matplotlib

    matplotlib.use("svg")
    drawn = [("Every contender with its 95 % interval", contender_plot(row))]
    if len({example.kind for example in examples}) > 1:
        drawn.append((f"{row.headline} by kind of example", kind_plot(row, examples, scored)))
    if any(curves):
        drawn.append(("Training loss, one line per seed", loss_plot(curves)))
    return drawn


def further_pictures(folder: Path) -> list[tuple[str, str]]:
    """What the use case drew itself, where its tuner asked for it."""
    path = folder / "seed-0" / "pictures.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else []


def contender_plot(row: RunRecord) -> str:
    """A point and a bar per contender."""
    figure, axes = new_axes(0.45 * len(row.contenders) + 1.0)
    for place, (name, facts) in enumerate(reversed(row.contenders.items())):
        score = facts["scores"][row.headline]
        colour = "#c2410c" if name == "tuned" else "#334155"
        axes.plot([score["low"], score["high"]], [place, place], color=colour, linewidth=2)
        axes.plot(score["mean"], place, "o", color=colour)
    axes.set_yticks(range(len(row.contenders)), [f["label"] for f in reversed(row.contenders.values())])
    axes.set_xlabel(row.headline)
    return picture(figure)


def kind_plot(row: RunRecord, examples: Sequence[Example], scored: Sequence[Scored]) -> str:
    """Bars per kind for the untuned and the tuned model, with the number of examples."""
    kinds = sorted({example.kind for example in examples})
    figure, axes = new_axes(0.5 * len(kinds) + 1.2)
    shown = [item for item in scored if item.name in ("floor", "zero_shot", "tuned")]
    colours = {"floor": "#94a3b8", "zero_shot": "#334155", "tuned": "#c2410c"}
    count = Counter(example.kind for example in examples)
    for offset, item in enumerate(shown):
        places = np.arange(len(kinds)) + 0.25 * (offset - 1)
        means = [row.contenders[item.name]["by_kind"][kind]["mean"] for kind in kinds]
        axes.barh(places, means, 0.22, color=colours[item.name], label=item.label)
    axes.set_yticks(range(len(kinds)), [f"{kind} (n={count[kind]})" for kind in kinds])
    axes.invert_yaxis()
    figure.legend(loc="outside upper center", ncols=3, fontsize=8, frameon=False)
    return picture(figure)


def loss_plot(curves: Sequence[Sequence[dict[str, Any]]]) -> str:
    """Loss by step."""
    figure, axes = new_axes(2.6)
    for curve in curves:
        points = [(r["step"], r["loss"]) for r in curve if "loss" in r]
        axes.plot(*zip(*points, strict=True), color="#c2410c", alpha=0.7)
    axes.set_xlabel("step")
    axes.set_ylabel("loss")
    return picture(figure)


def new_axes(height_inches: float) -> tuple[Any, Any]:
    """An empty plot in the report's style."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.5, height_inches), layout="constrained")
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="x", color="#e2e8f0")
    return figure, axes


def picture(figure: Any) -> str:
    """A figure as a data address, so that the page needs no other file."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None})
    return "data:image/svg+xml;base64," + base64.b64encode(buffer.getvalue()).decode()


def worst(
    usecase: UseCase,
    examples: Sequence[Example],
    scored: Sequence[Scored],
    outputs: Mapping[str, Sequence[Output]],
) -> list[dict[str, str]]:
    """The test examples with the lowest headline of the tuned model, beside the untuned answer."""
    tuned = next(item for item in scored if item.name == "tuned")
    column = tuned.columns[0].get(usecase.headline)
    if column is None:
        return []
    return [
        {
            "id": examples[i].id,
            "kind": examples[i].kind,
            "asked": shorten(usecase.model_input(examples[i])),
            "expected": shorten(examples[i].answer),
            "answered": shorten(usecase.read(examples[i], outputs["tuned"][i].value)),
            "score": f"{column[i]:.2f}",
        }
        for i in lowest(column, WORST_SHOWN)
    ]


def lowest(column: np.ndarray, count: int) -> np.ndarray:
    """Places of the lowest scores; among many that are alike, some from all over the test set."""
    scored = np.where(np.isfinite(column), column, np.inf)
    alike = np.flatnonzero(scored == scored.min())
    if len(alike) <= count:
        return np.argsort(scored, kind="stable")[:count]
    return alike[np.linspace(0, len(alike) - 1, count).round().astype(int)]


def shorten(value: Any, length: int = 300) -> str:
    """A value as text that fits a table cell; of a long one the end, where most questions are."""
    text = readable(value)
    return text if len(text) <= length else f"{text[: length // 3]} … {text[-2 * length // 3 :]}"


def readable(value: Any) -> str:
    """A value as a person would write it: a turn or a field a line."""
    if isinstance(value, Mapping) and set(value) == {"role", "content"}:
        return f"{value['role']}: {value['content']}"
    if isinstance(value, Mapping):
        return "\n".join(f"{name}: {readable(part)}" for name, part in value.items())
    if isinstance(value, list | tuple):
        between = "\n" if any(isinstance(part, Mapping) for part in value) else ", "
        return between.join(map(readable, value))
    return str(value)
