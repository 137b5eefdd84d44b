"""How much of a use case's held-out text stands in the generated corpus, by runs of 13 words.

Numbers and values in quotes are folded, so that a shared template counts even with other values.
Runs made mostly of signs, SQL keywords and aliases say nothing about a source and do not count.
"""

import re
from collections.abc import Iterable

from .corpus import Document, documents
from .tokenizer import KEYWORDS, PHRASES

RUN = 13
LEAST_WORDS = 8
WORD = re.compile(r"\w+|[^\w\s]")
NUMBER = re.compile(r"\d+(?:[.-]\d+)*")
SAID_BY_SQL = {part.lower() for text in (*KEYWORDS, *PHRASES) for part in text.split()}
QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")


def folded_words(text: str) -> list[str]:
    """Lower-case words and signs, with numbers and quoted values made alike."""
    text = NUMBER.sub("0", QUOTED.sub("'v'", text.lower()))
    return WORD.findall(text)


def tells(word: str) -> bool:
    """Whether a word says something about where a text comes from."""
    return len(word) > 1 and word != "t0" and word not in SAID_BY_SQL


def runs(text: str, length: int = RUN) -> set[tuple[str, ...]]:
    """Every run of `length` words inside a line of a text."""
    found = set()
    for line in text.splitlines():
        parts = folded_words(line)
        every = (tuple(parts[at : at + length]) for at in range(len(parts) - length + 1))
        found |= {run for run in every if sum(map(tells, run)) >= LEAST_WORDS}
    return found


def corpus_runs(seed: int = 0, count: int = 20_000, length: int = RUN) -> set[tuple[str, ...]]:
    """The runs of the first documents of the corpus."""
    return runs_of(documents(seed, count), length)


def runs_of(found: Iterable[Document], length: int = RUN) -> set[tuple[str, ...]]:
    """The runs of the messages of documents."""
    return {run for one in found for _, text in one.messages for run in runs(text, length)}


def shared(texts: Iterable[str], known: set[tuple[str, ...]], length: int = RUN) -> list[str]:
    """The texts that share a run with the corpus, each shown with one such run."""
    found = []
    for text in texts:
        common = runs(text, length) & known
        if common:
            found.append(f"{text[:60]!r} shares {' '.join(min(common))!r}")
    return found
