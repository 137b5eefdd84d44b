"""Loads the phrasings of `data/words-phrases.toml`: some for every split, some held out for test."""

import tomllib
from collections.abc import Mapping
from functools import cache
from random import Random

from usecases.english_to_sql.content import FOLDER

FILE = FOLDER / "words-phrases.toml"


@cache
def phrasings() -> Mapping[str, Mapping[str, Mapping[str, tuple[str, ...]]]]:
    """Section, then kind, then `seen` or `held`."""
    found = tomllib.loads(FILE.read_text(encoding="utf-8"))
    return {
        section: {kind: {use: tuple(forms) for use, forms in uses.items()} for kind, uses in kinds.items()}
        for section, kinds in found.items()
    }


def draw(generator: Random, section: str, kind: str, held: bool) -> str:
    """One phrasing of a kind."""
    return generator.choice(phrasings()[section][kind]["held" if held else "seen"])
