"""LoRA training of models of 0.5 B and 1.5 B weights on a GPU, beside plain TRL in one run: `make bench-gpu`.

Weights are random, which changes no speed. It prints tokens a second, how much of what products in bf16 reach
on this GPU that is, and how far `gallery plan` was off with the memory.
"""

import statistics
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from common import chat, config, cores, methods, models, plan
from common.errors import GalleryError
from common.job import Job
from common.usecase import Example, Source, Splits, UseCase

# The shapes of Qwen2.5 0.5B and 1.5B.
HALF = {"hidden_size": 896, "intermediate_size": 4864, "num_hidden_layers": 24, "num_attention_heads": 14}
MORE = {"hidden_size": 1536, "intermediate_size": 8960, "num_hidden_layers": 28, "num_attention_heads": 12}
SHAPES = {
    "0.5 B": {**HALF, "num_key_value_heads": 2, "vocab_size": 151_936},
    "1.5 B": {**MORE, "num_key_value_heads": 2, "vocab_size": 151_936},
}
ROUNDS = 3


@dataclass(frozen=True)
class Size:
    """How much is trained: rows of up to `length` tokens, some of which are as long."""

    rows: int = 384
    length: int = 2048
    batch: int = 8
    product: int = 8192  # side of the matrices whose product says what the GPU reaches


def model_of(shape: Mapping[str, int], folder: Path) -> Path:
    """A random model of a shape in a folder, with the tokenizer and chat template of the embedded base."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, Qwen2Config

    tokenizer = AutoTokenizer.from_pretrained(models.embedded_folder("sft"))
    ends = {"eos_token_id": tokenizer.eos_token_id, "pad_token_id": tokenizer.pad_token_id}
    settings = Qwen2Config(**shape, **ends, tie_word_embeddings=True)
    with torch.device("cuda" if cores.on_gpu() else "cpu"):
        model = AutoModelForCausalLM.from_config(settings, dtype=torch.bfloat16)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


class Repeating(UseCase):
    """Rows between a quarter of the length and all of it, half of each an answer."""

    title, story, limits = "Speed", "Rows of any length.", "For the clock."
    tuner, headline = "sft", "exact"
    source = Source("one word", "Apache-2.0", "written here")

    def __init__(self, size: Size) -> None:
        self.size = size

    def load(self, data: Path | None) -> Splits:
        return Splits((Example("0", "0", "the", "the", ""),), (), (), source=self.source)

    def model_input(self, example: Example) -> Any:
        return said("user", 1)

    def training_set(self, splits: Splits) -> list[dict[str, Any]]:
        length, rows = self.size.length, self.size.rows
        words = [length // 8 + number * 3 * length // (8 * rows) for number in range(rows)]
        return [{"prompt": said("user", count), "completion": said("assistant", count)} for count in words]


def said(role: str, words: int) -> list[dict[str, str]]:
    return [{"role": role, "content": "the " * words}]


def job_for(model: Path, size: Size, folder: Path) -> Job:
    """A training of such rows with LoRA."""
    found = Repeating(size)
    settings = config.RunConfig(
        **{"tuner": "sft", "model": str(model), "method": "lora", "batch_size": size.batch},
        **{"train_length_tokens": 2 * size.length, "answer_length_tokens": size.length},
    )
    return Job(found, found.load(None), settings, models.resolve(str(model), None, "sft"), 0, folder)


def train_core(job: Job) -> Mapping[str, Any]:
    """What the core says of a training."""
    from common.tuners import sft

    with tempfile.TemporaryDirectory() as folder:
        return sft.fit(replace(job, folder=Path(folder), shared={}))


def train_plain(job: Job) -> float:
    """Tokens a second of TRL's trainer with packing and the same LoRA."""
    from datasets import Dataset
    from trl import SFTConfig, SFTTrainer

    model, tokenizer = models.load_causal(job.base, None)
    rows = job.usecase.training_set(job.splits)
    lengths = [len(chat.encode(tokenizer, row).input_ids) for row in rows]
    with tempfile.TemporaryDirectory() as folder:
        arguments = SFTConfig(
            output_dir=folder,
            num_train_epochs=1,
            per_device_train_batch_size=job.config.batch_size,
            learning_rate=methods.learning_rate(job.config),
            bf16=cores.on_gpu(),
            packing=True,
            max_length=max(lengths),
            activation_checkpointing=False,
            save_strategy="no",
            report_to="none",
            disable_tqdm=True,
        )
        engine = SFTTrainer(
            model=model,
            args=arguments,
            processing_class=tokenizer,
            train_dataset=Dataset.from_list(rows),
            peft_config=methods.REGISTRY["lora"].peft(job.config, "CAUSAL_LM"),
        )
        started = time.perf_counter()
        engine.train()
        return sum(lengths) / (time.perf_counter() - started)


def reached(side: int) -> float:
    """Operations a second of products in bf16."""
    import torch

    device = "cuda" if cores.on_gpu() else "cpu"
    left = torch.randn(side, side, device=device, dtype=torch.bfloat16)
    for _ in range(3):
        (left @ left).sum().item()
    started = time.perf_counter()
    for _ in range(10):
        product = left @ left
    product.sum().item()
    return 20 * side**3 / (time.perf_counter() - started)


def work_of(shape: Mapping[str, int], length: int) -> float:
    """Operations that a token takes with LoRA: forward, and back to the values but not to the weights."""
    width, layers = shape["hidden_size"], shape["num_hidden_layers"]
    keys = width * shape["num_key_value_heads"] // shape["num_attention_heads"]
    layer = 2 * width * width + 2 * width * keys + 3 * width * shape["intermediate_size"]
    seen = length / 2  # on average, of the tokens before it
    return 4 * (layers * layer + width * shape["vocab_size"]) + layers * 12 * width * seen


def measured(name: str, shape: Mapping[str, int], size: Size, root: Path) -> list[str]:
    """What is to be said of a shape."""
    job = job_for(model_of(shape, root / "model"), size, root)
    foretold = plan.make(job.usecase, job.config, "")
    facts = train_core(job)  # its first training warms up
    train_plain(job)
    rounds = [(train_core(job)["tokens_per_second"], train_plain(job)) for _ in range(ROUNDS)]
    core, plain = (statistics.median(speeds) for speeds in zip(*rounds, strict=True))
    ratio = statistics.median(ours / theirs for ours, theirs in rounds)
    share = core * work_of(shape, size.length * 5 // 8) / reached(size.product)
    peak = facts["peak_memory_bytes"]
    off = peak / foretold.needed - 1
    return [
        f"{name}: core {core:,.0f} tokens/s, plain TRL {plain:,.0f}: {ratio:.2f} times as fast (wanted 1.2)",
        f"{name}: {share:.0%} of what products of {size.product} in bf16 reach here (wanted 40%)",
        f"{name}: peak {peak / 1e9:.2f} GB, {off:+.0%} from the plan (wanted within 15%)",
    ]


def main(shapes: Mapping[str, Mapping[str, int]] = SHAPES, size: Size = Size()) -> None:
    """Prints what was measured, and on what."""
    models.keep_quiet(online=False)
    if not cores.on_gpu() and shapes is SHAPES:
        raise GalleryError("torch finds no GPU here, and a CPU says nothing about one.")
    from common.record import device_name

    print(f"on {device_name()}")
    for name, shape in shapes.items():
        with tempfile.TemporaryDirectory() as root:
            print("\n".join(measured(name, shape, size, Path(root))), flush=True)


if __name__ == "__main__":
    main()
