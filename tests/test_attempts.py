"""A batch that does not fit is worked on in parts, with the same step; a search looks at val alone."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from common import attempts, config, models, rates, record, run, search, track, trainer, trl_adapter, usecase
from common.errors import GalleryError, TrainingFailed
from common.job import Job
from common.tuners import embed
from tests import tiny_hub, toy_text
from tests.test_hub_models import search_case, small_search

VARIANT = "rank = 4\nbatch_size = 12\nanswer_length_tokens = 6\ntrain_length_tokens = 200\nshots = 1\n"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_hub.chat_model("smollm2", tmp_path_factory.mktemp("attempts"))


def job(model: Path, root: Path, **given: Any) -> Job:
    found = usecase.load_class(toy_text.write(root, VARIANT) / "usecase.py")()
    settings = config.build(found, "offline", {"model": str(model), **given})
    base = models.resolve(str(model), None, "sft")
    return Job(found, found.load(None), settings, base, 0, root / "seed-0")


def losses(work: Job) -> list[float]:
    return [row["loss"] for row in record.read_rows(work.folder / "train.jsonl") if "loss" in row]


def limit(monkeypatch: pytest.MonkeyPatch, most_rows: int) -> list[int]:
    """A device that holds so many rows at once; what was asked of it."""
    asked: list[int] = []
    real = trl_adapter.answer_loss

    def loss(model: Any, tokens: Any, *rest: Any) -> Any:
        asked.append(tokens.shape[0])
        if tokens.shape[0] > most_rows:
            raise RuntimeError("CUDA out of memory. Tried to allocate 20.00 GiB")
        return real(model, tokens, *rest)

    monkeypatch.setattr(trl_adapter, "answer_loss", loss)
    return asked


def test_out_of_memory_means_fewer_rows_at_once_and_the_same_steps(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = job(model, tmp_path / "whole")
    expected = attempts.fit(whole)
    asked = limit(monkeypatch, 4)
    parts = job(model, tmp_path / "parts")
    facts = attempts.fit(parts)
    assert facts["rows_at_once"] == 3 and asked[:3] == [12, 6, 3] and max(asked[2:]) == 3
    assert facts["steps"] == expected["steps"] == 5
    assert np.allclose(losses(whole), losses(parts), rtol=0, atol=1e-5)


def test_what_fits_in_no_way_is_a_failure_in_words(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = limit(monkeypatch, 0)
    with pytest.raises(TrainingFailed, match=r"with 1 row\(s\) at once.*lower batch_size") as caught:
        attempts.fit(job(model, tmp_path))
    assert caught.value.status == "out of memory" and asked == [12, 6, 3, 1]


def test_an_encoder_in_parts_has_the_same_negatives(tmp_path: Path) -> None:
    texts = search_case()[2]
    whole = small_search(tiny_hub.encoder("qwen3-embedding", tmp_path, texts), tmp_path / "whole")
    parts = replace(whole, pieces=4, folder=tmp_path / "parts", shared={})
    for work in (whole, parts):
        embed.fit(work)
    assert len(losses(whole)) >= 2 and np.allclose(losses(whole), losses(parts), rtol=0, atol=1e-4)


def test_losses_go_to_the_tracker_that_is_asked_for_and_to_none_by_default(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[tuple[str, float]] = []
    import tensorboardX

    real = tensorboardX.SummaryWriter.add_scalar
    monkeypatch.setattr(
        tensorboardX.SummaryWriter,
        "add_scalar",
        lambda self, name, value, *rest: (sent.append((name, value)), real(self, name, value, *rest))[0],
    )
    quiet = job(model, tmp_path / "quiet")
    attempts.fit(quiet)
    assert sent == [] and not (quiet.folder / "track").exists()
    shown = job(model, tmp_path / "shown", track="tensorboard", epochs=2)
    attempts.fit(shown)
    assert [value for name, value in sent if name == "train/loss"] == losses(shown)
    assert len([name for name, _ in sent if name.endswith("val")]) == 2
    assert list((shown.folder / "track").glob("events*"))
    assert "track" not in run.settings_of(shown.config)


def test_a_tracker_that_is_not_there_is_named_before_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(track, "find_spec", lambda name: None)
    track.refuse_missing("none")
    for tracker, package in (("tensorboard", "tensorboardX"), ("trackio", "trackio"), ("wandb", "wandb")):
        with pytest.raises(GalleryError, match=f"pip install {package}"):
            track.refuse_missing(tracker)


def fitted_by(val: Any) -> tuple[list[Job], search.Fit]:
    """A training that is a formula: what val says after each of three epochs."""
    tried: list[Job] = []

    def fit(work: Job) -> dict[str, Any]:
        tried.append(work)
        for epoch in range(1, 4):
            work.on_val(epoch, val(work.config, epoch))
        return {}

    return tried, fit


def test_a_search_finds_the_better_rate_on_val_and_counts_what_it_cost(model: Path, tmp_path: Path) -> None:
    work = job(model, tmp_path, search=12, learning_rate=1e-3)
    tried, fit = fitted_by(lambda c, epoch: epoch / 10 - abs(np.log(c.learning_rate / 4e-3)) - c.warmup_share)
    found = search.searched(work, fit)
    facts = work.shared["search"]
    assert tried[0].config.learning_rate == 1e-3 and tried[0].config.warmup_share == 0.1
    assert facts["trials"] == 12 and facts["pruned"] > 0 and facts["failed"] == 0 and facts["seconds"] > 0
    assert facts["val"] > facts["val_without"] == pytest.approx(0.3 - np.log(4) - 0.1)
    assert abs(np.log(found.config.learning_rate / 4e-3)) < np.log(4)
    assert all(each.splits.test == () and each.splits.probes == {} for each in tried)
    assert work.splits.test and found.splits.test == work.splits.test
    again, fit = fitted_by(lambda c, epoch: 0.0)
    assert search.searched(work, fit).config == found.config and again == []


def test_a_stopped_search_goes_on_and_a_failed_trial_is_only_counted(model: Path, tmp_path: Path) -> None:
    work = job(model, tmp_path, search=6, learning_rate=1e-3)
    tried, real = fitted_by(lambda c, epoch: c.learning_rate)

    def fit(each: Job) -> dict[str, Any]:
        if len(tried) == 2:
            tried.append(each)
            raise TrainingFailed("diverged", "no number")
        if len(tried) == 4:
            raise KeyboardInterrupt
        return real(each)

    with pytest.raises(KeyboardInterrupt):
        search.searched(work, fit)
    before = len(tried)
    search.searched(work, real)
    facts = work.shared["search"]
    assert facts["failed"] >= 1 and facts["trials"] == 6 and len(tried) - before <= 2


def test_a_real_search_trains_and_enters_the_record(model: Path, tmp_path: Path) -> None:
    work = job(model, tmp_path, search=2, learning_rate=1e-3)
    made = run.execute(work.usecase, work.config, tmp_path / "out")
    said = made.training["search"]
    assert said["trials"] == 2 and said["val"] >= (said["val_without"] or 0)
    assert made.training["learning_rate"] == pytest.approx(said["chosen"]["learning_rate"])
    assert not list((tmp_path / "out" / "search").glob("trial-*"))


def test_what_cannot_be_searched_is_refused(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = job(model, tmp_path, search=2)
    with pytest.raises(GalleryError, match="has no val split"):
        search.refuse_missing(replace(work, splits=replace(work.splits, val=())))
    monkeypatch.setattr(search, "find_spec", lambda name: None)
    with pytest.raises(GalleryError, match="pip install optuna"):
        search.refuse_missing(work)
    assert trainer.rows_at_once(work) == 12


def scored_by(best_rate: float, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Trainings that leave a file, and answers of which val likes those of one rate."""
    tried: list[float] = []

    class Tuner:
        @staticmethod
        def predict(work: Job, examples: Any) -> list[float]:
            assert work.splits.test == () and examples == work.splits.val
            return [-abs(np.log(work.config.learning_rate / best_rate))]

    monkeypatch.setattr(rates.contenders, "tuner_of", lambda found: Tuner)
    monkeypatch.setattr(rates, "headline", lambda found, examples, outputs: outputs[0])
    return tried


def test_a_rate_is_chosen_on_val_and_its_training_is_that_of_seed_0(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = replace(job(model, tmp_path, rates=3, learning_rate=1e-3), folder=tmp_path / "run")
    tried = scored_by(2e-3, monkeypatch)

    def fit(trial: Job) -> dict[str, Any]:
        if len(tried) == 2:
            tried.append(0.0)
            raise KeyboardInterrupt
        tried.append(trial.config.learning_rate)
        record.write_text(trial.adapter / "weights", f"{trial.config.learning_rate:g}")
        if trial.config.learning_rate < 5e-4:
            raise TrainingFailed("diverged", "no number")
        return {"seconds": 1.0}

    with pytest.raises(KeyboardInterrupt):
        rates.searched(work, fit)
    found = rates.searched(work, fit)
    assert tried == [1e-3, pytest.approx(3.33e-4), 0.0, 3e-3], "what was tried is not tried again"
    assert found.config.learning_rate == 3e-3 and work.shared["search"]["failed"] == 1
    assert work.shared["search"]["at_the_edge"] and found.splits.test
    assert (tmp_path / "run" / "seed-0" / "adapter" / "weights").read_text() == "0.003"
    assert not list((tmp_path / "run" / "search").rglob("weights"))
    assert rates.searched(work, fit).config == found.config and len(tried) == 4


def test_the_run_with_a_sought_rate_is_the_run_with_that_rate(model: Path, tmp_path: Path) -> None:
    work = job(model, tmp_path, rates=2, learning_rate=1e-3, seeds=2)
    made = run.execute(work.usecase, work.config, tmp_path / "sought")
    rate = made.training["search"]["chosen"]["learning_rate"]
    plain = work.config.model_copy(update={"rates": 0, "learning_rate": rate})
    again = run.execute(work.usecase, plain, tmp_path / "plain")
    assert made.training["learning_rate"] == rate == again.training["learning_rate"]
    assert made.contenders["tuned"]["by_seed"] == again.contenders["tuned"]["by_seed"]
    for seed in (0, 1):
        first, second = (tmp_path / name / f"seed-{seed}" / "tuned.jsonl" for name in ("sought", "plain"))
        assert [row["value"] for row in record.read_rows(first)] == [
            row["value"] for row in record.read_rows(second)
        ]
    assert 0 < made.training["processor_seconds"]


@pytest.mark.parametrize(
    ("given", "said"),
    [({"search": 2}, "give one of them"), ({}, "has no val split"), ({"method": "head"}, "no learning rate")],
)
def test_rates_that_cannot_be_sought_are_refused(
    model: Path, tmp_path: Path, given: dict[str, Any], said: str
) -> None:
    work = job(model, tmp_path, rates=3)
    work = replace(work, config=work.config.model_copy(update=given))
    work = replace(work, splits=replace(work.splits, val=())) if not given else work
    with pytest.raises(GalleryError, match=said):
        rates.searched(work, lambda trial: {})
