"""Two runs side by side: paired differences, flips, and refusal of unlike test sets."""

from pathlib import Path

import pytest

from common import compare, config, run, usecase
from common.errors import GalleryError
from tests import toy

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
    compare.compare_runs(left, left)
    assert "+0.000 [+0.000, +0.000]" in capsys.readouterr().out


def test_unlike_test_sets_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = made(toy.write(tmp_path / "a"), tmp_path / "one")
    changed = toy.write(tmp_path / "b", ("i found a {} outside", "i saw a {} outside"))
    with pytest.raises(GalleryError, match="different test sets"):
        compare.compare_runs(one, made(changed, tmp_path / "two"))
