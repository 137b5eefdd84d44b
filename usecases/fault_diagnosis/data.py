"""Technicians' notes of a made-up plant: short, abbreviated, mistyped, in no fixed order."""

import random
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from common.usecase import Example, Source, Splits

NOTES = Path(__file__).parent / "data" / "notes.toml"
SOURCE = Source("Made-up maintenance notes", "Apache-2.0", "written and combined by this use case")
QUESTIONS = ("component", "fault", "urgency")
COUNTS = {"train": 330, "val": 45, "test": 130}
COMMON_FAULTS = {"leak": 5, "wear": 4, "blockage": 3, "vibration": 3, "electrical": 2, "overheating": 2}
TYPOS = 0.35  # notes with one slip of the finger
PLAIN_NAME = 0.4
SHORT = {"with": "w", "and": "+", "temperature": "temp", "again": "agn", "from": "fr", "the ": ""}
Words = dict[str, dict[str, dict[str, list[str]]]]


def load() -> Splits:
    """Splits that share no note and, but for the plain names of parts, no words for a cause."""
    words = tomllib.loads(NOTES.read_text(encoding="utf-8"))
    return Splits(
        **{split: tuple(notes(words, split, count)) for split, count in COUNTS.items()}, source=SOURCE
    )


def notes(words: Words, split: str, count: int) -> Iterator[Example]:
    """Three examples per note, one for each question; a note is a group."""
    draw = random.Random(f"notes-{split}")
    seen: set[str] = set()
    while len(seen) < count:
        right = drawn_answers(draw, words)
        text = written(
            draw, [spoken(draw, words, question, right[question], split) for question in QUESTIONS]
        )
        if text in seen:
            continue
        seen.add(text)
        group = f"{split}-{len(seen)}"
        for question in QUESTIONS:
            inputs = {"question": question, "note": text}
            yield Example(f"{group}-{question}", group, inputs, right[question], question)


def drawn_answers(draw: random.Random, words: Words) -> dict[str, str]:
    """What is wrong with what, and how bad it is; some faults are more common than others."""
    return {
        "component": draw.choice(sorted(words["component"])),
        "fault": draw.choices(list(COMMON_FAULTS), list(COMMON_FAULTS.values()))[0],
        "urgency": draw.choice(sorted(words["urgency"])),
    }


def spoken(draw: random.Random, words: Words, question: str, answer: str, split: str) -> str:
    """One answer in somebody's words."""
    said: dict[str, Any] = words[question][answer]
    return draw.choice(
        said["everywhere"] if "everywhere" in said and draw.random() < PLAIN_NAME else said[split]
    )


def written(draw: random.Random, parts: list[str]) -> str:
    """A note as it is typed on a phone beside the machine."""
    first, *rest = parts
    draw.shuffle(rest)
    order = [first, *rest] if draw.random() < 0.6 else [rest[0], first, rest[1]]
    text = draw.choice((", ", ". ", " - ", " / ")).join(order)
    for long, short in SHORT.items():
        if draw.random() < 0.3:
            text = text.replace(long, short)
    return mistyped(draw, text) if draw.random() < TYPOS else text


def mistyped(draw: random.Random, text: str) -> str:
    """Two neighbouring letters swapped, or one left out."""
    at = draw.randrange(1, len(text) - 2)
    return text[:at] + (text[at + 1] + text[at] + text[at + 2 :] if draw.random() < 0.5 else text[at + 1 :])
