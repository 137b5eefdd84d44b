"""Rejected answers that use the right word but change what is said: a number, a negation."""

import random
import re

NUMBER = re.compile(r"\b\d+\b")
NEGATED = re.compile(r" (not|no) ", re.IGNORECASE)
AFFIRMED = re.compile(r" (was|is|were|has|had|will|does|did) (?!not)")


def altered(text: str, draw: random.Random) -> str | None:
    """The text with one fact changed, or None when it has none to change."""
    ways = [way for way in (other_number, other_negation) if way(text, draw) is not None]
    return draw.choice(ways)(text, draw) if ways else None


def other_number(text: str, draw: random.Random) -> str | None:
    """Another number of the same length, so that length tells nothing."""
    found = NUMBER.search(text)
    if not found:
        return None
    old = found.group()
    lowest = 10 ** (len(old) - 1) if len(old) > 1 else 2
    new = draw.choice([str(n) for n in range(lowest, 10 ** len(old)) if str(n) != old])
    return text[: found.start()] + new + text[found.end() :]


def other_negation(text: str, draw: random.Random) -> str | None:
    """A negation taken away, or one put in."""
    if NEGATED.search(text):
        return NEGATED.sub(" ", text, count=1)
    found = AFFIRMED.search(text)
    return None if not found else text[: found.end()] + "not " + text[found.end() :]
