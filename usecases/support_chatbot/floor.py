"""The best answers without a language model: classifiers and a template, or the nearest answer.

The pipeline is given what a careful engineer would give it: the cards as tables, the true request of every
training message even where its card was not shown, order numbers by a pattern, products by their capital
letter or as words that no training message has, and two bounds that are chosen on val: how readily it hands
over, and how readily it finds a second request in a message.
"""

import copy
import re
from collections.abc import Callable, Collection, Sequence
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
SECOND = (-1.0, -0.9, -0.8, -0.7, -0.6, -0.5, -0.4, -0.3, -0.2, 0.0)
UNKNOWN = -10.0
Card = dict[str, str]
Bounds = tuple[float, float]


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
    """The intents of an example as one class; which was said first does not matter."""
    return " + ".join(sorted(example.answer["intents"]))


def asked_fields(example: Example) -> list[str]:
    """Which fields of the card an answer of the training data states."""
    cards = {card["intent"]: card for card in cards_of(example)}
    held = [cards[name] for name in example.answer["intents"] if name in cards]
    values = set(example.answer["values"])
    return [field for card in held for field, value in card.items() if value in values and field != "intent"]


def requests(example: Example) -> list[str]:
    """What a message asks for, shown card or not; hand over where no card of the desk could help."""
    missing = example.answer.get("missing")
    return [missing] if missing else example.answer["intents"]


def finder() -> Any:
    """TF-IDF and one support vector machine for each name that a text may have."""
    from sklearn.multiclass import OneVsRestClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.svm import LinearSVC

    return make_pipeline(vectors(), OneVsRestClassifier(LinearSVC()))


def several(texts: Sequence[str], wanted: Sequence[Sequence[str]]) -> tuple[Any, list[str]]:
    """A classifier that can find several names in a text, and the names."""
    from sklearn.preprocessing import MultiLabelBinarizer

    names = MultiLabelBinarizer()
    return finder().fit(texts, names.fit_transform(wanted)), list(names.classes_)


class Pipeline:
    """Intents and asked fields by TF-IDF, each kept to what the cards allow; words from a template."""

    def __init__(self, train: Sequence[Example], val: Sequence[Example] = ()) -> None:
        self.train = train
        self.intents, self.names = several([said(e) for e in train], [requests(e) for e in train])
        asking = [e for e in train if len(e.answer["intents"]) == 1 and not e.answer["hand_over"]]
        wanted = [asked_fields(e) for e in asking]
        self.fields, self.known_fields = several([said(e, last=True) for e in asking], wanted)
        self.bounds = (0.0, 0.0)
        if val:
            scores = self.intents.decision_function([said(e) for e in val])
            pairs = [(reluctance, second) for reluctance in RELUCTANCE for second in SECOND]
            self.bounds = max(pairs, key=lambda bounds: self.right_intents(val, scores, bounds))

    def right_intents(self, examples: Sequence[Example], scores: np.ndarray, bounds: Bounds) -> int:
        """How many intents are right with such bounds."""
        found = [self.intent(e, row, bounds) for e, row in zip(examples, scores, strict=True)]
        return sum(
            sorted(names) == sorted(e.answer["intents"]) for names, e in zip(found, examples, strict=True)
        )

    @cached_property
    def words(self) -> set[str]:
        return known_words(self.train)

    def __call__(self, examples: Sequence[Example]) -> list[str]:
        intents = self.intents.decision_function([said(e) for e in examples])
        fields = self.fields.decision_function([said(e, last=True) for e in examples])
        return [self.answer(e, *scores) for e, *scores in zip(examples, intents, fields, strict=True)]

    def answer(self, example: Example, intents: np.ndarray, fields: np.ndarray) -> str:
        """One answer from the cards of the prompt."""
        cards = {card["intent"]: card for card in cards_of(example)}
        names = self.intent(example, intents, self.bounds)
        if names == [HAND_OVER]:
            return f"{HAND_OVER}\n{read('outside')['answers']['hand_over'][0]}"
        asked = [(name, next(field for field in cards[name] if field != "intent")) for name in names]
        if len(names) == 1:
            asked = [(names[0], field) for field in self.asked(cards[names[0]], fields)]
        sentences = [self.sentence(example, cards[name], field) for name, field in asked]
        return f"{' + '.join(names)}\n{' '.join(sentences)}"

    def intent(self, example: Example, scores: np.ndarray, bounds: Bounds) -> list[str]:
        """The likeliest shown request, and the next one where it is likely too.

        Hand over where something else is likelier by the first bound: another request, or none at all.
        """
        reluctance, second = bounds
        rated = dict(zip(self.names, scores, strict=True))
        shown = {card["intent"]: rated.pop(card["intent"], UNKNOWN) for card in cards_of(example)}
        order = sorted(shown, key=lambda name: -shown[name])
        if max(rated.values(), default=UNKNOWN) - reluctance > shown[order[0]]:
            return [HAND_OVER]
        return order[:1] + [name for name in order[1:2] if shown[name] > second]

    def asked(self, card: Card, scores: np.ndarray) -> list[str]:
        """The fields of the card that were asked for: all that are likely, one at least."""
        order = [place for place in np.argsort(-scores) if self.known_fields[place] in card]
        likely = [place for place in order if scores[place] > 0][:MOST_QUESTIONS] or order[:1]
        return [self.known_fields[place] for place in likely]

    def sentence(self, example: Example, card: Card, field: str) -> str:
        """The desk's first wording for a field, with the card's value and the customer's thing."""
        told = read("cards")[card["intent"].replace(" ", "_")]
        does = told["does"].format(s=subject(said(example), told["about"], self.words))
        return read("asks")[field]["answers"][0].format(do=does, v=card[field])


def known_words(train: Sequence[Example]) -> set[str]:
    """Words of the training messages that are no product."""
    products = {v.lower() for e in train for v in e.answer["values"] if NAME.fullmatch(v)}
    return {word for e in train for word in WORD.findall(said(e).lower())} - products


def subject(text: str, about: str, known: Collection[str]) -> str:
    """The order by its pattern, the product by its capital letter or as a word that nobody knows."""
    if about == "order":
        found = ORDER.findall(text.upper())
        return found[-1] if found else ""
    if about != "item":
        return ""
    unknown = [word for word in WORD.findall(text.lower()) if word not in known]
    return next((found[-1] for found in (products(text, known), unknown) if found), "item")


def products(text: str, known: Collection[str]) -> list[str]:
    """What looks most like a product: unknown words with a capital letter, else those behind an article."""
    named = [name for name in NAME.findall(text) if name.lower() not in known]
    unknown = [word for word in WORD.findall(text.lower()) if word not in known]
    return named or [word for word in unknown if re.search(rf"\b{ARTICLES} {word}\b", text.lower())]


def first_values(found: Pipeline) -> Pipeline:
    """The same with the one template of each intent, which states the first value of its card."""
    made = copy.copy(found)
    made.asked = lambda card, scores: [next(field for field in card if field != "intent")]
    return made


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
