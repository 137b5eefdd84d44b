"""XQuAD in English and Hindi: parallel passages, and Hindi questions whose passage is English.

Read in its own form (`xquad.en.json`, `xquad.hi.json`), or as passages side by side; those have no
questions, so the first Hindi sentence of a passage asks for it.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common.data import hashed_split, read_jsonl
from common.errors import FaultsError
from common.usecase import Example, Source, Splits
from usecases.indic_adaptation.romanise import romanise

SOURCE = Source(
    "XQuAD, English and Hindi", "CC BY-SA 4.0", "github.com/google-deepmind/xquad", "as in the files given"
)
PASSAGES_FILE = "xquad_en_hi.passages.jsonl"
FILES = ("xquad.en.json", "xquad.hi.json")
COLUMNS = {"id": str, "article": int, "en": str, "hi": str}
ADVICE = "Nothing was run. Mend the files and try again."
SENTENCE_END = re.compile(r"(?<=[।?!])\s")


@dataclass(frozen=True)
class Passage:
    """One passage in both languages, and what is asked of it in Hindi."""

    id: str
    article: str
    english: str
    hindi: str
    asked: tuple[str, ...]


def stands_in(folder: Path) -> bool:
    """Whether a folder holds XQuAD in one of its two forms."""
    return (folder / PASSAGES_FILE).is_file() or all((folder / name).is_file() for name in FILES)


def read(folder: Path) -> list[Passage]:
    """Every passage, or every fault in the files at once."""
    faults: list[str] = []
    found = side_by_side(folder, faults) if (folder / PASSAGES_FILE).is_file() else own_form(folder, faults)
    if faults:
        raise FaultsError(f"The data in {folder}", faults, ADVICE)
    return found


def side_by_side(folder: Path, faults: list[str]) -> list[Passage]:
    """Passages of a JSON lines file with both languages in a row."""
    rows = [row for _, row in read_jsonl(folder / PASSAGES_FILE, COLUMNS, faults)]
    return [
        Passage(r["id"], str(r["article"]), r["en"], r["hi"], (SENTENCE_END.split(r["hi"])[0],)) for r in rows
    ]


def own_form(folder: Path, faults: list[str]) -> list[Passage]:
    """Passages of the two files of the data set, which stand in the same order."""
    english, hindi = (paragraphs(folder / name, faults) for name in FILES)
    if not faults and [key for key, _ in english] != [key for key, _ in hindi]:
        faults.append(f"{FILES[0]} and {FILES[1]} do not hold the same articles and paragraphs")
    if faults:
        return []
    return [
        Passage(key, key.split("-")[0], ours["context"], theirs["context"], questions(theirs))
        for (key, ours), (_, theirs) in zip(english, hindi, strict=True)
    ]


def paragraphs(path: Path, faults: list[str]) -> list[tuple[str, dict[str, Any]]]:
    """The paragraphs of one language, named by article and place."""
    try:
        articles = json.loads(path.read_text(encoding="utf-8"))["data"]
        found = [
            (f"{number}-{place}", paragraph)
            for number, article in enumerate(articles)
            for place, paragraph in enumerate(article["paragraphs"])
        ]
        faults += [f"{path.name} paragraph {key}: no context" for key, p in found if not p.get("context")]
        return found
    except (OSError, ValueError, KeyError, TypeError) as error:
        faults.append(f"{path}: not in the form of XQuAD ({type(error).__name__}: {error})")
        return []


def questions(paragraph: dict[str, Any]) -> tuple[str, ...]:
    """What is asked of a paragraph."""
    return tuple(item["question"] for item in paragraph.get("qas", ()))


def parallel(folder: Path) -> dict[str, list[str]]:
    """The passages by language, for counting what each costs."""
    found = read(folder)
    hindi = [passage.hindi for passage in found]
    return {
        "English": [passage.english for passage in found],
        "Hindi": hindi,
        "Hindi, Roman": [romanise(text) for text in hindi],
    }


def search_splits(folder: Path) -> Splits:
    """Romanised Hindi questions over every English passage; whole articles are held out."""
    found = read(folder)
    parts: dict[str, list[Example]] = {"train": [], "val": [], "test": []}
    for passage in found:
        split = hashed_split(f"xquad {passage.article}")
        for number, asked in enumerate(passage.asked):
            name = f"{passage.id}-{number}"
            kind = "question" if asked.rstrip().endswith("?") else "first sentence"
            parts[split].append(Example(name, passage.article, romanise(asked), (passage.id,), kind))
    return Splits(
        **{name: tuple(examples) for name, examples in parts.items()},
        documents={passage.id: passage.english for passage in found},
        source=SOURCE,
    )
