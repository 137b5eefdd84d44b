"""Word lists in the form of Dakshina: a native word, a way people romanise it, how many did."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from common.data import Row as NumberedRow
from common.data import share_of
from common.errors import FaultsError, GalleryError
from common.usecase import Example, Source, Splits
from usecases.indic_adaptation.files import ADVICE, Form, read_pair
from usecases.indic_adaptation.scripts import canonical, main_script, word_warnings

FORM = Form("dakshina_hi", {"roman": str, "native": str}, ("native", "roman", "count"))
ORIGIN = "github.com/google-research-datasets/dakshina"
LANGUAGE_IN_NAME = re.compile(r"dakshina_(\w+)\.train|^(\w+)\.translit\.")
LANGUAGES = {
    "hi": "Hindi", "mr": "Marathi", "bn": "Bengali", "gu": "Gujarati", "pa": "Punjabi", "ta": "Tamil",
    "te": "Telugu", "kn": "Kannada", "ml": "Malayalam", "ur": "Urdu", "sd": "Sindhi", "si": "Sinhala",
}  # fmt: skip
VAL_SHARE = 0.04
Row = Mapping[str, Any]


def source_of(train_name: str) -> Source:
    """Whose word list a file is; one that is not named as Dakshina's is the person's own."""
    found = LANGUAGE_IN_NAME.search(train_name)
    if not found:
        return Source(f"word list {train_name}", "as of your files", "given with --data")
    code = found[1] or found[2]
    name = f"Dakshina, {LANGUAGES.get(code, code)} romanisation lexicon, train and dev files"
    return Source(name, "CC BY-SA 4.0", ORIGIN, "as in the files given")


def read_words(data: Path) -> Splits:
    """Splits from a train and a held-out file; the latter is the test, and train loses what stands in it."""
    *read, names = read_pair(data, FORM)
    check_rows(data, dict(zip(names, read, strict=True)))
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
        source=source_of(names[0]),
    )


def check_rows(data: Path, read: Mapping[str, Sequence[NumberedRow]]) -> None:
    """Warns of odd rows; refuses counts that are no numbers, and columns that were swapped."""
    faults = [
        f"{name} row {number}: column 'count' must be a whole number, found {row['count']!r}"
        for name, rows in read.items()
        for number, row in rows
        if not str(row.get("count", 1)).isdecimal()
    ]
    if faults:
        raise FaultsError(f"The data in {data}", faults, ADVICE)
    for name, rows in read.items():
        script = main_script(row["native"] for _, row in rows)
        if script == "Latin":
            raise GalleryError(
                f"{name}: the words in column 'native' are mostly in Roman letters. Expected native script "
                "there and Roman letters in 'roman': are the columns swapped? Nothing was run."
            )
        word_warnings(name, [(n, row["roman"], row["native"]) for n, row in rows], script)


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
