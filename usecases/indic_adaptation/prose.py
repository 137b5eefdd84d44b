"""Plain text that is learnt beside the commands: native text to go on pretraining, English to keep it.

Own hand-written sentences, or `native.txt` and `english.txt` of the person's folder, one passage a line.
"""

from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from common.data import share_of
from usecases.indic_adaptation import commands
from usecases.indic_adaptation.fertility import own_parallel
from usecases.indic_adaptation.scripts import canonical, detect

NATIVE_FILE, ENGLISH_FILE = "native.txt", "english.txt"
WORDS_AT_ONCE = 60


def passages(path: Path) -> tuple[str, ...]:
    """The lines of a text file, long ones in parts that fit a training row."""
    lines = (canonical(line).split() for line in path.read_text(encoding="utf-8").splitlines())
    parts = (line[at : at + WORDS_AT_ONCE] for line in lines for at in range(0, len(line), WORDS_AT_ONCE))
    return tuple(" ".join(part) for part in parts if len(part) > 1)


def given(folder: Path | None, name: str) -> Path | None:
    """A text file of the person's folder, if it is there."""
    return folder / name if folder and (folder / name).is_file() else None


def english(folder: Path | None) -> tuple[str, ...]:
    """English to keep: the person's, or sentences, and commands whose meaning is not the test's."""
    path = given(folder, ENGLISH_FILE)
    return passages(path) if path else own_english()


@cache
def own_english() -> tuple[str, ...]:
    everyday = (row[2] for row in commands.everyday())
    asked = (commands.english(m) for m in commands.meanings() if commands.split_of(m) != "test")
    return (*own_parallel()["English"], *everyday, *asked)


def native(folder: Path | None) -> tuple[str, ...]:
    """Native text to learn: the person's, or parallel sentences in Indic scripts and everyday Hindi."""
    path = given(folder, NATIVE_FILE)
    return passages(path) if path else own_native()


@cache
def own_native() -> tuple[str, ...]:
    parallel = (text for texts in own_parallel().values() for text in texts if detect(text) != "not Indic")
    return (*parallel, *(canonical(row[0]) for row in commands.everyday()))


def row_of(text: str) -> dict[str, Any]:
    """A passage to go on with after its first word."""
    first, _, rest = text.partition(" ")
    return {"prompt": f"{first} ", "completion": rest}


def native_rows(texts: Sequence[str], share: float, script: str) -> list[dict[str, Any]]:
    """A share of native passages, in the script that the model is to read."""
    return [row_of(commands.in_script(text, script)) for text in texts if share_of(f"native {text}") < share]


def replay_rows(names: Iterator[str], share: float, texts: Sequence[str]) -> list[dict[str, Any]]:
    """An English passage beside a share of the rows, which have names, so that English is not forgotten."""
    chosen = (name for name in names if share_of(name) < share)
    return [row_of(texts[int(share_of(f"replay {name}") * (len(texts) - 1))]) for name in chosen]
