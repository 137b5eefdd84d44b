"""What all tracks share: their name, and the report on what each language costs in pieces."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar

from common.usecase import Table, UseCase
from usecases.indic_adaptation.fertility import UDHR_FILE, fertility_table, own_parallel, udhr


class Track(UseCase):
    """One task of this use case."""

    name: ClassVar[str] = "indic_adaptation"

    def tokenizer_tables(self, tokenizers: Mapping[str, Callable[[], Any]], data: Path | None) -> list[Table]:
        """Fertility of each tokenizer on parallel text: the person's, where the folder has some."""
        parallel = udhr(data) if data and (data / UDHR_FILE).is_file() else own_parallel()
        return [
            fertility_table(f"What each language costs: the {name} tokenizer", load(), parallel)
            for name, load in tokenizers.items()
        ]
