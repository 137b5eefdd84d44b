"""Rules that a sceptic would try first; none of them may solve the task."""

from collections.abc import Sequence

import numpy as np
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from common.usecase import Example
from usecases.surface_defects.floor import COMPONENTS, in_batches, rows_of, shape_of


def simple_scores(train: Sequence[Example], test: Sequence[Example], good: str) -> dict[str, np.ndarray]:
    """Suspicion of every test picture by each rule, higher is worse."""
    pictures = [[example.inputs for example in part] for part in (train, test)]
    shape = shape_of(pictures[0])
    known, asked = (in_batches(rows_of, part, shape) for part in pictures)
    bad = np.array([example.answer != good for example in train])
    scaler = StandardScaler().fit(known)
    straight = LogisticRegression(C=0.001, max_iter=100).fit(scaler.transform(known), bad)
    sound = known[~bad]
    components = PCA(min(COMPONENTS, *sound.shape), svd_solver="randomized", random_state=0).fit(sound)
    rest = asked - components.inverse_transform(components.transform(asked))
    return {
        "always the same answer": np.zeros(len(test)),
        "brightest pixel": asked.max(axis=1),
        "darkest pixel": -asked.min(axis=1),
        "spread of greys": asked.std(axis=1),
        "logistic regression on pixels": straight.decision_function(scaler.transform(asked)),
        "good parts only: what PCA leaves over": (rest**2).mean(axis=1),
    }
