"""Muon beside AdamW: which weights it turns, what it does to them, and that a stopped training goes on."""

from pathlib import Path
from typing import Any

import pytest
import torch

from common import launch, methods, muon, trainer
from common.answering import load, start, val_score
from common.errors import GalleryError
from common.tuners import sft
from tests.test_sft import LEARNS, job


def test_turned_matrices_have_singular_values_near_one() -> None:
    torch.manual_seed(0)
    matrices = torch.randn(3, 16, 48)
    turned = muon.orthogonal(matrices)
    found = torch.linalg.svdvals(turned)
    assert 0.88 < found.min() and found.max() < 1.12
    torch.testing.assert_close(muon.orthogonal(matrices.mT), turned.mT)
    assert not muon.orthogonal(torch.zeros(2, 4, 4)).any()
    assert torch.linalg.svdvals(torch.randn(16, 48)).max() > 3


def test_small_singular_values_come_near_one_too() -> None:
    sizes = torch.logspace(-1.5, 0, 24)
    left, right = (torch.linalg.qr(torch.randn(24, 24))[0] for _ in range(2))
    matrix = left @ torch.diag(sizes) @ right
    assert sizes.min() / matrix.norm() < 0.02
    found = torch.linalg.svdvals(muon.orthogonal(matrix[None]))
    assert 0.7 < found.min() and found.max() < 1.12


@pytest.mark.parametrize("method", ["full", "lora"])
def test_matrices_of_layers_are_turned_and_tables_are_not(method: str, tiny: Path, tmp_path: Path) -> None:
    work = job(tiny, tmp_path, method=method)
    model = methods.apply(start(work)[0], work.config, "sft", "CAUSAL_LM")
    matrices, others = (group["params"] for group in muon.for_model(model, 1e-3, 0.0).param_groups)
    names = {id(weight): name for name, weight in model.named_parameters() if weight.requires_grad}
    assert {id(weight) for weight in [*matrices, *others]} == names.keys()
    assert all(weight.ndim == 2 and "embed" not in names[id(weight)] for weight in matrices)
    kinds = {names[id(weight)].split(".")[-2] for weight in others}
    assert kinds == (
        {"embed_tokens", "lm_head", "input_layernorm", "post_attention_layernorm", "norm"}
        if method == "full"
        else set()
    )


def test_what_is_no_matrix_steps_as_with_adamw() -> None:
    torch.manual_seed(0)
    start_at, pulls = torch.randn(7), torch.randn(5, 7)
    ours, theirs = (torch.nn.Parameter(start_at.clone()) for _ in range(2))
    pair = (
        muon.MuonWithAdamW([], [ours], 1e-2, 0.1),
        torch.optim.AdamW([theirs], lr=1e-2, weight_decay=0.1),
    )
    for pull in pulls:
        for weight, optimizer in zip((ours, theirs), pair, strict=True):
            weight.grad = pull.clone()
            optimizer.step()
    torch.testing.assert_close(ours, theirs)
    assert (ours - start_at).abs().min() > 1e-3


def test_a_stopped_training_goes_on_as_if_it_had_not_been() -> None:
    def run(stop: int) -> list[torch.Tensor]:
        torch.manual_seed(0)
        weights = [torch.nn.Parameter(torch.randn(6, 4)), torch.nn.Parameter(torch.randn(4))]
        optimizer = muon.MuonWithAdamW(weights[:1], weights[1:], 1e-2, 0.0)
        for step, seed in enumerate(range(6)):
            if step == stop:
                state = optimizer.state_dict()
                optimizer = muon.MuonWithAdamW(weights[:1], weights[1:], 1e-2, 0.0)
                optimizer.load_state_dict(state)
            torch.manual_seed(seed)
            for weight in weights:
                weight.grad = torch.randn_like(weight)
            optimizer.step()
        return [weight.detach() for weight in weights]

    for whole, stopped in zip(run(99), run(3), strict=True):
        assert torch.equal(whole, stopped)


@pytest.mark.parametrize("method", ["full", "lora"])
def test_a_run_learns_with_it(method: str, tiny: Path, tmp_path: Path) -> None:
    work = job(tiny, tmp_path, LEARNS + 'optimizer = "muon"\n', method=method, learning_rate=2e-2)
    assert val_score(*start(work), work) < 0.5
    sft.fit(work)
    assert val_score(*load(work, work.adapter), work) > 0.8


def test_a_killed_run_continues_to_the_same_weights(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trainer, "SECONDS_BETWEEN_CHECKPOINTS", 0.0)
    monkeypatch.setattr(trainer, "LARGEST_SHARE_SAVING", 1e9)
    few = LEARNS.replace("epochs = 12", "epochs = 2") + 'optimizer = "muon"\n'
    whole, killed = (job(tiny, tmp_path / name, few, method="full") for name in ("whole", "killed"))
    sft.fit(whole)
    on_step_end = trainer.Watch.on_step_end

    def dies(self: trainer.Watch, args: Any, state: Any, *rest: Any, **more: Any) -> None:
        on_step_end(self, args, state, *rest, **more)
        if state.global_step == 6:
            raise KeyboardInterrupt

    monkeypatch.setattr(trainer.Watch, "on_step_end", dies)
    with pytest.raises(KeyboardInterrupt):
        sft.fit(killed)
    assert trainer.last_complete_checkpoint(killed).endswith("checkpoint-5")
    monkeypatch.setattr(trainer.Watch, "on_step_end", on_step_end)
    sft.fit(killed)
    pairs = zip(
        load(whole, whole.adapter)[0].parameters(), load(killed, killed.adapter)[0].parameters(), strict=True
    )
    assert all(torch.allclose(one, other, atol=1e-6) for one, other in pairs)


def test_shards_are_refused(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launch, "sharded", lambda: True)
    with pytest.raises(GalleryError, match='Set optimizer = "adamw"'):
        muon.for_model(start(job(tiny, tmp_path))[0], 1e-3, 0.0)
