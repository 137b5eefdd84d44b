"""What a classifier makes of a message, for the prompt of a model that is too small to know many words.

The guess on a training message comes from a classifier that was not shown it: one that was would be right
more often than on any new message, and the model would learn to trust it too far.
"""

from collections.abc import Sequence

import numpy as np

from common.usecase import Example
from usecases.support_chatbot.floor import finder, requests, said

PARTS = 4
SECOND = -0.5  # a second request with a score above this is named as well
MARK = "sounds like: "


class Guesser:
    """Names the request of a message, and the next likeliest where that is likely too."""

    def __init__(self, train: Sequence[Example]) -> None:
        from sklearn.model_selection import cross_val_predict
        from sklearn.preprocessing import MultiLabelBinarizer

        texts, names = [said(e) for e in train], MultiLabelBinarizer()
        wanted = names.fit_transform([requests(e) for e in train])
        unseen = cross_val_predict(finder(), texts, wanted, cv=PARTS, method="decision_function")
        self.names, self.fitted = list(names.classes_), finder().fit(texts, wanted)
        self.known = dict(zip(texts, map(self.named, unseen), strict=True))

    def __call__(self, text: str) -> str:
        """The guess on a message; one of training is guessed as if it were new."""
        if text not in self.known:
            self.known[text] = self.named(self.fitted.decision_function([text])[0])
        return self.known[text]

    def named(self, scores: np.ndarray) -> str:
        """The name with the best score, and the next."""
        first, second = np.argsort(-scores)[:2]
        return self.names[first] + (f", {self.names[second]}" if scores[second] > SECOND else "")


def with_guess(message: str, guess: str) -> str:
    """A message with the guess below it."""
    return f"{message}\n{MARK}{guess}"
