"""The house glossary: what `data/*.txt` says of terms, sentence frames and everyday senses."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

from usecases.industry_language.matching import plain_pattern

FOLDER = Path(__file__).parent / "data"
DOMAINS = ("medical", "legal", "aerospace")
PROFESSIONAL, PUBLIC = "professional", "public"
NEW_TERM_EVERY = 5
ONLY_HERE = ", in this sense only"


@dataclass(frozen=True)
class Term:
    """A professional term and its plain words. `everyday` holds sentences in another sense of `word`.

    A `new` term is never trained on: it shows what carries over to words that nobody taught. Sentences of
    `practice` are never asked in a test.
    """

    domain: str
    kind: str
    plain: str
    professional: str
    new: bool
    word: str = ""
    everyday: tuple[str, ...] = ()
    practice: tuple[str, ...] = ()

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
    """One field of work: its readers, its own names, its sentence frames and its terms.

    Words of `practice` are in no glossary of the house: they only train to tell senses apart.
    """

    name: str
    readers: dict[str, str]
    details: tuple[str, ...]
    frames: dict[tuple[str, str], tuple[str, ...]] = field(hash=False)
    terms: tuple[Term, ...] = ()
    practice: tuple[Term, ...] = ()


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


@dataclass(frozen=True)
class Place:
    """Where a glossary line touches a text, and in whose words the text says it there."""

    start: int
    end: int
    line: str
    style: str


def forms_of(line: str) -> dict[str, str]:
    """The words of a glossary line by style."""
    professional, plain = line.removesuffix(ONLY_HERE).split(" = ")
    return {PROFESSIONAL: professional, PUBLIC: plain}


def places(text: str, lines: Sequence[str]) -> list[Place]:
    """Where glossary lines touch a text, in its order; a longer wording hides shorter ones inside it."""
    found = [
        Place(match.start(), match.end(), line, style)
        for line in lines
        for style, words in forms_of(line).items()
        for match in plain_pattern(words).finditer(text)
    ]
    kept: list[Place] = []
    for place in sorted(found, key=lambda p: (p.start - p.end, p.start)):
        if all(place.end <= other.start or other.end <= place.start for other in kept):
            kept.append(place)
    return sorted(kept, key=lambda p: p.start)


def retrieved(text: str, domain: str, new_too: bool = True, further: Sequence[str] = ()) -> list[str]:
    """The glossary lines of a field whose words stand in a text, in its order."""
    lines = [term.gloss for term in domains()[domain].terms if new_too or not term.new]
    return list(dict.fromkeys(place.line for place in places(text, [*lines, *further])))


def style_of(reader: str) -> str:
    """Whether a reader works in the field."""
    return PROFESSIONAL if any(d.readers[PROFESSIONAL] == reader for d in domains().values()) else PUBLIC


def read_domain(name: str) -> Domain:
    """A domain from its two files: what the house has, and what there is to practise."""
    house, practice = sections_of(FOLDER / f"{name}.txt"), sections_of(FOLDER / f"{name}_practice.txt")
    frames = {
        (kind, split): (*house[f"{kind} frames {split}"], *practice.get(f"{kind} frames {split}", ()))
        for kind in ("noun", "verb")
        for split in ("train", "val", "test")
    }
    words = settings(house["words"])["detail"].split(", ")
    further = dict(with_sentences(practice["further everyday senses"]))
    terms = tuple(
        replace(term, practice=tuple(further.get(term.word, ()))) for term in read_terms(name, house)
    )
    extra = tuple(
        replace(term, new=False, practice=term.everyday, everyday=()) for term in read_terms(name, practice)
    )
    return Domain(name, settings(house["readers"]), tuple(words), frames, terms, extra)


def sections_of(path: Path) -> dict[str, list[str]]:
    return dict(read_sections(path.read_text(encoding="utf-8")))


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
        for place, (head, everyday) in enumerate(with_sentences(sections.get(heading, []))):
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
