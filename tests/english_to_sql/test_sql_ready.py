"""What prompts and training rows read is encoded before they are written, in two goes, and changes none."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from common.usecase import Example
from usecases.english_to_sql import word_vectors
from usecases.english_to_sql.prompt import reading
from usecases.english_to_sql.reading import heard, read
from usecases.english_to_sql.usecase import EnglishToSql

SHORT = EnglishToSql().configured({"answers": "short"})
SPLITS = SHORT.load(None)
EXAMPLES = SPLITS.val[::30]
GOES = 2  # words and columns, then the likely ones as words about a table


def forget(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if nothing had been read before."""
    reading.cache_clear()
    heard.cache_clear()
    read.cache_clear()
    monkeypatch.setattr(word_vectors, "VECTORS", {})


def counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many texts each further call encodes."""
    encoded: list[int] = []
    encode = word_vectors.phrase_vectors

    def counting(model: Any, texts: Sequence[str]) -> Any:
        encoded.append(len(texts))
        return encode(model, texts)

    monkeypatch.setattr(word_vectors, "phrase_vectors", counting)
    return encoded


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
    encoded = counted(monkeypatch)
    SHORT.ready(EXAMPLES, learnt)
    assert len(encoded) == GOES and encoded[0] > len(EXAMPLES)
    assert [write(example) for example in EXAMPLES] == alone
    assert len(encoded) == GOES


def test_who_scores_answers_of_another_process_reads_the_questions_of_a_schema_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    case = EnglishToSql().configured({"answers": "short"})
    asked = [example for example in case.load(None).test if example.group == SPLITS.test[0].group]
    forget(monkeypatch)
    encoded = counted(monkeypatch)
    for example in asked[:5]:
        case.score(example, "SELECT @0")
    assert len(asked) > 50 and len(encoded) == GOES and encoded[0] > len(asked)


def test_vectors_made_at_once_are_those_of_the_encoder(monkeypatch: pytest.MonkeyPatch) -> None:
    forget(monkeypatch)
    texts = ["fee", "the fee of a visit", "Größe", "date of the last inspection of a lift", "fee"]
    found = word_vectors.vectors(texts)
    wanted = word_vectors.encoder().encode(texts, normalize_embeddings=True, show_progress_bar=False)
    assert np.allclose(found, wanted, atol=1e-5) and len(word_vectors.VECTORS) == 4
