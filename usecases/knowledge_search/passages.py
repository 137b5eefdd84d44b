"""Turn documents into passages: an opening, the sentence that answers, and what surrounds it.

The answer does not always stand in the same place, and the asides of a document recur in several
of its passages, so that passages of one document are close to one another.
"""

from __future__ import annotations

import random
from typing import Any

from usecases.knowledge_search.content import (
    Document,
    pick_wording,
    sentence,
    stream,
    table,
)

FEWEST_WORDS = 44
USUAL_SENTENCES = 5
RESERVED_SHARE = 0.6
OMIT_SHARE = 0.65
HOUSE_HEADING_SHARE = 0.25
PLAIN_HEADING_SHARE = 0.45
NICKNAME_SHARE = 0.45
# o opening, k key sentence (the answer), d detail, s aside
ORDERS = ("oksd", "okds", "odks", "osdk", "sokd", "oskd", "odsk", "sodk")


def omitted_aspect(document: Document, seed: int) -> str:
    """The aspect that a document is silent about (questions on it have no answer), or ''."""
    family = table(document.family)
    rng = stream(seed, document.id, "omitted")
    if rng.random() >= OMIT_SHARE:
        return ""
    shown = set(family.get("glance", {}).get("of", []))
    return rng.choice([name for name in family["aspect"] if name not in shown])


def aspect_passages(document: Document, held_out: bool, seed: int) -> list[dict[str, Any]]:
    """Every passage of a document, with its aspect and its answer sentence."""
    silent = omitted_aspect(document, seed)
    made = [
        aspect_passage(document, name, held_out, seed)
        for name in table(document.family)["aspect"]
        if name != silent
    ]
    return made + glance_passages(document, held_out, seed)


def aspect_passage(document: Document, name: str, held_out: bool, seed: int) -> dict[str, Any]:
    """One passage about one aspect of one document."""
    aspect = table(document.family)["aspect"][name]
    rng = stream(seed, document.id, name, "passage")
    facts = with_names(document, rng)
    answer = sentence(
        pick_wording(aspect["answer"], held_out, rng, RESERVED_SHARE),
        facts,
    )
    opening = sentence(pick_wording(aspect["before"], held_out, rng, RESERVED_SHARE), facts)
    details = [sentence(text, facts) for text in rng.sample(aspect["after"], 4)]
    asides = [sentence(text, facts) for text in rng.sample(document.subjects[0]["asides"], 2)]
    text = arrange(opening, answer, details, asides, rng)
    return entry(document, name, f"{heading(document, name, held_out, rng)} {text}", answer)


def heading(document: Document, name: str, held_out: bool, rng: random.Random) -> str:
    """What stands above the passage: the subjects, sometimes with a nickname, and the section."""
    titles = [bare(subject["names"][0]) for subject in document.subjects]
    for index, subject in enumerate(document.subjects):
        if rng.random() < NICKNAME_SHARE:
            titles[index] += f" ({bare(subject['calls'][0])})"
    house, *plain = table("headings")[document.family][name]
    section = pick_wording(plain, held_out, rng, RESERVED_SHARE)
    lot = rng.random()
    if lot < HOUSE_HEADING_SHARE:
        section = house
    elif lot > HOUSE_HEADING_SHARE + PLAIN_HEADING_SHARE:
        section = f"{house} ({section[0].lower()}{section[1:]})"
    return sentence(f"{', '.join(titles)}: {section}.", {})


def arrange(opening: str, answer: str, details: list[str], asides: list[str], rng: random.Random) -> str:
    """Put the sentences in order and add details until the passage is long enough."""
    parts = {"o": opening, "k": answer, "d": details[0], "s": asides[0]}
    chosen = [parts[letter] for letter in rng.choice(ORDERS)]
    spare = [details[1], asides[1], details[2]]
    while spare and (len(chosen) < USUAL_SENTENCES or count_words(chosen) < FEWEST_WORDS - 6):
        if count_words(chosen) >= FEWEST_WORDS:
            break
        chosen.insert(rng.randint(2, len(chosen)), spare.pop(0))
    return " ".join(chosen)


def count_words(sentences: list[str]) -> int:
    """Words of a list of sentences."""
    return sum(len(text.split()) for text in sentences)


def glance_passages(document: Document, held_out: bool, seed: int) -> list[dict[str, Any]]:
    """The one-page summary of a document: it answers two aspects once more."""
    glance = table(document.family).get("glance")
    if not glance:
        return []
    rng = stream(seed, document.id, "glance")
    text = pick_wording(glance["text"], held_out, rng, RESERVED_SHARE)
    facts = with_names(document, rng)
    sentences = [sentence(part, facts) for part in text.split(". ")]
    return [entry(document, "glance", ". ".join(sentences), "")]


def with_names(document: Document, rng: random.Random) -> dict[str, str]:
    """The facts of a document with the official names of its subjects."""
    names = dict(zip("ab", (rng.choice(s["names"]) for s in document.subjects), strict=False))
    return {**document.facts, **names, "a0": bare(names["a"])}


def bare(name: str) -> str:
    """A name without its article: 'the kettle' -> 'kettle'."""
    for article in ("the ", "our "):
        if name.startswith(article):
            return name.removeprefix(article)
    return name


def entry(document: Document, aspect: str, text: str, answer: str) -> dict[str, Any]:
    """One passage as a row, with the two fields that questions need."""
    return {
        "id": f"{document.id}--{aspect}",
        "text": text,
        "group": document.id,
        "family": document.family,
        "aspect": aspect,
        "answer": answer,
    }
