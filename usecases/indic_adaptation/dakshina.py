"""Word lists in the form of Dakshina: a native word, a way people romanise it, how many did."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from common.data import read_jsonl, share_of
from common.errors import FaultsError
from common.usecase import Example, Source, Splits
from usecases.indic_adaptation.scripts import canonical, word_warnings

SOURCE = Source(
    "Dakshina, Hindi romanisation lexicon, train and dev files",
    "CC BY-SA 4.0",
    "github.com/google-research-datasets/dakshina",
    "as carried by vinyk/DA6401_Assignment3 @ 9b83ef0",
)
COLUMNS = {"roman": str, "native": str}
VAL_SHARE = 0.04
Row = Mapping[str, Any]


def read_words(folder: Path) -> Splits:
    """Splits from a train and a dev file; dev is the test, and train loses what stands in it."""
    faults: list[str] = []
    read = [read_jsonl(folder / f"dakshina_hi.{name}.jsonl", COLUMNS, faults) for name in ("train", "dev")]
    if faults:
        raise FaultsError(f"The data in {folder}", faults, "Nothing was run. Mend the rows and run again.")
    for rows, name in zip(read, ("train", "dev"), strict=True):
        word_warnings(f"dakshina_hi.{name}.jsonl", [(n, r["roman"], r["native"]) for n, r in rows])
    train, test = ([row for _, row in rows] for rows in read)
    roman = {row["roman"].lower() for row in test}
    native = {canonical(row["native"]) for row in test}
    kept = [r for r in train if r["roman"].lower() not in roman and canonical(r["native"]) not in native]
    dropped = f"{len(train) - len(kept)} of {len(train)} train rows whose spelling or word stands in dev"
    chosen = [row for row in kept if in_val(canonical(row["native"]))]
    held = {row["roman"].lower() for row in chosen}
    rest = [r for r in kept if not in_val(canonical(r["native"])) and r["roman"].lower() not in held]
    return Splits(
        train=word_examples("train", rest),
        val=word_examples("val", chosen),
        test=word_examples("test", test),
        dropped=(dropped,),
        source=SOURCE,
    )


def in_val(native: str) -> bool:
    """Whether a word is kept for choosing, by a hash that never changes."""
    return share_of(native) < VAL_SHARE


def word_examples(split: str, rows: Sequence[Row]) -> tuple[Example, ...]:
    """One example per spelling; every native word that people write so is right, the commonest first.

    Rows may name the group that keeps related words in one split, and the kind they are counted in.
    """
    wanted: dict[str, dict[str, int]] = defaultdict(dict)
    named: dict[str, Row] = {}
    for row in rows:
        word, roman = canonical(row["native"]), row["roman"].lower()
        counts = wanted[roman]
        counts[word] = counts.get(word, 0) + int(row.get("count", 1))
        named.setdefault(roman, row)
    examples = []
    for roman, counts in wanted.items():
        answer = tuple(sorted(counts, key=lambda word: (-counts[word], word)))
        group = named[roman].get("group", answer[0])
        kind = named[roman].get("kind", length_kind(roman))
        examples.append(Example(f"{split}-{roman}", group, roman, answer, kind))
    return tuple(examples)


def length_kind(roman: str) -> str:
    """Short words have fewer letters to go by, long ones more to get wrong."""
    return "1-4 letters" if len(roman) < 5 else "5-8 letters" if len(roman) < 9 else "9 letters and more"
