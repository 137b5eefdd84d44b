"""Finds the part of a message that is about an aspect: what every contender reads."""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

from common.usecase import Example, Splits

BREAKS = re.compile(r"[.;,:]| - | but | and | although ")


def parts(text: str) -> list[str]:
    """A message cut where people change the subject."""
    return [part.strip() for part in BREAKS.split(text) if len(part.split()) > 1] or [text]


def focused(splits: Splits) -> Splits:
    """The splits with the part of each message that is about its aspect."""
    find = finder(splits)

    def about(example: Example) -> Example:
        return replace(example, inputs={**example.inputs, "part": find(example)})

    cut = {name: tuple(map(about, examples)) for name, examples in splits.named().items()}
    return replace(splits, **cut)


def finder(splits: Splits) -> Callable[[Example], str]:
    """A linear model on TF-IDF that messages about one thing teach which words go with which aspect."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    things = Counter(example.group for example in splits.train)
    alone = [example for example in splits.train if things[example.group] == 1]
    if len({example.inputs["aspect"] for example in alone}) < 2:
        return lambda example: example.inputs["text"]
    aspects = make_pipeline(
        TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True),
        LogisticRegression(C=16.0, max_iter=1000),
    ).fit([e.inputs["text"] for e in alone], [e.inputs["aspect"] for e in alone])
    known = list(aspects.classes_)

    def find(example: Example) -> str:
        found = parts(example.inputs["text"])
        if example.inputs["aspect"] not in known:
            return example.inputs["text"]
        column = known.index(example.inputs["aspect"])
        return found[int(aspects.predict_proba(found)[:, column].argmax())]

    return find
