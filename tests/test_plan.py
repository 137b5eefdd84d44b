"""`gallery plan`: a probe's numbers grow to those of the run, and what does not fit gets advice."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from common import config, plan, run, usecase
from common.errors import GalleryError, TrainingFailed
from common.summary import planned
from common.usecase import Splits
from tests import toy

MADE = plan.Plan(
    config.RunConfig(method="full", batch_size=32),
    *(1_000, 1_000, 64, 8, 640, 3.0),
    {"weights": 8e9, "optimiser": 8e9, "activations and libraries": 16e9},
    24e9,
)
# What a made-up probe says of 8 rows a step: 1 GB of weights in fp32, and what the step itself holds.
FACTS = {
    **{"trainable_parameters": 1_000, "total_parameters": 250_000_000, "examples": 8},
    **{
        "steps": 10,
        "tokens": 100,
        "seconds": 11.0,
        "first_step_seconds": 2.0,
        "rows_at_once": 8,
        "rows_in_all": 32,
        "rows_given": 1,
    },
}


def test_a_plan_says_what_the_run_will_record(tmp_path: Path) -> None:
    folder = toy.write(tmp_path, variant='method = "lora"\nepochs = 3\nbatch_size = 1\n')
    found = usecase.load_class(folder / "usecase.py")()
    settings = config.build(found, "offline", {})
    made = plan.make(found, settings, "")
    assert 0 < made.trainable < made.total
    assert made.rows == len(found.load(None).train) == 32
    assert made.steps == 96 and made.tokens > 96 * 4 and made.seconds > 0
    assert made.fits and sum(made.memory.values()) > made.total * 4
    said = "\n".join(plan.lines(made, settings))
    assert f"{made.trainable:,} of {made.total:,}" in said and "change" not in said
    assert not (tmp_path / "runs").exists()


def test_rows_that_hold_several_examples_are_counted_as_rows() -> None:
    """Of english_to_sql a row asks a dozen questions, and only some of all questions are taken."""
    case = SimpleNamespace(training_set=lambda splits: [{"row": n} for n in range(len(splits.train) // 10)])
    splits = Splits(train=range(600), val=(), test=())
    sampled = plan.sampled(case, config.RunConfig(tuner="sft", batch_size=1), splits)
    assert (sampled.rows, sampled.whole) == (plan.PROBE_STEPS, 60)
    few = sampled.usecase.training_set(sampled.splits)
    assert len(few) == plan.PROBE_STEPS and few != case.training_set(splits)[: plan.PROBE_STEPS]
    assert all(row in case.training_set(splits) for row in few) and len(case.training_set(splits)) == 60


def test_the_record_says_how_far_off_the_plan_was(tmp_path: Path) -> None:
    folder = toy.write(tmp_path, variant='method = "lora"\nepochs = 1\nbatch_size = 8\n')
    found = usecase.load_class(folder / "usecase.py")()
    settings = config.build(found, "offline", {})
    plan.keep(replace(MADE, config=settings, seconds=2.0), tmp_path / "run")
    training = run.execute(found, settings, tmp_path / "run").training
    assert training["plan"]["seconds"] == 2.0
    assert training["plan"]["seconds_error"] == pytest.approx(training["seconds"] / 2 - 1, abs=0.001)
    assert training["plan"]["peak_memory_bytes_error"] == pytest.approx(
        training["peak_memory_bytes"] / 32e9 - 1, abs=0.001
    )
    elsewhere = settings.model_copy(update={"data": tmp_path / "rows.jsonl"})
    assert planned(elsewhere) != planned(settings)
    other = config.build(found, "offline", {"method": "head"})
    assert "plan" not in run.execute(found, other, tmp_path / "run").training


def probes(monkeypatch: pytest.MonkeyPatch, gpu: bool = False, **steps: object) -> list[config.RunConfig]:
    """Puts made-up probes in the place of real ones and says which were asked for. `plain`, `checkpointed`
    and `compiled` are the bytes at the peak, or what goes wrong, and with `compiled` the seconds too."""
    asked: list[config.RunConfig] = []

    def probe(_: object, settings: config.RunConfig) -> dict[str, object]:
        asked.append(settings)
        name = "compiled" if settings.compiled else "checkpointed" if settings.checkpointing else "plain"
        found = steps[name]
        if isinstance(found, Exception):
            raise found
        return {**FACTS, **found}

    monkeypatch.setattr(plan, "probe", probe)
    monkeypatch.setattr(plan.cores, "on_gpu", lambda: gpu)
    monkeypatch.setattr(plan, "sampled", lambda *_: plan.Sample(None, None, 1, 32))
    monkeypatch.setattr(plan, "memory_limit", lambda _: 4e9)
    return asked


def made() -> plan.Plan:
    case = SimpleNamespace(load=lambda _: None, configured=lambda _: case)
    return plan.make(case, config.RunConfig(tuner="sft", batch_size=8), "4GB")


def test_a_step_in_parts_comes_before_checkpointing(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = probes(monkeypatch, plain={"peak_memory_bytes": 9e9})
    found = made()
    assert found.fits and found.parts == 4 and len(asked) == 1
    assert found.needed == pytest.approx(0.5e9 + 8e9 / 4, rel=1e-3)
    said = "\n".join(plan.lines(found, asked[0]))
    assert "chosen    a step in 4 parts" in said and "checkpointing" not in said and "change" not in said


def test_checkpointing_is_chosen_where_one_row_does_not_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    steps = {"plain": {"peak_memory_bytes": 41e9}, "checkpointed": {"peak_memory_bytes": 9e9}}
    asked = probes(monkeypatch, **steps)
    found = made()
    assert [one.checkpointing for one in asked] == [False, True]
    assert found.fits and found.config.checkpointing and found.parts == 4
    assert "chosen    --checkpointing" in "\n".join(plan.lines(found, asked[0]))
    probes(monkeypatch, plain=TrainingFailed("out of memory", "full"), checkpointed=steps["checkpointed"])
    assert made().config.checkpointing
    probes(monkeypatch, plain=steps["plain"], checkpointed={"peak_memory_bytes": 42e9})
    assert not made().fits and not made().config.checkpointing


def test_what_fits_in_no_way_gets_advice(monkeypatch: pytest.MonkeyPatch) -> None:
    full = TrainingFailed("out of memory", "full")
    probes(monkeypatch, plain=full, checkpointed=full)
    with pytest.raises(GalleryError, match="Not one row.*train_length_tokens = 48.*qlora.*smaller --model"):
        made()
    probes(monkeypatch, plain=TrainingFailed("diverged", "no number"))
    with pytest.raises(TrainingFailed, match="no number"):
        made()
    none = replace(MADE, config=MADE.config.model_copy(update={"batch_size": 1}), limit=8e9)
    assert not none.in_parts().fits
    assert [line for line in plan.lines(none, none.config) if line.startswith("change")][0].count("lora")


@pytest.mark.parametrize(("seconds", "chosen"), [(40.0, False), (4.0, True)])
def test_steps_are_compiled_where_a_gpu_wins_time_by_it(
    monkeypatch: pytest.MonkeyPatch, seconds: float, chosen: bool
) -> None:
    """Ten probed steps in 11 s stand for 1,000: plain 2 s and then one a second, compiled 30 s and then more
    or less."""
    quicker = {"first_step_seconds": 30.0, "seconds": 30.0 + seconds, "peak_memory_bytes": 2e9}
    plain = {"peak_memory_bytes": 2e9}
    asked = probes(monkeypatch, gpu=True, plain=plain, compiled={**plain, **quicker})
    found = made()
    assert [one.compiled for one in asked] == [False, True] and found.config.compiled == chosen
    pace = seconds / 9 if chosen else 1.0
    assert found.seconds == pytest.approx((30.0 if chosen else 2.0) + pace * (10 * 32 - 1))
    assert ("--compiled" in "\n".join(plan.lines(found, asked[0]))) == chosen


def test_memory_by_part_depends_on_what_is_trained_and_where(monkeypatch: pytest.MonkeyPatch) -> None:
    facts = {"trainable_parameters": 10, "total_parameters": 1000, "peak_memory_bytes": 10_000}
    text, encoder, whole = (
        config.RunConfig(tuner=tuner, method=method, batch_size=8)
        for tuner, method in (("sft", "lora"), ("embed", "lora"), ("sft", "full"))
    )
    here, there = plan.memory(facts, text, gpu=False), plan.memory(facts, text, gpu=True)
    assert (here["weights"], here["gradients"], here["optimiser"]) == (4000, 40, 80)
    assert sum(here.values()) == 10_000
    assert (there["weights"], there["optimiser"]) == (2000, 80)
    everything = plan.memory({**facts, "trainable_parameters": 1000}, whole, gpu=True)
    assert (everything["weights"], everything["optimiser"]) == (4000, 8000), "what learns is held in fp32"
    assert plan.memory(facts, encoder, gpu=True)["weights"] == 4000, "encoders are too"
    *_, rows = plan.memory({**facts, "rows_at_once": 2}, text, gpu=False).values()
    assert rows == 4 * (10_000 - 4120)
    monkeypatch.setattr(plan.cores, "on_gpu", lambda: True)
    assert sum(plan.memory(facts, text, gpu=True).values()) == 10_000


def test_sizes_are_read_and_others_refused() -> None:
    assert plan.memory_limit("24GB") == 24e9 and plan.memory_limit("1.5 gib") == 1.5e9
    assert plan.memory_limit("") > 1e8
    with pytest.raises(GalleryError, match="is no size"):
        plan.memory_limit("big")
