"""A notebook per use case, made from it: the problem, the baseline, the tuning, the verdict.

The cells call the stages of a run, so that a notebook cannot say anything that a run does not.
"""

import html
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common import cells, report
from common import config as configs
from common import usecase as usecases
from common.models import HUB_ID, TEXT_TUNERS
from common.record import RunRecord, write_text
from common.try_page import address_of, before, said, text_of
from common.usecase import Splits, UseCase

FILE = "notebook.ipynb"
GEMMA, PHI = "google/gemma-3-1b-it", "microsoft/Phi-4-mini-instruct"
SETUP = """from common.models import keep_quiet

keep_quiet(online=False)

from common import config, models, notebook, run, usecase
from common.job import Job

SMOKE = {smoke}  # True: a tiny budget, to see that it works; its numbers mean nothing
case = usecase.find("{name}")
settings = config.build(case, "offline", {{"smoke": SMOKE}})
case = case.configured(settings.task)
folder = usecase.ROOT / "runs" / ("{name}--offline--notebook" + "--smoke" * SMOKE)
this = run.Run(case, settings, folder)
splits = run.data_stage(this)
notebook.problem(case, splits)"""
BASELINE = """base = models.resolve(settings.model, settings.revision, case.tuner)
baselines = run.baselines_stage(this, Job(case, splits, settings, base, 0, folder))"""
TUNE = """made = run.execute(usecase.find("{name}"), settings, folder)"""
VERDICT = "notebook.verdict(made)"


@dataclass(frozen=True)
class Shown:
    """Something with a form for notebooks and one for plain text."""

    text: str
    markup: str

    def __repr__(self) -> str:
        return self.text

    def _repr_html_(self) -> str:
        return self.markup


def problem(case: UseCase, splits: Splits) -> Shown:
    """One validation example: what the model reads and what is right."""
    example = (splits.val or splits.train)[0]
    prompt = case.model_input(example)
    asked = "\n\n".join(part for part in (before(prompt), text_of(prompt)) if part)
    right = said(case.gold(example), splits)
    picture = f'<img src="{address_of(prompt)}" width="240">' if address_of(prompt) else ""
    text = f"What the model reads:\n\n{asked or 'a picture'}\n\nWhat is right:\n\n{right}"
    return Shown(text, f"{picture}<pre style='white-space: pre-wrap'>{html.escape(text)}</pre>")


def verdict(made: RunRecord) -> Shown:
    """Every contender with its interval, the verdict in words, and where it does not hold."""
    limits = usecases.find(made.usecase).limits
    lines = [f"{f['label']}: {cells.score(f['scores'][made.headline])}" for f in made.contenders.values()]
    told = f"Verdict: {made.verdict['label']}. {made.verdict['reason']}"
    told += " This was a smoke run: the verdict is worth nothing." if made.tier == "smoke" else ""
    text = "\n".join([f"{made.headline}, with 95 % intervals", *lines, "", told, "", f"Limits: {limits}"])
    plot = f'<img src="{report.contender_plot(made)}">'
    return Shown(text, f"{plot}<p><b>{html.escape(told)}</b></p><p>Limits: {html.escape(limits)}</p>")


def parts(case: UseCase, smoke: bool) -> list[tuple[str, str]]:
    """The cells: markdown or code, and their text."""
    about = configs.read_variant(case, "offline").get("about", "the offline default")
    return [
        ("markdown", f"# {case.title}\n\n{case.story}"),
        ("markdown", f"## 1. The problem\n\nData: {case.source.name}, {case.source.licence}. One example:"),
        ("code", SETUP.format(name=case.name, smoke=smoke)),
        (
            "markdown",
            f"## 2. The baseline\n\nWhat tuning has to beat, on the test split, by `{case.headline}`: "
            f"{case.floor_label}, and the same model untuned.",
        ),
        ("code", BASELINE),
        ("markdown", f"## 3. Tune\n\n{about[0].upper()}{about[1:]}. Fitted on train, chosen on val."),
        ("code", TUNE.format(name=case.name)),
        ("markdown", "## 4. The verdict"),
        ("code", VERDICT),
        ("markdown", further(case)),
    ]


def further(case: UseCase) -> str:
    """What else can be run: more seeds, hub models by the names of their variants, one's own data."""
    settings = {name: configs.read_variant(case, name) for name in configs.variants(case)}
    hub = {name: found["model"] for name, found in settings.items() if HUB_ID.match(found.get("model", ""))}
    lines = [f"gallery run {case.name} --variant {name:28} # {model}" for name, model in hub.items()]
    if case.tuner in TEXT_TUNERS:
        new = [model for model in (GEMMA, PHI) if model not in hub.values()]
        lines += [f"gallery run {case.name} --model {model:30} # the same settings" for model in new]
    lines += [f"gallery run {case.name} --seeds 3", f"gallery try {case.name}"]
    note = "Hub models need a GPU and the network; the rest runs as this notebook does." if hub else ""
    return "## Further\n\n```\n" + "\n".join(lines) + "\n```" + (f"\n\n{note}" if note else "")


def build(case: UseCase) -> str:
    """The notebook as its file holds it, without outputs."""
    made = [cell(number, kind, text) for number, (kind, text) in enumerate(parts(case, smoke=False), 1)]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    whole = {"cells": made, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(whole, indent=1, ensure_ascii=False) + "\n"


def cell(number: int, kind: str, text: str) -> dict[str, Any]:
    """One cell in the notebook format."""
    code = {"execution_count": None, "outputs": []} if kind == "code" else {}
    lines = text.splitlines(keepends=True)
    return {"cell_type": kind, "id": f"cell-{number}", "metadata": {}, "source": lines, **code}


def write(case: UseCase) -> Path:
    """Writes the notebook into the folder of its use case."""
    path = usecases.folder(case) / FILE
    write_text(path, build(case))
    return path
