"""What a preference training must hold: the right reference before it, no displacement during it."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from transformers import TrainerCallback

from common import trainer
from common.config import RunConfig
from common.errors import GalleryError
from common.job import Job
from common.preference_stage import start_folder
from common.preferences import Likelihoods, Pair, log_probabilities
from common.progress import say

GUARDS_PER_RUN = 10
LARGEST_ZERO_REWARD = 1e-4


def refuse_stale_reference(
    job: Job, model: Any, tokenizer: Any, watched: Sequence[Pair], before: Likelihoods
) -> float:
    """The largest reward before step 1; above zero, the reference is not the model that is trained."""
    now = Likelihoods.under(model, tokenizer, watched)
    gaps = np.abs([now.chosen - before.chosen, now.rejected - before.rejected])
    largest = float(job.config.beta * gaps.max())
    if not largest <= LARGEST_ZERO_REWARD:
        raise GalleryError(
            f"Before the first step a reward is {largest:.6f} instead of 0: the reference is not the model "
            f"that training starts from. Delete {start_folder(job)} and run again. With prompt, p-tuning "
            "and prefix this cannot hold, since they change the model at once: use lora or full."
        )
    return largest


def change_per_token(model: Any, tokenizer: Any, watched: Sequence[Pair], before: np.ndarray) -> float:
    """How much likelier the chosen answers became, in nats per token."""
    after = log_probabilities(model, tokenizer, [pair.encoded("chosen") for pair in watched])
    return float((after - before).sum() / sum(len(pair.chosen_ids) for pair in watched))


class Guard(TrainerCallback):
    """Reports what becomes of the chosen answers; a training that pushes them down is stopped.

    The weights then go back to the last check that was within the limit.
    """

    def __init__(self, measure: Callable[[], float], config: RunConfig) -> None:
        self.measure, self.limit = measure, config.displacement_limit
        self.history: list[dict[str, float]] = []
        self.stopped = False
        self.good: dict[str, Any] = {}

    def on_train_begin(self, args: Any, state: Any, control: Any, model: Any = None, **_: Any) -> None:
        self.keep(model)

    def on_step_end(self, args: Any, state: Any, control: Any, model: Any = None, **_: Any) -> None:
        if state.global_step % max(1, math.ceil(state.max_steps / GUARDS_PER_RUN)):
            return
        change = self.measure()
        self.history.append({"step": state.global_step, "chosen_change_per_token": change})
        if change >= -self.limit:
            self.keep(model)
            return
        self.stopped = control.should_training_stop = True
        for name, parameter in trainer.trained(model):
            parameter.data.copy_(self.good[name])
        say(
            f"  stopped at step {state.global_step}: chosen answers lost {-change:.2f} nats per token, more "
            f"than {self.limit}; the weights of the check before are kept"
        )

    def keep(self, model: Any) -> None:
        """Remembers the trained weights."""
        self.good = {name: p.detach().cpu().clone() for name, p in trainer.trained(model)}
