"""What a tokenizer does to a language: pieces per word, words it cannot read, vowel signs it drops.

Pieces per word alone mislead: a tokenizer that writes a whole word as unknown looks cheap. So three
counts stand beside it, and the total against English on the same content, since words of different
languages hold different amounts of it.
"""

import tomllib
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from common.data import read_jsonl
from common.errors import FaultsError, GalleryError
from common.usecase import Table
from usecases.indic_adaptation.romanise import romanise
from usecases.indic_adaptation.scripts import script_name, words

FILE = Path(__file__).parent / "data" / "parallel.toml"
UDHR_FILES = "udhr*.jsonl"
ENGLISH = "English"
ROMANISED = ("Hindi", "Bengali", "Tamil")
FEW_PIECES = 2.5
LARGEST_UNKNOWN = 0.02
LARGEST_LOST = 0.01
COLUMNS = ("language", "script", "per word", "unknown", "signs lost", "vs English", "advice")
NOTE = (
    "Unreadable: words become unknown pieces; signs lost: vowel signs are dropped without a word. Both need "
    f"another base, or Roman letters. Above {FEW_PIECES} pieces per word new pieces pay in speed and context "
    "(extend); below, tune the model as it is. Rows named Roman are the same sentences in casual spelling."
)


@dataclass(frozen=True)
class Fertility:
    """What one tokenizer makes of one language."""

    language: str
    script: str
    pieces_per_word: float
    unknown_words: float
    lost_signs: float
    premium: float
    example: str = ""

    @property
    def advice(self) -> str:
        if self.unknown_words > LARGEST_UNKNOWN:
            return "unreadable"
        if self.lost_signs > LARGEST_LOST:
            return "signs lost"
        return "extend" if self.pieces_per_word > FEW_PIECES else "keep"

    def row(self) -> tuple[str, ...]:
        return (
            self.language,
            self.script,
            f"{self.pieces_per_word:.2f}",
            f"{self.unknown_words:.0%}",
            f"{self.lost_signs:.0%}",
            f"{self.premium:.2f}",
            self.advice,
        )


@cache
def own_parallel() -> dict[str, list[str]]:
    """The hand-written sentences by language, and Indo-Aryan and Dravidian ones in Roman letters."""
    return with_roman(tomllib.loads(FILE.read_text(encoding="utf-8"))["text"])


def with_roman(texts: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """Texts by language, and those that are romanised for comparison in Roman letters, too."""
    chosen = [name for name in ROMANISED if name in texts]
    return {**texts, **{f"{name}, Roman": [romanise(text) for text in texts[name]] for name in chosen}}


def udhr_file(folder: Path) -> Path | None:
    """The file of a folder that holds the Universal Declaration."""
    return next(iter(sorted(folder.glob(UDHR_FILES))), None)


def udhr(path: Path) -> dict[str, list[str]]:
    """The articles of the Universal Declaration that every language of a file has, English first."""
    faults: list[str] = []
    rows = read_jsonl(path, {"name": str, "article": int, "text": str}, faults)
    if faults:
        raise FaultsError(f"The data in {path}", faults, "Nothing was counted. Mend the rows and try again.")
    texts: dict[str, dict[int, str]] = {}
    for _, row in rows:
        name = ENGLISH if row.get("lang") == "en" or row["name"].startswith(ENGLISH) else row["name"]
        texts.setdefault(name, {})[row["article"]] = row["text"]
    if ENGLISH not in texts:
        raise GalleryError(
            f"{path}: every language is compared with English, and no row has the name {ENGLISH!r}. Found: "
            f"{', '.join(sorted(texts))}. Add the English articles and try again."
        )
    shared = set.intersection(*(set(found) for found in texts.values()))
    if not shared:
        few = min(texts, key=lambda name: len(texts[name]))
        raise GalleryError(
            f"{path}: no article stands in every language; {few} has the fewest, {len(texts[few])}. Only the "
            "same articles can be compared: add them, or take that language out."
        )
    parts = {name: [found[number] for number in sorted(shared)] for name, found in texts.items()}
    return with_roman({ENGLISH: parts[ENGLISH], **parts})


def measure(tokenizer: Any, language: str, texts: Sequence[str], english_pieces: int) -> Fertility:
    """The counts of one language."""
    found = [word for text in texts for word in words(text)]
    unknown, lost, signs, example = 0, 0, 0, ""
    for word in found:
        ids = tokenizer(word, add_special_tokens=False)["input_ids"]
        if tokenizer.unk_token_id is not None and tokenizer.unk_token_id in ids:
            unknown += 1
            continue
        read = tokenizer.decode(ids).strip()
        missing = max(0, marks(word) - marks(read))
        signs, lost = signs + marks(word), lost + missing
        example = example or (f"{word} is read as {read}" if missing else "")
    return Fertility(
        language,
        script_name(" ".join(texts)),
        count(tokenizer, [" ".join(words(text)) for text in texts]) / len(found),  # as words stand in a text
        unknown / len(found),
        lost / max(signs, 1),
        count(tokenizer, texts) / english_pieces,
        example,
    )


def marks(text: str) -> int:
    """Vowel signs, viramas and nasal signs of a text."""
    return sum(unicodedata.category(c)[0] == "M" for c in unicodedata.normalize("NFC", text))


def count(tokenizer: Any, texts: Sequence[str]) -> int:
    return sum(len(tokenizer(text, add_special_tokens=False)["input_ids"]) for text in texts)


def report(tokenizer: Any, parallel: Mapping[str, Sequence[str]]) -> list[Fertility]:
    """Every language of a parallel text, English first."""
    english = count(tokenizer, parallel[ENGLISH])
    return [measure(tokenizer, name, texts, english) for name, texts in parallel.items()]


def fertility_table(title: str, tokenizer: Any, parallel: Mapping[str, Sequence[str]]) -> Table:
    """The report as a table, with a warning below it where vowel signs are lost without a word."""
    found = report(tokenizer, parallel)
    silent = [item for item in found if item.lost_signs > LARGEST_LOST]
    named = "; ".join(f"{item.language} ({item.example})" for item in silent)
    warning = f" Warning: this tokenizer drops vowel signs without a word: {named}." if silent else ""
    return Table(title, COLUMNS, tuple(item.row() for item in found), NOTE + warning)
