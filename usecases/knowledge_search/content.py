"""Read the hand-written content of the knowledge base: families, documents, aspects and facts.

One TOML file per document family stands in `data/`; `names.toml` says what things are officially
called and what people call them. Nothing here is random except the draw of facts by document,
which depends only on the seed and the names.
"""

from __future__ import annotations

import hashlib
import random
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "data"
FAMILIES = (
    "manual",
    "bulletin",
    "warranty",
    "site",
    "safety",
    "people",
    "travel",
    "supplier",
    "software",
)


@dataclass(frozen=True)
class Document:
    """One document: what it is about, and the facts that fill the slots of its sentences."""

    id: str
    family: str
    subjects: tuple[dict[str, Any], ...]
    facts: dict[str, str] = field(default_factory=dict)

    @property
    def kin(self) -> tuple[str, ...]:
        """The things it is about, as named across documents."""
        return tuple(subject["kin"] for subject in self.subjects)


def stream(*parts: object) -> random.Random:
    """A random stream of its own for each place that draws, the same on every machine."""
    text = "\x1f".join(str(part) for part in parts)
    return random.Random(int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big"))


@cache
def table(name: str) -> dict[str, Any]:
    """One content file."""
    return tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8"))


def subjects(family: str) -> dict[str, dict[str, Any]]:
    """Everything that documents of a family can be about, with its asides and its kin."""
    asides = table("asides")
    own = table(family).get("subject", {})
    return {
        key: {"kin": key, **value, "asides": asides.get(key, [])}
        for key, value in {**table("names"), **own}.items()
    }


def documents(family: str, seed: int, key: str = "documents") -> list[Document]:
    """The documents of a family, each with its facts drawn."""
    known = subjects(family)
    wanted: list[list[str]] = table(family).get(key, [])
    drawn = draw_facts(family, wanted, seed)
    return [
        Document(
            id=f"{family}-{'-'.join(names)}",
            family=family,
            subjects=tuple(known[name] for name in names),
            facts={
                **values,
                **own_facts(known[names[0]]),
                **kind_facts(names[0], [other[0] for other in wanted[:index]].count(names[0])),
            },
        )
        for index, (names, values) in enumerate(zip(wanted, drawn, strict=True))
    ]


def draw_facts(family: str, names: Sequence[object], seed: int) -> list[dict[str, str]]:
    """Deal the values of each slot to the documents like cards, so that they differ."""
    drawn: list[dict[str, str]] = [{} for _ in names]
    for slot, values in table(family)["values"].items():
        order = list(range(len(names)))
        stream(seed, family, slot).shuffle(order)
        for position, index in enumerate(order):
            drawn[index][slot] = values[position % len(values)]
    return drawn


def own_facts(subject: dict[str, Any]) -> dict[str, str]:
    """The facts that were written for one subject only."""
    return {name: value for name, value in subject.items() if isinstance(value, str)}


def kind_facts(subject: str, turn: int) -> dict[str, str]:
    """The facts that fit one kind of subject; its second document gets the second values."""
    return {slot: values[turn] for slot, values in table("facts").get(subject, {}).items()}


def split_wordings(lines: Sequence[str]) -> tuple[list[str], list[str]]:
    """The wordings for every document, and the last third, kept for held-out documents."""
    kept = len(lines) - max(1, round(len(lines) / 3))
    return list(lines[:kept]), list(lines[kept:])


def pick_wording(lines: Sequence[str], held_out: bool, rng: random.Random, share: float) -> str:
    """Choose a wording; held-out documents take a reserved one in `share` of the cases."""
    common, reserved = split_wordings(lines)
    return rng.choice(reserved if held_out and rng.random() < share else common)


def sentence(text: str, facts: dict[str, str]) -> str:
    """Fill the slots of a sentence and begin it with a capital letter."""
    filled = text.format_map(facts)
    return filled[0].upper() + filled[1:]
