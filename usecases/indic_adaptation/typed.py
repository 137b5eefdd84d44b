"""Casually typed Hindi back in Devanagari, word by word: what is known first, counted spellings else."""

from functools import cache

import regex

from usecases.indic_adaptation.joint import JointModel
from usecases.indic_adaptation.words import content, rows

WORD = regex.compile(r"[A-Za-z]+")


@cache
def known() -> dict[str, str]:
    """Hand-written spellings; of two words that share one, the commoner stands first in the file."""
    found: dict[str, str] = {}
    for kind in ("everyday", "loan", "name"):
        for native, written in content()[kind].items():
            for roman in written.split():
                found.setdefault(roman, native)
    return found


@cache
def counted() -> JointModel:
    """The joint model of all own words."""
    return JointModel([(row["roman"], row["native"]) for row in rows()])


@cache
def spelled() -> dict[str, str]:
    """Spellings of all own words, made by rule."""
    found: dict[str, str] = {}
    for row in rows():
        found.setdefault(row["roman"], row["native"])
    return found


def word_to_native(word: str) -> str:
    """One Roman word in Devanagari; capital letters mean nothing in casual typing."""
    word = word.lower()
    if word in known() or word in spelled():
        return known().get(word) or spelled()[word]
    return next(iter(counted().best(word)), (word, 0.0))[0]


def to_native(text: str) -> str:
    """A sentence with every Roman word in Devanagari and the rest as it is."""
    return WORD.sub(lambda match: word_to_native(match.group()), text)
