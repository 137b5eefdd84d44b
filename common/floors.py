"""Answers without a model that are hard to beat: what a use case with labels should name as its floor."""

from collections.abc import Callable, Sequence
from typing import Any

from common.usecase import Answerer, Example, Splits

PENALTIES = (1.0, 4.0, 16.0)


def character_label(splits: Splits, text_of: Callable[[Example], str]) -> Answerer:
    """Logistic regression on TF-IDF of words and of characters; its penalty is chosen on val."""
    labels = {str(example.answer) for example in splits.train}
    if len(labels) == 1:  # nothing to tell apart
        return lambda examples: [{"label": label} for _ in examples for label in labels]
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline, make_union

    def fitted(penalty: float) -> Any:
        words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
        characters = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True)
        line = LogisticRegression(C=penalty, max_iter=1000, class_weight="balanced")
        return make_pipeline(make_union(words, characters), line).fit(
            *texts_and_labels(splits.train, text_of)
        )

    models = [fitted(penalty) for penalty in (PENALTIES if splits.val else PENALTIES[1:2])]
    best = max(models, key=lambda model: val_share(model, splits.val, text_of))

    def answer(examples: Sequence[Example]) -> list[Any]:
        return [{"label": str(label)} for label in best.predict([text_of(e) for e in examples])]

    return answer


def texts_and_labels(
    examples: Sequence[Example], text_of: Callable[[Example], str]
) -> tuple[list[str], list[str]]:
    return [text_of(e) for e in examples], [str(e.answer) for e in examples]


def val_share(model: Any, val: Sequence[Example], text_of: Callable[[Example], str]) -> float:
    """Mean recall over labels on val, so that a rare label counts as much as a common one."""
    if not val:
        return 0.0
    from sklearn.metrics import recall_score

    texts, labels = texts_and_labels(val, text_of)
    return float(recall_score(labels, model.predict(texts), average="macro", zero_division=0.0))


def nearest_answer(
    splits: Splits, text_of: Callable[[Example], str]
) -> Callable[[Sequence[Example]], list[Example]]:
    """The training example whose characters are most like those of each example."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), sublinear_tf=True)
    known = vectorizer.fit_transform([text_of(example) for example in splits.train])

    def find(examples: Sequence[Example]) -> list[Example]:
        alike = vectorizer.transform([text_of(example) for example in examples]) @ known.T
        return [splits.train[int(row.toarray().argmax())] for row in alike]

    return find
