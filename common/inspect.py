"""What is in a use case's data: counts, lengths, kinds, leaks, what is learnt from."""

from pathlib import Path

import numpy as np
from rich.table import Table

from common import data as core
from common import models
from common.errors import GalleryError
from common.progress import console, not_as_given, say
from common.usecase import Splits, UseCase

SHOWN = 5


def describe_data(usecase: UseCase, data: Path | None) -> bool:
    """Prints the findings; False when the splits leak."""
    splits = usecase.load(data)
    facts = core.describe(splits)
    say(f"[bold]{usecase.title}[/bold]  fingerprint {facts['fingerprint']}")
    console.print(split_table(splits))
    for name, count in facts["kinds"].items():
        say(f"  test kind {name}: {count}")
    say(not_as_given(splits.dropped))
    show_training_row(usecase, splits)
    found = core.leaks(splits)
    say(f"[bold]leaks between splits[/bold]: {len(found)}")
    for leak in found[:SHOWN]:
        console.print(f"  {leak}", markup=False)
    return not found


def describe_tokenizer(usecase: UseCase, name: str, data: Path | None) -> None:
    """Prints what a tokenizer makes of the languages of a use case."""
    if name != "embedded" and not Path(name).exists() and not models.is_hub_id(name):
        raise GalleryError(
            f"--tokenizer {name!r} is not `embedded`, not a folder that exists, and not a hub id of the form "
            "org/name. Check the path or the spelling."
        )
    path = str(models.embedded_folder(usecase.tuner)) if name == "embedded" else name
    base = models.Base(name, path, "main", "", "", models.is_hub_id(name))
    try:
        tables = usecase.tokenizer_tables({name: lambda: models.load_tokenizer(base)}, data)
    except (OSError, ValueError) as error:
        raise GalleryError(f"No tokenizer could be read from {name!r}: {str(error)[:200]}") from error
    if not tables:
        raise GalleryError(f"{usecase.name} has nothing to say about tokenizers.")
    for found in tables:
        table = Table(*found.columns, title=found.title, title_justify="left", box=None, pad_edge=False)
        for row in found.rows:
            table.add_row(*map(str, row))
        console.print(table)
        console.print(found.note, markup=False)


def split_table(splits: Splits) -> Table:
    """Counts and lengths by split."""
    table = Table("split", "examples", "groups", "words, median", "words, longest")
    texts = {name: [core.text_of(e) for e in part] for name, part in splits.named().items()}
    groups = {name: str(len({e.group for e in part})) for name, part in splits.named().items()}
    texts["documents"] = list(splits.documents.values())
    for name, part in texts.items():
        words = [len(text.split()) for text in part]
        if words:
            table.add_row(
                name,
                str(len(part)),
                groups.get(name, ""),
                f"{np.median(words):.0f}",
                str(max(words)),
            )
    return table


def show_training_row(usecase: UseCase, splits: Splits) -> None:
    """One training row, so that a person sees what the model learns from."""
    rows = usecase.train_rows(splits.train[0], splits)
    say(f"[bold]training rows of the first example[/bold]: {len(rows)}")
    for column, value in rows[0].items():
        learnt = "read only" if column in ("anchor", "prompt") else "learnt from"
        console.print(f"  {column} ({learnt}): {str(value)[:160]}", markup=False)
