"""`gallery plan`: a probe's numbers grow to those of the run, and what does not fit gets advice."""

from dataclasses import replace
from pathlib import Path

import pytest

from common import config, plan, run, usecase
from common.errors import GalleryError
from common.summary import planned
from tests import toy

MADE = plan.Plan(1_000, 1_000, 64, 8, 640, 3.0, {"weights": 8e9, "optimiser": 16e9}, 24e9)


def test_a_plan_says_what_the_run_will_record(tmp_path: Path) -> None:
    folder = toy.write(tmp_path, variant='method = "lora"\nepochs = 3\nbatch_size = 1\n')
    found = usecase.load_class(folder / "usecase.py")()
    settings = config.build(found, "offline", {})
    made = plan.make(found, settings, "cpu")
    assert 0 < made.trainable < made.total
    assert made.rows == len(found.load(None).train) == 32
    assert made.steps == 96 and made.tokens > 96 * 4 and made.seconds > 0
    assert made.fits and sum(made.memory.values()) > made.total * 4
    said = "\n".join(plan.lines(made, settings, "cpu"))
    assert f"{made.trainable:,} of {made.total:,}" in said and "change" not in said
    assert not (tmp_path / "runs").exists()


def test_the_record_says_how_far_off_the_plan_was(tmp_path: Path) -> None:
    folder = toy.write(tmp_path, variant='method = "lora"\nepochs = 1\nbatch_size = 8\n')
    found = usecase.load_class(folder / "usecase.py")()
    settings = config.build(found, "offline", {})
    plan.keep(replace(MADE, seconds=2.0), settings, tmp_path / "run")
    training = run.execute(found, settings, tmp_path / "run").training
    assert training["plan"]["seconds"] == 2.0
    assert training["plan"]["seconds_error"] == pytest.approx(training["seconds"] / 2 - 1, abs=0.001)
    assert training["plan"]["peak_memory_bytes_error"] == pytest.approx(
        training["peak_memory_bytes"] / 24e9 - 1, abs=0.001
    )
    elsewhere = settings.model_copy(update={"data": tmp_path / "rows.jsonl"})
    assert planned(elsewhere) != planned(settings)
    other = config.build(found, "offline", {"method": "head"})
    assert "plan" not in run.execute(found, other, tmp_path / "run").training


def test_what_does_not_fit_gets_advice_in_order_of_cost() -> None:
    settings = config.RunConfig(method="full", batch_size=32)
    assert not MADE.fits
    said = plan.advice(MADE, settings)
    assert "batch_size = 8" in said[0] and "lora" in said[1] and "smaller --model" in said[2]
    assert plan.advice(replace(MADE, limit=80e9), settings) == []
    writing = config.RunConfig(method="full", batch_size=32, tuner="sft")
    assert plan.advice(MADE, writing)[0].startswith("checkpointing = true")
    again = writing.model_copy(update={"checkpointing": True})
    assert plan.advice(MADE, again) == plan.advice(MADE, writing)[1:]
    assert len(plan.advice(replace(MADE, trainable=10), settings)) == 2


def test_memory_by_part_depends_on_what_is_trained() -> None:
    facts = {"trainable_parameters": 10, "total_parameters": 1000, "peak_memory_bytes": 10_000}
    here, there = plan.memory(facts, "cpu"), plan.memory(facts, "24GB")
    assert (here["weights"], here["gradients"], here["optimiser"]) == (4000, 40, 80)
    assert sum(here.values()) == 10_000
    assert (there["weights"], there["optimiser"]) == (2000, 80)
    whole = plan.memory({**facts, "trainable_parameters": 1000}, "24GB")
    assert whole["optimiser"] == 4000


def test_sizes_are_read_and_others_refused() -> None:
    assert plan.memory_limit("24GB") == 24e9 and plan.memory_limit("1.5 gib") == 1.5e9
    assert plan.memory_limit("cpu") > 1e8
    with pytest.raises(GalleryError, match="is no size"):
        plan.memory_limit("big")
