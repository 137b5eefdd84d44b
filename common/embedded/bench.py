"""Speed of tuning and answering against the plain transformers loop: `python -m common.embedded.bench`.

Same weights, same rows, one run, every figure measured in turn and the best of the rounds kept, so
that a busy machine disturbs both sides alike.
"""

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

import torch
from torch import nn
from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

from . import TEXT_MODEL_FOLDER
from .proof_tasks import tasks
from .textloop import IGNORED, Budget, Row, answer, encode, padded, prompt_ids, tune
from .tokenizer import load

ROUNDS = 3


def fresh(folder: Path) -> nn.Module:
    """The weights as stored, in fp32."""
    return LlamaForCausalLM.from_pretrained(str(folder), dtype=torch.float32)


def plain_tune(model: nn.Module, tokenizer: PreTrainedTokenizerFast, rows: list[Row]) -> int:
    """The loop of the transformers guides: shuffled padded batches, labels, loss of the model."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    encoded = [encode(tokenizer, row) for row in rows]
    Random(0).shuffle(encoded)
    model.train()
    for at in range(0, len(encoded), 16):
        batch = encoded[at : at + 16]
        tokens = padded([ids for ids, _ in batch], tokenizer.pad_token_id)
        labels = padded([marks for _, marks in batch], IGNORED)
        mask = (tokens != tokenizer.pad_token_id).long()
        model(input_ids=tokens, attention_mask=mask, labels=labels).loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
    return sum(len(ids) for ids, _ in encoded)


def plain_answer(model: nn.Module, tokenizer: PreTrainedTokenizerFast, prompts: list[str], most: int) -> int:
    """One prompt after the other through generate; returns the tokens made."""
    model.eval()
    made = 0
    for prompt in prompts:
        tokens = torch.tensor([prompt_ids(tokenizer, prompt)])
        result = model.generate(
            tokens, attention_mask=torch.ones_like(tokens), max_new_tokens=most, do_sample=False
        )
        made += result.shape[1] - tokens.shape[1]
    return made


def speed(work: Callable[[], int]) -> float:
    """Tokens a second of one piece of work."""
    began = time.perf_counter()
    return work() / (time.perf_counter() - began)


def compare(ours: Callable[[], int], plain: Callable[[], int]) -> dict[str, float]:
    """Best speed of both, measured in turn."""
    pairs = [(speed(ours), speed(plain)) for _ in range(ROUNDS)]
    best, other = max(one for one, _ in pairs), max(two for _, two in pairs)
    return {"ours": round(best), "plain": round(other), "ratio": round(best / other, 2)}


def measure(folder: Path) -> dict[str, dict[str, float]]:
    """Training on rows of both generated tasks, answers of about forty tokens."""
    tokenizer = load(folder)
    look_up, records, *_ = tasks(None)
    rows = look_up.train[:80] + records.train[:80]
    prompts, most = [row.prompt for row in records.test[:128]], records.most_tokens
    tuned = fresh(folder)
    tune(tuned, tokenizer, records.train, Budget(1, 1e-3))
    training = compare(
        lambda: tune(fresh(folder), tokenizer, rows, Budget(1, 1e-3)),
        lambda: plain_tune(fresh(folder), tokenizer, rows),
    )
    generation = compare(
        lambda: sum(reply.tokens for reply in answer(tuned, tokenizer, prompts, most)),
        lambda: plain_answer(tuned, tokenizer, prompts[:16], most),
    )
    return {"training_tokens_per_second": training, "generation_tokens_per_second": generation}


def main() -> None:
    """Read the options and print the comparison."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--model", type=Path, default=TEXT_MODEL_FOLDER)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    print(json.dumps({"threads": options.threads, **measure(options.model)}, indent=2))


if __name__ == "__main__":
    main()
