"""Rewrites without a model: search and replace by the house glossary, with and without the reader."""

from collections import Counter
from collections.abc import Sequence

from common.data import normalise
from common.usecase import Example, Splits
from usecases.industry_language.choices import put_in
from usecases.industry_language.matching import differing, pattern
from usecases.industry_language.own_lines import SIDES, last_part, learnt_lines, touching
from usecases.industry_language.terms import (
    ONLY_HERE,
    PROFESSIONAL,
    glossary,
    other_style,
    places,
    retrieved,
    style_of,
)


def for_reader(examples: Sequence[Example], splits: Splits) -> list[str]:
    """Every glossary hit in the wording of the reader: the best rule that there is."""
    learnt = learnt_glossary(splits.train)
    return [rewritten(e, learnt, read_reader=True) for e in examples]


def always_professional(examples: Sequence[Example], splits: Splits) -> list[str]:
    """The same for everyone, as a search and replace does it."""
    learnt = learnt_glossary(splits.train)
    return [rewritten(e, learnt, read_reader=False) for e in examples]


def told_when(examples: Sequence[Example], splits: Splits) -> list[str]:
    """The glossary for the reader; for its marked lines, a classifier of training notes says when."""
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    if "prompt" in splits.train[0].inputs:
        return told_whose(examples, splits)
    rules = for_reader(examples, splits)
    seen = [e for e in splits.train if "prompt" not in e.inputs and marked(e) and not is_right(e)]
    labels = [e.inputs["text"] != e.answer["text"] for e in seen]
    if len(set(labels)) < 2:
        return rules
    words = CountVectorizer(ngram_range=(1, 2), token_pattern=r"\S+", binary=True)
    model = make_pipeline(words, LogisticRegression(C=10, max_iter=1000)).fit(
        list(map(described, seen)), labels
    )
    told = model.predict(list(map(described, examples)))
    return [
        rule if use or not marked(e) else e.inputs["text"]
        for rule, use, e in zip(rules, told, examples, strict=True)
    ]


def told_whose(examples: Sequence[Example], splits: Splits) -> list[str]:
    """For a person's own pairs: a classifier of their prompts says whose words each learnt line gets."""
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    lines = learnt_lines(splits.train)
    shown, labels = [], []
    for example in splits.train:
        for line in touching(example.inputs["prompt"], lines):
            put = {place.style for place in places(example.answer["text"], [line])}
            if len(put) == 1:
                shown.append(asked_about(line, example))
                labels.append(put.pop())
    if len(set(labels)) < 2:
        return for_reader(examples, splits)
    words = CountVectorizer(ngram_range=(1, 2), token_pattern=r"\S+", binary=True)
    model = make_pipeline(words, LogisticRegression(C=10, max_iter=1000)).fit(shown, labels)
    return [
        put_in(
            last_part(e.inputs["prompt"]),
            {
                line: SIDES[model.predict([asked_about(line, e)])[0]]
                for line in touching(e.inputs["prompt"], lines)
            },
            SIDES,
        )
        for e in examples
    ]


def asked_about(line: str, example: Example) -> str:
    """A line and the words of a prompt, as the classifier sees them."""
    prompt = example.inputs["prompt"]
    text = prompt if isinstance(prompt, str) else " ".join(turn["content"] for turn in prompt)
    return f"line:{line.replace(' ', '_')} {normalise(text)}"


def marked(example: Example) -> list[str]:
    """The glossary lines of a note that hold in one sense only."""
    return [line for line in lines_of(example) if line.endswith(ONLY_HERE)]


def lines_of(example: Example) -> list[str]:
    """The glossary lines whose words stand in a note, also where its prompt does not show them."""
    inputs = example.inputs
    return inputs["glossary"] or retrieved(inputs["text"], inputs["domain"]) if "text" in inputs else []


def is_right(example: Example) -> bool:
    """Whether the glossary has nothing to replace: such notes tell nothing about when to replace."""
    style = style_of(example.inputs["reader"])
    return all(place.style == style for place in places(example.inputs["text"], lines_of(example)))


def described(example: Example) -> str:
    """A note as the classifier sees it: the reader, the glossary lines that it touches, its words."""
    lines = [f"line:{line.replace(' ', '_')}" for line in sorted(marked(example))]
    reader = f"reader:{example.inputs.get('reader', '')}"
    return " ".join([reader, *lines, normalise(example.inputs.get("text", ""))])


def rewritten(example: Example, learnt: Sequence[tuple[str, str]], read_reader: bool) -> str:
    """One note after search and replace; of a person's own prompt, its last part."""
    inputs = example.inputs
    if "prompt" in inputs:
        return replaced(last_part(inputs["prompt"]), learnt)
    style = style_of(inputs["reader"]) if read_reader else PROFESSIONAL
    lines = [term for term in glossary() if term.domain == inputs["domain"]]
    return replaced(inputs["text"], [(t.form(other_style(style)), t.form(style)) for t in lines])


def replaced(text: str, lines: Sequence[tuple[str, str]]) -> str:
    """A text with every entry replaced, the longest first; what was put in is not replaced again."""
    slots: list[str] = []
    for old, new in sorted(lines, key=lambda line: -len(line[0])):

        def keep(_: object, new: str = new) -> str:
            slots.append(new)
            return f"\x00{len(slots) - 1}\x00"

        text = pattern(old).sub(keep, text)
    for place, new in enumerate(slots):
        text = text.replace(f"\x00{place}\x00", new)
    return text


def learnt_glossary(examples: Sequence[Example]) -> list[tuple[str, str]]:
    """What a person's own pairs replace by what, each wording in the direction seen most."""
    counts: Counter[tuple[str, str]] = Counter()
    for example in examples:
        if "prompt" in example.inputs:
            preferred, banned = differing(example.answer["text"], example.extra["rejected"])
            counts.update(zip(banned, preferred, strict=False))
    return [(old, new) for (old, new), count in counts.items() if count >= counts[new, old]]
