"""What prompts and training rows read is encoded before they are written, all at once, and changes none."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from common.usecase import Example
from usecases.english_to_sql import linker
from usecases.english_to_sql.prompt import reading
from usecases.english_to_sql.reading import read
from usecases.english_to_sql.usecase import EnglishToSql

SHORT = EnglishToSql().configured({"answers": "short"})
SPLITS = SHORT.load(None)
EXAMPLES = SPLITS.val[::30]


def forget(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if nothing had been read before."""
    reading.cache_clear()
    read.cache_clear()
    monkeypatch.setattr(linker, "VECTORS", {})


@pytest.mark.parametrize(
    ("learnt", "write"),
    [(False, SHORT.model_input), (True, lambda example: SHORT.train_rows(example, SPLITS))],
)
def test_all_is_encoded_before_it_is_needed(
    learnt: bool, write: Callable[[Example], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    forget(monkeypatch)
    alone = [write(example) for example in EXAMPLES]
    forget(monkeypatch)
    encoded: list[int] = []
    encode = linker.encoder().encode

    def counted(texts: Sequence[str], **how: Any) -> Any:
        encoded.append(len(texts))
        return encode(texts, **how)

    monkeypatch.setattr(linker.encoder(), "encode", counted)
    SHORT.ready(EXAMPLES, learnt)
    before = len(encoded)
    assert 0 < before < len(EXAMPLES)
    assert [write(example) for example in EXAMPLES] == alone
    assert len(encoded) == before
