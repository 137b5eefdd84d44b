"""As much of a training is given back as val cannot tell from noise, and no more."""

from pathlib import Path

import numpy as np
import pytest

from common import methods, milder, models, run
from common.errors import GalleryError
from common.tuners import sft
from tests.test_sft import LEARNS, job

EVERY = np.ones(100)


class Model:
    """One weight that training moved from 0 to 1."""

    def __init__(self) -> None:
        import torch

        self.part = torch.nn.Parameter(torch.zeros(1))
        self.before = milder.snapshot(self)
        self.part.data.fill_(1.0)

    def named_parameters(self) -> list[tuple[str, object]]:
        return [("part", self.part)]

    def scores(self, least: float, wrong: int) -> np.ndarray:
        """All right while the weight is above a bound, then some wrong."""
        return np.where(np.arange(100) < wrong, 0.0, 1.0) if self.part.item() < least - 1e-6 else EVERY


def test_the_smallest_share_that_val_cannot_tell_from_the_whole_stays() -> None:
    model = Model()
    kept = milder.settle(model, model.before, lambda: model.scores(least=0.7, wrong=9))
    assert kept["share_kept"] == 0.7 and model.part.item() == pytest.approx(0.7)


def test_what_noise_explains_is_given_back_and_what_it_does_not_stays() -> None:
    rows = np.arange(100)
    swapped = np.where(rows < 8, 0.0, 1.0), np.where((rows >= 6) & (rows < 13), 0.0, 1.0)
    assert not milder.is_worse(swapped[0], swapped[1])  # one more wrong, of fifteen that differ
    assert milder.is_worse(np.where(rows < 4, 0.0, 1.0), EVERY)
    assert not milder.is_worse(EVERY, EVERY)


def test_where_nothing_can_be_given_back_the_weights_are_those_of_training() -> None:
    model = Model()
    kept = milder.settle(model, model.before, lambda: model.scores(least=1.0, wrong=50))
    assert kept["share_kept"] == 1 and model.part.item() == 1


@pytest.mark.parametrize("method", ["full", "lora"])
def test_a_run_keeps_a_share_and_says_so(tiny: Path, tmp_path: Path, method: str) -> None:
    work = job(tiny, tmp_path, LEARNS + "milder = true\n", method=method)
    made = run.execute(work.usecase, work.config, tmp_path / "out")
    share = made.training["share_kept"]
    assert 0.5 <= share <= 1 and made.training["share_seconds"] > 0
    whole = job(tiny, tmp_path / "whole", LEARNS, method=method)
    sft.fit(whole)
    distances = [moved(folder, whole) for folder in (tmp_path / "out" / "seed-0" / "adapter", whole.adapter)]
    assert distances[0] == pytest.approx(share * distances[1], rel=0.35 if method == "lora" else 1e-3)


def moved(adapter: Path, work: object) -> float:
    """How far the logits' weights or the adapter's second matrices are from where training began."""
    model, _ = models.load_causal(work.base, adapter)
    if hasattr(model, "peft_config"):
        return sum(p.norm().item() for name, p in model.named_parameters() if "lora_B" in name)
    start, _ = models.load_causal(work.base, None)
    pairs = zip(model.parameters(), start.parameters(), strict=True)
    return sum((one - other).norm().item() for one, other in pairs)


def test_a_headline_of_many_examples_together_is_refused(tiny: Path, tmp_path: Path) -> None:
    work = job(tiny, tmp_path)
    work.usecase.headline = "macro_f1"
    model, tokenizer = sft.load(work, None)
    with pytest.raises(GalleryError, match="Set milder = false"):
        milder.val_scores(methods.apply(model, work.config, "sft", "CAUSAL_LM", ()), tokenizer, work)
