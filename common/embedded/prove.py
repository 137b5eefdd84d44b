"""The proof that the base earns its place: `python -m common.embedded.prove [--banking77 FOLDER]`.

Tunes the base and the same architecture from random weights on the same rows with the same budget,
each with its best learning rate of one grid (climbed from below on validation rows, seed 0, until
it falls), over three seeds, and tunes LoRA on the base. Prints the table of the model card. Runs
that the log already holds are not repeated.
"""

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from statistics import mean

import torch
from torch import nn
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from . import TEXT_MODEL_FOLDER
from .proof_tasks import Task, tasks
from .textloop import Budget, Row, answer, tune
from .tokenizer import load

RATES = (1e-3, 2.5e-3, 6e-3)
SEEDS = (0, 1, 2)
LEAST_GAIN, LEAST_SHARE = 0.05, 0.9


def base_model(folder: Path, seed: int) -> nn.Module:
    """The grown weights."""
    torch.manual_seed(seed)
    return LlamaForCausalLM.from_pretrained(str(folder), dtype=torch.float32)


def random_model(folder: Path, seed: int) -> nn.Module:
    """The same architecture with random weights."""
    torch.manual_seed(seed)
    return LlamaForCausalLM(LlamaConfig.from_pretrained(str(folder))).float()


def lora_model(folder: Path, seed: int) -> nn.Module:
    """The grown weights with LoRA of rank 16 on every linear layer."""
    from peft import LoraConfig, get_peft_model

    config = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    return get_peft_model(base_model(folder, seed), config)


ARMS: dict[str, Callable[[Path, int], nn.Module]] = {
    "base, full": base_model,
    "random, full": random_model,
    "base, LoRA": lora_model,
}


def accuracy(
    model: nn.Module, tokenizer: PreTrainedTokenizerFast, rows: list[Row], most: int
) -> tuple[float, float]:
    """Share of answers that are right to the letter, and share that stopped by themselves."""
    replies = answer(model, tokenizer, [row.prompt for row in rows], most)
    right = [reply.text == row.answer for reply, row in zip(replies, rows, strict=True)]
    return mean(right), mean(reply.stopped for reply in replies)


def run(folder: Path, task: Task, arm: str, rate: float, seed: int) -> dict:
    """Tune once and score on validation and test rows."""
    tokenizer, began = load(folder), time.time()
    model = ARMS[arm](folder, seed)
    tokens = tune(model, tokenizer, task.train, Budget(task.epochs, rate, seed=seed))
    trained = time.time() - began
    validation, _ = accuracy(model, tokenizer, task.validation, task.most_tokens)
    test, stopped = accuracy(model, tokenizer, task.test, task.most_tokens)
    return {
        "task": task.name,
        "arm": arm,
        "rate": rate,
        "seed": seed,
        "tokens": tokens,
        "validation": round(validation, 4),
        "test": round(test, 4),
        "stopped": round(stopped, 4),
        "train_seconds": round(trained, 1),
        "seconds": round(time.time() - began, 1),
    }


class Log:
    """Results on disk, one line each, so that a stopped proof goes on where it was."""

    def __init__(self, path: Path) -> None:
        self.path = path
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        self.done = {self.key(result): result for result in map(json.loads, lines)}

    def key(self, result: dict) -> tuple:
        """What tells one run from another."""
        return result["task"], result["arm"], result["rate"], result["seed"]

    def once(self, folder: Path, task: Task, arm: str, rate: float, seed: int) -> dict:
        """The result of a run, from the log if it is there."""
        key = (task.name, arm, rate, seed)
        if key not in self.done:
            self.done[key] = run(folder, task, arm, rate, seed)
            text = json.dumps(self.done[key])
            print(text, flush=True)
            with self.path.open("a", encoding="utf-8") as file:
                file.write(text + "\n")
        return self.done[key]


def run_arm(folder: Path, task: Task, arm: str, log: Log) -> list[dict]:
    """Rates from below with seed 0 until validation falls, then the best with the other seeds."""
    best = log.once(folder, task, arm, RATES[0], SEEDS[0])
    for rate in RATES[1:]:
        result = log.once(folder, task, arm, rate, SEEDS[0])
        if result["validation"] < best["validation"]:
            break
        best = max(best, result, key=lambda one: one["validation"])
    return [best, *(log.once(folder, task, arm, best["rate"], seed) for seed in SEEDS[1:])]


def table(found: dict[str, dict[str, list[dict]]]) -> str:
    """The result table in Markdown; a row that fails says so."""
    lines = [
        "| task | arm | best rate | test, three seeds | mean | against the bar |",
        "|---|---|---|---|---|---|",
    ]
    for task, arms in found.items():
        means = {arm: mean(one["test"] for one in runs) for arm, runs in arms.items()}
        gain = means["base, full"] - means["random, full"]
        share = (means["base, LoRA"] - means["random, full"]) / gain if gain > 0 else 0.0
        lent = f"{share:.0%} of the gain" if share > 0 else "no better than random"
        notes = {
            "base, full": f"{gain:+.3f} to random: {'passes' if gain >= LEAST_GAIN else 'FAILS'}",
            "random, full": "",
            "base, LoRA": f"{lent}: {'passes' if share >= LEAST_SHARE else 'FAILS'}",
        }
        for arm, runs in arms.items():
            scores = ", ".join(f"{one['test']:.3f}" for one in runs)
            lines.append(
                f"| {task} | {arm} | {runs[0]['rate']:g} | {scores} | {means[arm]:.3f} | {notes[arm]} |"
            )
    return "\n".join(lines)


def main() -> None:
    """Read the options, run every arm, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--model", type=Path, default=TEXT_MODEL_FOLDER, help="folder of the base")
    parser.add_argument("--banking77", type=Path, help="folder with banking77_{train,test}.jsonl")
    parser.add_argument("--out", type=Path, default=Path("proof"), help="folder for the log")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    options.out.mkdir(parents=True, exist_ok=True)
    log = Log(options.out / "proof.jsonl")
    found = {
        task.name: {arm: run_arm(options.model, task, arm, log) for arm in ARMS}
        for task in tasks(options.banking77)
    }
    text = table(found)
    (options.out / "proof.md").write_text(text + "\n", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
