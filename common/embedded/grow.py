"""Grow the embedded base model: `python -m common.embedded.grow --corpus FOLDER [--minutes M]`.

Learns the tokenizer, packs the mixture, trains a Llama-shaped model, checkpoints, and resumes
where it was killed. A file STOP in the output folder ends it early: the rate falls to zero over
the last minutes and the weights are saved. fp32 on CPU, bf16 where there is a GPU.
"""

import argparse
import json
import os
import time
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import LlamaForCausalLM

from common.muon import Muon

from . import packing, start
from .corpus import PROSE_SHARE
from .feed import batches, prepare, tensors
from .measure import evaluate, held_out

RATE, EMBEDDING_RATE = 0.0018, 0.0015
WARM_STEPS = 20
DECAY_SHARE = 0.22
LOG_SECONDS, SAVE_SECONDS, EVALUATE_SECONDS = 30, 180, 600


@dataclass
class Progress:
    """Where a run is; saved with every checkpoint."""

    step: int = 0
    tokens: int = 0
    seconds: float = 0.0
    decay_from: int = -1
    decay_steps: int = 0
    losses: list[float] = field(default_factory=list)


def batch_loss(trunk: nn.Module, head: nn.Module, batch: tuple[Tensor, Tensor, Tensor, Tensor]) -> Tensor:
    """Mean loss of the learnt tokens; only their logits are computed."""
    tokens, places, mask, learnt = batch
    hidden = trunk(input_ids=tokens, position_ids=places, attention_mask=mask, use_cache=False)[0]
    wanted = learnt[:, 1:]
    logits = head(hidden[:, :-1][wanted])
    return functional.cross_entropy(logits.float(), tokens[:, 1:][wanted])


def optimizers(model: LlamaForCausalLM) -> list[torch.optim.Optimizer]:
    """Muon for the layers' matrices, AdamW for embeddings and norms."""
    matrices = [weight for weight in model.model.layers.parameters() if weight.ndim == 2]
    inside = {id(weight) for weight in matrices}
    others = [weight for weight in model.parameters() if id(weight) not in inside]
    adam = torch.optim.AdamW(others, lr=EMBEDDING_RATE, betas=(0.9, 0.95), weight_decay=0.0, fused=True)
    return [Muon(matrices, RATE), adam]


def rate(progress: Progress) -> float:
    """Share of the full learning rate: warm up, stay, and fall once the end is in sight."""
    share = min(1.0, (progress.step + 1) / WARM_STEPS)
    if progress.decay_from >= 0:
        left = 1 - (progress.step - progress.decay_from) / max(1, progress.decay_steps)
        share *= max(0.0, left)
    return share


class Run:
    """One training run in one folder."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options, self.out = options, Path(options.out)
        self.out.mkdir(parents=True, exist_ok=True)
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        torch.set_num_threads(options.threads)
        earlier = Path(options.earlier) if options.earlier else None
        self.tokenizer, self.rows = prepare(
            Path(options.corpus), self.out, options.seed, options.documents, options.prose, earlier
        )
        self.kept = held_out(Path(options.corpus))
        self.model = self.first_model()
        if earlier:
            start.take_over(self.model, earlier)
        self.model.to(self.device)
        self.optimizers = optimizers(self.model)
        self.progress = Progress()
        self.restore()
        self.trunk = torch.compile(self.model.model) if options.compile else self.model.model

    def first_model(self) -> LlamaForCausalLM:
        """Random weights, and what is lent to them."""
        options = self.options
        model = start.new_model(self.tokenizer, options.seed, options.width, options.layers)
        if options.start in ("meaning", "both"):
            start.lend_meaning(model, self.tokenizer)
        if options.start in ("copying", "both"):
            start.lend_copying(model)
        return model

    @property
    def checkpoint(self) -> Path:
        """The file that a killed run resumes from."""
        return self.out / "checkpoint.pt"

    def restore(self) -> None:
        """Continue from the checkpoint, if there is one."""
        if not self.checkpoint.exists():
            return
        state = torch.load(self.checkpoint, weights_only=True)
        self.model.load_state_dict(state["model"])
        for optimizer, one in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(one)
        self.progress = Progress(**state["progress"])

    def save(self) -> None:
        """Write the checkpoint in one move, so that a kill leaves the old one whole."""
        state = {
            "model": self.model.state_dict(),
            "progress": asdict(self.progress),
            "optimizers": [one.state_dict() for one in self.optimizers],
        }
        part = self.checkpoint.with_suffix(".part")
        torch.save(state, part)
        os.replace(part, self.checkpoint)

    def log(self, line: dict) -> None:
        """One line of JSON in log.jsonl and on the screen."""
        text = json.dumps(line)
        print(text, flush=True)
        with (self.out / "log.jsonl").open("a", encoding="utf-8") as file:
            file.write(text + "\n")

    def step(self, batch: tuple[packing.Rows, list[int]]) -> None:
        """One update."""
        share = rate(self.progress)
        for optimizer, full in zip(self.optimizers, (self.options.rate, EMBEDDING_RATE), strict=True):
            for group in optimizer.param_groups:
                group["lr"] = full * share
        mixed = torch.autocast("cuda", torch.bfloat16) if self.device == "cuda" else nullcontext()
        with mixed:
            loss = batch_loss(self.trunk, self.model.lm_head, tensors(*batch, self.device))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        for optimizer in self.optimizers:
            optimizer.step()
        self.model.zero_grad(set_to_none=True)
        self.progress.step += 1
        self.progress.tokens += batch[0].length * len(batch[1])
        self.progress.losses = [*self.progress.losses[-49:], loss.item()]

    def spent(self) -> float:
        """Share of the budget that is gone."""
        if self.options.tokens:
            return self.progress.tokens / self.options.tokens
        return self.progress.seconds / (self.options.minutes * 60)

    def plan_end(self) -> None:
        """Begin the decay when its share of the budget is what is left, or when STOP appears."""
        progress, spent = self.progress, self.spent()
        stop = (self.out / "STOP").exists()
        if progress.decay_from >= 0 or not (stop or spent > 1 - DECAY_SHARE):
            return
        left = (1 - spent) / max(spent, 1e-9)
        if stop:
            left = min(left, self.options.stop_minutes * 60 / max(1.0, progress.seconds))
        progress.decay_from = progress.step
        progress.decay_steps = max(1, int(left * progress.step))

    def finished(self) -> bool:
        """Whether the decay is over."""
        progress = self.progress
        return progress.decay_from >= 0 and progress.step >= progress.decay_from + progress.decay_steps

    def report(self, event: str) -> dict[str, dict[str, float]]:
        """Log and give the held-out figures."""
        figures = evaluate(self.model, self.tokenizer, self.kept)
        self.log(
            {
                "event": event,
                "step": self.progress.step,
                "tokens": self.progress.tokens,
                "held_out": figures,
            }
        )
        return figures

    def train(self) -> dict[str, dict[str, float]]:
        """Run to the end of the budget; the held-out figures there."""
        marks = {"log": time.time(), "save": time.time(), "evaluate": time.time()}
        last_tokens = self.progress.tokens
        for batch in batches(self.rows, self.options.seed, self.progress.step):
            if self.finished():
                break
            began = time.time()
            self.step(batch)
            self.progress.seconds += min(60.0, time.time() - began)
            self.plan_end()
            now = time.time()
            if now - marks["log"] > LOG_SECONDS:
                speed = (self.progress.tokens - last_tokens) / (now - marks["log"])
                self.log(
                    {
                        "step": self.progress.step,
                        "tokens": self.progress.tokens,
                        "minutes": round(self.progress.seconds / 60, 2),
                        "loss": round(float(np.mean(self.progress.losses)), 4),
                        "tokens_per_second": round(speed),
                        "rate": round(rate(self.progress), 3),
                    }
                )
                marks["log"], last_tokens = now, self.progress.tokens
            if now - marks["save"] > SAVE_SECONDS:
                self.save()
                marks["save"] = time.time()
            if now - marks["evaluate"] > EVALUATE_SECONDS:
                self.report("held_out")
                marks["evaluate"] = marks["log"] = time.time()
                last_tokens = self.progress.tokens
        self.save()
        return self.report("end")

    def export(self) -> None:
        """Write weights and tokenizer where a reader of models finds them."""
        self.model.save_pretrained(self.out / "model")
        self.tokenizer.save_pretrained(self.out / "model")


def options() -> argparse.ArgumentParser:
    """What can be set."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--corpus", required=True, help="folder of *.txt or *.txt.xz prose")
    parser.add_argument("--out", default="grown", help="output folder")
    parser.add_argument("--minutes", type=float, default=80, help="training time")
    parser.add_argument("--tokens", type=int, default=0, help="budget in tokens, in place of minutes")
    parser.add_argument("--stop-minutes", type=float, default=5, help="decay after a STOP file")
    parser.add_argument("--documents", type=int, default=110_000, help="generated documents")
    parser.add_argument("--prose", type=float, default=PROSE_SHARE, help="share of prose in the tokens")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--width", type=int, default=start.WIDTH)
    parser.add_argument("--layers", type=int, default=start.LAYERS)
    parser.add_argument("--rate", type=float, default=RATE, help="learning rate of the matrices")
    parser.add_argument("--compile", action="store_true", help="about a tenth faster, needs a C compiler")
    parser.add_argument("--earlier", help="folder of an earlier base: go on from its weights and pieces")
    parser.add_argument("--start", choices=("both", "meaning", "copying", "random"), default="both")
    return parser


def main() -> None:
    """Read the options and run."""
    run = Run(options().parse_args())
    run.train()
    run.export()


if __name__ == "__main__":
    main()
