"""What all tracks share: their name, and the report on what each language costs in pieces."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar

from common.usecase import Table, UseCase
from usecases.indic_adaptation import xquad
from usecases.indic_adaptation.fertility import UDHR_FILE, fertility_table, own_parallel, udhr


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


def parallel_of(data: Path | None) -> dict[str, list[str]]:
    """Texts that say the same in several languages: the person's, or the ones that are shipped."""
    if data is None:
        return own_parallel()
    if (data / UDHR_FILE).is_file():
        return udhr(data)
    return xquad.parallel(data) if xquad.stands_in(data) else own_parallel()
