"""The speed benchmark of the embedded base finds its tasks and measures both sides."""

from dataclasses import replace

import pytest

from common.embedded import TEXT_MODEL_FOLDER, bench


def test_both_sides_are_measured_on_the_same_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    counted: list[tuple[int, int]] = []

    def compare(ours: object, plain: object) -> dict[str, float]:
        counted.append((ours(), plain()))
        return {"ratio": 1.0}

    short = [replace(task, train=task.train[:4], test=task.test[:2]) for task in bench.tasks(None)]
    monkeypatch.setattr(bench, "tasks", lambda folder: short)
    monkeypatch.setattr(bench, "compare", compare)
    found = bench.measure(TEXT_MODEL_FOLDER)
    assert set(found) == {"training_tokens_per_second", "generation_tokens_per_second"}
    assert all(tokens > 0 for pair in counted for tokens in pair)
