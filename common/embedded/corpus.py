"""The mixture that the base model grows on: seeded, deterministic, generated but for the prose.

`documents(seed, count)` yields generated conversations; `prose(folder)` reads public-domain text.
"""

import hashlib
import lzma
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

from . import corpus_dialogue, corpus_lookup, corpus_prompts, corpus_rewrite

Message = tuple[str, str]

# Share of generated documents by source. SQL leads, because unseen schemas are the hardest thing
# that later tuning asks for; look-ups come next, because copying from the prompt carries all the
# other skills; the rest keeps formats, spelling and small numbers alive.
MIXTURE: dict[str, tuple[float, Callable[[Random], list[Message]]]] = {
    "sql": (0.36, corpus_prompts.sql_turns),
    "schema": (0.02, corpus_prompts.schema_turns),
    "key_value": (0.09, corpus_lookup.key_value),
    "table": (0.10, corpus_lookup.table),
    "listing": (0.04, corpus_lookup.listing),
    "extraction": (0.07, corpus_lookup.extraction),
    "facts": (0.05, corpus_lookup.facts),
    "grounded": (0.09, corpus_dialogue.grounded),
    "labelled": (0.04, corpus_dialogue.labelled),
    "by_example": (0.02, corpus_dialogue.by_example),
    "notes": (0.02, corpus_dialogue.notes),
    "swap": (0.03, corpus_rewrite.swap),
    "spelling": (0.01, corpus_rewrite.spelling),
    "characters": (0.01, corpus_rewrite.characters),
    "script": (0.01, corpus_rewrite.script),
    "arithmetic": (0.01, corpus_rewrite.arithmetic),
    "comparison": (0.01, corpus_rewrite.comparison),
    "definition": (0.02, corpus_rewrite.definition),
}
# Share of training tokens that are prose: enough for grammar and word sense, no more, since at a
# few million tokens prose teaches slowly and generated tasks teach fast.
PROSE_SHARE = 0.2
HELD_OUT_SEED = 1_000_003


@dataclass(frozen=True)
class Document:
    """One conversation, or one passage of prose (a single message of role `text`)."""

    source: str
    messages: tuple[Message, ...]

    @property
    def text(self) -> str:
        """All that is said."""
        return "\n".join(text for _, text in self.messages)


def documents(seed: int, count: int) -> Iterator[Document]:
    """`count` generated documents; the same seed gives the same ones."""
    random = Random(seed)
    names, shares = list(MIXTURE), [share for share, _ in MIXTURE.values()]
    for _ in range(count):
        name = random.choices(names, shares)[0]
        yield Document(name, tuple(MIXTURE[name][1](random)))


def fingerprint(seed: int, count: int) -> str:
    """A hash of the first documents of a seed."""
    digest = hashlib.sha256()
    for document in documents(seed, count):
        digest.update(repr(document).encode())
    return digest.hexdigest()


def prose(folder: Path, length: int = 900) -> Iterator[Document]:
    """Passages of about `length` characters from every *.txt or *.txt.xz file of a folder."""
    paths = sorted(path for path in folder.iterdir() if path.name.endswith((".txt", ".txt.xz")))
    if not paths:
        raise FileNotFoundError(
            f"asked for prose in {folder}, found no .txt or .txt.xz file there; "
            "give --corpus a folder that has some"
        )
    for path in paths:
        source = (
            "held_out_prose" if "heldout" in path.name else "code_prose" if "pep" in path.name else "prose"
        )
        opened = (
            lzma.open(path, "rt", encoding="utf-8") if path.suffix == ".xz" else path.open(encoding="utf-8")
        )
        with opened as lines:
            passage = ""
            for line in lines:
                passage += line
                if len(passage) >= length:
                    yield Document(source, (("text", passage.strip()[: 2 * length]),))
                    passage = ""
