"""The only importer of TRL: its names move with every minor release, ours stay."""

import random
from collections.abc import Callable, Iterator
from typing import Any

from common import cores, launch, methods
from common.chat import IGNORED, TEMPLATE_SETTINGS
from common.evaluate_text import answer_logits
from common.lessons import Lessons, lengths_of
from common.preferences import Likelihoods, Pair
from common.rehearsal import Rehearsal, rehearsing
from common.stored import Stored

LENGTH_JITTER_TOKENS = 8
ROBUST_SMOOTHING = 0.1


def built(
    kind: type,
    config: Any,
    model: Any,
    processor: Any,
    rows: Any,
    callbacks: list[Any],
    **more: Any,
) -> Any:
    """A trainer of TRL over a data set or a list of rows, in the one form that all of them take."""
    from datasets import Dataset

    return kind(
        model=model,
        args=config,
        processing_class=processor,
        train_dataset=Dataset.from_list(rows) if isinstance(rows, list) else rows,
        callbacks=callbacks,
        **more,
    )


def sft_trainer(
    model: Any,
    tokenizer: Any,
    rows: Lessons,
    arguments: dict[str, Any],
    callbacks: list[Any],
    rehearsal: Rehearsal | None = None,
) -> Any:
    """A supervised trainer over rows that are tokens already, with loss on the answers only."""
    from trl import SFTConfig, SFTTrainer

    packed, lengths = not arguments["use_cpu"], lengths_of(rows)
    if cores.on_gpu():
        packed = packed and not methods.puts_prompt_before(model)
    config = SFTConfig(
        **arguments,
        max_length=max(lengths),
        # Packing needs variable-length attention to pay; on a CPU like lengths share a batch instead.
        packing=packed,
        activation_checkpointing=False,
        dataset_num_proc=None,
    )
    here = launch.count() * config.per_device_train_batch_size
    tokens = token_rows(rows, 0 if packed else blanks_for(len(lengths), here))
    kind = SFTTrainer if packed else cpu_trainer(SFTTrainer, lengths)
    trainer = built(rehearsing(kind, rehearsal), config, model, tokenizer, tokens, callbacks)
    if not packed:
        full_precision(model)
    return trainer


def token_rows(rows: Lessons, blanks: int) -> Any:
    """What a trainer reads, with rows without loss behind it."""
    from datasets import Dataset, concatenate_datasets

    empty = [{"input_ids": [0], "labels": [IGNORED]}] * blanks
    if not isinstance(rows, Stored):
        return [*({"input_ids": r.input_ids, "labels": r.labels} for r in rows), *empty]
    if not blanks:
        return rows.data
    return concatenate_datasets([rows.data, Dataset.from_list(empty, features=rows.data.features)])


def full_precision(model: Any) -> None:
    """TRL makes adapters beside 4-bit weights bf16, which a CPU is slow at."""
    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter.data = parameter.data.float()


def image_sft_trainer(
    model: Any, processor: Any, rows: list[dict[str, Any]], arguments: dict[str, Any], callbacks: list[Any]
) -> Any:
    """A supervised trainer over pictures with a prompt and a completion; its collator reads the pictures."""
    from trl import SFTConfig, SFTTrainer

    # TRL's usual length limit would cut image tokens away, so there is none.
    config = SFTConfig(**arguments, max_length=None, packing=False)
    return built(SFTTrainer, config, model, processor, rows, callbacks)


def cpu_trainer(base: type, lengths: list[int]) -> type:
    """TRL's trainer without what costs time on a CPU: logits of the prompt, padding, metrics of a step."""

    class CpuTrainer(base):
        def _prepare_dataset(self, dataset: Any, *_: Any, **__: Any) -> Any:
            return dataset  # tokens already, and blank rows must stay

        def _get_train_sampler(self, train_dataset: Any = None) -> "LikeLengths":
            args = self.args
            here = args.train_batch_size * args.world_size
            step = here * args.gradient_accumulation_steps
            return LikeLengths(lengths, step, args.data_seed, blanks=blanks_for(len(lengths), here))

        def compute_loss(
            self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None
        ) -> Any:
            loss = answer_loss(model, inputs["input_ids"], inputs["labels"], num_items_in_batch)
            # The count is that of all processes, whose gradients are averaged.
            return loss if num_items_in_batch is None else loss * self.accelerator.num_processes

    return CpuTrainer


def blanks_for(rows: int, at_once: int) -> int:
    """Rows without loss that make whole parts for several processes."""
    return -rows % at_once if launch.count() > 1 else 0


def answer_loss(model: Any, tokens: Any, labels: Any, count: Any) -> Any:
    """The loss of the answers.

    Padding stands on the right, where causal attention never sees it, so no mask is needed.
    """
    from torch.nn.functional import cross_entropy

    wanted = labels[:, 1:] != IGNORED
    logits = answer_logits(model, wanted, input_ids=tokens)
    total = cross_entropy(logits, labels[:, 1:][wanted], reduction="sum")
    return total / (wanted.sum() if count is None else count)


class LikeLengths:
    """An order of rows in which every batch holds about equal lengths, shuffled anew each epoch.

    Several processes need parts of one size: blank rows fill up the last, so that no row is seen twice.
    """

    def __init__(self, lengths: list[int], batch_size: int, seed: int, blanks: int = 0) -> None:
        self.lengths, self.batch_size, self.seed, self.epoch = lengths, batch_size, seed, 0
        self.blanks = range(len(lengths), len(lengths) + blanks)

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch

    def __len__(self) -> int:
        return len(self.lengths) + len(self.blanks)

    def __iter__(self) -> Iterator[int]:
        draw = random.Random(f"{self.seed}-{self.epoch}")
        jitter = [length + draw.random() * LENGTH_JITTER_TOKENS for length in self.lengths]
        order = sorted(range(len(jitter)), key=jitter.__getitem__)
        # The one incomplete batch must come last; it is cut out anywhere, not always of the shortest rows.
        short = len(order) % self.batch_size
        at = draw.randrange(len(order) // self.batch_size + 1) * self.batch_size
        last, rest = order[at : at + short], order[:at] + order[at + short :]
        batches = [rest[start : start + self.batch_size] for start in range(0, len(rest), self.batch_size)]
        draw.shuffle(batches)
        return (row for batch in [*batches, last, self.blanks] for row in batch)


def dpo_trainer(
    model: Any,
    peft: Any,
    tokenizer: Any,
    pairs: list[Pair],
    reference: Likelihoods,
    losses: dict[str, float],
    settings: dict[str, Any],
    callbacks: list[Any],
    rehearsal: Rehearsal | None = None,
) -> Any:
    """Direct preference optimisation against what the reference said of the pairs, scored beforehand.

    That is half the work of scoring it in every step, and the reference cannot change on the way.
    """
    from trl import DPOConfig, DPOTrainer

    config = DPOConfig(
        **settings,
        loss_type=list(losses),
        loss_weights=list(losses.values()),
        label_smoothing=ROBUST_SMOOTHING if "robust" in losses else 0.0,
        max_length=None,
        precompute_ref_log_probs=True,
        activation_checkpointing=False,
    )
    rows = [
        {**pair.columns(), "ref_chosen_logps": chosen, "ref_rejected_logps": rejected}
        for pair, chosen, rejected in zip(pairs, reference.chosen, reference.rejected, strict=True)
    ]
    kind = rehearsing(tokenised(DPOTrainer), rehearsal)
    return built(kind, config, model, tokenizer, rows, callbacks, peft_config=peft)


def kto_trainer(
    model: Any,
    peft: Any,
    tokenizer: Any,
    pairs: list[Pair],
    settings: dict[str, Any],
    callbacks: list[Any],
    rehearsal: Rehearsal | None = None,
) -> Any:
    """KTO: each answer is good or bad by itself. TRL reads rows in order, so they come shuffled."""
    from trl import KTOConfig, KTOTrainer

    rows = [
        {"prompt_ids": pair.prompt_ids, "completion_ids": answer, "label": good}
        for pair in pairs
        for answer, good in ((pair.chosen_ids, True), (pair.rejected_ids, False))
    ]
    random.Random(settings["seed"]).shuffle(rows)
    size = settings["per_device_train_batch_size"]
    for start in range(0, len(rows), size):  # its KL term pairs each prompt with the answer before
        batch = rows[start : start + size]
        for place, row in enumerate(batch):
            row["KL_completion_ids"] = batch[place - 1]["completion_ids"]
    config = KTOConfig(
        **settings, max_length=None, precompute_ref_log_probs=True, activation_checkpointing=False
    )
    kind = rehearsing(tokenised(KTOTrainer), rehearsal)
    return built(kind, config, model, tokenizer, rows, callbacks, peft_config=peft)


def reward_trainer(
    model: Any, tokenizer: Any, pairs: list[Pair], settings: dict[str, Any], callbacks: list[Any]
) -> Any:
    """A model with one number as its output, trained to rate chosen answers higher."""
    from trl import RewardConfig, RewardTrainer

    rows = [
        {"chosen_ids": p.encoded("chosen").input_ids, "rejected_ids": p.encoded("rejected").input_ids}
        for p in pairs
    ]
    config = RewardConfig(**settings, max_length=None, activation_checkpointing=False)
    return built(RewardTrainer, config, model, tokenizer, rows, callbacks)


def rollout_trainer(
    kind: str,
    model: Any,
    peft: Any,
    tokenizer: Any,
    prompts: list[Any],
    reward: Callable[[int, str], float],
    settings: dict[str, Any],
    callbacks: list[Any],
    rehearsal: Rehearsal | None = None,
) -> Any:
    """GRPO or RLOO: the model answers, and `reward` (row of the prompt, answer) pays for each answer."""
    import trl

    def paid(completions: list[Any], row: list[int], **_: Any) -> list[float]:
        said = [c if isinstance(c, str) else c[-1]["content"] for c in completions]
        return [reward(place, text) for place, text in zip(row, said, strict=True)]

    config_of, trainer_of = {
        "grpo": (trl.GRPOConfig, trl.GRPOTrainer),
        "rloo": (trl.RLOOConfig, trl.RLOOTrainer),
    }[kind]
    config = config_of(**settings, chat_template_kwargs=TEMPLATE_SETTINGS, activation_checkpointing=False)
    rows = [{"prompt": prompt, "row": place} for place, prompt in enumerate(prompts)]
    kind = rehearsing(trainer_of, rehearsal)
    return built(kind, config, model, tokenizer, rows, callbacks, peft_config=peft, reward_funcs=paid)


def tokenised(base: type) -> type:
    """A trainer that takes rows that are tokens already, made as they are at inference."""
    import torch
    from trl.trainer import utils

    if not torch.cuda.is_available() and hasattr(utils, "_use_triton"):
        # Without a GPU it also scores prompts and padding against the vocabulary, at half the time of a step.
        utils._use_triton = lambda device: True

    class Tokenised(base):
        def _prepare_dataset(self, dataset: Any, *_: Any) -> Any:
            return dataset

        def _precompute_ref_logps(self, dataset: Any, *given: Any) -> Any:
            scored = "ref_chosen_logps" in dataset.column_names
            return dataset if scored else super()._precompute_ref_logps(dataset, *given)

    Tokenised.__name__ = base.__name__
    return Tokenised
