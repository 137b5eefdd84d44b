"""What a growing model is fed: tokenizer and packed rows from disk, batches in a fixed order."""

from collections.abc import Iterator
from pathlib import Path
from random import Random

import numpy as np
import torch
from torch import Tensor
from transformers import PreTrainedTokenizerFast

from . import packing
from . import tokenizer as tokenizers
from .corpus import documents, prose

TOKENS_PER_STEP = 4096
TOKENIZER_DOCUMENTS, TOKENIZER_PASSAGES = 40_000, 7_000


def learn_tokenizer(corpus: Path, out: Path, seed: int, earlier: Path | None) -> PreTrainedTokenizerFast:
    """The tokenizer of the output folder; if it is not there, that of an earlier base, or a learnt one."""
    folder = out / "tokenizer"
    if earlier and not folder.exists():
        tokenizers.with_pointers(tokenizers.load(earlier)).save_pretrained(folder)
    if not folder.exists():
        texts = [text for document in documents(seed, TOKENIZER_DOCUMENTS) for _, text in document.messages]
        passages = [document.text for document in prose(corpus) if document.source != "held_out_prose"]
        texts += passages[:: max(1, len(passages) // TOKENIZER_PASSAGES)]
        tokenizers.train(texts).save_pretrained(folder)
    return tokenizers.load(folder)


def prepare(
    corpus: Path, out: Path, seed: int, count: int, prose_share: float, earlier: Path | None = None
) -> tuple[PreTrainedTokenizerFast, list[packing.Rows]]:
    """Tokenizer and packed rows, from disk when they are there."""
    tokenizer, path = (
        learn_tokenizer(corpus, out, seed, earlier),
        out / f"rows-{seed}-{count}-{prose_share}.npz",
    )
    if not path.exists():
        packing.save(packing.build(tokenizer, corpus, seed, count, prose_share), path)
    return tokenizer, packing.load(path)


def batches(rows: list[packing.Rows], seed: int, first: int) -> Iterator[tuple[packing.Rows, list[int]]]:
    """Endless batches of row numbers; batch n is the same whoever asks."""
    step, epoch = 0, 0
    while True:
        random, plan = Random(seed * 1000 + epoch), []
        for one in rows:
            order, size = list(range(len(one.tokens))), max(1, TOKENS_PER_STEP // one.length)
            random.shuffle(order)
            plan += [(one, order[at : at + size]) for at in range(0, len(order) - size + 1, size)]
        random.shuffle(plan)
        for batch in plan:
            if step >= first:
                yield batch
            step += 1
        epoch += 1


def tensors(rows: packing.Rows, chosen: list[int], device: str) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Token ids, places inside each document, the mask that keeps documents apart, learnt marks."""
    tokens = torch.from_numpy(np.stack([rows.tokens[i] for i in chosen]).astype(np.int64)).to(device)
    owners = torch.from_numpy(np.stack([rows.owners[i] for i in chosen])).to(device)
    learnt = torch.from_numpy(np.stack([rows.learnt[i] for i in chosen])).to(device)
    count = torch.arange(rows.length, device=device)
    changes = torch.ones_like(owners, dtype=torch.bool)
    changes[:, 1:] = owners[:, 1:] != owners[:, :-1]
    places = count - torch.where(changes, count, 0).cummax(1).values
    allowed = (owners[:, None, :, None] == owners[:, None, None, :]) & (count[:, None] >= count)
    mask = torch.zeros(allowed.shape, device=device).masked_fill_(~allowed, torch.finfo(torch.float32).min)
    return tokens, places, mask, learnt
