"""Hinglish-TOP: what is read of its files, and how a code-mixed sentence is graded by its mixing."""

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from common.data import normalise, share_of
from common.usecase import Example, Source, Splits
from usecases.indic_adaptation.draws import name_of
from usecases.indic_adaptation.files import Form, read_pair
from usecases.indic_adaptation.scripts import roman_warnings, words

SOURCE = Source(
    "Hinglish-TOP, train and dev files",
    "Apache-2.0",
    "github.com/google-research-datasets/Hinglish-TOP-Dataset",
    "fdd3998",
)
TABLE = ("en", "cs", "en_parse", "cs_parse", "domain")
SEARCH = Form("hinglish_top", {"en": str, "cs": str}, TABLE)
COMMANDS = Form("hinglish_top", {"en": str, "cs": str, "cs_parse": str}, TABLE)
VAL_SHARE = 0.08
Row = Mapping[str, Any]


def mixing(mixed: str, english: str) -> str:
    """How English a code-mixed sentence is: by the share of its words that its English original has."""
    known = set(words(english.lower()))
    found = words(mixed.lower())
    share = sum(word in known for word in found) / max(len(found), 1)
    return "little English" if share < 1 / 3 else "half English" if share < 2 / 3 else "mostly English"


def read_pairs(data: Path, form: Form) -> tuple[list[Row], list[Row]]:
    """The rows of the train and the held-out file; odd ones are warned of, broken ones refused."""
    *read, names = read_pair(data, form)
    for rows, name in zip(read, names, strict=True):
        roman_warnings(name, [(number, row["cs"]) for number, row in rows])
    return [row for _, row in read[0]], [row for _, row in read[1]]


def held_out_pairs(train: list[Row], dev: list[Row]) -> tuple[list[Row], list[Row], list[Row], str]:
    """Train, val and test rows without overlap, and a line on what was left out.

    Test is the dev file less every row whose Hinglish or English stands in the train file.
    """
    mixed = {normalise(row["cs"]) for row in train}
    english = {normalise(row["en"]) for row in train}
    test = [row for row in dev if normalise(row["cs"]) not in mixed and normalise(row["en"]) not in english]
    asked = {normalise(row["cs"]) for row in test}
    val = [row for row in train if in_val(row)]
    held = {normalise(row["cs"]) for row in val} | asked
    kept = [row for row in train if not in_val(row) and normalise(row["cs"]) not in held]
    dropped = f"{len(dev) - len(test)} of {len(dev)} dev rows whose Hinglish or English stands in train"
    return kept, val, test, dropped


def in_val(row: Row) -> bool:
    """Whether a train row is kept for choosing, by a hash that never changes."""
    return share_of(normalise(row["en"])) < VAL_SHARE


def search_splits(data: Path) -> Splits:
    """Hinglish sentences as queries over every distinct English sentence of both files."""
    read = read_pairs(data, SEARCH)
    train, val, test, dropped = held_out_pairs(*read)
    every = [row["en"].strip() for part in read for row in part]
    texts = {normalise(text): text for text in reversed(every)}
    documents = {document_id(text): text for text in sorted(texts.values())}
    parts = {"train": train, "val": val, "test": test}
    return Splits(
        **{name: examples_of(name, rows) for name, rows in parts.items()},
        documents=documents,
        dropped=(dropped,),
        source=SOURCE,
    )


def document_id(text: str) -> str:
    """A name for an English sentence that depends on its words alone."""
    return name_of(normalise(text))


def examples_of(split: str, rows: list[Row]) -> tuple[Example, ...]:
    """One example per distinct Hinglish sentence; all its English originals are right."""
    originals: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        originals[normalise(row["cs"])].append(row)
    examples = []
    for number, same in enumerate(originals.values()):
        answer = tuple(dict.fromkeys(document_id(row["en"]) for row in same))
        kind = mixing(same[0]["cs"], same[0]["en"])
        examples.append(Example(f"{split}-{number:04d}", answer[0], same[0]["cs"].strip(), answer, kind))
    return tuple(examples)
