"""The best answer without a model: find the part of the message that is about the aspect, judge that part."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from common.floors import character_label
from common.usecase import Answerer, Example, Splits

BREAKS = re.compile(
    r"[.;,:]| - | but | and | although | yet | even if | plus | on the other hand | then again "
)


def parts(text: str) -> list[str]:
    """A message cut where people change the subject."""
    return [part.strip() for part in BREAKS.split(text) if len(part.split()) > 1] or [text]


def mood_of_part(splits: Splits) -> Answerer:
    """Two linear models on TF-IDF: which aspect a part is about, and which mood it is in."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    things = Counter(example.group for example in splits.train)
    alone = [example for example in splits.train if things[example.group] == 1]
    if len({example.inputs["aspect"] for example in alone}) < 2:
        return character_label(
            splits, lambda example: f"{example.inputs['aspect']}: {example.inputs['text']}"
        )
    aspects = make_pipeline(
        TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True),
        LogisticRegression(C=16.0, max_iter=1000),
    ).fit([e.inputs["text"] for e in alone], [e.inputs["aspect"] for e in alone])

    def about(example: Example) -> Example:
        """The example with the part of its text that is most about its aspect."""
        found, known = parts(example.inputs["text"]), list(aspects.classes_)
        if example.inputs["aspect"] not in known:
            return replace(example, inputs=example.inputs["text"])
        column = known.index(example.inputs["aspect"])
        return replace(example, inputs=found[int(aspects.predict_proba(found)[:, column].argmax())])

    cut = {name: tuple(map(about, examples)) for name, examples in splits.named().items() if name != "test"}
    moods = character_label(Splits(**cut, test=()), lambda example: example.inputs)

    def answer(examples: Sequence[Example]) -> list[Any]:
        return moods([about(example) for example in examples])

    return answer
