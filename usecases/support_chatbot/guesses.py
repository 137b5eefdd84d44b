"""What a classifier makes of a message, for the prompt of a model that is too small to know many words.

The guess on a training message comes from a classifier that was not shown it: one that was would be right
more often than on any new message, and the model would learn to trust it too far. The same words of training
tell afterwards which of a customer's words can be no product.
"""

import re
from collections.abc import Sequence
from functools import cached_property

import numpy as np

from common.usecase import Example
from usecases.support_chatbot.content import read
from usecases.support_chatbot.floor import ORDER, finder, known_words, products, requests, said, subject

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
        self.of_training, self.words = frozenset(self.texts), known_words(train)

    @cached_property
    def unseen(self) -> dict[str, np.ndarray]:
        """The scores of every training message as if it were new."""
        from sklearn.model_selection import cross_val_predict

        scores = cross_val_predict(finder(), self.texts, self.wanted, cv=PARTS, method="decision_function")
        return dict(zip(self.texts, scores, strict=True))

    def scores(self, text: str) -> dict[str, float]:
        """How much each request is in a text."""
        known = text in self.of_training
        found = self.unseen[text] if known else self.fitted.decision_function([text])[0]
        return dict(zip(self.names, map(float, found), strict=True))

    def __call__(self, text: str, shown: Sequence[str]) -> str:
        """The guess on a message to the cards of some requests."""
        scores = {name: score + LEAN * (name in shown) for name, score in self.scores(text).items()}
        first, second = sorted(scores, key=lambda name: -scores[name])[:2]
        return first + (f", {second}" if scores[second] > SECOND else "")

    def things(self, text: str, told: Sequence[tuple[str, str]]) -> list[str]:
        """The things of a plan, each one that its request can be about; two requests rather have two."""
        found, names = [self.thing(text, *one) for one in told], [name for name, _ in told]
        if len(found) != 2 or found[0] != found[1] or any(about(name) != "item" for name in names):
            return found
        other = [one for one in products(text, self.words) if one.lower() != found[0].lower()]
        return self.dealt(text, names, [found[0], other[0]]) if other else found

    def thing(self, text: str, name: str, told: str) -> str:
        """What a plan calls the thing of a request, or what can be one where that cannot."""
        kind = about(name)
        is_order = bool(ORDER.fullmatch(told.upper()))
        if told and is_order == (kind == "order") and told.lower() not in self.words:
            return told
        better = subject(text, kind, self.words)
        found = re.search(rf"\b{better}\b", text, re.IGNORECASE) if better else None
        return found[0] if found else told

    def dealt(self, text: str, names: Sequence[str], things: Sequence[str]) -> list[str]:
        """Two things to two requests: each stands in the part of the message that sounds like its request."""
        places = sorted((text.lower().find(thing.lower()), thing) for thing in things)
        middle = (places[0][0] + len(places[0][1]) + places[1][0]) // 2
        left, right = (self.scores(part) for part in (text[:middle], text[middle:]))
        gain = [left.get(name, 0.0) - right.get(name, 0.0) for name in names]
        in_order = [thing for _, thing in places]
        return in_order if gain[0] >= gain[1] else in_order[::-1]


def about(name: str) -> str:
    """What a request is about: an item, an order, or nothing that has a name."""
    return read("cards").get(name.replace(" ", "_"), {"about": ""})["about"]


def with_guess(message: str, guess: str) -> str:
    """A message with the guess below it."""
    return f"{message}\n{MARK}{guess}"
