"""The hand-written material behind the data: requests, questions, values, voices."""

import tomllib
from collections.abc import Collection
from functools import cache
from pathlib import Path
from random import Random
from typing import Any
from zlib import crc32

FOLDER = Path(__file__).parent / "data"
HAND_OVER = "hand over"
ABOUT_ITEM, ABOUT_ORDER = "item", "order"
TEST_ONLY_SHARE = 0.2
NEIGHBOURS = 6
NEIGHBOUR_SHARE = 0.6
UNITS = {
    "deadline": ("days", "weeks", "hours"),
    "time": ("days", "hours", "weeks"),
    "fee": ("dollars",),
    "plus_fee": ("dollars",),
}


@cache
def read(name: str) -> dict[str, Any]:
    """One of the content files."""
    return tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8"))


def intent_name(card: str) -> str:
    """A request as cards and answers write it."""
    return card.replace("_", " ")


def field_name(field: str) -> str:
    """A field as cards write it."""
    return {"plus_fee": "plus fee", "never": "never promise"}.get(field, field)


def drawn(random: Random, known: list[Any], test_only: list[Any], split: str) -> Any:
    """A value; those kept for the test never stand in another split."""
    return random.choice(test_only if split == "test" and random.random() < TEST_ONLY_SHARE else known)


def number(random: Random, split: str) -> int:
    """A number of a policy."""
    told = read("values")["numbers"]
    known = [value for value in range(2, told["largest"] + 1) if value not in told["test_only"]]
    return drawn(random, known, told["test_only"], split)


def value_of(random: Random, field: str, split: str) -> str:
    """What a card says in one field."""
    if field in UNITS:
        return f"{number(random, split)} {random.choice(UNITS[field])}"
    told = read("values")[field]
    return drawn(random, told["known"], told["test_only"], split)


def subject_of(random: Random, about: str, split: str) -> str:
    """The product or the order that a customer speaks of; empty where there is none."""
    if about == ABOUT_ITEM:
        return product(random, split == "test")
    return (
        f"{random.choice('ABCDEFGHKLMNPRSTVW')}{random.randint(1000, 9999)}" if about == ABOUT_ORDER else ""
    )


def product(random: Random, for_test: bool) -> str:
    """A made-up product name; no name of the test stands in another split."""
    told = read("values")["products"]
    syllable = ("starts", "middles", "ends")
    while True:
        word = "".join(random.choice(told[part]) for part in (*syllable, *syllable)).capitalize()
        if (crc32(word.encode()) % 4 == 0) == for_test:
            return word


@cache
def vocabulary() -> frozenset[str]:
    """Every word that answers may use without finding it in the prompt."""
    texts = [answer for ask in read("asks").values() for answer in ask["answers"]]
    texts += [card["does"] for card in read("cards").values()]
    texts += read("outside")["answers"]["hand_over"]
    bare = " ".join(text.replace("{v}", "").replace("{do}", "").replace("{s}", "") for text in texts)
    return frozenset(word.strip(".,") for word in bare.lower().split())


def another(random: Random, name: str, without: Collection[str]) -> str:
    """Another request, rather one that is worded like this one, since such cards are confused."""
    near = [found for found in neighbours()[name] if found not in without]
    every = [found for found in read("cards") if found not in without and found != name]
    return random.choice(near if near and random.random() < NEIGHBOUR_SHARE else every)


@cache
def neighbours() -> dict[str, list[str]]:
    """Of each request the others whose training wordings are most like its own."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    names = list(read("cards"))
    texts = [" ".join(read("cards")[name]["train"]) for name in names]
    rows = TfidfVectorizer(sublinear_tf=True).fit_transform(texts)
    alike = (rows @ rows.T).toarray()
    order = (-alike).argsort()[:, 1 : NEIGHBOURS + 1]
    return {name: [names[place] for place in row] for name, row in zip(names, order, strict=True)}
