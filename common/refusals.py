"""How readily a text model refuses: one bound, chosen on val for every contender in the same way.

To refuse or to answer is a yes or no like any other, and a model that has met few wordings refuses
those that it has not met. The bound is added to the first piece of a refusal. It stays with the model in its
generation settings, where `transformers` finds it too.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from common import chat
from common.data import by_hash
from common.generate import Reply, lean, replies
from common.job import Job
from common.progress import say, task
from common.usecase import Example

MOST_EXAMPLES = 240
NEVER = -1e4
KEPT = "generation_config.json"
PromptsOf = Callable[[Job, Sequence[Example]], Sequence[chat.Prompt]]


def settle(job: Job, model: Any, tokenizer: Any, prompts_of: PromptsOf) -> None:
    """Chooses the bound by the headline on val, where the use case has a refusal at all."""
    if not job.usecase.refusal:
        return
    examples = by_hash(job.splits.val)[:MOST_EXAMPLES]
    ids = [chat.prompt_ids(tokenizer, prompt) for prompt in prompts_of(job, examples)]
    piece = tokenizer(job.usecase.refusal, add_special_tokens=False)["input_ids"][0]
    lean(model, piece, NEVER)
    with task("choosing when to refuse", len(ids), "prompts") as work:
        found = replies(model, tokenizer, ids, job.config.answer_length_tokens, on_batch=work.advance)
    bound = best(job, examples, found)
    lean(model, piece, bound)
    say(f"  a refusal is given {bound:+.1f} before it is compared with other answers, as val is best with")


def best(job: Job, examples: Sequence[Example], found: Sequence[Reply]) -> float:
    """The bound with the highest headline; of equals the one that changes least."""
    case = job.usecase
    pairs = zip(examples, found, strict=True)
    answered = [case.score(example, written(job, reply))[case.headline] for example, reply in pairs]
    refused = [case.score(example, case.refusal)[case.headline] for example in examples]
    leads = [reply.lead for reply in found]
    order = sorted(leads)
    between = [-(low + high) / 2 for low, high in zip(order, order[1:], strict=False)]
    bounds = [0.0, *between, -order[-1] - 1, -order[0] + 1]

    def total(bound: float) -> float:
        rows = zip(leads, answered, refused, strict=True)
        return sum(right if lead + bound > 0 else other for lead, other, right in rows)

    return max(bounds, key=lambda bound: (round(total(bound), 6), -abs(bound)))


def written(job: Job, reply: Reply, bound: float = NEVER) -> str:
    """What a reply counts as: the refusal where that is likelier, else its text."""
    if reply.lead + bound > 0:
        return job.usecase.refusal
    return reply.text if reply.stopped else reply.text + job.usecase.cut_mark


def restore(model: Any, adapter: Path) -> None:
    """Gives a model the bound that was chosen for its adapter."""
    from transformers import GenerationConfig

    if (adapter / KEPT).is_file():
        kept = GenerationConfig.from_pretrained(str(adapter)).sequence_bias
        model.generation_config.sequence_bias = kept


def forget(model: Any) -> None:
    """Takes the bound away, so that the next contender starts as the first did."""
    model.generation_config.sequence_bias = None
