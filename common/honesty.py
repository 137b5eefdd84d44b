"""Rules that a dishonest or careless use case breaks: what may see the answer, and what training may see.

Each takes a use case and its splits and gives faults in words that say the mend.
"""

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from common import data
from common.errors import GalleryError
from common.evaluate import headline
from common.job import Output
from common.usecase import Example, Splits, UseCase

SAMPLE = 24
LARGEST_SHARE_BY_HEART = 0.5  # swapped answers that still score 1.0 before the scorer is refused
COMMON_ENOUGH = 0.05  # below this share of the training answers, a constant answer is no rival
INPUT_COLUMNS = ("prompt", "anchor", "text", "image")
LEARNT_COLUMNS = ("completion", "chosen", "label")


class Hidden(dict):
    """Stands where an answer stood: using it at all is a fault."""

    def __missing__(self, key: Any) -> Any:
        raise GalleryError("the answer is not to be seen here")


def hidden(example: Example) -> Example:
    """An example whose answer and everything near it is gone."""
    return replace(example, answer=Hidden(), extra={}, kind="hidden")


def sample(examples: Sequence[Example]) -> list[Example]:
    """A few examples, chosen by hash, so that a check costs the same for every size of data."""
    return data.by_hash(examples)[:SAMPLE]


def input_faults(usecase: UseCase, splits: Splits) -> list[str]:
    """What the model sees is the same when nobody knows the answer."""
    for example in sample(splits.test):
        try:
            same = usecase.model_input(hidden(example)) == usecase.model_input(example)
        except Exception as error:
            return [f"model_input of test {example.id!r} needs the answer: {type(error).__name__}: {error}"]
        if not same:
            return [f"model_input of test {example.id!r} changes with the answer: read `example.inputs` only"]
    return []


def floor_faults(usecase: UseCase, splits: Splits) -> list[str]:
    """The floor lies below gold, above saying nothing or one thing always, and sees no answer of test."""
    unseen, asked = tuple(map(hidden, splits.test)), sample(splits.test)
    try:  # one call for both, since some floors fit a model in it
        answers = usecase.floor(replace(splits, test=unseen))((*splits.test, *map(hidden, asked)))
    except Exception as error:
        return [f"the floor fails where the answers of test are hidden: {type(error).__name__}: {error}"]
    told, untold = answers[: len(unseen)], answers[len(unseen) :]
    seen = {example.id: answer for example, answer in zip(splits.test, told, strict=True)}
    blind = blind_floor_faults(asked, [seen[example.id] for example in asked], untold)
    return level_faults(usecase, splits, told) + blind


def level_faults(usecase: UseCase, splits: Splits, told: Sequence[Any]) -> list[str]:
    """Where the floor's score stands."""
    floor = mean_headline(usecase, splits, told)
    blank = mean_headline(usecase, splits, [usecase.blank()] * len(splits.test))
    advice = "make the floor the best that needs no model"
    faults = []
    if floor >= 1.0:
        faults.append(f"the floor scores {floor:.3f}, no less than gold: the task needs no model")
    if floor <= blank:
        faults.append(f"the floor scores {floor:.3f}, no more than the blank answer ({blank:.3f}): {advice}")
    answer, count = Counter(str(example.answer) for example in splits.train).most_common(1)[0]
    if count >= COMMON_ENOUGH * len(splits.train):
        constant = usecase.gold(next(e for e in splits.train if str(e.answer) == answer))
        always = mean_headline(usecase, splits, [constant] * len(splits.test))
        if floor < always - 1e-9:
            faults.append(
                f"the floor scores {floor:.3f}, always {answer!r:.40} scores {always:.3f}: {advice}"
            )
    return faults


def blind_floor_faults(asked: Sequence[Example], told: Sequence[Any], untold: Sequence[Any]) -> list[str]:
    """The floor gives the same answers when the answers of test are gone."""
    for example, left, right in zip(asked, told, untold, strict=True):
        if left != right:
            return [
                f"the floor's answer to test {example.id!r} changes when the right answer is hidden from it"
            ]
    return []


def mean_headline(usecase: UseCase, splits: Splits, values: Sequence[Any]) -> float:
    """The headline of some answers to the whole test split."""
    outputs = [Output(e.id, value) for e, value in zip(splits.test, values, strict=True)]
    return headline(usecase, splits.test, outputs)


def scorer_faults(usecase: UseCase, splits: Splits) -> list[str]:
    """The scorer reads the right answer from `example.answer`, gives no points for tricks, and is steady."""
    found = sample(splits.test)
    golds = {example.id: usecase.gold(example) for example in found}
    faults = []
    for example in found:
        first, again = (usecase.score(example, golds[example.id]) for _ in range(2))
        if not same_scores(first, again):
            faults.append(f"test {example.id!r}: the same answer scores {dict(first)} and then {dict(again)}")
        for trick, value in tricks(usecase, example, golds).items():
            if value is not None and same_scores(first, scores_of(usecase, example, value)):
                faults.append(f"test {example.id!r}: {trick} scores 1.0, and no number tells it from gold")
    return [*faults[:3], *swapped_faults(usecase, found, golds)]


def same_scores(left: Mapping[str, float], right: Mapping[str, float]) -> bool:
    return left.keys() == right.keys() and all(
        left[key] == right[key] or (math.isnan(left[key]) and math.isnan(right[key])) for key in left
    )


def tricks(usecase: UseCase, example: Example, golds: Mapping[str, Any]) -> dict[str, Any]:
    """Answers that know nothing and must not score full."""
    gold, prompt = golds[example.id], written(usecase.model_input(example))
    every = "\n".join(sorted({written(value) for value in golds.values()}))
    return {
        "the prompt handed back": like(gold, prompt),
        "a list of every answer": like(gold, every),
    }


def written(value: Any) -> str:
    """A value as one text: a text, the last message, or the strings within."""
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        return " ".join(written(part) for key, part in value.items() if key != "role")
    return " ".join(map(written, value)) if isinstance(value, list | tuple) else ""


def like(gold: Any, text: str) -> Any:
    """An answer of the gold's shape with this text in it; None where it has no place."""
    if isinstance(gold, str):
        return text if text != gold else None
    if isinstance(gold, Mapping) and gold and all(isinstance(value, str) for value in gold.values()):
        return None if set(gold.values()) == {text} else dict.fromkeys(gold, text)
    return None


def scores_of(usecase: UseCase, example: Example, value: Any) -> Mapping[str, float]:
    """The scores of an answer; a scorer that raises gives none."""
    try:
        return usecase.score(example, value)
    except Exception:
        return {}


def full(usecase: UseCase, example: Example, value: Any) -> bool:
    """Whether an answer scores full on the headline."""
    return scores_of(usecase, example, value).get(usecase.headline, 0.0) >= 1.0 - 1e-9


def swapped_faults(usecase: UseCase, found: Sequence[Example], golds: Mapping[str, Any]) -> list[str]:
    """With another example's answer in place of the own one, the own gold may no longer be right."""
    pairs = [
        (example, other)
        for example, other in zip(found, [*found[1:], *found[:1]], strict=True)
        if example.answer != other.answer
    ]
    kept = [e for e, o in pairs if full(usecase, replace(e, answer=o.answer), golds[e.id])]
    if len(kept) <= LARGEST_SHARE_BY_HEART * len(pairs):
        return []
    return [
        f"with a wrong `answer`, {len(kept)} of {len(pairs)} test examples still score 1.0, first "
        f"{kept[0].id!r}: the scorer takes the answer from elsewhere, such as the prompt"
    ]


def row_input_faults(usecase: UseCase, splits: Splits) -> list[str]:
    """A training row asks as the model will be asked."""
    for example in sample(splits.train):
        asked = usecase.model_input(example)
        for row in usecase.train_rows(example, splits):
            column = next((name for name in INPUT_COLUMNS if name in row), None)
            if column and not begins_with(row, column, asked):
                return [f"train {example.id!r}: column {column!r} is not what `model_input` gives"]
    return []


def begins_with(row: Mapping[str, Any], column: str, asked: Any) -> bool:
    """Whether a row starts as the input does; the content of messages may vary, as augmentation does."""
    if not isinstance(asked, list):
        return bool(row[column] == asked)
    frame = conversation(row, column)[: len(asked)]
    return [fixed(message) for message in frame] == [fixed(message) for message in asked]


def conversation(row: Mapping[str, Any], column: str) -> list[Any]:
    """The messages of a row; earlier answers may stand in its completion."""
    rest = row.get("completion", [])
    return [*row[column], *(rest if isinstance(rest, list) else [])]


def fixed(message: Any) -> Any:
    """What of a message may not vary: who speaks, and every word of the system."""
    role = message.get("role")
    return (role, message.get("content") if role == "system" else "")


def taught_faults(usecase: UseCase, splits: Splits) -> list[str]:
    """What a row teaches scores 1.0, and what it teaches to avoid scores no more than that."""
    for example in sample(splits.train):
        for row in usecase.train_rows(example, splits):
            if isinstance(asked := usecase.model_input(example), list) and not same_words(row, asked):
                continue  # a varied question has another answer
            learnt = taught(row, usecase.gold(example))
            if learnt is not None and not full(usecase, example, learnt):
                return [
                    f"train {example.id!r}: the row teaches {written(learnt)!r:.60}, which does not score 1.0"
                ]
    return []


def same_words(row: Mapping[str, Any], asked: list[Any]) -> bool:
    return "prompt" not in row or conversation(row, "prompt")[: len(asked)] == asked


def taught(row: Mapping[str, Any], gold: Any) -> Any:
    """The answer that a row teaches, in the shape of the gold; None where the row says it otherwise."""
    column = next((name for name in LEARNT_COLUMNS if name in row), None)
    value = row.get(column) if column else None
    if isinstance(value, list):
        value = value[-1].get("content") if len(value) == 1 else None
    if isinstance(gold, str):
        return value if isinstance(value, str) else None
    if column == "label" and isinstance(gold, Mapping) and "label" in gold:
        return {**gold, "label": str(value)}
    return None


def training_faults(usecase: UseCase, splits: Splits) -> list[str]:
    """Training rows are the same when val and test do not exist."""
    alone = replace(splits, val=(), test=())
    makers: dict[str, Callable[[Splits], Any]] = {
        "training_set": usecase.training_set,
        "new_pieces": usecase.new_pieces,
    }
    for name, make in makers.items():
        try:
            same = make(splits) == make(alone)
        except Exception as error:
            return [f"{name} needs val or test: {type(error).__name__}: {error}"]
        if not same:
            return [f"{name} gives other rows without val and test: it trains on them"]
    return []


def variant_split_faults(
    usecase: UseCase, splits: Splits, tasks: Mapping[str, Mapping[str, Any]]
) -> list[str]:
    """A variant with a task of its own keeps its splits apart too."""
    seen = {data.fingerprint(splits.train)}
    faults = []
    for variant, task in {str(task): (variant, task) for variant, task in tasks.items()}.values():
        other = usecase.configured(task)
        made = other.load(None)
        mark = data.fingerprint(made.train)
        if mark not in seen:
            seen.add(mark)
            found = [f"leak: {leak}" for leak in data.leaks(made)] + training_faults(other, made)
            faults += [f"variant {variant!r}: {fault}" for fault in found]
    return faults
