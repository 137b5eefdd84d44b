"""Generation in batches says what a model says that reads everything anew for every token."""

import gc
import os
import signal
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import torch

from common import cores, methods
from common.config import RunConfig
from common.cores import side_by_side
from common.evaluate_text import bits_per_byte
from common.generate import BATCH_PROMPTS, Sampling, batches, replies, shared_tokens
from common.key_values import ROOM_TOKENS, RoomyLayer, can_share
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
            assert logits.isfinite().all(), (
                "the largest of no numbers is the first token, in a batch as alone"
            )
            found.append(int(logits[0, -1].argmax()))
    return found


@pytest.mark.parametrize("method", sorted(set(OF_TEXT) - NEEDS_CUDA))
def test_every_method_answers_in_a_batch_as_alone(method: str) -> None:
    model, tokenizer = base()
    config = RunConfig(method=method, tuner="sft")
    tuned = moved(methods.apply(model, config, "sft", "CAUSAL_LM"), 0.02)
    texts = ["The weight of a parcel is", "Count the rows", "A red box", "What does the clerk do when the"]
    prompts = [tokenizer(text)["input_ids"] for text in texts]
    assert all(weight.isfinite().all() for weight in tuned.parameters())
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


def test_what_all_prompts_start_with_is_read_once_and_changes_no_answer(two_threads: None) -> None:
    model, tokenizer = base()
    start = tokenizer("The clerk counts the parcels of the day, and the porter takes them to the cars. " * 6)
    ends = [" The", " How many red", " A box of", " Where", " The weight is", " No", " One more", " All of"]
    prompts = [[*start["input_ids"], *tokenizer(end, add_special_tokens=False)["input_ids"]] for end in ends]
    prompts += [tokenizer("A red box")["input_ids"], start["input_ids"]]
    slow = [one_by_one(model, prompt, {tokenizer.eos_token_id}) for prompt in prompts]
    read: list[int] = []
    count = model.model.embed_tokens.register_forward_hook(
        lambda _, given, out: read.append(given[0].numel())
    )
    found = replies(model, tokenizer, prompts, MOST_TOKENS)
    count.remove()
    assert [one.text for one in found] == [
        tokenizer.decode(row, skip_special_tokens=True).strip() for row in slow
    ]
    assert sum(read) < 4 * len(start["input_ids"]) + len(prompts) * 3 * MOST_TOKENS


@pytest.mark.parametrize("fitting", [3, 0])
def test_what_a_gpu_has_no_memory_for_is_answered_in_halves(
    fitting: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    model, tokenizer = base()
    prompts = [tokenizer(f"A box of {number} red")["input_ids"] for number in range(8)]
    whole = replies(model, tokenizer, prompts, MOST_TOKENS)

    def full(_: Any, given: tuple[Any, ...]) -> None:
        if len(given[0]) > fitting:
            raise torch.OutOfMemoryError("CUDA out of memory")

    model.model.embed_tokens.register_forward_pre_hook(full)
    monkeypatch.setattr(cores, "on_gpu", lambda: True)
    if not fitting:
        with pytest.raises(torch.OutOfMemoryError):
            replies(model, tokenizer, prompts, MOST_TOKENS)
        return
    assert replies(model, tokenizer, prompts, MOST_TOKENS) == whole
    assert "out of memory with 8 prompts at once" in capsys.readouterr().out


def test_only_a_start_that_is_long_enough_is_shared_and_each_prompt_keeps_a_token() -> None:
    start = [1] * 70
    assert shared_tokens([[*start, 5], [*start, 3, 4], [*start, 3, 9]]) == 70
    assert shared_tokens([start, [*start, 5]]) == shared_tokens([start, start]) == 69
    assert (
        shared_tokens([start]) == shared_tokens([start, [1] * 10]) == shared_tokens([start, [2, *start]]) == 0
    )


def test_what_is_drawn_differs_from_batch_to_batch_and_not_from_run_to_run() -> None:
    model, tokenizer = base()
    prompts = [[tokenizer.bos_token_id]] * (2 * BATCH_PROMPTS)
    drawn = [one.text for one in replies(model, tokenizer, prompts, 20, Sampling(1.0, 3))]
    assert len(set(drawn)) > BATCH_PROMPTS + 20
    assert drawn == [one.text for one in replies(model, tokenizer, prompts, 20, Sampling(1.0, 3))]


def test_a_model_that_sees_a_window_reads_all_prompts_whole() -> None:
    from transformers import Gemma3TextConfig, LlamaConfig

    class Named:
        def __init__(self, config: Any) -> None:
            self.config = config

    assert can_share(Named(LlamaConfig()))
    assert not can_share(Named(Gemma3TextConfig(sliding_window=16)))


def test_batches_hold_each_row_once_and_keep_prompts_that_start_alike_together() -> None:
    alike = [[1] * 80 + [row] * row for row in range(10)]
    others = [[row] * (90 + row) for row in range(2, 8)]
    mixed = [prompt for pair in zip(alike, others + alike, strict=False) for prompt in pair]
    found = batches(mixed, "cpu")
    assert sorted(row for rows in found for row in rows) == list(range(len(mixed)))
    starts = [{mixed[row][0] for row in rows} for rows in found]
    assert {1} in starts and all(1 not in start for start in starts if start != {1})
    many = batches([[7] * 100] * 300, "cpu")
    assert max(map(len, many)) == 64 and len(many) == 5
    assert all(len(rows) == 1 for rows in batches([[7] * 10_000] * 3, "cpu"))


def threads_of_a_new_thread() -> int:
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(torch.get_num_threads).result()


def test_work_side_by_side_keeps_its_order_and_gives_the_threads_back(two_threads: None) -> None:
    seen: list[tuple[str, int]] = []

    def work(item: int) -> int:
        seen.append((threading.current_thread().name, torch.get_num_threads()))
        time.sleep(0.01 * (item % 2))
        return item * item

    assert list(side_by_side(torch.device("cpu"), range(9), work)) == [n * n for n in range(9)]
    assert {count for _, count in seen} == {1} and len({name for name, _ in seen}) == 2
    assert torch.get_num_threads() == threads_of_a_new_thread() == 2
    with pytest.raises(ZeroDivisionError):
        list(side_by_side(torch.device("cpu"), [1, 0, 2], lambda item: 1 // item))
    assert torch.get_num_threads() == threads_of_a_new_thread() == 2
    seen.clear()
    assert list(side_by_side(torch.device("meta"), range(3), work)) == [0, 1, 4]
    assert {name for name, _ in seen} == {threading.current_thread().name}


def square_and_process(number: int) -> tuple[int, int, bool]:
    time.sleep(0.05)
    return number * number, os.getpid(), signal.getsignal(signal.SIGINT) == signal.SIG_IGN


def test_work_in_processes_keeps_its_order_and_leaves_stopping_to_the_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cores, "available", lambda: 2)
    found = list(cores.in_processes(square_and_process, range(6)))
    assert [one for one, _, _ in found] == [0, 1, 4, 9, 16, 25]
    assert os.getpid() not in {process for _, process, _ in found} and all(ignored for *_, ignored in found)
    monkeypatch.setattr(cores, "available", lambda: 1)
    assert {process for _, process, _ in cores.in_processes(square_and_process, range(3))} == {os.getpid()}


def frozen(_: int) -> int:
    return gc.get_freeze_count()


def test_helping_processes_look_for_no_garbage_in_what_they_begin_with(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cores, "available", lambda: 2)
    gc.unfreeze()
    assert all(cores.in_processes(frozen, range(2))) and not gc.get_freeze_count()
