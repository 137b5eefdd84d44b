"""Finding words in a text in any inflection, and what a rewrite must keep: numbers, names, negations."""

import difflib
import re
from collections import Counter
from functools import cache

NEGATIONS = frozenset("no not never without none nothing neither nor cannot".split())
# Changing one of these for its opposite changes what a note says.
OPPOSITES = frozenset("before after above below since until within left right more less".split())
WORD = re.compile(r"[^\W_]+(?:[-'’][^\W_]+)*")


@cache
def pattern(words: str) -> re.Pattern[str]:
    """The words in their order, the last one in any inflection: `hypertension` finds `hypertensive`."""
    *first, last = WORD.findall(words.lower()) or [words.lower()]
    cut = 2 if len(last) > 7 else 1 if len(last) > 5 else 0
    ending = r"\w{0,4}" if cut else r"(?:e?s|ed|ing|'s)?"
    parts = [re.escape(word) for word in first] + [re.escape(last[: len(last) - cut]) + ending]
    return re.compile(r"(?<!\w)" + r"\W+".join(parts) + r"(?!\w)", re.IGNORECASE)


@cache
def plain_pattern(words: str) -> re.Pattern[str]:
    """The words in their order, the last one at most in the plural or the like: `lessor` is no `lesson`."""
    parts = [re.escape(word) for word in WORD.findall(words.lower()) or [words.lower()]]
    return re.compile(r"(?<!\w)" + r"\W+".join(parts) + r"(?:e?s|e?d|ing|['’]s)?(?!\w)", re.IGNORECASE)


def mentions(text: str, words: str) -> bool:
    """Whether a text holds the words."""
    return bool(pattern(words).search(text))


def count(text: str, words: str) -> int:
    """How often a text holds the words."""
    return len(pattern(words).findall(text))


def without(text: str, phrases: list[str]) -> str:
    """A text without some phrases."""
    for phrase in phrases:
        text = pattern(phrase).sub(" ", text)
    return text


def facts(text: str) -> Counter[str]:
    """Numbers, names, negations and opposites of a text, counted."""
    found: Counter[str] = Counter()
    for place, word in enumerate(WORD.findall(text)):
        low = word.lower()
        if any(character.isdigit() for character in word):
            found[low] += 1
        elif low in NEGATIONS or low.endswith(("n't", "n’t")):
            found["not"] += 1
        elif low in OPPOSITES or (place and word[0].isupper()):
            found[low] += 1
    return found


def differing(chosen: str, rejected: str) -> tuple[list[str], list[str]]:
    """The runs of words that only the chosen, and only the rejected answer has."""
    left, right = chosen.split(), rejected.split()
    only: tuple[list[str], list[str]] = ([], [])
    for kind, a, b, c, d in difflib.SequenceMatcher(None, left, right, autojunk=False).get_opcodes():
        if kind != "equal":
            only[0].append(" ".join(left[a:b]).strip(".,;:!?"))
            only[1].append(" ".join(right[c:d]).strip(".,;:!?"))
    return [run for run in only[0] if run], [run for run in only[1] if run]
