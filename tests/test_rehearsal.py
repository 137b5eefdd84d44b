"""Passages of the untuned model, learnt along: plain text of its own, and less is forgotten."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from common import methods, rehearsal
from common.answering import load, start, val_score
from common.evaluate_text import bits_per_byte
from common.tuners import sft
from tests.test_sft import LEARNS, job


def test_passages_are_seeded_plain_and_of_one_length(tiny: Path, tmp_path: Path) -> None:
    work = job(tiny, tmp_path, rehearsal=7)
    model, tokenizer = load(work, None)
    passages = rehearsal.written(work, model, tokenizer)
    assert passages.shape[0] == 7 and passages.shape[1] <= work.config.train_length_tokens
    assert torch.equal(passages, rehearsal.written(work, model, tokenizer))
    assert not torch.equal(passages, rehearsal.written(replace(work, seed=1), model, tokenizer))
    assert (passages[:, 0] == tokenizer.bos_token_id).all()
    assert not set(passages[:, 1:].flatten().tolist()) & set(tokenizer.all_special_ids)
    assert rehearsal.prepared(job(tiny, tmp_path / "none"), model, tokenizer) is None


@pytest.mark.parametrize("method", ["full", "lora", "prompt"])
def test_the_untuned_model_stays_at_hand_and_has_come_away_by_nothing(
    method: str, tiny: Path, tmp_path: Path
) -> None:
    work = job(tiny, tmp_path, method=method, rehearsal=4, virtual_tokens=4)
    model, tokenizer = start(work)
    held = rehearsal.prepared(work, model, tokenizer)
    tuned = methods.apply(model, work.config, "sft", "CAUSAL_LM")
    assert (held.untuned is None) == (method != "full")
    before = held.loss(tuned, 0).item()
    assert before == pytest.approx(0, abs=1e-5) or method == "prompt"
    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in tuned.parameters():
            if parameter.requires_grad:
                parameter.add_(torch.randn_like(parameter))
    assert abs(held.loss(tuned, 0).item() - before) > 1e-6, "a drawn prompt may come nearer by chance"
    assert held.loss(tuned, 0).item() == held.loss(tuned, 4).item() != held.loss(tuned, 1).item()
    whole = held.loss(tuned, 0).item()
    held.weight = 3.0
    assert held.loss(tuned, 0).item() == pytest.approx(3 * whole)
    held.each_step = 2
    assert held.loss(tuned, 0).item() == held.loss(tuned, 2).item() != held.loss(tuned, 1).item()


@pytest.mark.parametrize("method", ["full", "lora"])
def test_less_of_what_the_model_wrote_before_is_forgotten(method: str, tiny: Path, tmp_path: Path) -> None:
    lost = {}
    for count in (0, 40):
        work = job(tiny, tmp_path / str(count), LEARNS, method=method, rehearsal=count)
        model, tokenizer = load(work, None)
        other = replace(work, seed=9, config=work.config.model_copy(update={"rehearsal": 20}))
        texts = tokenizer.batch_decode(rehearsal.written(other, model, tokenizer)[:, 1:])
        before = bits_per_byte(model, tokenizer, texts)
        work.folder.mkdir(parents=True, exist_ok=True)
        sft.fit(work)
        lost[count] = bits_per_byte(*load(work, work.adapter), texts) - before
        learnt = val_score(*load(work, work.adapter), work)
        assert learnt > 0.8 or method == "lora", "what is to be learnt is still learnt"
    assert lost[40] < 0.5 * lost[0]
