"""Rehearsal: while it is tuned, a model is held to what it said before on passages that it wrote itself.

No text of others is needed: what the untuned model writes by itself stands for all that it knows.
Learning from the passages as text does little; what holds is the whole distribution over next pieces.
"""

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from common import methods
from common.errors import GalleryError
from common.generate import Sampling, replies
from common.job import Job
from common.progress import task

LONGEST_TOKENS = 128
SHORTEST_SHARE = 0.75
SMOKE_PASSAGES = 20


class Rehearsal:
    """Passages, and the model as it was; `untuned` is empty where an adapter can be switched off instead."""

    def __init__(self, passages: Any, untuned: Any, each_step: int, weight: float = 1.0) -> None:
        self.passages, self.untuned, self.each_step, self.weight = passages, untuned, each_step, weight

    def loss(self, model: Any, step: int) -> Any:
        """How far the model has come away from what it was, in weighed nats per piece, on a few passages."""
        import torch

        first = step * self.each_step
        chosen = [(first + place) % len(self.passages) for place in range(self.each_step)]
        tokens = self.passages[chosen]
        places = tokens.shape[1]  # tokens of a learned prompt come first
        after = model(input_ids=tokens).logits[:, -places:].float().log_softmax(-1)
        with torch.no_grad(), self.before(model) as untuned:
            before = untuned(input_ids=tokens).logits.float().log_softmax(-1)
        # New pieces of an extended vocabulary had no place before.
        before, after = before[..., : after.shape[-1]], after[..., : before.shape[-1]]
        return self.weight * (before.exp() * (before - after)).sum(-1).mean()

    @contextmanager
    def before(self, model: Any) -> Iterator[Any]:
        """The model as it was."""
        if self.untuned is not None:
            yield self.untuned
            return
        with getattr(model, "module", model).disable_adapter():
            yield model


def rehearsing(base: type, rehearsal: Rehearsal | None) -> type:
    """A trainer whose every step also holds the model to what it was."""
    if rehearsal is None:
        return base

    class Rehearsing(base):
        def compute_loss(
            self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None
        ) -> Any:
            made = super().compute_loss(model, inputs, return_outputs, num_items_in_batch)
            # A loss that is divided by the rows of all parts of a step is not divided by the parts.
            parts = 1 if num_items_in_batch is None else self.current_gradient_accumulation_steps
            held = rehearsal.loss(model, self.state.global_step) / parts
            return (made[0] + held, *made[1:]) if return_outputs else made + held

    Rehearsing.__name__ = base.__name__
    return Rehearsing


def prepared(job: Job, model: Any, tokenizer: Any) -> Rehearsal | None:
    """What the config asks for, from a model that no method has touched yet."""
    if not job.config.rehearsal:
        return None
    passages = written(job, model, tokenizer)
    has_adapter = methods.find(job.config.method, job.usecase.tuner).peft is not None
    untuned = None if has_adapter else copy.deepcopy(model).eval().requires_grad_(False)
    return Rehearsal(passages, untuned, job.config.rehearsal_each_step, job.config.rehearsal_weight)


def written(job: Job, model: Any, tokenizer: Any) -> Any:
    """Passages that the model draws from nothing but its start token, all of one length."""
    import torch

    count = min(job.config.rehearsal, SMOKE_PASSAGES) if job.config.smoke else job.config.rehearsal
    first = tokenizer.eos_token_id if tokenizer.bos_token_id is None else tokenizer.bos_token_id
    longest = min(LONGEST_TOKENS, job.config.train_length_tokens) - 1
    sampling = Sampling(1.0, job.seed, plain=True)
    with task("writing passages to rehearse", count, "passages") as work:
        found = replies(model, tokenizer, [[first]] * count, longest, sampling, work.advance)
    rows = [tokenizer(reply.text, add_special_tokens=False)["input_ids"] for reply in found]
    kept = [row for row in rows if len(row) >= SHORTEST_SHARE * longest]
    if not kept:
        raise GalleryError(
            f"None of {count} passages that {job.base.id} wrote by itself has {longest} pieces, so there is "
            "nothing to rehearse. Set rehearsal = 0."
        )
    length = min(longest, *map(len, kept))
    return torch.tensor([[first, *row[:length]] for row in kept], device=model.device)
