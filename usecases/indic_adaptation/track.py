"""What all tracks share: their name, and the report on what each language costs in pieces."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar

from common.data import by_hash, existing_folder
from common.progress import say
from common.usecase import Splits, Table, UseCase
from usecases.indic_adaptation import xquad
from usecases.indic_adaptation.fertility import fertility_table, own_parallel, udhr, udhr_file

COSTED = 200
COST_NOTE = (
    "Bits are of the right answer with its end, over its characters: unlike a loss per token they compare "
    "vocabularies."
)


class Track(UseCase):
    """One task of this use case."""

    name: ClassVar[str] = "indic_adaptation"

    def tokenizer_tables(self, tokenizers: Mapping[str, Callable[[], Any]], data: Path | None) -> list[Table]:
        """Fertility of each tokenizer on parallel text: the person's, where the folder has some."""
        parallel = parallel_of(data)
        return [
            fertility_table(f"What each language costs: the {name} tokenizer", load(), parallel)
            for name, load in tokenizers.items()
        ]


def cost_table(usecase: UseCase, splits: Splits, models: Mapping[str, Any]) -> Table:
    """Tokens and bits that right answers take, untuned and tuned; random weights are not asked."""
    examples = by_hash(splits.test)[:COSTED]
    written = sum(len(str(usecase.gold(example))) for example in examples)
    rows = []
    for name, label in (("zero_shot", "untuned model"), ("tuned", "tuned")):
        if {"test", "cost"} <= models.get(name, {}).keys():
            read, told, bits = (
                sum(c) for c in zip(*(models[name]["cost"](e) for e in examples), strict=True)
            )
            row = (
                label,
                f"{read / len(examples):.1f}",
                f"{told / len(examples):.1f}",
                f"{bits / written:.2f}",
            )
            rows.append(row)
    columns = ("contender", "tokens read", "tokens written", "bits per character")
    return Table(f"What right answers take, {len(examples)} of the test", columns, tuple(rows), COST_NOTE)


def parallel_of(data: Path | None) -> dict[str, list[str]]:
    """Texts that say the same in several languages: the person's, or the ones that are shipped."""
    if data is None:
        return own_parallel()
    folder = existing_folder(data if data.is_dir() else data.parent)
    declaration = udhr_file(folder)
    if declaration:
        return udhr(declaration)
    if xquad.stands_in(folder):
        return xquad.parallel(folder)
    say(f"  {folder} holds no udhr*.jsonl and no XQuAD: tokens are counted on the sentences that are shipped")
    return own_parallel()
