"""Scores of written words: every reference is accepted, and the script of the answer is looked at."""

from collections.abc import Sequence
from functools import cache
from typing import Any

import regex


def edits(left: str, right: str) -> int:
    """How many characters must be put in, taken out or replaced."""
    row = list(range(len(right) + 1))
    for place, character in enumerate(left, start=1):
        before, row = row, [place]
        for column, other in enumerate(right, start=1):
            row.append(min(before[column] + 1, row[-1] + 1, before[column - 1] + (character != other)))
    return row[-1]


def character_error_rate(written: str, references: Sequence[str]) -> float:
    """Edits to the nearest reference over its length."""
    return min(edits(written, reference) / max(len(reference), 1) for reference in references)


@cache
def chrf_metric() -> Any:
    """chrF++ of sacrebleu: characters up to six, words up to two."""
    from sacrebleu.metrics import CHRF

    return CHRF(word_order=2)


def chrf(written: str, references: Sequence[str]) -> float:
    """chrF++ against the nearest reference, from 0 to 1."""
    return chrf_metric().sentence_score(written, list(references)).score / 100


def purity(written: str, script: str) -> float:
    """The share of letters and signs that stand in the expected script; nothing written is not pure."""
    letters = regex.findall(r"[\p{L}\p{M}]", written)
    inside = regex.findall(rf"[\p{{{script}}}]", "".join(letters))
    return len(inside) / len(letters) if letters else 0.0
