"""The preference tuner on a tiny random Llama: every loss, the reference, the guard, what is refused."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from common import (
    answering,
    config,
    contenders,
    cores,
    models,
    preference_checks,
    preferences,
    reward_model,
    run,
    trl_adapter,
    usecase,
)
from common.config import LOSSES
from common.data import by_hash
from common.errors import GalleryError
from common.job import Job
from common.preference_stage import START_FILE, start_folder, taught, trained_on_chosen
from common.rehearsal import Rehearsal
from common.tuners import preference
from tests import toy_text

TOY = """epochs = 1
batch_size = 8
learning_rate = 5e-3
answer_length_tokens = 6
start_epochs = 2
start_rate = 5e-3
beta = 0.5
rollouts = 4
"""
CHANGES = (
    ('tuner = "sft"', 'tuner = "preference"'),
    (
        'return [{"prompt": self.model_input(example), "completion": answer}]',
        "other = COLOURS[COLOURS.index(example.answer) - 1]\n"
        '        rejected = [{"role": "assistant", "content": other}]\n'
        '        return [{"prompt": self.model_input(example), "chosen": answer, "rejected": rejected}]',
    ),
)


def write(root: Path, variant: str) -> Path:
    """The toy text use case, with another colour as the rejected answer."""
    folder = toy_text.write(root, variant)
    source = (folder / "usecase.py").read_text(encoding="utf-8")
    for old, new in CHANGES:
        assert old in source
        source = source.replace(old, new)
    (folder / "usecase.py").write_text(source, encoding="utf-8")
    return folder


def job(tiny: Path, root: Path, **given: Any) -> Job:
    found = usecase.load_class(write(root, TOY) / "usecase.py")()
    settings = config.build(found, "offline", {"model": str(tiny), **given})
    base = models.resolve(str(tiny), None, "preference")
    return Job(found, found.load(None), settings, base, 0, root / "run" / "seed-0")


def test_a_run_stands_beside_its_reference_and_its_plain_rival(tiny: Path, tmp_path: Path) -> None:
    work = job(
        tiny, tmp_path, epochs=2, start_epochs=6, loss="sigmoid+sft", method="full", learning_rate=5e-4
    )
    made = run.execute(work.usecase, work.config, tmp_path / "out")
    scores = {name: row["scores"]["exact"]["mean"] for name, row in made.contenders.items()}
    assert set(scores) == {"floor", "untuned", "zero_shot", "few_shot", "chosen_only", "tuned"}
    assert scores["untuned"] < 0.3 < scores["tuned"]
    untuned = {name for name, row in made.contenders.items() if row["kind"] not in ("light", "tuned")}
    assert untuned == {"floor", "untuned"}, "a supervised start is no way to do without tuning"
    assert (tmp_path / "out" / "start-0" / "model.safetensors").is_file()
    assert made.training["largest_reward_before_training"] <= 1e-4
    assert len(made.training["displacement"]) >= 5


@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss_trains_saves_and_reloads(
    loss: str, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held: list[int] = []
    real = Rehearsal.loss

    def counted(self: Rehearsal, model: Any, step: int) -> Any:
        held.append(step)
        return real(self, model, step)

    monkeypatch.setattr(Rehearsal, "loss", counted)
    work = job(tiny, tmp_path, loss=loss, method="lora", rehearsal=3)
    facts = preference.fit(work)
    stage = json.loads((start_folder(work) / START_FILE).read_text())
    steps = 0 if loss == "reward" else facts["steps"]
    if loss in ("grpo", "rloo"):
        assert steps == facts["examples"] // 8, "a step is `batch_size` prompts, with all their answers"
    assert len(held) == stage["steps"] + steps, "every step of both stages holds the model to what it was"
    assert facts["loss"] == loss and facts["trainable_parameters"] > 0 and not facts["diverged"]
    assert (work.adapter / "adapter_config.json").is_file()
    assert not (work.adapter / "ref").exists()
    first = preference.predict(replace(work, shared={}), work.splits.test[:5])
    again = preference.predict(replace(work, shared={}), work.splits.test[:5])
    assert [o.value for o in first] == [o.value for o in again]
    if loss == "reward":
        assert 0 <= facts["held_out_accuracy"] <= 1
    else:
        assert facts["largest_reward_before_training"] <= 1e-4


@pytest.mark.parametrize(("start", "later"), [(5e-3, 1.0), (1e-6, 5e-3)])
def test_the_plain_rival_learns_at_the_rate_that_val_likes_better(
    start: float, later: float, tiny: Path, tmp_path: Path
) -> None:
    rates = {"start_epochs": 6, "epochs": 6, "start_rate": start, "learning_rate": later}
    work = job(tiny, tmp_path, method="full", **rates)
    rival = trained_on_chosen(work)
    told = {path.parent.name: json.loads(path.read_text())["val"] for path in tmp_path.glob("run/*/val.json")}
    assert set(told) == {f"chosen-0-{start:g}", f"chosen-0-{later:g}"}
    assert max(told, key=told.__getitem__) == "chosen-0-0.005" == Path(rival.config.model).name
    assert trained_on_chosen(replace(work, shared={})).config.model == rival.config.model


def test_preferences_of_a_few_examples_are_learnt_where_so_few_are_asked_for(
    tiny: Path, tmp_path: Path
) -> None:
    few = taught(job(tiny, tmp_path, preferences=10, judge_share=0.0))
    every = by_hash(taught(job(tiny, tmp_path / "all", judge_share=0.0)))
    assert len(every) == 50 and few == every[-10:], "a start that learns the first has not seen them"


def test_rewards_of_a_tuned_model_are_measured_against_the_model_on_disk(
    tiny: Path,
    tmp_path: Path,
) -> None:
    work = job(tiny, tmp_path, loss="sigmoid+sft", epochs=12, learning_rate=2e-3)
    preference.fit(work)
    preference.predict(work, work.splits.test)
    work.shared["untuned"] = {name: [] for name in ("floor", "zero_shot", "few_shot", "chosen_only")}
    found = preference.models(work)["preferences"]["test"]
    assert found["pairs"] == len(work.splits.test)
    assert found["reward_accuracy"] > 0.6
    assert set(found) >= {"chosen_likelier_before", "chosen_likelier_after", "chosen_change_per_token"}


def test_a_stale_reference_is_refused(tiny: Path, tmp_path: Path) -> None:
    work = job(tiny, tmp_path)
    started = preference.started(work)
    model, _ = answering.load(started, None)
    for parameter in model.parameters():
        parameter.data.mul_(1.05)  # as if the reference had been read before training went on
    with pytest.raises(GalleryError, match="instead of 0: the reference is not the model"):
        preference.fit_policy(started)


def test_the_supervised_stage_is_trained_once_and_kept(
    tiny: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    work = job(tiny, tmp_path)
    assert preference.started(work).base.path == str(preference.start_folder(work))
    monkeypatch.setattr(trl_adapter, "sft_trainer", lambda *_: pytest.fail("trained again"))
    preference.started(replace(work, shared={}))
    assert preference.start_folder(replace(work, folder=tmp_path / "run")) == preference.start_folder(work)


def test_the_guard_stops_a_training_and_takes_its_last_steps_back(tiny: Path, tmp_path: Path) -> None:
    work = job(tiny, tmp_path, loss="sigmoid", epochs=4, learning_rate=5e-2)
    facts = preference.fit(work)
    assert facts["stopped_by_guard"]
    assert facts["displacement"][-1]["chosen_change_per_token"] < -work.config.displacement_limit
    preference.predict(work, work.splits.test)
    work.shared["untuned"] = {name: [] for name in ("floor", "zero_shot", "few_shot", "chosen_only")}
    started, watched = preference.started(work), preference.watched_pairs(preference.started(work))
    model, tokenizer = answering.load(started, None)
    before = preferences.Likelihoods.under(model, tokenizer, watched).chosen
    tuned = started.shared["tuned-0"][0]
    kept = preference_checks.change_per_token(tuned, tokenizer, watched, before)
    assert kept >= -work.config.displacement_limit


def test_ties_count_half() -> None:
    assert preferences.accuracy(np.array([1.0, 0.0, -1.0, 2.0])) == 0.625
    assert preferences.accuracy(np.zeros(4)) == 0.5


def test_log_probabilities_are_those_of_the_answer_alone(tiny: Path, tmp_path: Path) -> None:
    import torch

    work = job(tiny, tmp_path)
    model, tokenizer = answering.load(work, None)
    rows = preference.pair_rows(work, work.splits.test[:3])
    pairs = preferences.pairs_of(tokenizer, rows, 99)
    found = preferences.Likelihoods.under(model, tokenizer, pairs)
    for place, pair in enumerate(pairs):
        tokens = torch.tensor([pair.prompt_ids + pair.chosen_ids])
        with torch.inference_mode():
            logs = model(tokens).logits[0, :-1].log_softmax(-1)
        start = len(pair.prompt_ids) - 1
        expected = sum(logs[start + i, token].item() for i, token in enumerate(pair.chosen_ids))
        assert found.chosen[place] == pytest.approx(expected, abs=1e-4)
    assert tokenizer.decode(pairs[0].chosen_ids).endswith("<|end|>")
    with pytest.raises(GalleryError, match="3 of 3 preference pairs are longer"):
        preferences.pairs_of(tokenizer, rows, 8)


def test_own_answers_are_wrong_ones_of_like_length(tiny: Path, tmp_path: Path) -> None:
    work = job(tiny, tmp_path)
    _, tokenizer = answering.load(work, None)
    pairs = preferences.pairs_of(tokenizer, preference.pair_rows(work, work.splits.train[:4]), 99)
    chosen = [pair.row["chosen"][0]["content"] for pair in pairs]
    texts = ["x" * len(chosen[0]), "x" * 40, None, "y" * len(chosen[3])]
    made = preferences.with_own_answers(tokenizer, pairs, texts, 1.0)
    assert [new is old for new, old in zip(made, pairs, strict=True)] == [False, True, True, False]
    assert made[0].row["rejected"][0]["content"] == texts[0]
    capped = preferences.with_own_answers(tokenizer, pairs, texts, 0.25)
    assert sum(new is not old for new, old in zip(capped, pairs, strict=True)) == 1


def test_kto_rows_are_shuffled_and_keep_their_labels(tiny: Path, tmp_path: Path) -> None:
    work = job(tiny, tmp_path, loss="kto")
    kept: dict[str, Any] = {}
    real = preference.policy_trainer

    def remember(*given: Any) -> Any:
        kept["engine"] = real(*given)
        return kept["engine"]

    preference.policy_trainer = remember
    try:
        preference.fit(work)
    finally:
        preference.policy_trainer = real
    labels = kept["engine"].train_dataset["label"]
    assert sum(labels) * 2 == len(labels) and 0 < sum(labels[: len(labels) // 2]) < len(labels) // 2
    assert len({json.dumps(row) for row in kept["engine"].train_dataset["completion_ids"]}) > 1


def test_trl_starts_from_the_reference_that_was_scored_beforehand(tiny: Path, tmp_path: Path) -> None:
    work = job(tiny, tmp_path, loss="apo_zero")
    preference.fit(work)
    first = json.loads((work.folder / "train.jsonl").read_text(encoding="utf-8").splitlines()[0])
    assert abs(first["rewards/chosen"]) < 1e-4 and abs(first["rewards/rejected"]) < 1e-4


def test_the_judge_learns_from_groups_that_train_nothing_else(tiny: Path, tmp_path: Path) -> None:
    work = job(tiny, tmp_path, judge_share=0.4)
    taught = preference.taught(work)
    judging = [e for e in work.splits.train if preference.for_judge(work, e)]
    assert taught and judging and len(taught) + len(judging) == len(work.splits.train)
    assert not {e.group for e in taught} & {e.group for e in judging}


def test_a_win_rate_is_read_at_equal_length() -> None:
    random = np.random.default_rng(0)
    longer_by = random.normal(10, 5, 400)
    only_length = np.sign(longer_by + random.normal(0, 3, 400))
    assert np.mean(only_length > 0) > 0.95
    assert reward_model.length_controlled(only_length, longer_by) < 0.75
    assert reward_model.length_controlled(np.zeros(50), np.zeros(50)) == pytest.approx(0.5, abs=1e-6)
    assert reward_model.length_controlled(np.ones(5), np.zeros(5)) == 1.0


def test_training_a_light_model_is_no_part_of_what_its_answers_cost(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter(range(1000))
    monkeypatch.setattr(cores, "worked_seconds", lambda: next(clock))

    def trained(work: Job) -> Job:
        for _ in range(100):
            next(clock)
        return work

    monkeypatch.setattr(preference, "started", trained)
    monkeypatch.setattr(preference, "trained_on_chosen", trained)
    work = job(tiny, tmp_path)
    examples = work.splits.test[:2]
    for contender in preference.contenders()[1:]:
        for output in contenders.timed(contender.answer, work, examples):
            assert output.seconds == 0.5, contender.name


def test_dora_learns_preferences_on_a_base_with_rows_of_zeros() -> None:
    import torch

    model, tokenizer = models.load_causal(models.resolve("embedded", None, "preference"), None)
    peft, made = preference.adapter_of(model, config.RunConfig(method="dora", tuner="preference"))
    assert peft is None, "TRL would wrap the model again"
    logits = made(torch.tensor([tokenizer("The clerk")["input_ids"]])).logits
    assert logits.isfinite().all()
