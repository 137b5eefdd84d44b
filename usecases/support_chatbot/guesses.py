"""What a classifier makes of a message, for the prompt of a model that is too small to know many words.

The guess on a training message comes from a classifier that was not shown it: one that was would be right
more often than on any new message, and the model would learn to trust it too far.
"""

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from common.usecase import Example
from usecases.support_chatbot.floor import finder, requests, said

PARTS = 4
LEAN = 0.4  # towards the requests of the cards that a search put first; chosen on val
SECOND = -0.3  # a second request with a score above this is named as well; chosen on val
MARK = "sounds like: "


class Guesser:
    """Names the request of a message, and the next likeliest where that is likely too."""

    def __init__(self, train: Sequence[Example]) -> None:
        from sklearn.preprocessing import MultiLabelBinarizer

        names = MultiLabelBinarizer()
        self.texts, self.wanted = [said(e) for e in train], names.fit_transform([requests(e) for e in train])
        self.names, self.fitted = list(names.classes_), finder().fit(self.texts, self.wanted)
        self.of_training = frozenset(self.texts)

    @cached_property
    def unseen(self) -> dict[str, np.ndarray]:
        """The scores of every training message as if it were new."""
        from sklearn.model_selection import cross_val_predict

        scores = cross_val_predict(finder(), self.texts, self.wanted, cv=PARTS, method="decision_function")
        return dict(zip(self.texts, scores, strict=True))

    def __call__(self, text: str, shown: Sequence[str]) -> str:
        """The guess on a message to the cards of some requests."""
        known = text in self.of_training
        scores = self.unseen[text] if known else self.fitted.decision_function([text])[0]
        scores = scores + LEAN * np.isin(self.names, shown)
        first, second = np.argsort(-scores)[:2]
        return self.names[first] + (f", {self.names[second]}" if scores[second] > SECOND else "")


def with_guess(message: str, guess: str) -> str:
    """A message with the guess below it."""
    return f"{message}\n{MARK}{guess}"
