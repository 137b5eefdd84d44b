"""Turn documents into the questions that people would type about them.

People use their own words for things, write full questions, situations or search words, and make
typing mistakes. Wordings in the last third of each list are kept for held-out documents.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from typing import Any

from usecases.knowledge_search.content import Document, pick_wording, stream, table
from usecases.knowledge_search.passages import bare, omitted_aspect

RESERVED_SHARE = 0.7
SITUATION_SHARE = 0.45
LOWER_SHARE = 0.3
OFFICIAL_SHARE = 0.5
TYPO_SHARE = 0.1
LEAD_SHARE = 0.07
LEADS = ("quick question: ", "hi, ", "sorry, silly question, ", "does anyone know: ")
Row = dict[str, Any]


def document_questions(document: Document, held_out: bool, seed: int) -> Iterator[Row]:
    """Every question about one document: answerable, comparing, and without an answer."""
    family = table(document.family)
    silent = omitted_aspect(document, seed)
    for name, aspect in family["aspect"].items():
        if name == silent:
            yield from unanswered(document, name, 1 + held_out % 2, held_out, seed)
            continue
        yield from aspect_questions(document, name, aspect, held_out, seed)
    for number, pair in enumerate(family.get("compare", [])):
        if silent not in pair["of"]:
            rng = stream(seed, document.id, "compare", number)
            text = pick_wording(pair["ask"], held_out, rng, RESERVED_SHARE)
            yield row(document, text, "comparison", pair["of"], rng)


def aspect_questions(
    document: Document, name: str, aspect: dict[str, Any], held_out: bool, seed: int
) -> Iterator[Row]:
    """Two differently worded questions about one aspect."""
    rng = stream(seed, document.id, name, "questions")
    targets = [name]
    if name in table(document.family).get("glance", {}).get("of", []):
        targets.append("glance")
    first = pick_wording(aspect["ask"], held_out, rng, RESERVED_SHARE)
    yield row(document, first, aspect["kind"], targets, rng)
    if rng.random() < SITUATION_SHARE:
        text = pick_wording(aspect["situation"], held_out, rng, RESERVED_SHARE)
        yield row(document, text, "paraphrase", targets, rng)
    else:
        others = [text for text in aspect["ask"] if text != first]
        text = pick_wording(others, held_out, rng, RESERVED_SHARE)
        yield row(document, text, aspect["kind"], targets, rng)


def unanswered(document: Document, name: str, count: int, held_out: bool, seed: int) -> Iterator[Row]:
    """Questions about an aspect that the base is silent about."""
    rng = stream(seed, document.id, name, "unanswered")
    aspect = table(document.family)["aspect"][name]
    for lines in (aspect["ask"], aspect["situation"])[:count]:
        text = pick_wording(lines, held_out, rng, RESERVED_SHARE)
        yield row(document, text, "no_answer", [], rng)


def absent_questions(document: Document, held_out: bool, seed: int) -> Iterator[Row]:
    """Questions about a document that does not exist."""
    for name in list(table(document.family)["aspect"])[:4]:
        yield from unanswered(document, name, 1, held_out, seed)


def outside_questions() -> Iterator[Row]:
    """Questions about matters that no family covers."""
    for number, text in enumerate(table("outside")["ask"]):
        yield {"question": text, "kind": "no_answer", "of": [], "group": f"outside-{number:02d}"}


def row(document: Document, text: str, kind: str, of: list[str], rng: random.Random) -> Row:
    """One question with the people's names filled in, as somebody would type it."""
    filled = text.format_map({**document.facts, **people_names(document, rng)})
    return {
        "question": as_typed(filled, rng),
        "kind": kind,
        "of": [f"{document.id}--{aspect}" for aspect in of],
        "group": document.id,
    }


def people_names(document: Document, rng: random.Random) -> dict[str, str]:
    """What people call the subjects of a document."""
    calls = dict(zip("ab", (call(s, rng) for s in document.subjects), strict=False))
    return {**calls, "a0": bare(calls["a"])}


def call(subject: dict[str, Any], rng: random.Random) -> str:
    """What somebody calls a thing: a word of the people, at times the official one."""
    if rng.random() < OFFICIAL_SHARE:
        return bare(subject["names"][0])
    return rng.choice(subject["calls"])


def as_typed(text: str, rng: random.Random) -> str:
    """Vary the looks of a question: opening words, small letters, no mark, a typing mistake."""
    if rng.random() < LEAD_SHARE:
        text = rng.choice(LEADS) + text
    if rng.random() < LOWER_SHARE:
        text = text.lower().rstrip("?!.")
    elif rng.random() < 0.5:
        text = text[0].upper() + text[1:]
    return mistype(text, rng) if rng.random() < TYPO_SHARE else text


def mistype(text: str, rng: random.Random) -> str:
    """One slip of the fingers inside a longer word: swapped, lost or doubled letter."""
    words = [match for match in re.finditer(r"[A-Za-z]{5,}", text)]
    if not words:
        return text
    start = rng.choice(words).start() + rng.randint(1, 3)
    one, two = text[start], text[start + 1]
    slip = rng.choice([two + one, two, one + one + two])
    return text[:start] + slip + text[start + 2 :]
