"""How well a growing model does on documents that it never sees, by source."""

import math
from dataclasses import dataclass
from pathlib import Path

import torch
from torch.nn import functional
from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

from . import packing
from .corpus import HELD_OUT_SEED, Document, documents, prose

DOCUMENTS_PER_SOURCE = 60
MOST_TOKENS = 1024


@dataclass
class Tally:
    """Sums over the answers of one source."""

    loss: float = 0.0
    tokens: int = 0
    right: int = 0
    answers: int = 0
    size: int = 0

    def figures(self) -> dict[str, float]:
        """Loss of an answer token, share of answers right to the last token, bits per byte."""
        return {
            "loss": round(self.loss / max(1, self.tokens), 4),
            "exact": round(self.right / max(1, self.answers), 3),
            "bits_per_byte": round(self.loss / max(1, self.size) / math.log(2), 3),
        }


def held_out(corpus: Path, count: int = 700) -> dict[str, list[Document]]:
    """Documents that training never sees, by source."""
    found: dict[str, list[Document]] = {}
    for document in documents(HELD_OUT_SEED, count):
        found.setdefault(document.source, []).append(document)
    kept = [one for one in prose(corpus, 700) if one.source == "held_out_prose"]
    if kept:
        found["prose"] = kept[:: max(1, len(kept) // 60)]
    return found


def add(
    tally: Tally,
    model: LlamaForCausalLM,
    tokenizer: PreTrainedTokenizerFast,
    segments: list[tuple[list[int], float]],
) -> None:
    """Count one document: every answer is read with all that stands before it."""
    ids = [index for part, _ in segments for index in part][:MOST_TOKENS]
    goal = torch.tensor(ids[1:], device=model.device)
    logits = model(input_ids=torch.tensor([ids], device=model.device)).logits[0, :-1].float()
    losses = functional.cross_entropy(logits, goal, reduction="none").tolist()
    hits = (logits.argmax(-1) == goal).tolist()
    place = 0
    for part, share in segments:
        first, last = place - 1, place - 1 + len(part)
        place += len(part)
        if share <= packing.PROMPT_KEPT or place > len(ids):
            continue
        tally.loss += sum(losses[first:last])
        tally.tokens += len(part)
        tally.right += all(hits[first:last])
        tally.answers += 1
        tally.size += len(tokenizer.decode(part, skip_special_tokens=True).encode())


@torch.no_grad()
def evaluate(
    model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, kept: dict[str, list[Document]]
) -> dict[str, dict[str, float]]:
    """The figures of every source."""
    model.eval()
    result = {}
    for source, group in kept.items():
        tally = Tally()
        for segments in packing.encode(tokenizer, group[:DOCUMENTS_PER_SOURCE]):
            add(tally, model, tokenizer, segments)
        result[source] = tally.figures()
    model.train()
    return result
