"""What a classifier makes of a message, for the prompt of a model that is too small to know many words.

The guess on a training message comes from a classifier that never saw its wording: one that knew it would be
right more often than on any new message, and the model would learn to trust it too far.
"""

from collections.abc import Sequence

import numpy as np

from common.usecase import Example
from usecases.support_chatbot.floor import requests, said, several

PARTS = 4
SECOND = -0.5  # a second request with a score above this is named as well
MARK = "sounds like: "


class Guesser:
    """Names the request of a message, and the next likeliest where that is likely too."""

    def __init__(self, train: Sequence[Example]) -> None:
        from sklearn.model_selection import GroupKFold

        texts, wanted = [said(e) for e in train], [requests(e) for e in train]
        self.fitted, self.names = several(texts, wanted)
        self.unseen: dict[str, str] = {}
        for rest, part in GroupKFold(PARTS).split(texts, groups=[e.group for e in train]):
            fitted, names = several([texts[row] for row in rest], [wanted[row] for row in rest])
            asked = [texts[row] for row in part]
            self.unseen.update(zip(asked, guesses(names, fitted.decision_function(asked)), strict=True))

    def __call__(self, text: str) -> str:
        """The guess on a message; one of training is guessed as if it were new."""
        if text not in self.unseen:
            self.unseen[text] = guesses(self.names, self.fitted.decision_function([text]))[0]
        return self.unseen[text]


def guesses(names: Sequence[str], scores: np.ndarray) -> list[str]:
    """The names with the best scores, a line for each row of scores."""
    found = []
    for row in scores:
        first, second = np.argsort(-row)[:2]
        found.append(names[first] + (f", {names[second]}" if row[second] > SECOND else ""))
    return found


def with_guess(message: str, guess: str) -> str:
    """A message with the guess below it."""
    return f"{message}\n{MARK}{guess}"
