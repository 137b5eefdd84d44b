"""What a tuned image classifier is compared with: neighbours and a linear map on fixed features."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from common import vision
from common.job import Contender, Job, Output
from common.pictures import Picture
from common.usecase import Example

NEIGHBOURS = 15
PENALTIES = (0.0003, 0.003, 0.03)


def pictures_of(job: Job, examples: Sequence[Example]) -> list[Picture]:
    return [job.usecase.model_input(example) for example in examples]


def targets_of(job: Job, examples: Sequence[Example]) -> np.ndarray:
    """Label numbers; a label that training does not know is -1."""
    place = {label: number for number, label in enumerate(job.labels)}
    return np.array([place.get(str(example.answer), -1) for example in examples])


def view_of(job: Job) -> vision.View:
    """The size in which this run's model gets pictures."""
    pictures = pictures_of(job, job.splits.train)
    return job.kept("view", lambda: vision.view_for(job.base, pictures, job.config.image_pixels))


def untuned(job: Job) -> Any:
    """The base, as it came."""
    return job.kept("base", lambda: vision.load_image_classifier(job.base, job.labels, False))


def features(job: Job, examples: Sequence[Example]) -> np.ndarray:
    """Fixed vectors of the untuned base, each picture once."""
    known = job.shared.setdefault("vectors", {})
    pictures = pictures_of(job, examples)
    new = [picture for picture in pictures if picture.hash not in known]
    if new:
        found = vision.vectors(untuned(job), view_of(job), new)
        known.update({picture.hash: row for picture, row in zip(new, found, strict=True)})
    return np.stack([known[picture.hash] for picture in pictures])


def settled(
    job: Job, examples: Sequence[Example], val_scores: np.ndarray, scores: np.ndarray
) -> list[Output]:
    """Answers after the use case has chosen on val what there is to choose."""
    values = job.usecase.settle(job.labels, job.splits.val, val_scores, scores)
    return [Output(example.id, value) for example, value in zip(examples, values, strict=True)]


def by_rows(job: Job, model: Any, examples: Sequence[Example]) -> tuple[np.ndarray, np.ndarray]:
    """Label probabilities of a scikit-learn model for val and for some examples."""
    val = features(job, job.splits.val) if job.splits.val else np.zeros((0, features(job, examples).shape[1]))
    size = len(job.labels)
    found = [np.zeros((len(rows), size)) for rows in (job.splits.val, examples)]
    for out, rows in zip(found, (val, features(job, examples)), strict=True):
        if len(rows):
            out[:, model.classes_] = model.predict_proba(rows)
    return found[0], found[1]


def nearest(job: Job, examples: tuple[Example, ...]) -> list[Output]:
    """The labels of the training pictures with the nearest fixed features."""
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    count = min(NEIGHBOURS, len(job.splits.train))
    model = make_pipeline(StandardScaler(), KNeighborsClassifier(count, weights="distance"))
    model.fit(features(job, job.splits.train), targets_of(job, job.splits.train))
    return settled(job, examples, *by_rows(job, model, examples))


def linear(job: Job, examples: tuple[Example, ...]) -> list[Output]:
    """Logistic regression on fixed features, its penalty chosen on val."""
    return settled(job, examples, *by_rows(job, fitted_linear(job), examples))


def fitted_linear(job: Job) -> Any:
    """The logistic regression with the best log-likelihood on val."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    rows, answers = features(job, job.splits.train), targets_of(job, job.splits.train)
    truth = targets_of(job, job.splits.val)
    best: tuple[float, Any] = (-np.inf, None)
    for penalty in PENALTIES if (truth >= 0).any() else PENALTIES[1:2]:
        model = make_pipeline(StandardScaler(), LogisticRegression(C=penalty, max_iter=300, tol=1e-3))
        model.fit(rows, answers)
        if not (truth >= 0).any():
            return model
        found, _ = by_rows(job, model, job.splits.val)
        likely = float(np.log(np.maximum(found[truth >= 0, truth[truth >= 0]], 1e-9)).mean())
        best = max(best, (likely, model), key=lambda item: item[0])
    return best[1]


def contenders() -> list[Contender]:
    """What stands beside the tuned model, apart from the use case's floor."""
    return [
        Contender("retrieval", f"{NEIGHBOURS} nearest training pictures", "retrieval", nearest),
        Contender("linear", "linear map on fixed features", "light", linear),
    ]
