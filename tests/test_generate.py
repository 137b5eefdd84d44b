"""Generation in batches says what a model says that reads everything anew for every token."""

from collections.abc import Sequence
from typing import Any

import pytest
import torch

from common import methods
from common.config import RunConfig
from common.evaluate_text import bits_per_byte
from common.generate import replies
from common.key_values import ROOM_TOKENS, RoomyLayer
from common.models import load_causal, resolve

MOST_TOKENS = 12
OF_TEXT = [name for name, method in methods.REGISTRY.items() if "sft" not in dict(method.refused)]
NEEDS_CUDA = {"qlora"}


def base() -> tuple[Any, Any]:
    return load_causal(resolve("embedded", None, "sft"), None, False)


def moved(model: Any, size: float) -> Any:
    """A model whose trainable weights are away from where a method starts, which is often at no change."""
    torch.manual_seed(1)
    with torch.no_grad():
        for weight in (one for one in model.parameters() if one.requires_grad):
            weight.add_(torch.randn_like(weight), alpha=size)
    return model.eval()


def one_by_one(model: Any, prompt: Sequence[int], ends: set[int]) -> list[int]:
    """The likeliest tokens, with all that came before read again for each."""
    found: list[int] = []
    with torch.inference_mode():
        while len(found) < MOST_TOKENS and not (found and found[-1] in ends):
            logits = model(input_ids=torch.tensor([[*prompt, *found]]), use_cache=False).logits
            found.append(int(logits[0, -1].argmax()))
    return found


@pytest.mark.parametrize("method", sorted(set(OF_TEXT) - NEEDS_CUDA))
def test_every_method_answers_in_a_batch_as_alone(method: str) -> None:
    model, tokenizer = base()
    config = RunConfig(method=method, tuner="sft")
    tuned = moved(methods.apply(model, config, "sft", "CAUSAL_LM"), 0.02)
    texts = ["The weight of a parcel is", "Count the rows", "A red box", "What does the clerk do when the"]
    prompts = [tokenizer(text)["input_ids"] for text in texts]
    slow = [one_by_one(tuned, prompt, {tokenizer.eos_token_id}) for prompt in prompts]
    found = replies(tuned, tokenizer, prompts, MOST_TOKENS)
    assert [one.text for one in found] == [
        tokenizer.decode(row, skip_special_tokens=True).strip() for row in slow
    ]
    assert bits_per_byte(tuned, tokenizer, texts) > 0


def test_room_is_made_when_it_is_used_up_and_rows_are_dropped() -> None:
    torch.manual_seed(0)
    every = torch.randn(3, 2, 2 * ROOM_TOKENS + 9, 4)
    layer = RoomyLayer()
    layer.update(every[:, :, :5], -every[:, :, :5])
    for place in range(5, ROOM_TOKENS + 9):
        layer.update(every[:, :, place : place + 1], -every[:, :, place : place + 1])
    kept = torch.tensor([0, 2])
    layer.batch_select_indices(kept)
    for place in range(ROOM_TOKENS + 9, every.shape[2]):
        keys, values = layer.update(every[kept, :, place : place + 1], -every[kept, :, place : place + 1])
    assert torch.equal(keys, every[kept]) and torch.equal(values, -every[kept])
    assert layer.get_seq_length() == every.shape[2]
