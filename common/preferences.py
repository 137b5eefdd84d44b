"""Preference pairs as tokens, how likely a model finds them, and what a model's own answers add."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from common import chat
from common.chat import IGNORED, Encoded
from common.errors import GalleryError
from common.evaluate_text import answer_logits

BATCH_ROWS = 32
LARGEST_SHARE_LOST = 0.01
LIKE_LENGTH = (0.5, 2.0)


@dataclass(frozen=True)
class Pair:
    """A prompt with the answer that was preferred and the one that was not; `row` is as it was given."""

    prompt_ids: list[int]
    chosen_ids: list[int]
    rejected_ids: list[int]
    row: dict[str, Any]

    def encoded(self, side: str) -> Encoded:
        """The prompt with one of its answers; loss is on the answer."""
        answer = self.chosen_ids if side == "chosen" else self.rejected_ids
        return Encoded(self.prompt_ids + answer, [IGNORED] * len(self.prompt_ids) + answer)

    def columns(self) -> dict[str, list[int]]:
        return {name: getattr(self, name) for name in ("prompt_ids", "chosen_ids", "rejected_ids")}


def pair_of(tokenizer: Any, row: dict[str, Any]) -> Pair:
    """A row in TRL's column names as tokens; the prompt is exactly that of inference."""
    chosen, rejected = (
        chat.encode(tokenizer, {"prompt": row["prompt"], "completion": row[side]})
        for side in ("chosen", "rejected")
    )
    asked = chat.prompt_ids(tokenizer, row["prompt"])
    return Pair(asked, chosen.answer_ids(), rejected.answer_ids(), row)


def pairs_of(tokenizer: Any, rows: Sequence[dict[str, Any]], longest: int) -> list[Pair]:
    """Every row as a pair, refused when the length limit would lose more than one in a hundred."""
    pairs = [pair_of(tokenizer, row) for row in rows]
    sizes = [len(p.prompt_ids) + max(len(p.chosen_ids), len(p.rejected_ids)) for p in pairs]
    kept = [pair for pair, size in zip(pairs, sizes, strict=True) if size <= longest]
    if len(pairs) - len(kept) > LARGEST_SHARE_LOST * len(pairs) or not kept:
        raise GalleryError(
            f"{len(pairs) - len(kept)} of {len(pairs)} preference pairs are longer than "
            f"train_length_tokens = {longest} (the longest has {max(sizes, default=0)}). Raise it in the "
            "variant, or shorten the prompts."
        )
    return kept


def log_probabilities(model: Any, tokenizer: Any, rows: Sequence[Encoded]) -> np.ndarray:
    """The log-probability of each whole answer; only answer positions reach the vocabulary."""
    import torch

    training = model.training
    model.eval()
    order = sorted(range(len(rows)), key=lambda place: len(rows[place].input_ids))
    found = np.zeros(len(rows))
    with torch.inference_mode():
        for start in range(0, len(order), BATCH_ROWS):
            chosen = order[start : start + BATCH_ROWS]
            found[chosen] = batch_log_probabilities(model, tokenizer, [rows[i] for i in chosen])
    model.train(training)
    return found


def batch_log_probabilities(model: Any, tokenizer: Any, rows: list[Encoded]) -> np.ndarray:
    """The same for rows that fit in one batch, filled on the right."""
    import torch

    longest = max(len(row.input_ids) for row in rows)
    tokens = torch.full((len(rows), longest), tokenizer.pad_token_id)
    labels = torch.full((len(rows), longest), IGNORED)
    mask = torch.zeros((len(rows), longest), dtype=torch.long)
    for place, row in enumerate(rows):
        size = len(row.input_ids)
        tokens[place, :size], labels[place, :size] = torch.tensor(row.input_ids), torch.tensor(row.labels)
        mask[place, :size] = 1
    tokens, labels, mask = (part.to(model.device) for part in (tokens, labels, mask))
    wanted = labels[:, 1:] != IGNORED
    logits = answer_logits(model, wanted, input_ids=tokens, attention_mask=mask)
    each = -torch.nn.functional.cross_entropy(logits, labels[:, 1:][wanted], reduction="none")
    rows_of = wanted.nonzero()[:, 0]
    return torch.zeros(len(rows), device=each.device).index_add(0, rows_of, each).cpu().numpy()


@dataclass(frozen=True)
class Likelihoods:
    """Log-probabilities of both answers of some pairs under one model."""

    chosen: np.ndarray
    rejected: np.ndarray

    @staticmethod
    def under(model: Any, tokenizer: Any, pairs: Sequence[Pair]) -> "Likelihoods":
        sides = [[pair.encoded(side) for pair in pairs] for side in ("chosen", "rejected")]
        return Likelihoods(*(log_probabilities(model, tokenizer, rows) for rows in sides))


def accuracy(margins: np.ndarray) -> float:
    """Share of pairs on the right side; a tie counts half, where TRL counts it as wrong."""
    return float(np.mean((margins > 1e-6) + 0.5 * (np.abs(margins) <= 1e-6)))


def preference_measures(pairs: Sequence[Pair], before: Likelihoods, after: Likelihoods) -> dict[str, float]:
    """What training did to the pairs: implicit rewards, plain likelihood, and displacement."""
    gained, lost = after.chosen - before.chosen, after.rejected - before.rejected
    lengths = np.array([len(pair.chosen_ids) for pair in pairs])
    return {
        "pairs": len(pairs),
        "reward_accuracy": accuracy(gained - lost),
        "chosen_likelier_before": accuracy(before.chosen - before.rejected),
        "chosen_likelier_after": accuracy(after.chosen - after.rejected),
        "chosen_change": float(gained.mean()),
        "chosen_change_per_token": float(gained.sum() / lengths.sum()),
    }


def with_own_answers(
    tokenizer: Any, pairs: Sequence[Pair], texts: Sequence[str | None], share: float
) -> list[Pair]:
    """Pairs whose rejected answer is replaced by what the model itself wrote and got wrong.

    A replacement must be about as long as the chosen answer, or length would tell them apart.
    """
    found, most = list(pairs), int(share * len(pairs))
    for place, text in enumerate(texts):
        row = found[place].row
        if text and most and like_length(text, row["chosen"]):
            rejected = text if isinstance(row["rejected"], str) else [{"role": "assistant", "content": text}]
            found[place] = pair_of(tokenizer, {**row, "rejected": rejected})
            most -= 1
    return found


def like_length(text: str, chosen: str | list[dict[str, str]]) -> bool:
    """Whether two answers are about equally long."""
    wanted = chosen if isinstance(chosen, str) else chosen[-1]["content"]
    low, high = LIKE_LENGTH
    return low * len(wanted) <= len(text) <= high * len(wanted)
