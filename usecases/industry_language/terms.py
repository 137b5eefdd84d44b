"""The house glossary: what `data/*.txt` says of terms, sentence frames and everyday senses."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from usecases.industry_language.matching import mentions

FOLDER = Path(__file__).parent / "data"
DOMAINS = ("medical", "legal", "aerospace")
PROFESSIONAL, PUBLIC = "professional", "public"
NEW_TERM_EVERY = 5
LINES_SHOWN = 2
ONLY_HERE = ", in this sense only"


@dataclass(frozen=True)
class Term:
    """A professional term and its plain words. `everyday` holds sentences in another sense of `word`.

    A `new` term is never trained on: it shows what carries over to words that nobody taught.
    """

    domain: str
    kind: str
    plain: str
    professional: str
    new: bool
    word: str = ""
    everyday: tuple[str, ...] = ()

    def form(self, style: str) -> str:
        """The words for one kind of reader."""
        return self.professional if style == PROFESSIONAL else self.plain

    @property
    def tempting(self) -> str:
        """The style in which an everyday sense would be replaced by mistake."""
        return PROFESSIONAL if self.word == self.plain else PUBLIC

    @property
    def gloss(self) -> str:
        """The line of the house glossary; an ambiguous word is marked."""
        return f"{self.professional} = {self.plain}{ONLY_HERE if self.word else ''}"


@dataclass(frozen=True)
class Domain:
    """One field of work: its readers, its own names, its sentence frames and its terms."""

    name: str
    readers: dict[str, str]
    details: tuple[str, ...]
    frames: dict[tuple[str, str], tuple[str, ...]] = field(hash=False)
    terms: tuple[Term, ...] = ()


def other_style(style: str) -> str:
    return PUBLIC if style == PROFESSIONAL else PROFESSIONAL


@cache
def domains() -> dict[str, Domain]:
    """Every domain by name."""
    return {name: read_domain(name) for name in DOMAINS}


@cache
def glossary() -> tuple[Term, ...]:
    """Every term of the house, trained or not: this is what a firm hands to its writers."""
    return tuple(term for domain in domains().values() for term in domain.terms)


def ambiguous(forms: Sequence[str]) -> bool:
    """Whether one of some wordings is a word of the house with other senses."""
    return any(term.word in forms for term in glossary() if term.word)


def retrieved(text: str, domain: str, new_too: bool = True) -> list[str]:
    """The glossary lines of a field whose words stand in a text, the longest match first."""
    found = [
        t
        for t in domains()[domain].terms
        if (new_too or not t.new) and (mentions(text, t.plain) or mentions(text, t.professional))
    ]
    return [t.gloss for t in sorted(found, key=lambda t: -len(t.plain))][:LINES_SHOWN]


def style_of(reader: str) -> str:
    """Whether a reader works in the field."""
    return PROFESSIONAL if any(d.readers[PROFESSIONAL] == reader for d in domains().values()) else PUBLIC


def read_domain(name: str) -> Domain:
    """A domain from its file."""
    sections = dict(read_sections((FOLDER / f"{name}.txt").read_text(encoding="utf-8")))
    frames = {
        (kind, split): tuple(sections[f"{kind} frames {split}"])
        for kind in ("noun", "verb")
        for split in ("train", "val", "test")
    }
    words = settings(sections["words"])["detail"].split(", ")
    return Domain(
        name, settings(sections["readers"]), tuple(words), frames, tuple(read_terms(name, sections))
    )


def read_sections(text: str) -> Iterator[tuple[str, list[str]]]:
    """Headings in brackets with the lines below them."""
    heading, lines = "", []
    for line in text.splitlines():
        if line.startswith("["):
            yield heading, lines
            heading, lines = line.strip("[]"), []
        elif line.strip() and not line.startswith("#"):
            lines.append(line.strip())
    yield heading, lines


def settings(lines: list[str]) -> dict[str, str]:
    """Lines of the form `name = value`."""
    return dict(line.split(" = ", 1) for line in lines)


def read_terms(domain: str, sections: dict[str, list[str]]) -> Iterator[Term]:
    """The terms of each section; every fifth of a section is held out of training."""
    for heading, kind in (
        ("nouns", "noun"),
        ("verbs", "verb"),
        ("ambiguous plain words", "noun"),
        ("ambiguous terms", "noun"),
    ):
        for place, (head, everyday) in enumerate(with_sentences(sections[heading])):
            plain, professional = head.split(" | ")
            word = {"ambiguous plain words": plain, "ambiguous terms": professional}.get(heading, "")
            new = place % NEW_TERM_EVERY == NEW_TERM_EVERY - 1
            yield Term(domain, kind, plain, professional, new, word, tuple(everyday))


def with_sentences(lines: list[str]) -> list[tuple[str, list[str]]]:
    """Term lines, each with the `-` lines below it."""
    found: list[tuple[str, list[str]]] = []
    for line in lines:
        if line.startswith("- "):
            found[-1][1].append(line[2:])
        else:
            found.append((line, []))
    return found
