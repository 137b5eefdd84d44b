"""What is right about an answer of the desk: six numbers, none of them hidden in another."""

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

from common.metrics import token_f1
from usecases.support_chatbot.content import HAND_OVER
from usecases.support_chatbot.policy import violations

CUT_MARK = " [cut]"
NOT_ASKED = float("nan")
LONGEST_EXACT_WORDS = 6
LIKE = 0.5
Card = dict[str, str]
UNITS = "minutes|hours|days|weeks|months|years|dollars|euro|euros|pounds|percent|points|pieces|items"
NUMBER = re.compile(rf"(?<!\w)[a-z]?\d+(?:[.,:/-]\d+)*(?: (?:{UNITS})\b| ?%)?")
WORD = re.compile(r"[a-z]+(?:'[a-z]+)?")


def parts(output: str) -> tuple[list[str], str]:
    """The intents of the first line, and the answer after it."""
    first, _, text = output.strip().partition("\n")
    return [name.strip().lower() for name in first.split("+")], text.strip()


def contains(text: str, phrase: str) -> bool:
    """Whether a phrase stands in a text as whole words."""
    return re.search(rf"(?<!\w){re.escape(phrase.lower())}(?!\w)", text.lower()) is not None


def invented(text: str, source: str, vocabulary: frozenset[str]) -> list[str]:
    """Numbers that the prompt does not have and, where the desk's words are known, foreign words."""
    found = [number for number in NUMBER.findall(text.lower()) if not contains(source, number)]
    if vocabulary:
        known = vocabulary | set(WORD.findall(source.lower()))
        found += [word for word in WORD.findall(NUMBER.sub(" ", text.lower())) if word not in known]
    return found


def unasked(text: str, cards: Sequence[Card], values: Sequence[str]) -> list[str]:
    """Values of the cards that the answer states although nobody asked for them."""
    every = {value for card in cards for field, value in card.items() if field != "intent"}
    return [value for value in sorted(every) if value not in values and contains(text, value)]


def repetition(text: str) -> float:
    """Share of word triples that stood in the text before."""
    words = text.lower().split()
    triples = Counter(zip(words, words[1:], words[2:], strict=False))
    return 1 - len(triples) / triples.total() if triples else 0.0


def chrf(text: str, reference: str) -> float:
    """Character overlap with the reference, 0 to 1."""
    from sacrebleu import sentence_chrf

    return sentence_chrf(text, [reference]).score / 100


def like(text: str, reference: str) -> bool:
    """For answers without a card: short ones to the letter, long ones by half of their words."""
    if len(reference.split()) <= LONGEST_EXACT_WORDS:
        return text.lower() == reference.lower()
    return token_f1(text, reference) >= LIKE


def scores(
    answer: dict[str, Any], cards: Sequence[Card], source: str, output: str, vocabulary: frozenset[str]
) -> dict[str, float]:
    """Every number of one answer. `resolved` is their conjunction; what does not apply is NaN."""
    stops = not output.endswith(CUT_MARK)
    output = output.removesuffix(CUT_MARK)
    intents, text = parts(output) if answer["intents"] else ([], output.strip())
    reference = parts(answer["text"])[1] if answer["intents"] else answer["text"]
    right = sorted(intents) == sorted(answer["intents"])
    allowed = f"{source}\n{reference}" if answer.get("free") else source  # without cards it is the source
    foreign = invented(text, allowed, vocabulary)
    values = values_right(text, answer, cards, reference)
    refused = intents == [HAND_OVER]
    broken = violations(text, [card["never"] for card in cards if "never" in card])
    if answer["hand_over"] and not refused:
        broken = [*broken, "answered what must be handed over"]
    return {
        "resolved": float(bool(right and values and text and not foreign and not broken and stops)),
        "intent": float(right) if answer["intents"] else NOT_ASKED,
        "values_right": NOT_ASKED if answer["hand_over"] else float(values),
        "invented": float(bool(foreign)),
        "violation": float(bool(broken)),
        "refusal_recall": float(refused) if answer["hand_over"] else NOT_ASKED,
        "over_refusal": NOT_ASKED if answer["hand_over"] or not answer["intents"] else float(refused),
        "stops": float(stops),
        "length_ratio": len(text) / max(len(reference), 1),
        "repetition": repetition(text),
        "chrf": chrf(text, reference),
    }


def values_right(text: str, answer: dict[str, Any], cards: Sequence[Card], reference: str) -> bool:
    """Whether an answer states exactly what was asked for."""
    if answer.get("free"):
        numbers = NUMBER.findall(reference.lower())
        return like(text, reference) and all(contains(text, number) for number in numbers)
    given = all(contains(text, value) for value in answer["values"])
    return given and not unasked(text, cards, answer["values"])
