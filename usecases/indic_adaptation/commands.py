"""Own command data: meanings, and what people say for them in English, Hinglish and five Indic languages.

`data/commands.toml` holds the surface forms, all written by hand; meanings are every combination of
an intent's slot values. Meanings are held out whole, and so is one template per language, so a test
command is new in what it asks and in how it says it.
"""

import itertools
import random
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from common.data import normalise, share_of
from common.usecase import Example, Source, Splits
from usecases.indic_adaptation.draws import name_of
from usecases.indic_adaptation.romanise import romanise, spellings
from usecases.indic_adaptation.scripts import canonical, detect
from usecases.indic_adaptation.words import content as word_content

SOURCE = Source(
    "Commands in seven ways of writing", "Apache-2.0", "hand-written forms, combined by this use case"
)
FILE = Path(__file__).parent / "data" / "commands.toml"
HINGLISH = {"little": "little English", "half": "half English", "mostly": "mostly English"}
LANGUAGES = {"hi": "Hindi", "mr": "Marathi", "bn": "Bengali", "ta": "Tamil", "kn": "Kannada"}
SHARES = {"test": 0.22, "val": 0.1}
MOST_PER_INTENT = 90
HINGLISH_EACH = 2
RESPELLED_SHARE = 0.35


@dataclass(frozen=True)
class Meaning:
    """An intent with its slot values, by their place in the lists of values."""

    intent: str
    slots: tuple[tuple[str, int], ...]

    @property
    def key(self) -> str:
        return f"{self.intent}({', '.join(f'{name}={text}' for name, text in self.values().items())})"

    def values(self) -> dict[str, str]:
        """Slot values as an answer names them: in English, without the words that only join them."""
        return {name: bare(value(name, "en", at)) for name, at in self.slots}


@cache
def content() -> dict[str, Any]:
    """The hand-written forms."""
    return tomllib.loads(FILE.read_text(encoding="utf-8"))


def value(slot: str, language: str, at: int) -> str:
    return content()["value"][slot][language][at]


def bare(text: str) -> str:
    """A slot value without its preposition."""
    return text.removeprefix("on ").removeprefix("at ")


def draw(*parts: object) -> random.Random:
    """Numbers that depend on what they are drawn for, and on nothing else."""
    return random.Random(" ".join(map(str, parts)))


def meanings() -> list[Meaning]:
    """Every meaning, at most so many per intent."""
    found = []
    for intent, forms in content()["intent"].items():
        ranges = [range(len(content()["value"][slot]["en"])) for slot in forms["slots"]]
        every = [
            Meaning(intent, tuple(zip(forms["slots"], at, strict=True))) for at in itertools.product(*ranges)
        ]
        draw("meanings", intent).shuffle(every)
        found += every[:MOST_PER_INTENT]
    return found


def split_of(meaning: Meaning) -> str:
    """The split of a meaning in every language."""
    return hashed_split(meaning.key)


def hashed_split(key: str) -> str:
    """A split by a hash that never changes."""
    share = share_of(key)
    return "test" if share < SHARES["test"] else "val" if share < sum(SHARES.values()) else "train"


@cache
def wordings() -> dict[str, Any]:
    """Hand-written templates for learning alone."""
    return tomllib.loads((FILE.parent / "wordings.toml").read_text(encoding="utf-8"))


def templates(intent: str, form: str, split: str) -> list[str]:
    """The templates of a split: the last one is the test's, the one before it is for choosing."""
    every = content()["intent"][intent][form]
    if split != "train":
        return every[-1:] if split == "test" else every[-2:-1]
    return every[:-2] + wordings()[intent][form]


def native(meaning: Meaning, language: str, split: str, number: int) -> str:
    """A command in a language's own script."""
    template = draw(meaning.key, language, number).choice(templates(meaning.intent, language, split))
    return canonical(template.format(**{name: value(name, language, at) for name, at in meaning.slots}))


def english(meaning: Meaning) -> str:
    """A command in English; which template says it depends on the meaning."""
    template = draw(meaning.key, "en").choice(content()["intent"][meaning.intent]["en"])
    return template.format(**{name: value(name, "en", at) for name, at in meaning.slots})


def hinglish(meaning: Meaning, density: str, split: str, number: int) -> str:
    """A code-mixed command in Roman letters, every word in one of the spellings that people use."""
    rng = draw(meaning.key, density, number)
    template = rng.choice(templates(meaning.intent, density, split))
    filled = {name.upper(): bare(value(name, "en", at)) for name, at in meaning.slots}
    for name, at in meaning.slots:
        filled[name] = " ".join(spelled(word, rng) for word in value(name, "hi", at).split())
    words = [respelled(word, rng) for word in template.split()]
    return " ".join(words).format(**filled)


def spelled(word: str, rng: random.Random) -> str:
    """A Devanagari word in Roman letters: as people type it where that is known, else by rule."""
    for kind in ("everyday", "loan", "name"):
        if word in word_content()[kind]:
            return rng.choice(word_content()[kind][word].split())
    return rng.choice(spellings(canonical(word), 3, "commands"))


@cache
def ways() -> Mapping[str, tuple[str, ...]]:
    """For a usual spelling of an everyday word the others that people use."""
    written = [tuple(text.split()) for text in word_content()["everyday"].values()]
    return {usual: every for every in written for usual in every[:1]}


def respelled(word: str, rng: random.Random) -> str:
    """A word of a template, now and then in another spelling."""
    return rng.choice(ways().get(word, (word,))) if rng.random() < RESPELLED_SHARE else word


@cache
def everyday() -> tuple[tuple[str, str, str], ...]:
    """Hand-written everyday sentences: Hindi, the same as people type it, English."""
    rows = tomllib.loads((FILE.parent / "sentences.toml").read_text(encoding="utf-8"))["rows"]
    return tuple(tuple(row) for row in rows)


def sentences() -> Iterator[tuple[Example, str]]:
    """Everyday sentences as people type them, each with its English."""
    for _, typed, text in everyday():
        name = name_of(text)
        yield Example(f"{name}-typed", text, typed, (name,), "everyday sentence"), text


@cache
def search_splits() -> Splits:
    """Hinglish commands and sentences as queries over one English sentence per meaning."""
    parts: dict[str, dict[str, Example]] = {"train": {}, "val": {}, "test": {}}
    documents = {}
    for meaning in meanings():
        split, name = split_of(meaning), name_of(meaning.key)
        documents[name] = english(meaning)
        for density, kind in HINGLISH.items():
            for number in range(HINGLISH_EACH):
                text = hinglish(meaning, density, split, number)
                example = Example(f"{name}-{density}-{number}", meaning.key, text, (name,), kind)
                parts[split].setdefault(normalise(text), example)
    for example, text in sentences():
        documents[example.answer[0]] = text
        parts[hashed_split(example.group)].setdefault(normalise(example.inputs), example)
    for later, earlier in (("test", "train"), ("test", "val"), ("val", "train")):
        for text in parts[later].keys() & parts[earlier].keys():
            del parts[earlier][text]
    return Splits(
        **{n: tuple(found.values()) for n, found in parts.items()}, documents=documents, source=SOURCE
    )


def spoken(meaning: Meaning, split: str, number: int = 0) -> Iterator[tuple[str, str]]:
    """A command in every language and mixing, with the name of how it is written."""
    for language, label in LANGUAGES.items():
        yield native(meaning, language, split, number), label
    for density, label in HINGLISH.items():
        yield hinglish(meaning, density, split, number), f"Hinglish, {label}"


def in_script(text: str, script: str) -> str:
    """The preprocessing switch: text as it came, or in Roman letters, whatever script it was in."""
    return romanise(text) if script == "roman" and detect(text) != "not Indic" else text
