"""Documents -> rows of tokens: whole documents side by side, none cut, none seeing another."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import numpy as np

from .corpus import Document, documents, prose

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

# Two row lengths: attention over long rows is dear, and most documents are short.
ROW_LENGTHS = (256, 768)
# Answers are learnt in full. Of prompts, full of invented names, one token in six is enough to
# keep their form; leaving the others out also saves their share of the output layer.
PROMPT_KEPT = 1 / 6
# Prose is one text in five but would be half of the learnt tokens; this holds it at a quarter.
PROSE_KEPT = 0.4


@dataclass
class Rows:
    """Packed rows of one length: token ids, document numbers inside the row, learnt positions."""

    length: int
    tokens: list[np.ndarray] = field(default_factory=list)
    owners: list[np.ndarray] = field(default_factory=list)
    learnt: list[np.ndarray] = field(default_factory=list)

    def add(self, parts: list[tuple[list[int], list[bool]]], pad: int) -> None:
        """Close one row."""
        tokens = np.full(self.length, pad, np.int32)
        owners, learnt = np.full(self.length, -1, np.int32), np.zeros(self.length, bool)
        place = 0
        for number, (ids, kept) in enumerate(parts):
            end = place + len(ids)
            tokens[place:end], owners[place:end], learnt[place:end] = ids, number, kept
            place = end
        self.tokens.append(tokens)
        self.owners.append(owners)
        self.learnt.append(learnt)


def encode(
    tokenizer: "PreTrainedTokenizerFast", batch: list[Document]
) -> list[list[tuple[list[int], float]]]:
    """For each document its segments as (token ids, share learnt)."""
    start, end = tokenizer.bos_token_id, tokenizer.eos_token_id
    flat = [text for document in batch for _, text in document.messages]
    pieces = iter(tokenizer(flat, add_special_tokens=False)["input_ids"])
    result = []
    for document in batch:
        segments: list[tuple[list[int], float]] = [([start], PROMPT_KEPT)]
        for role, _ in document.messages:
            ids = next(pieces)
            if role == "text":
                segments.append((ids, PROSE_KEPT))
                continue
            segments.append(([tokenizer.convert_tokens_to_ids(f"<|{role}|>")], PROMPT_KEPT))
            segments.append(([*ids, end], 1.0 if role == "assistant" else PROMPT_KEPT))
        result.append(segments)
    return result


def flatten(segments: list[tuple[list[int], float]], random: Random) -> tuple[list[int], list[bool]]:
    """Token ids and which of them are learnt."""
    ids: list[int] = []
    kept: list[bool] = []
    for part, share in segments:
        ids += part
        kept += [random.random() < share for _ in part]
    kept[0] = False
    return ids, kept


def pack(items: Iterable[tuple[list[int], list[bool]]], length: int, pad: int, open_rows: int = 40) -> Rows:
    """Fill rows with whole documents: each goes to the fullest open row with room."""
    rows, waiting = Rows(length), []
    for ids, kept in items:
        fitting = [entry for entry in waiting if entry[0] + len(ids) <= length]
        if fitting:
            entry = max(fitting, key=lambda one: one[0])
        else:
            if len(waiting) >= open_rows:
                fullest = max(waiting, key=lambda one: one[0])
                waiting.remove(fullest)
                rows.add(fullest[1], pad)
            entry = [0, []]
            waiting.append(entry)
        entry[0] += len(ids)
        entry[1].append((ids, kept))
    for entry in waiting:
        rows.add(entry[1], pad)
    return rows


def _prose_cut(folder: Path, tokenizer: "PreTrainedTokenizerFast", wanted: int, seed: int) -> list[Document]:
    """Passages spread over the whole folder, about `wanted` tokens in all."""
    found = [document for document in prose(folder, 700) if document.source != "held_out_prose"]
    Random(seed).shuffle(found)
    return found[: max(1, wanted // 230)]


def build(
    tokenizer: "PreTrainedTokenizerFast", folder: Path, seed: int, count: int, prose_share: float
) -> list[Rows]:
    """Training rows of every length from `count` generated documents and a share of prose."""
    random = Random(seed)
    generated = list(documents(seed, count))
    encoded = [flatten(one, random) for one in encode(tokenizer, generated)]
    total = sum(len(ids) for ids, _ in encoded)
    passages = _prose_cut(folder, tokenizer, int(total * prose_share / (1 - prose_share)), seed)
    limit = ROW_LENGTHS[0]
    for segments in encode(tokenizer, passages):
        ids, kept = flatten(segments, random)
        encoded.append((ids[:limit], kept[:limit]))
    random.shuffle(encoded)
    pad, result, shortest = tokenizer.pad_token_id, [], 0
    for length in ROW_LENGTHS:
        fitting = [item for item in encoded if shortest < len(item[0]) <= length]
        result.append(pack(fitting, length, pad))
        shortest = length
    return result


def save(rows: list[Rows], path: Path) -> None:
    """Keep packed rows on disk, so that a resumed run need not tokenise again."""
    arrays = {}
    for one in rows:
        for name in ("tokens", "owners", "learnt"):
            arrays[f"{name}_{one.length}"] = np.stack(getattr(one, name))
    np.savez(path, **arrays)


def load(path: Path) -> list[Rows]:
    """Packed rows from disk."""
    with np.load(path, allow_pickle=False) as arrays:
        return [
            Rows(length, *(list(arrays[f"{name}_{length}"]) for name in ("tokens", "owners", "learnt")))
            for length in ROW_LENGTHS
        ]
