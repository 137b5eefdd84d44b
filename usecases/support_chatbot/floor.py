"""The best answers without a language model: classifiers and a template, or the nearest answer.

The pipeline is given what a careful engineer would give it: the cards as tables, order numbers by a
pattern, products by their capital letter or as words that no training message has, and a bound for handing
over that is chosen on val, since unknown wordings look like questions that no card answers.
"""

import re
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from common.usecase import Example
from usecases.support_chatbot.content import HAND_OVER, read
from usecases.support_chatbot.prompt import cards_of, turns_of

NAME = re.compile(r"\b[A-Z][a-z]+\b")
ORDER = re.compile(r"\b[A-Z]\d{4}\b")
WORD = re.compile(r"[a-z]+")
ARTICLES = "(?:the|my|a|an|this)"
MOST_QUESTIONS = 2
RELUCTANCE = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0)
Card = dict[str, str]


def vectors() -> Any:
    """Words, pairs of words and letter groups, as the strongest plain text classifiers use."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.pipeline import make_union

    return make_union(
        TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True),
        TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True),
    )


def classifier() -> Any:
    """TF-IDF and a linear support vector machine."""
    from sklearn.pipeline import make_pipeline
    from sklearn.svm import LinearSVC

    return make_pipeline(vectors(), LinearSVC())


def said(example: Example, last: bool = False) -> str:
    """What the customer wrote: all of it, or the last message."""
    turns = [turn["content"] for turn in turns_of(example) if turn["role"] == "user"]
    return turns[-1] if last else " ".join(turns)


def label(example: Example) -> str:
    """The intents of an example as one class."""
    return " + ".join(example.answer["intents"])


def asked_fields(example: Example) -> list[str]:
    """Which fields of the card an answer of the training data states."""
    cards = {card["intent"]: card for card in cards_of(example)}
    held = [cards[name] for name in example.answer["intents"] if name in cards]
    values = set(example.answer["values"])
    return [field for card in held for field, value in card.items() if value in values and field != "intent"]


class Pipeline:
    """Intents and asked fields by TF-IDF, each kept to what the cards allow; words from a template."""

    def __init__(self, train: Sequence[Example], val: Sequence[Example] = ()) -> None:
        from sklearn.multiclass import OneVsRestClassifier
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import MultiLabelBinarizer
        from sklearn.svm import LinearSVC

        self.train = train
        self.intents = classifier().fit([said(e) for e in train], [label(e) for e in train])
        asking = [e for e in train if len(e.answer["intents"]) == 1 and not e.answer["hand_over"]]
        self.names = MultiLabelBinarizer()
        wanted = self.names.fit_transform([asked_fields(e) for e in asking])
        self.fields = make_pipeline(vectors(), OneVsRestClassifier(LinearSVC()))
        self.fields.fit([said(e, last=True) for e in asking], wanted)
        self.reluctance = 0.0
        if val:
            self.reluctance = max(RELUCTANCE, key=lambda given: self.right_intents(val, given))

    def right_intents(self, examples: Sequence[Example], reluctance: float) -> int:
        """How many intents are right when handing over costs so much."""
        scores = self.intents.decision_function([said(e) for e in examples])
        found = [self.intent(e, row, reluctance) for e, row in zip(examples, scores, strict=True)]
        return sum(name == label(e) for name, e in zip(found, examples, strict=True))

    @cached_property
    def words(self) -> set[str]:
        """Words of the training messages that are no product."""
        products = {v.lower() for e in self.train for v in e.answer["values"] if NAME.fullmatch(v)}
        return {word for e in self.train for word in WORD.findall(said(e).lower())} - products

    def __call__(self, examples: Sequence[Example]) -> list[str]:
        intents = self.intents.decision_function([said(e) for e in examples])
        fields = self.fields.decision_function([said(e, last=True) for e in examples])
        return [self.answer(e, *scores) for e, *scores in zip(examples, intents, fields, strict=True)]

    def answer(self, example: Example, intents: np.ndarray, fields: np.ndarray) -> str:
        """One answer from the cards of the prompt."""
        cards = {card["intent"]: card for card in cards_of(example)}
        chosen = self.intent(example, intents, self.reluctance)
        if chosen == HAND_OVER:
            return f"{HAND_OVER}\n{read('outside')['answers']['hand_over'][0]}"
        names = chosen.split(" + ")
        asked = [(name, next(field for field in cards[name] if field != "intent")) for name in names]
        if len(names) == 1:
            asked = [(chosen, field) for field in self.asked(cards[chosen], fields)]
        sentences = [self.sentence(example, cards[name], field) for name, field in asked]
        return f"{chosen}\n{' '.join(sentences)}"

    def intent(self, example: Example, scores: np.ndarray, reluctance: float) -> str:
        """The likeliest intent that the cards allow; handing over must be likelier by `reluctance`."""
        shown = {card["intent"] for card in cards_of(example)}
        rated = dict(zip(self.intents.classes_, scores, strict=True))
        allowed = {name: score for name, score in rated.items() if set(name.split(" + ")) <= shown}
        allowed[HAND_OVER] = rated.get(HAND_OVER, 0.0) - reluctance
        return max(allowed, key=allowed.__getitem__)

    def asked(self, card: Card, scores: np.ndarray) -> list[str]:
        """The fields of the card that were asked for: all that are likely, one at least."""
        order = [place for place in np.argsort(-scores) if self.names.classes_[place] in card]
        likely = [place for place in order if scores[place] > 0][:MOST_QUESTIONS] or order[:1]
        return [self.names.classes_[place] for place in likely]

    def sentence(self, example: Example, card: Card, field: str) -> str:
        """The desk's first wording for a field, with the card's value and the customer's thing."""
        told = read("cards")[card["intent"].replace(" ", "_")]
        does = told["does"].format(s=self.subject(said(example), told["about"]))
        return read("asks")[field]["answers"][0].format(do=does, v=card[field])

    def subject(self, text: str, about: str) -> str:
        """The order by its pattern, the product by its capital letter or as a word that nobody knows."""
        if about == "order":
            found = ORDER.findall(text.upper())
            return found[-1] if found else ""
        if about != "item":
            return ""
        named = [name for name in NAME.findall(text) if name.lower() not in self.words]
        unknown = [word for word in WORD.findall(text.lower()) if word not in self.words]
        after_article = [word for word in unknown if re.search(rf"\b{ARTICLES} {word}\b", text.lower())]
        return next((found[-1] for found in (named, after_article, unknown) if found), "item")


class IntentAnswer(Pipeline):
    """TF-IDF intent and the one template of that intent, which states the first value of its card."""

    def asked(self, card: Card, scores: np.ndarray) -> list[str]:
        return [next(field for field in card if field != "intent")]


class NearestAnswer:
    """The answer of the most similar training message, with values swapped for those of the cards."""

    def __init__(self, train: Sequence[Example]) -> None:
        self.train = train
        self.vectors = vectors().fit([said(e) for e in train])
        self.known = self.vectors.transform([said(e) for e in train])

    def __call__(self, examples: Sequence[Example]) -> list[str]:
        asked = self.vectors.transform([said(e) for e in examples])
        rows = [int((self.known @ row.T).toarray()[:, 0].argmax()) for row in asked]
        return [self.adapted(self.train[row], example) for row, example in zip(rows, examples, strict=True)]

    def adapted(self, found: Example, example: Example) -> str:
        """A found answer with the cards' values of today and the order number of the customer."""
        text = found.answer["text"]
        today = {card["intent"]: card for card in cards_of(example)}
        for card in cards_of(found):
            for field, value in card.items():
                new = today.get(card["intent"], {}).get(field)
                text = text.replace(value, new) if new and field != "intent" else text
        orders = ORDER.findall(said(example).upper())
        return ORDER.sub(orders[-1], text) if orders else text


def label_answers(train: Sequence[Example]) -> Callable[[Sequence[Example]], list[str]]:
    """For data without cards whose answers repeat, such as labels: TF-IDF picks one of them."""
    fitted = classifier().fit([said(e) for e in train], [e.answer["text"] for e in train])
    return lambda examples: [str(text) for text in fitted.predict([said(e) for e in examples])]
