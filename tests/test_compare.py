"""Two runs side by side: paired differences, flips, and refusal of unlike test sets."""

from pathlib import Path

import numpy as np
import pytest

from common import compare, config, results, run, usecase
from common.errors import GalleryError
from tests import made_up, toy

LEARNS = "epochs = 4\nbatch_size = 2\n"


def made(folder: Path, out: Path, **given: object) -> Path:
    found = usecase.load_class(folder / "usecase.py")()
    run.execute(found, config.build(found, "offline", given), out)
    return out


def test_differences_flips_and_costs_are_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = toy.write(tmp_path, variant=LEARNS)
    monkeypatch.setattr(usecase, "find", lambda name: usecase.load_class(folder / "usecase.py")())
    left = made(folder, tmp_path / "left", method="head")
    right = made(folder, tmp_path / "right", method="full", epochs=1, learning_rate=1e-9)
    compare.compare_runs(left, right)
    shown = capsys.readouterr().out
    shown = " ".join(shown.split())
    assert "8 test examples" in shown and "accuracy" in shown and "better here:" in shown
    assert "+0.00 [" not in shown.split("accuracy")[1][:12]
    compare.compare_runs(left, left / "seed-0")
    assert "+0.000 [+0.000, +0.000]" in capsys.readouterr().out


def test_unlike_test_sets_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = made(toy.write(tmp_path / "a"), tmp_path / "one")
    changed = toy.write(tmp_path / "b", ("i found a {} outside", "i saw a {} outside"))
    with pytest.raises(GalleryError, match="different test sets"):
        compare.compare_runs(one, made(changed, tmp_path / "two"))


def test_rows_of_the_benchmark_are_compared_by_their_kept_scores(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made_up.keep(tmp_path, made_up.made())
    made_up.keep(tmp_path, made_up.made(variant="offline-full", means={"tuned": 0.6}))
    monkeypatch.setattr(results, "entries", lambda found=results.entries: found(tmp_path))
    both = Path("toy--offline"), Path("toy--offline-full")
    compare.compare(*both)
    assert "unpaired" in capsys.readouterr().out
    scores = np.full((3, 20), 0.5)
    made_up.keep_examples(tmp_path, "toy--offline", scores)
    scores[:, 0] = 0.0
    made_up.keep_examples(tmp_path, "toy--offline-full", scores)
    results.examples_in.cache_clear()
    compare.compare(*both)
    shown = " ".join(capsys.readouterr().out.split())
    assert "accuracy +0.025" in shown and "better here: 1, worse here: 0, same: 19" in shown
    assert "+0.50 e0 what is <e0>" in shown and "seconds 100 against 100" in shown
