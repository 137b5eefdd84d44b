"""Tickets of made-up customers: one or two things are said, often in opposite moods."""

import random
import tomllib
from collections.abc import Iterator
from pathlib import Path

from common.usecase import Example, Source, Splits

SENTENCES = Path(__file__).parent / "data" / "clauses.toml"
SOURCE = Source("Made-up customer tickets", "Apache-2.0", "written and combined by this use case")
TICKETS = {"train": 1000, "val": 60, "test": 200}
SHARES = {"negative": 0.68, "positive": 0.22, "neutral": 0.10}
TWO_THINGS = 0.75
OPPOSITE = 0.5
JOINS = {
    "train": ("{a}, but {b}", "{a}. {b}", "{a} and {b}", "{a}, although {b}", "{a}; still, {b}"),
    "val": ("{a}, yet {b}", "{a} - {b}"),
    "test": ("{a}; then again {b}", "{a}, even if {b}", "{a}. on the other hand {b}", "{a}, plus {b}"),
}
Sentences = dict[str, dict[str, dict[str, list[str]]]]


def load() -> Splits:
    """The three splits, which share no sentence and no way to join two."""
    sentences = tomllib.loads(SENTENCES.read_text(encoding="utf-8"))
    made = {split: tuple(tickets(sentences, split, count)) for split, count in TICKETS.items()}
    return Splits(**made, source=SOURCE)


def tickets(sentences: Sentences, split: str, count: int) -> Iterator[Example]:
    """Examples of some tickets: a ticket about two things gives two, which stand in one group."""
    draw = random.Random(f"tickets-{split}")
    seen: set[str] = set()
    number = 0
    while number < count:
        moods = drawn_moods(draw)
        aspects = draw.sample(sorted(sentences), len(moods))
        parts = [draw.choice(sentences[a][m][split]) for a, m in zip(aspects, moods, strict=True)]
        text = parts[0] if len(parts) == 1 else draw.choice(JOINS[split]).format(a=parts[0], b=parts[1])
        if text in seen:
            continue
        seen.add(text)
        number += 1
        for aspect, mood in zip(aspects, moods, strict=True):
            kind = (
                "one thing" if len(moods) == 1 else "same mood" if len(set(moods)) == 1 else "opposite moods"
            )
            inputs = {"aspect": aspect, "text": text}
            yield Example(f"{split}-{number}-{aspect}", f"{split}-{number}", inputs, mood, kind)


def drawn_moods(draw: random.Random) -> list[str]:
    """One mood or two; most customers complain."""
    first = draw.choices(list(SHARES), list(SHARES.values()))[0]
    if draw.random() >= TWO_THINGS:
        return [first]
    others = [mood for mood in SHARES if mood != first]
    second = draw.choice(others) if draw.random() < OPPOSITE else first
    return [first, second]
