"""Further tables: intents beside TF-IDF, what the refusals cost, and the commonest faults."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from common.usecase import Example, Scores, Splits, Table
from usecases.support_chatbot.content import HAND_OVER
from usecases.support_chatbot.floor import classifier, label, said
from usecases.support_chatbot.prompt import cards_of
from usecases.support_chatbot.scoring import parts

Score = Callable[[Example, str], Scores]
Choose = Callable[[Example, Sequence[str]], str]
CHOICES_SHOWN = 200
FAULTS = ("wrong intent", "wrong values", "invented", "violation", "does not stop")


def report(splits: Splits, models: Mapping[str, Any], score: Score) -> list[Table]:
    """The tables of a run."""
    outputs = {name: found["test"] for name, found in models.items() if "test" in found}
    tables = [fault_table(splits.test, outputs, score)]
    if all(example.answer["intents"] for example in (*splits.train, *splits.test)):
        tables.insert(0, intent_table(splits, outputs))
    choosers = {name: found["choose"] for name, found in models.items() if "choose" in found}
    if choosers and all(cards_of(example) for example in splits.test):
        tables.insert(1, choice_table(splits.test[:CHOICES_SHOWN], choosers, outputs))
    return tables


def choice_table(
    examples: Sequence[Example], choosers: Mapping[str, Choose], outputs: Mapping[str, Sequence[str]]
) -> Table:
    """What is left of a lift when the form of the answer is given: the intent chosen from those allowed."""
    truth = [label(example) for example in examples]
    rows = []
    for name, choose in choosers.items():
        chosen = [intents_of(choose(e, [f"{option}\n" for option in allowed(e)])) for e in examples]
        free = [intents_of(text) for text in outputs[name][: len(examples)]]
        rows.append((name, accuracy(truth, free), accuracy(truth, chosen)))
    note = "Allowed are the requests of the cards in the prompt, all of them together, and hand over."
    return Table(
        "Intents, written freely and chosen from a list", ("contender", "free", "chosen"), tuple(rows), note
    )


def intents_of(text: str) -> str:
    """The intents of an answer as one class."""
    return " + ".join(sorted(parts(text)[0]))


def allowed(example: Example) -> list[str]:
    """Every first line that the prompt's cards allow."""
    names = [card["intent"] for card in cards_of(example)]
    pairs = [f"{one} + {two}" for one in names for two in names if one != two]
    return [*names, *pairs, HAND_OVER]


def intent_table(splits: Splits, outputs: Mapping[str, Sequence[str]]) -> Table:
    """Intents by name, free of any list, beside a classifier that reads the message alone."""
    truth = [label(example) for example in splits.test]
    fitted = classifier().fit([said(e) for e in splits.train], [label(e) for e in splits.train])
    named = {"TF-IDF on the message alone": list(fitted.predict([said(e) for e in splits.test]))}
    named |= {name: [intents_of(text) for text in texts] for name, texts in outputs.items()}
    known = set(truth) | {label(example) for example in splits.train}
    rows = tuple(
        (name, accuracy(truth, found), macro_f1(truth, found), share_outside(found, known))
        for name, found in named.items()
    )
    return Table(
        "Intents",
        ("contender", "accuracy", "macro-F1", "no intent at all"),
        rows,
        "Models see the policy card and the classifier does not; the contender TF-IDF + template does.",
    )


def accuracy(truth: Sequence[str], found: Sequence[str]) -> float:
    return round(float(np.mean([one == two for one, two in zip(truth, found, strict=True)])), 3)


def macro_f1(truth: Sequence[str], found: Sequence[str]) -> float:
    """F1 of each true intent, averaged."""
    from sklearn.metrics import f1_score

    return round(
        float(f1_score(truth, found, labels=sorted(set(truth)), average="macro", zero_division=0)), 3
    )


def share_outside(found: Sequence[str], known: set[str]) -> float:
    """How many answers begin with no known intent."""
    return round(float(np.mean([name not in known for name in found])), 3)


def fault_table(test: Sequence[Example], outputs: Mapping[str, Sequence[str]], score: Score) -> Table:
    """Why answers were not resolved; an answer can have several faults."""
    rows = []
    for name, texts in outputs.items():
        counts: Counter[str] = Counter()
        for example, text in zip(test, texts, strict=True):
            counts.update(faults(score(example, text)))
        rows.append((name, *(counts[fault] for fault in FAULTS)))
    return Table("Faults", ("contender", *FAULTS), tuple(rows), f"Counts among {len(test)} answers.")


def faults(row: Scores) -> list[str]:
    """What is wrong with one answer."""
    wrong = (
        row["intent"] == 0,
        row["values_right"] == 0,
        row["invented"] == 1,
        row["violation"] == 1,
        row["stops"] == 0,
    )
    return [name for name, found in zip(FAULTS, wrong, strict=True) if found]
