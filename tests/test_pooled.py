"""The classifier on a sentence encoder starts as the linear map, and is the same after a reload."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.special import softmax

from common import config, models, parts, pooled, usecase
from common.classify_rivals import features, fitted_head, texts_of
from common.job import Job
from common.tuners import classify


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> Job:
    found = usecase.find("fault_diagnosis")
    splits = parts.smoke_sample(found.load(None), train=48, val=16, test=24)
    chosen = config.build(found, "offline", {"epochs": 1, "batch_size": 16})
    base = models.resolve("embedded", None, "classify")
    return Job(found, splits, chosen, base, 0, tmp_path_factory.mktemp("pooled"))


def linear_probabilities(job: Job) -> np.ndarray:
    """What the linear contender says of the test texts, as probabilities."""
    weights, bias = fitted_head(job)
    return softmax(features(job, texts_of(job, job.splits.test)) @ weights.T + bias, axis=1)


def test_before_the_first_step_it_answers_as_the_linear_map(job: Job) -> None:
    weights, bias = fitted_head(job)
    model, tokenizer = models.load_classifier(job.base, job.labels)
    pooled.start_head(model, weights, bias)
    texts = texts_of(job, job.splits.test)
    found = classify.probabilities(model, tokenizer, texts, job.config.input_length_tokens)
    assert np.allclose(found, linear_probabilities(job), atol=1e-4)


@pytest.mark.parametrize("method", ["lora", "full"])
def test_a_tuned_one_is_the_same_after_a_reload(job: Job, method: str, tmp_path: Path) -> None:
    work = replace(job, config=job.config.model_copy(update={"method": method}), folder=tmp_path)
    assert classify.fit(work)["diverged"] is False
    once, again = (classify.predict(work, job.splits.test) for _ in range(2))
    assert [output.value for output in once] == [output.value for output in again]
    untuned = classify.as_outputs(job.splits.test, job.labels, linear_probabilities(job))
    assert [output.value["scores"] for output in once] != [output.value["scores"] for output in untuned]


def test_an_encoder_that_is_read_otherwise_keeps_its_own_head(tmp_path: Path) -> None:
    assert not pooled.pools_by_mean(tmp_path)
    (tmp_path / "1_Pooling").mkdir()
    (tmp_path / pooled.POOLING_FILE).write_text('{"pooling_mode_mean_tokens": false}')
    assert not pooled.pools_by_mean(tmp_path)
