"""Loads the phrasings of `data/words-phrases.toml`: for every split, for training alone, or held out."""

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from random import Random

from usecases.english_to_sql.content import FOLDER

FILE = FOLDER / "words-phrases.toml"
TRAIN = "train"
ALTERNATIVES = re.compile(r"\[([^\]]*)\]")


@cache
def phrasings() -> Mapping[str, Mapping[str, Mapping[str, tuple[str, ...]]]]:
    """Section, then kind, then `seen`, `train`, `val` or `held`."""
    found = tomllib.loads(FILE.read_text(encoding="utf-8"))
    return {
        section: {kind: {use: tuple(forms) for use, forms in uses.items()} for kind, uses in kinds.items()}
        for section, kinds in found.items()
    }


def draw(generator: Random, section: str, kind: str, use: str) -> str:
    """One phrasing of a kind, with one of each of its `[alternatives|in brackets]`."""
    stock = generator.choice(("seen", TRAIN)) if use == TRAIN else use
    form = generator.choice(phrasings()[section][kind][stock])
    return ALTERNATIVES.sub(lambda found: generator.choice(found[1].split("|")), form)
