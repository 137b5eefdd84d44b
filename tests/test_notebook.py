"""The notebooks: as the generator makes them, and they run from the problem to the verdict."""

import ast
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from common import notebook, record, usecase
from common.models import TEXT_TUNERS

NAMES = usecase.names()


@pytest.mark.parametrize("name", NAMES)
def test_the_notebook_is_what_the_generator_makes(name: str) -> None:
    path = usecase.USECASES_FOLDER / name / notebook.FILE
    advice = f"renew it with: gallery notebook {name}"
    assert path.is_file() and path.read_text(encoding="utf-8") == notebook.build(usecase.find(name)), advice
    assert path.stat().st_size < 10_000


@pytest.mark.parametrize("name", NAMES)
def test_the_notebook_tells_its_story_in_order_and_names_gemma_and_phi(name: str) -> None:
    case = usecase.find(name)
    made = json.loads(notebook.build(case))
    assert made["nbformat"] == 4 and all({"id", "metadata", "source"} <= set(cell) for cell in made["cells"])
    text = "\n".join("".join(cell["source"]) for cell in made["cells"])
    order = ["## 1. The problem", "## 2. The baseline", "## 3. Tune", "## 4. The verdict", "## Further"]
    assert sorted(order, key=text.index) == order and case.story in text
    if case.tuner in TEXT_TUNERS:
        assert "gemma-3-1b" in text and "Phi-4-mini" in text
    assert all(not cell.get("outputs") for cell in made["cells"])


def executed(name: str) -> list[Any]:
    """What the code cells of a smoke notebook show, cell by cell, in one namespace."""
    names: dict[str, Any] = {}
    shown = []
    for kind, text in notebook.parts(usecase.find(name), smoke=True):
        if kind == "code":
            tree = ast.parse(text)
            last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
            exec(compile(tree, name, "exec"), names)
            value = ast.Expression(last.value) if isinstance(last, ast.Expr) else None
            shown.append(eval(compile(value, name, "eval"), names) if value else None)
    return shown


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", {usecase.find(name).tuner: name for name in reversed(NAMES)}.values())
def test_a_notebook_runs_from_the_problem_to_the_verdict(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(usecase, "ROOT", tmp_path)
    problem, *_, verdict = executed(name)
    row = record.read(tmp_path / "runs" / f"{name}--offline--notebook--smoke" / "record.json")
    assert row.tier == "smoke" and f"Verdict: {row.verdict['label']}." in repr(verdict)
    assert "worth nothing" in repr(verdict) and "<img" in verdict._repr_html_()
    mean = row.contenders["tuned"]["scores"][row.headline]["mean"]
    assert f"{mean:.3f} [" in repr(verdict)
    assert "What is right:" in repr(problem) and "<script" not in problem._repr_html_()
    shutil.rmtree(tmp_path / "runs")


def test_what_data_says_is_shown_as_text() -> None:
    shown = notebook.Shown("<b>", "&lt;b&gt;")
    assert repr(shown) == "<b>" and shown._repr_html_() == "&lt;b&gt;"
