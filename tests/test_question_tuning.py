"""Tuning of questions alone: it starts as the linear map, leaves documents alone, and reloads the same."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from common import config, embed_rivals, export, models, question_tuning, usecase
from common.errors import GalleryError
from common.job import Job
from common.linear import LinearMap
from common.question_tuning import AgainstEvery, ByLength
from common.tuners import embed


def job(folder: Path, **given: Any) -> Job:
    case = usecase.find("indic_adaptation")
    splits = case.load(None)
    train, val = splits.train[:48], splits.val[:12]
    kept = {i for e in (*train, *val) for i in e.answer}
    documents = {i: text for i, text in splits.documents.items() if i in kept}
    small = replace(splits, train=train, val=val, test=val, documents=documents)
    settings = {
        "epochs": 2,
        "batch_size": 8,
        "learning_rate": 3e-3,
        "rank": 4,
        "from_linear": True,
        "method": "lora",
    }
    made = config.RunConfig(usecase=case.name, tuner="embed", **{**settings, **given})
    return Job(case, small, made, models.resolve("embedded", None, "embed"), 0, folder)


def test_questions_alone_are_tuned_from_the_linear_map_on(tmp_path: Path) -> None:
    work = job(tmp_path)
    facts = embed.fit(work)
    history = [row for row in (tmp_path / "train.jsonl").read_text().splitlines() if '"val"' in row]
    assert facts["steps"] == 12 and len(history) == 3 and facts["seconds"] > embed_rivals.linear_seconds(work)
    found, tuned = LinearMap.load(work.adapter), embed.load(work, work.adapter)
    texts = list(work.splits.documents.values())
    base = embed_rivals.base_vectors(work)
    np.testing.assert_allclose(tuned.documents(texts), found.documents(base), atol=1e-5)
    again = embed.load(job(tmp_path), work.adapter)
    asked = embed_rivals.questions(work, work.splits.test)
    np.testing.assert_array_equal(tuned.queries(asked), again.queries(asked))
    assert facts["trainable_parameters"] > found.parameters()
    assert export.why_not_merged(work).startswith("questions and documents go through two networks")


def test_it_starts_as_the_linear_map_and_learns(tmp_path: Path) -> None:
    work = job(tmp_path, learning_rate=1e-9, epochs=1)
    embed.fit(work)
    asked = embed_rivals.questions(work, work.splits.test)
    found = embed_rivals.trained_linear(work)
    plain = found.queries(embed_rivals.load(work, None).queries(asked))
    np.testing.assert_allclose(embed.load(work, work.adapter).queries(asked), plain, atol=1e-4)
    (tmp_path / "other").mkdir()
    moved = job(tmp_path / "other")
    embed.fit(moved)
    losses = [row for row in (tmp_path / "other" / "train.jsonl").read_text().splitlines() if '"loss"' in row]
    values = [float(row.split('"loss": ')[1].split(",")[0]) for row in losses]
    assert np.mean(values[-3:]) < np.mean(values[:3])


def test_other_right_documents_are_no_wrong_ones() -> None:
    class Fixed(torch.nn.Module):
        def forward(self, features: dict[str, Any]) -> dict[str, Any]:
            return {"sentence_embedding": torch.tensor([[1.0, 0.0]])}

    documents = np.array([[1.0, 0.0], [0.9, 0.1], [0.0, 1.0]], dtype=np.float32)
    eye = np.eye(2, dtype=np.float32)
    both = AgainstEvery(Fixed(), LinearMap(eye, eye), documents, [[0, 1]])
    one = AgainstEvery(Fixed(), LinearMap(eye, eye), documents, [[0]])
    label = torch.tensor([0])
    assert float(both([{}], label)) < 1e-6 < 0.1 < float(one([{}], label))


def test_batches_hold_questions_of_like_lengths_and_every_row_once() -> None:
    from datasets import Dataset

    rows = Dataset.from_list([{"anchor": "x" * (place % 16)} for place in range(64)])
    sampler = ByLength(rows, batch_size=4, drop_last=False, seed=1)
    sampler.set_epoch(0)
    first = list(sampler)
    assert sorted(place for batch in first for place in batch) == list(range(64)) and first == list(sampler)
    spread = max(max(p % 16 for p in batch) - min(p % 16 for p in batch) for batch in first)
    assert spread <= 8 < 15
    sampler.set_epoch(1)
    assert list(sampler) != first


def test_what_cannot_be_tuned_so_is_refused(tmp_path: Path) -> None:
    with pytest.raises(GalleryError, match="from_linear = true tunes questions in one process"):
        question_tuning.fit(job(tmp_path, method="full"))


def test_as_much_is_taken_back_as_val_cannot_tell_from_noise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work, found = job(tmp_path), LinearMap(np.full((2, 2), 2.0), np.full((2, 2), 3.0))
    model = torch.nn.ParameterDict({"lora_B": torch.nn.Parameter(torch.full((2,), 4.0))})

    def scores(model: Any, scaled: LinearMap, job: Job) -> list[float]:
        mean = {1.0: 0.9, 0.75: 0.88, 0.7: 0.7}.get(float(model["lora_B"][0]) / 4, 0.5)
        return [mean - 0.1, mean + 0.1] * 10  # a standard error of 0.022

    monkeypatch.setattr(question_tuning, "val_scores", scores)
    kept = question_tuning.milder(model, found, work)
    np.testing.assert_allclose(model["lora_B"].detach(), 3.0)
    np.testing.assert_allclose(kept.query_matrix, [[1.75, 1.5], [1.5, 1.75]])
