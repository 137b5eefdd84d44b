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

from common.data import existing_folder, read_jsonl
from common.errors import FaultsError
from common.usecase import Table
from usecases.indic_adaptation.romanise import romanise
from usecases.indic_adaptation.scripts import NOT_INDIC, detect, words

FILE = Path(__file__).parent / "data" / "parallel.toml"
UDHR_FILE = "udhr_multilingual.jsonl"
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
    texts = tomllib.loads(FILE.read_text(encoding="utf-8"))["text"]
    roman = {f"{name}, Roman": [romanise(t) for t in texts[name]] for name in ("Hindi", "Bengali", "Tamil")}
    return {**texts, **roman}


def udhr(folder: Path) -> dict[str, list[str]]:
    """Parallel articles by language from a folder with the Universal Declaration."""
    faults: list[str] = []
    columns = {"name": str, "article": int, "text": str}
    rows = read_jsonl(existing_folder(folder) / UDHR_FILE, columns, faults)
    if faults:
        raise FaultsError(
            f"The data in {folder}", faults, "Nothing was counted. Mend the rows and try again."
        )
    texts: dict[str, list[str]] = {}
    for _, row in rows:
        texts.setdefault(row["name"], []).append(row["text"])
    if "Hindi" in texts:
        texts["Hindi, Roman"] = [romanise(text) for text in texts["Hindi"]]
    return texts


def measure(tokenizer: Any, language: str, texts: Sequence[str], english_pieces: int) -> Fertility:
    """The counts of one language."""
    found = words(" ".join(texts))
    unknown, lost, signs = 0, 0, 0
    for word in found:
        ids = tokenizer(word, add_special_tokens=False)["input_ids"]
        if tokenizer.unk_token_id is not None and tokenizer.unk_token_id in ids:
            unknown += 1
            continue
        signs += marks(word)
        lost += max(0, marks(word) - marks(tokenizer.decode(ids)))
    pieces = count(tokenizer, texts)
    return Fertility(
        language,
        script_name(" ".join(texts)),
        count(tokenizer, found) / len(found),
        unknown / len(found),
        lost / max(signs, 1),
        pieces / english_pieces,
    )


def script_name(text: str) -> str:
    """The script of a text; one that is not Indic goes by Unicode's name of its first letter."""
    script = detect(text)
    letter = next(c for c in text if unicodedata.category(c)[0] == "L")
    return unicodedata.name(letter).split()[0].title() if script == NOT_INDIC else script


def marks(text: str) -> int:
    """Vowel signs, viramas and nasal signs of a text."""
    return sum(unicodedata.category(c)[0] == "M" for c in unicodedata.normalize("NFC", text))


def count(tokenizer: Any, texts: Sequence[str]) -> int:
    return sum(len(tokenizer(text, add_special_tokens=False)["input_ids"]) for text in texts)


def report(tokenizer: Any, parallel: Mapping[str, Sequence[str]]) -> list[Fertility]:
    """Every language of a parallel text, English first."""
    english = count(tokenizer, parallel["English"])
    return [measure(tokenizer, name, texts, english) for name, texts in parallel.items()]


def fertility_table(title: str, tokenizer: Any, parallel: Mapping[str, Sequence[str]]) -> Table:
    """The report as a table, with a warning below it where vowel signs are lost without a word."""
    found = report(tokenizer, parallel)
    silent = [item.language for item in found if item.lost_signs > LARGEST_LOST]
    warning = (
        f" Warning: this tokenizer drops vowel signs without a word: {', '.join(silent)}." if silent else ""
    )
    return Table(title, COLUMNS, tuple(item.row() for item in found), NOTE + warning)
