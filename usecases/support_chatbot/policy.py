"""The desk's rules as code: what no answer may say, whoever wrote it."""

import re

DENIED = re.compile(r"\b(cannot|can not|can't|not|never|no|unable|sorry)\b")
SENTENCE = re.compile(r"[^.!?\n]+")
PROMISES = re.compile(r"\b(guaranteed?|we promise|i promise|for sure|100 ?%|in any case)\b")
SECRETS = re.compile(r"\b(your (?:password|pin|card number|security code|cvc))\b")


def violations(text: str, forbidden: list[str]) -> list[str]:
    """The rules that an answer breaks, by name."""
    found = []
    for sentence in SENTENCE.findall(text.lower()):
        denied = DENIED.search(sentence) is not None
        found += [f"promises {phrase}" for phrase in forbidden if phrase.lower() in sentence and not denied]
        if PROMISES.search(sentence) and not denied:
            found.append("promises an outcome")
        if SECRETS.search(sentence) and not denied:
            found.append("asks for a secret")
    return found
