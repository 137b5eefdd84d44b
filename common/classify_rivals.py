"""What a tuned text classifier is compared with: label names, few examples, neighbours, a linear map."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from common.job import Contender, Job, Output
from common.linear import unit
from common.models import load_encoder
from common.usecase import Example

SHOTS_PER_LABEL = 5
PENALTIES = (0.3, 1.0, 3.0, 10.0)


def texts_of(job: Job, examples: Sequence[Example]) -> list[str]:
    return [job.usecase.model_input(example) for example in examples]


def features(job: Job, texts: Sequence[str]) -> np.ndarray:
    """Fixed vectors of the untuned base."""
    length = job.config.input_length_tokens
    return job.kept("encoder", lambda: load_encoder(job.base, None, length)).encode(
        list(texts), normalize_embeddings=True, show_progress_bar=False, convert_to_numpy=True
    )


def as_outputs(examples: Sequence[Example], labels: list[str], scores: np.ndarray) -> list[Output]:
    """The best label of each example, with the score of every label."""
    return [
        Output(
            example.id,
            {
                "label": labels[int(row.argmax())],
                "scores": {k: round(float(v), 6) for k, v in zip(labels, row, strict=True)},
            },
        )
        for example, row in zip(examples, scores, strict=True)
    ]


def zero_shot(job: Job, examples: tuple[Example, ...]) -> list[Output]:
    """The label whose own words lie nearest to the text."""
    labels = job.labels
    names = features(job, [label.replace("_", " ") for label in labels])
    return as_outputs(examples, labels, features(job, texts_of(job, examples)) @ names.T)


def few_shot(job: Job, examples: tuple[Example, ...]) -> list[Output]:
    """The label whose few first training texts lie nearest on average."""
    labels = job.labels
    centres = []
    for label in labels:
        shots = [e for e in job.splits.train if str(e.answer) == label][:SHOTS_PER_LABEL]
        centres.append(features(job, texts_of(job, shots)).mean(axis=0))
    return as_outputs(examples, labels, features(job, texts_of(job, examples)) @ unit(np.stack(centres)).T)


def nearest(job: Job, examples: tuple[Example, ...]) -> list[Output]:
    """The label of the nearest training text."""
    labels = job.labels
    similar = features(job, texts_of(job, examples)) @ features(job, texts_of(job, job.splits.train)).T
    index = np.array([labels.index(str(e.answer)) for e in job.splits.train])
    scores = np.stack([similar[:, index == i].max(axis=1) for i in range(len(labels))], axis=1)
    return as_outputs(examples, labels, scores)


def linear(job: Job, examples: tuple[Example, ...]) -> list[Output]:
    """Logistic regression on fixed vectors, its penalty chosen on val."""
    weights, bias = fitted_head(job)
    return as_outputs(examples, job.labels, features(job, texts_of(job, examples)) @ weights.T + bias)


def fitted_head(job: Job) -> tuple[np.ndarray, np.ndarray]:
    """Weights and bias of the best logistic regression on val, fitted once a run."""
    return job.kept("linear head", lambda: best_head(job))


def best_head(job: Job) -> tuple[np.ndarray, np.ndarray]:
    """The logistic regression whose penalty does best on val."""
    from sklearn.linear_model import LogisticRegression

    labels = job.labels
    answers = [labels.index(str(e.answer)) for e in job.splits.train]
    train = features(job, texts_of(job, job.splits.train))
    val = features(job, texts_of(job, job.splits.val)) if job.splits.val else None
    expected = np.array([str(e.answer) for e in job.splits.val])
    best: tuple[float, Any] = (-1.0, None)
    for penalty in PENALTIES:
        weight = "balanced" if job.config.classes_balanced else None
        model = LogisticRegression(C=penalty, max_iter=500, class_weight=weight).fit(train, answers)
        if val is None:
            return head_of(model, len(labels))
        found = np.array(labels)[model.predict(val)]
        best = max(best, (float((found == expected).mean()), model), key=lambda item: item[0])
    return head_of(best[1], len(labels))


def head_of(model: Any, labels: int) -> tuple[np.ndarray, np.ndarray]:
    """One row per label, also where scikit-learn keeps a single row for two labels."""
    weights, bias = model.coef_.astype(np.float32), model.intercept_.astype(np.float32)
    if labels == 2:
        weights, bias = np.concatenate([-weights, weights]), np.concatenate([-bias, bias])
    return np.ascontiguousarray(weights), bias  # safetensors stores a transposed array scrambled


def contenders() -> list[Contender]:
    """What stands beside the tuned classifier, apart from the use case's floor."""
    return [
        Contender("zero_shot", "nearest label name", "prompting", zero_shot),
        Contender("few_shot", f"{SHOTS_PER_LABEL} examples per label", "prompting", few_shot),
        Contender("retrieval", "nearest training text", "retrieval", nearest),
        Contender("linear", "linear map on fixed vectors", "light", linear),
    ]
