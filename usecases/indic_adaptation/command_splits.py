"""Splits of the command track: own commands, or Hinglish-TOP from a folder."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from common.data import near_duplicates, normalise
from common.errors import GalleryError
from common.usecase import Example, Source, Splits
from usecases.indic_adaptation import commands, hinglish
from usecases.indic_adaptation.commands import Meaning
from usecases.indic_adaptation.draws import name_of

INSTRUCTION = (
    "Give the intent and the slots of this command as `intent; slot=value; slot=value`, the values in "
    "English. Intents: " + ", ".join(commands.content()["intent"]) + "."
)
INTENT = re.compile(r"\[IN:(\w+)")
SLOT = re.compile(r"\[SL:(\w+)")
SAME_COMMAND = 0.9
LEAST_OF_AN_INTENT = 40  # intents of few values are said more often in train, in more of its wordings


def answer_of(meaning: Meaning) -> str:
    return "; ".join([meaning.intent, *(f"{name}={value}" for name, value in meaning.values().items())])


def split_of(meaning: Meaning) -> str:
    """Combinations of values are held out whole; a single value must be learnt before it can be known."""
    return commands.split_of(meaning) if len(meaning.slots) > 1 else "every"


@cache
def own() -> Splits:
    """Own commands: new combinations of values and new templates in val and test, in every language."""
    parts: dict[str, list[Example]] = {"train": [], "val": [], "test": []}
    every = commands.meanings()
    said = Counter(meaning.intent for meaning in every)
    for meaning in every:
        chosen = split_of(meaning)
        for split in parts if chosen == "every" else (chosen,):
            group = f"{meaning.key} {split}" if chosen == "every" else meaning.key
            times = -(-LEAST_OF_AN_INTENT // said[meaning.intent]) if split == "train" else 1
            for text, kind in (
                found for number in range(times) for found in commands.spoken(meaning, split, number)
            ):
                identifier = name_of(f"{split} {kind} {text}")
                parts[split].append(Example(identifier, group, text, answer_of(meaning), kind))
    return without_twins(parts, commands.SOURCE)


def without_twins(parts: Mapping[str, Sequence[Example]], source: Source, *notes: str) -> Splits:
    """Splits without test and val commands that nearly stand in train, or twice in a split."""
    kept: dict[str, tuple[Example, ...]] = {}
    dropped = 0
    for split in ("train", "val", "test"):
        unique = list({normalise(e.inputs): e for e in reversed(parts[split])}.values())[::-1]
        earlier = [normalise(e.inputs) for found in kept.values() for e in found]
        texts = [normalise(e.inputs) for e in unique]
        twins = {row for row, _, _ in near_duplicates(texts, earlier, SAME_COMMAND)}
        kept[split] = tuple(e for row, e in enumerate(unique) if row not in twins)
        dropped += len(parts[split]) - len(kept[split])
    notes += (f"{dropped} commands that stand twice, or nearly so in an earlier split",)
    return Splits(kept["train"], kept["val"], kept["test"], dropped=notes, source=source)


def hinglish_top(data: Path) -> Splits:
    """Hinglish-TOP as commands: intent and the top slots of its parse, values as they stand in it."""
    train, val, test, dropped = hinglish.held_out_pairs(*hinglish.read_pairs(data, hinglish.COMMANDS))
    parts = {"train": train, "val": val, "test": test}
    made = {
        name: [top_example(f"{name}-{number:04d}", row) for number, row in enumerate(rows)]
        for name, rows in parts.items()
    }
    return without_twins(made, hinglish.SOURCE, dropped)


def top_example(identifier: str, row: Mapping[str, Any]) -> Example:
    """One command with its intent and slots."""
    slots = top_slots(row["cs_parse"])
    answer = "; ".join([intent_of(row["cs_parse"]), *(f"{name}={value}" for name, value in slots)])
    kind = f"Hinglish, {hinglish.mixing(row['cs'], row['en'])}"
    return Example(identifier, normalise(row["en"]), row["cs"].strip(), answer, kind)


def intent_of(parse: str) -> str:
    """The outermost intent of a bracketed parse."""
    found = INTENT.match(parse.strip())
    if not found:
        raise GalleryError(
            f"The parse {parse[:60]!r} does not begin with an intent such as [IN:SET_ALARM ... ]. Mend "
            "column 'cs_parse' and run again."
        )
    return found[1].lower()


def top_slots(parse: str) -> list[tuple[str, str]]:
    """The outermost slots of a bracketed parse with the words under them."""
    found: list[tuple[str, list[str]]] = []
    open_brackets: list[str] = []
    for token in parse.split():
        if token.startswith("["):
            open_brackets.append(token)
            if token.startswith("[SL:") and sum(b.startswith("[SL:") for b in open_brackets) == 1:
                found.append((SLOT.match(token).group(1).lower(), []))
        elif token == "]":
            open_brackets.pop()
        elif any(bracket.startswith("[SL:") for bracket in open_brackets):
            found[-1][1].append(token)
    return [(name, " ".join(words)) for name, words in found]
