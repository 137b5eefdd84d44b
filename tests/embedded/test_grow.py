"""A growth that is killed and begun again ends at the same weights; an earlier base can go on growing."""

import argparse
from pathlib import Path

import pytest
import torch

from common.embedded import feed, grow, start, tokenizer
from common.embedded.arms import EncoderRun
from common.embedded.grow import Run

STEPS = 4


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("prose")
    (folder / "book.txt").write_text("The harbour was quiet and the boats lay still.\n" * 60)
    return folder


@pytest.fixture(scope="module", autouse=True)
def small() -> object:
    """Few documents for the tokenizer, few tokens a step."""
    patch = pytest.MonkeyPatch()
    patch.setattr(feed, "TOKENIZER_DOCUMENTS", 300)
    patch.setattr(feed, "TOKENS_PER_STEP", 1024)
    patch.setattr(grow, "held_out", lambda _: {})
    yield
    patch.undo()


def options(corpus: Path, out: Path, **more: object) -> argparse.Namespace:
    found = {
        "corpus": str(corpus), "out": str(out), "minutes": 5.0, "stop_minutes": 1.0, "documents": 120,
        "seed": 0, "threads": 1, "width": 96, "layers": 2, "rate": 0.001, "earlier": None,
        "compile": False, "start": "random", "prose": 0.2, "tokens": 0,
    }  # fmt: skip
    return argparse.Namespace(**{**found, **more})


def grown(run: Run, steps: int) -> Run:
    for batch, _ in zip(feed.batches(run.rows, 0, run.progress.step), range(steps), strict=False):
        run.step(batch)
    return run


def test_a_killed_run_goes_on_to_the_same_weights(corpus: Path, tmp_path: Path) -> None:
    whole = grown(Run(options(corpus, tmp_path / "whole")), STEPS)
    first = grown(Run(options(corpus, tmp_path / "killed")), STEPS // 2)
    first.save()
    again = Run(options(corpus, tmp_path / "killed"))
    assert again.progress.step == STEPS // 2
    grown(again, STEPS - STEPS // 2)
    assert again.progress.losses == whole.progress.losses
    for name, weight in whole.model.state_dict().items():
        assert torch.equal(weight, again.model.state_dict()[name]), name


def test_a_budget_in_tokens_ends_near_it(corpus: Path, tmp_path: Path) -> None:
    run = Run(options(corpus, tmp_path / "out", tokens=12 * 1024))
    run.train()
    assert abs(run.progress.tokens - 12 * 1024) <= 2 * 1024
    assert grow.rate(run.progress) < 0.5


def test_the_encoder_turned_causal_does_not_see_what_comes(corpus: Path, tmp_path: Path) -> None:
    run = EncoderRun(options(corpus, tmp_path / "out"))
    ids = torch.tensor([[5, 6, 7, 8]])
    changed = torch.tensor([[5, 6, 7, 9]])
    with torch.no_grad():
        one, other = run.model(ids).logits, run.model(changed).logits
    assert torch.allclose(one[:, :3], other[:, :3])
    assert not torch.allclose(one[:, 3], other[:, 3])
    grown(run, 2)
    assert run.progress.losses[1] != run.progress.losses[0]


def test_an_earlier_base_goes_on_with_its_weights_and_pieces(corpus: Path, tmp_path: Path) -> None:
    earlier = grown(Run(options(corpus, tmp_path / "earlier")), 1)
    earlier.model.save_pretrained(tmp_path / "model")
    earlier.tokenizer.save_pretrained(tmp_path / "model")
    later = Run(options(corpus, tmp_path / "later", earlier=str(tmp_path / "model"), seed=3))
    assert later.tokenizer.get_vocab() == earlier.tokenizer.get_vocab()
    for name, weight in earlier.model.state_dict().items():
        assert torch.equal(weight, later.model.state_dict()[name]), name


def test_pieces_that_an_earlier_base_lacks_keep_first_rows(tmp_path: Path, corpus: Path) -> None:
    run = Run(options(corpus, tmp_path / "base"))
    model = start.new_model(run.tokenizer, 1, 96, 2)
    model.resize_token_embeddings(len(run.tokenizer) - 10)
    model.save_pretrained(tmp_path / "short")
    taken = start.new_model(run.tokenizer, 2, 96, 2)
    first = taken.get_input_embeddings().weight.detach().clone()
    start.take_over(taken, tmp_path / "short")
    rows = taken.get_input_embeddings().weight
    assert torch.equal(rows[-10:], first[-10:])
    assert torch.equal(rows[:-10], model.get_input_embeddings().weight)


def test_a_number_of_short_sql_is_one_piece(tmp_path: Path, corpus: Path) -> None:
    pieces = tokenizer.train(["name@2, port name@17 = 'x'"] * 9, 400)
    for pointer in ("@0", "@9", "@17", "@95"):
        assert pieces.tokenize(f"SELECT {pointer}, MIN({pointer})").count(pointer) == 2
    assert pieces.decode(pieces("bob@2 wrote @99 x@95y")["input_ids"]) == "bob@2 wrote @99 x@95y"
