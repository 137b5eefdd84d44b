"""Training rows of a text model as tokens, in memory or in a file, and what is refused before training."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from common import chat, launch, trainer
from common.chat import Encoded
from common.errors import GalleryError
from common.job import Job
from common.progress import console, say
from common.rows import Rows
from common.stored import Stored, write

MARKED_SHOWN = 3
LARGEST_SHARE_LOST = 0.01
FILE = "rows.arrow"
Lessons = list[Encoded] | Stored


@dataclass
class Seen:
    """What was met on the way from rows to tokens."""

    rows: int = 0
    pieces: int = 0
    longest: int = 0
    lost: int = 0
    answers: int = 0
    longest_answer: int = 0
    cut: int = 0
    empty: int = 0
    shown: list[Encoded] = field(default_factory=list)


def encoded(job: Job, tokenizer: Any, rows: Iterable[dict[str, Any]]) -> list[Encoded]:
    """Training rows as tokens, refused when the length limit would lose more than one in a hundred."""
    return list(passed(job, tokenizer, rows))


def of_training(job: Job, tokenizer: Any) -> Lessons:
    """The use case's training rows; those of a very large file go from file to file."""
    train, case = job.splits.train, job.usecase
    if not isinstance(train, Rows):
        return encoded(job, tokenizer, case.training_set(job.splits))
    path = trainer.checkpoints(job) / FILE
    rows = (row for example in train for row in case.train_rows(example, job.splits))
    launch.once(lambda: write(path, len(train), passed(job, tokenizer, rows)))
    return Stored(path)


def passed(job: Job, tokenizer: Any, rows: Iterable[dict[str, Any]]) -> Iterator[Encoded]:
    """Rows as tokens, one after the other; raises behind the last when too many of them are no good."""
    seen = Seen()
    for row in rows:
        seen.rows += 1
        seen.empty += sum(not answer.strip() for _, answer in chat.turns(row))
        for piece in chat.pieces(tokenizer, row):
            if counted(seen, piece, job):
                yield piece
    refuse_lost_rows(job, seen)
    refuse_cut_answers(job, seen)
    if seen.empty or seen.pieces == seen.lost:
        raise GalleryError(
            f"{seen.empty} answers of {seen.rows} training rows are empty, so a model would learn to say "
            "nothing. Write them, or leave the rows out."
        )
    kept = seen.pieces - seen.lost
    say(f"  training rows: {seen.pieces} in, {kept} kept; loss is on what stands between « and »:")
    for row in seen.shown:
        console.print("    " + chat.marked(tokenizer, row).replace("\n", "\n    "), markup=False)


def counted(seen: Seen, piece: Encoded, job: Job) -> bool:
    """Notes a row; says whether it is short enough to be learnt."""
    length = len(piece.input_ids)
    seen.pieces += 1
    seen.longest = max(seen.longest, length)
    if length > job.config.train_length_tokens:
        seen.lost += 1
        return False
    lengths = chat.answer_lengths(piece)
    seen.answers += len(lengths)
    seen.cut += sum(one > job.config.answer_length_tokens for one in lengths)
    seen.longest_answer = max([seen.longest_answer, *lengths])
    if len(seen.shown) < MARKED_SHOWN:
        seen.shown.append(piece)
    return True


def refuse_lost_rows(job: Job, seen: Seen) -> None:
    """Stops before training when the length limit loses too many rows."""
    if seen.lost > LARGEST_SHARE_LOST * seen.pieces:
        raise GalleryError(
            f"{seen.lost} of {seen.pieces} training rows are longer than train_length_tokens = "
            f"{job.config.train_length_tokens} (the longest has {seen.longest}). Raise it in the variant, or "
            "shorten the prompts."
        )


def refuse_cut_answers(job: Job, seen: Seen) -> None:
    """Stops before training when answers like those of training would be cut at inference."""
    if seen.cut > LARGEST_SHARE_LOST * seen.answers:
        raise GalleryError(
            f"{seen.cut} of {seen.answers} training answers are longer than answer_length_tokens = "
            f"{job.config.answer_length_tokens} (the longest has {seen.longest_answer}), so the tuned model "
            "would be cut before it ends. Raise it in the variant, or leave such rows out."
        )


def lengths_of(rows: Lessons) -> list[int]:
    """How many tokens each row has."""
    return rows.lengths.tolist() if isinstance(rows, Stored) else [len(row.input_ids) for row in rows]
