"""What the text tuner costs beside plain scripts: ratios on the same weights and rows. `make bench-text`.

Training is compared with the shortest TRL script whose CPU settings are sane, and with a hand-written
PyTorch loop that groups lengths and computes logits of answers only; answering with `generate`, one
prompt after the other. A model folder can be named: python benchmarks/text_speed.py FOLDER
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

from common import chat, config, models, usecase
from common.generate import replies
from common.job import Job

ROUNDS = 3
ROWS = 160
ANSWERS, ANSWERS_ONE_BY_ONE = 64, 12
ANSWER_TOKENS = 32
RATE = 1e-3


def job_for(model: str, folder: Path) -> Job:
    """A small training of the support chatbot."""
    found = usecase.find("support_chatbot")
    splits = found.load(None)
    splits = replace(splits, train=splits.train[:ROWS], val=())
    given = {"model": model, "method": "full", "epochs": 1, "learning_rate": RATE, "rehearsal": 0}
    settings = config.build(found, "offline", given)
    return Job(found, splits, settings, models.resolve(model, None, found.tuner), 0, folder)


def train_core(job: Job) -> float:
    """Tokens a second through the core."""
    from common.tuners import sft

    with tempfile.TemporaryDirectory() as folder:
        return sft.fit(replace(job, folder=Path(folder), shared={}))["tokens_per_second"]


def train_plain(job: Job) -> float:
    """Tokens a second of the shortest TRL script."""
    from datasets import Dataset
    from trl import SFTConfig, SFTTrainer

    model, tokenizer = models.load_causal(job.base, None)
    rows = job.usecase.training_set(job.splits)
    # Only the last answer of a row can be learnt this way, which makes less work, not more.
    pairs = [
        {"prompt": [*r["prompt"], *r["completion"][:-1]], "completion": r["completion"][-1:]} for r in rows
    ]
    with tempfile.TemporaryDirectory() as folder:
        arguments = SFTConfig(
            output_dir=folder,
            num_train_epochs=1,
            per_device_train_batch_size=job.config.batch_size,
            learning_rate=RATE,
            use_cpu=True,
            bf16=False,
            activation_checkpointing=False,
            dataloader_pin_memory=False,
            save_strategy="no",
            report_to="none",
            disable_tqdm=True,
        )
        engine = SFTTrainer(
            model=model, args=arguments, processing_class=tokenizer, train_dataset=Dataset.from_list(pairs)
        )
        return timed(lambda: engine.train(), job, tokenizer)


def train_by_hand(job: Job) -> float:
    """Tokens a second of a loop that somebody wrote for this very model."""
    import torch

    from common.embedded.textloop import IGNORED, answer_loss, grouped, padded

    model, tokenizer = models.load_causal(job.base, None)
    rows = [chat.encode(tokenizer, row) for row in job.usecase.training_set(job.splits)]
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE, weight_decay=0.01, fused=True)

    def loop() -> None:
        model.train()
        for batch in grouped([len(row.input_ids) for row in rows], job.config.batch_size, Random(0)):
            tokens = padded([rows[place].input_ids for place in batch], tokenizer.pad_token_id)
            labels = padded([rows[place].labels for place in batch], IGNORED)
            answer_loss(model, tokens, labels).backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)

    return timed(loop, job, tokenizer)


def timed(work: Callable[[], Any], job: Job, tokenizer: Any) -> float:
    """Tokens of all rows over the seconds of one epoch."""
    rows = job.usecase.training_set(job.splits)
    tokens = sum(len(chat.encode(tokenizer, row).input_ids) for row in rows)
    started = time.perf_counter()
    work()
    return tokens / (time.perf_counter() - started)


def prompts_of(job: Job, tokenizer: Any, count: int) -> list[list[int]]:
    return [chat.prompt_ids(tokenizer, job.usecase.model_input(e)) for e in job.splits.test[:count]]


def answer_core(job: Job) -> float:
    """Answer tokens a second, batched."""
    model, tokenizer = models.load_causal(job.base, None)
    prompts = prompts_of(job, tokenizer, ANSWERS)
    started = time.perf_counter()
    made = sum(reply.tokens for reply in replies(model, tokenizer, prompts, ANSWER_TOKENS))
    return made / (time.perf_counter() - started)


def answer_plain(job: Job) -> float:
    """Answer tokens a second of `generate`, one prompt after the other."""
    import torch

    model, tokenizer = models.load_causal(job.base, None)
    made, started = 0, time.perf_counter()
    for prompt in prompts_of(job, tokenizer, ANSWERS_ONE_BY_ONE):
        tokens = torch.tensor([prompt], device=model.device)
        mask = torch.ones_like(tokens)
        result = model.generate(tokens, attention_mask=mask, max_new_tokens=ANSWER_TOKENS, do_sample=False)
        made += result.shape[1] - tokens.shape[1]
    return made / (time.perf_counter() - started)


def compared(ways: dict[str, Callable[[Job], float]], job: Job) -> dict[str, tuple[float, float]]:
    """Median speed of each way, and the median over rounds of the first way's speed over it."""
    rounds = [{name: way(job) for name, way in ways.items()} for _ in range(ROUNDS)]
    first = next(iter(ways))
    return {
        name: (
            statistics.median(row[name] for row in rounds),
            statistics.median(row[first] / row[name] for row in rounds),
        )
        for name in ways
    }


def main() -> None:
    """Prints every speed with what the ratio should be."""
    models.keep_quiet(online=False)
    model = sys.argv[1] if sys.argv[1:] else "embedded"
    with tempfile.TemporaryDirectory() as folder:
        job = job_for(model, Path(folder))
        train = {"core": train_core, "plain TRL": train_plain, "by hand": train_by_hand}
        training = compared(train, job)
        answering = compared({"core": answer_core, "one by one": answer_plain}, job)
    wanted = {"plain TRL": 1.0, "by hand": 0.9, "one by one": 3.0}
    for work, found in (("training", training), ("answering", answering)):
        for name, (speed, ratio) in found.items():
            target = (
                f"  core is {ratio:.2f} times as fast (at least {wanted[name]:.1f})" if name in wanted else ""
            )
            print(f"{work:10} {name:12} {speed:8,.0f} tokens/s{target}")


if __name__ == "__main__":
    main()
