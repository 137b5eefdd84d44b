"""Training rows of a text model as tokens, and what is refused before any training."""

from collections.abc import Sequence
from typing import Any

from common import chat
from common.chat import Encoded
from common.errors import GalleryError
from common.job import Job
from common.progress import console, say

MARKED_SHOWN = 3
LARGEST_SHARE_LOST = 0.01


def encoded(job: Job, tokenizer: Any, rows: Sequence[dict[str, Any]]) -> list[Encoded]:
    """Training rows as tokens, refused when the length limit would lose more than one in a hundred."""
    tokens = [piece for row in rows for piece in chat.pieces(tokenizer, row)]
    kept = [row for row in tokens if len(row.input_ids) <= job.config.train_length_tokens]
    lost = len(tokens) - len(kept)
    if lost > LARGEST_SHARE_LOST * len(tokens):
        longest = max(len(row.input_ids) for row in tokens)
        raise GalleryError(
            f"{lost} of {len(tokens)} training rows are longer than train_length_tokens = "
            f"{job.config.train_length_tokens} (the longest has {longest}). Raise it in the variant, or "
            "shorten the prompts."
        )
    refuse_cut_answers(job, kept)
    empty = sum(not answer.strip() for row in rows for _, answer in chat.turns(row))
    if empty or not kept:
        raise GalleryError(
            f"{empty} answers of {len(rows)} training rows are empty, so a model would learn to say nothing. "
            "Write them, or leave the rows out."
        )
    say(f"  training rows: {len(tokens)} in, {len(kept)} kept; loss is on what stands between « and »:")
    for row in kept[:MARKED_SHOWN]:
        console.print("    " + chat.marked(tokenizer, row).replace("\n", "\n    "), markup=False)
    return kept


def refuse_cut_answers(job: Job, rows: Sequence[Encoded]) -> None:
    """Stops before training when answers like those of training would be cut at inference."""
    answers = [length for row in rows for length in chat.answer_lengths(row)]
    allowed = job.config.answer_length_tokens
    cut = sum(length > allowed for length in answers)
    if cut > LARGEST_SHARE_LOST * len(answers):
        raise GalleryError(
            f"{cut} of {len(answers)} training answers are longer than answer_length_tokens = {allowed} "
            f"(the longest has {max(answers)}), so the tuned model would be cut before it ends. "
            "Raise it in the variant, or leave such rows out."
        )
