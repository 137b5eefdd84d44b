"""Tuning and answering for the proof and the benchmark of the base: short, plain PyTorch.

Rows of like length share a batch, and logits are computed for answers only.
"""

from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from common.generate import Reply, replies

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

IGNORED = -100


@dataclass(frozen=True)
class Row:
    """What is asked and the answer that is right."""

    prompt: str
    answer: str


@dataclass(frozen=True)
class Budget:
    """How long and how fast to tune."""

    epochs: int
    rate: float
    batch_size: int = 16
    seed: int = 0


def prompt_ids(tokenizer: "PreTrainedTokenizerFast", prompt: str) -> list[int]:
    """The prompt as the model sees it, in training and in use."""
    messages = [{"role": "user", "content": prompt}]
    return tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_dict=False)


def encode(tokenizer: "PreTrainedTokenizerFast", row: Row) -> tuple[list[int], list[int]]:
    """Token ids of prompt and answer, and labels that leave the prompt out."""
    asked = prompt_ids(tokenizer, row.prompt)
    answer = [*tokenizer.encode(row.answer, add_special_tokens=False), tokenizer.eos_token_id]
    return asked + answer, [IGNORED] * len(asked) + answer


def grouped(lengths: list[int], size: int, random: Random) -> list[list[int]]:
    """Shuffled batches of row numbers whose rows are about equally long."""
    order = sorted(range(len(lengths)), key=lambda row: lengths[row] + random.random() * 8)
    batches = [order[at : at + size] for at in range(0, len(order), size)]
    random.shuffle(batches)
    return batches


def padded(rows: list[list[int]], filler: int) -> Tensor:
    """Rows as one tensor, filled on the right."""
    longest = max(map(len, rows))
    return torch.tensor([row + [filler] * (longest - len(row)) for row in rows])


def inner(model: nn.Module) -> nn.Module:
    """The causal model itself, without the adapter that wraps it."""
    return model.get_base_model() if hasattr(model, "get_base_model") else model


def answer_loss(model: nn.Module, tokens: Tensor, labels: Tensor) -> Tensor:
    """Loss of the answers; padding stands on the right, so causal attention never sees it."""
    core = inner(model)
    hidden = core.model(input_ids=tokens, use_cache=False)[0][:, :-1]
    wanted = labels[:, 1:] != IGNORED
    return functional.cross_entropy(core.lm_head(hidden[wanted]), labels[:, 1:][wanted])


def tune(model: nn.Module, tokenizer: "PreTrainedTokenizerFast", rows: list[Row], budget: Budget) -> int:
    """Train on the answers of the rows; returns the number of tokens seen."""
    torch.manual_seed(budget.seed)
    random = Random(budget.seed)
    encoded = [encode(tokenizer, row) for row in rows]
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW(weights, lr=budget.rate, weight_decay=0.01, fused=True)
    lengths = [len(ids) for ids, _ in encoded]
    steps = budget.epochs * -(-len(rows) // budget.batch_size)
    warm = max(1, steps // 10)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / warm, (steps - step) / (steps - warm + 1))
    )
    model.train()
    for _ in range(budget.epochs):
        for batch in grouped(lengths, budget.batch_size, random):
            tokens = padded([encoded[row][0] for row in batch], tokenizer.pad_token_id)
            labels = padded([encoded[row][1] for row in batch], IGNORED)
            answer_loss(model, tokens, labels).backward()
            torch.nn.utils.clip_grad_norm_(weights, 1.0)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad(set_to_none=True)
    return budget.epochs * sum(lengths)


def answer(
    model: nn.Module,
    tokenizer: "PreTrainedTokenizerFast",
    prompts: list[str],
    most: int = 64,
) -> list[Reply]:
    """Greedy answers in the order of the prompts."""
    return replies(model, tokenizer, [prompt_ids(tokenizer, prompt) for prompt in prompts], most)
