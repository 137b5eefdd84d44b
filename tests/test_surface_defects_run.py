"""The whole path of surface defects with a tiny budget: stages, record, tables, pictures, asking."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from common import ask, config, record, run
from common.errors import GalleryError
from common.record import RunRecord, read_rows
from common.usecase import find


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[RunRecord, Path]:
    usecase, folder = find("surface_defects"), tmp_path_factory.mktemp("run") / "run"
    settings = config.build(usecase, "offline", {"smoke": True})
    return run.execute(usecase, settings, folder), folder


def test_the_record_holds_every_contender_metric_and_table(finished: tuple[RunRecord, Path]) -> None:
    made, folder = finished
    assert set(made.contenders) == {"floor", "retrieval", "linear", "tuned"}
    for facts in made.contenders.values():
        assert {"auroc", "ap", "macro_f1", "cost", "ece", "precision_at_95", "recall_at_95"} <= set(
            facts["scores"]
        )
    assert len(made.tables) == 7 and all(table["rows"] for table in made.tables)
    assert record.read(folder / "record.json").headline == "auroc"


def test_the_page_shows_pictures_and_the_loss_fell(finished: tuple[RunRecord, Path]) -> None:
    _, folder = finished
    page = (folder / "report.html").read_text(encoding="utf-8")
    for title in (
        "What the pictures look like",
        "Worst misses",
        "Worst false alarms",
        "What a threshold costs",
    ):
        assert title in page
    losses = [row["loss"] for row in read_rows(folder / "seed-0" / "train.jsonl") if "loss" in row]
    assert np.mean(losses[-5:]) < 0.8 * np.mean(losses[:5])


def test_one_picture_is_asked_about_after_the_run(finished: tuple[RunRecord, Path], tmp_path: Path) -> None:
    _, folder = finished
    usecase = find("surface_defects")
    pixels = usecase.load(None).test[0].inputs.pixels()
    Image.fromarray(pixels).save(tmp_path / "part.png")
    said = ask.ask(usecase, folder, "Is this part good?", tmp_path / "part.png")
    assert "bad with probability" in said and "advice" in said
    (tmp_path / "empty.png").write_bytes(b"")
    with pytest.raises(GalleryError, match="the file is empty"):
        ask.ask(usecase, folder, "And this?", tmp_path / "empty.png")
