"""What the untuned model writes by itself, learnt along so that tuning makes it forget less.

No text of others is needed: passages drawn from the model stand for all that it knows.
"""

from typing import Any

from common.chat import IGNORED, Encoded
from common.generate import Sampling, replies
from common.job import Job
from common.progress import task

LONGEST_TOKENS = 128


def passages(job: Job, model: Any, tokenizer: Any) -> list[Encoded]:
    """As many passages as the config asks for, every token of them learnt."""
    count = job.config.rehearsal
    if not count:
        return []
    first = tokenizer.eos_token_id if tokenizer.bos_token_id is None else tokenizer.bos_token_id
    sampling = Sampling(1.0, job.seed, plain=True)
    longest = min(LONGEST_TOKENS, job.config.train_length_tokens) - 1
    with task("writing passages to rehearse", count, "passages") as work:
        found = replies(model, tokenizer, [[first]] * count, longest, sampling, work.advance)
    ids = [tokenizer(reply.text, add_special_tokens=False)["input_ids"][:longest] for reply in found]
    return [Encoded([first, *row], [IGNORED, *row]) for row in ids if row]
