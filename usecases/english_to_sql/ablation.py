"""What each part of the prompt is worth: one model, a grid over serializer, keys, values and order.

python -m usecases.english_to_sql.ablation [RUN_FOLDER]
"""

import hashlib
import itertools
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from common.ask import finished_config, tuned_model
from common.metrics import mean_interval
from common.models import keep_quiet
from common.usecase import Example, Splits, Table, find
from usecases.english_to_sql.prompt import NUMBERED, PromptOptions, template_hash
from usecases.english_to_sql.prompting import PLAIN, Prompter, messages
from usecases.english_to_sql.serialize import SERIALIZERS
from usecases.english_to_sql.usecase import EnglishToSql, Generate

KEYS = ("inline", "block", "none")
VALUES = ("none", "matched", "matched and samples")
ORDERS = (0, 1)
SAMPLES = 2


@dataclass(frozen=True)
class Cell:
    """One way to write the prompt; order 0 is the canonical one, others are shuffles."""

    options: PromptOptions
    values: str
    order: int


def grid() -> Iterator[Cell]:
    """Every combination of the four parts."""
    every = (*SERIALIZERS, NUMBERED)
    for serializer, keys, values, order in itertools.product(every, KEYS, VALUES, ORDERS):
        if (serializer, keys) == (NUMBERED, "block"):
            continue
        options = PromptOptions(
            serializer=serializer,
            keys=keys,
            link_values=values != "none",
            samples=SAMPLES if values == "matched and samples" else 0,
            abstain=PLAIN.abstain,
        )
        yield Cell(options, values, order)


def chosen(examples: Sequence[Example], count: int) -> list[Example]:
    """The same examples for every cell, picked by hash."""
    return sorted(examples, key=lambda e: hashlib.sha256(e.id.encode()).digest())[:count]


def ordered(example: Example, order: int) -> Example:
    """The example under a shuffled schema, or as it is."""
    if not order:
        return example
    inputs = {**example.inputs, "order": order}
    return Example(example.id, example.group, inputs, example.answer, example.kind, example.extra)


def ablate(usecase: EnglishToSql, splits: Splits, generate: Generate, count: int = 100) -> Table:
    """EX-suite of every cell on the same test questions, with intervals clustered by schema."""
    examples = chosen(splits.test, count)
    rows = [row_of(usecase, examples, generate, cell) for cell in grid()]
    head = ("serializer", "keys", "values", "order", "EX-suite", "95 % interval", "characters", "template")
    note = (
        f"{len(examples)} test questions; the model was trained on "
        f"{usecase.prompter.options.serializer}, keys {usecase.prompter.options.keys}."
    )
    return Table("What each part of the prompt is worth", head, tuple(rows), note)


def row_of(
    usecase: EnglishToSql, examples: Sequence[Example], generate: Generate, cell: Cell
) -> tuple[str, ...]:
    """One line of the grid."""
    import numpy as np

    prompter = Prompter(cell.options, usecase.schema)
    placed = [ordered(example, cell.order) for example in examples]
    asked = [prompter.asked(example).text for example in placed]
    outputs = generate([messages(text) for text in asked])
    queries = [prompter.sql(example, output) for example, output in zip(placed, outputs, strict=True)]
    right = [usecase.score(e, query)["ex_suite"] for e, query in zip(examples, queries, strict=True)]
    found = mean_interval(np.array(right), [example.group for example in examples])
    return (
        cell.options.serializer,
        cell.options.keys,
        cell.values,
        "shuffled" if cell.order else "canonical",
        f"{found.mean:.3f}",
        f"{found.low:.3f} to {found.high:.3f}",
        f"{fmean(map(len, asked)):.0f}",
        template_hash(cell.options),
    )


def as_text(table: Table) -> str:
    """The table for a terminal."""
    cells = [table.columns, *table.rows]
    widths = [max(len(str(row[place])) for row in cells) for place in range(len(table.columns))]
    lines = ["  ".join(str(c).ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in cells]
    return "\n".join([table.title, *lines, table.note])


def main(folder: Path, count: int = 100) -> None:
    """Prints the grid over the shipped test questions for the model of a finished run."""
    found = find("english_to_sql")
    config = finished_config(found, folder)
    usecase = found.configured(config.task)
    generate = tuned_model(usecase, config, folder)
    print(as_text(ablate(usecase, usecase.load(None), generate, count)))


if __name__ == "__main__":
    keep_quiet(online=False)
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "runs/english_to_sql--offline"))
