"""What part of the data a run uses: all of it, a share for a data-size curve, or little for a smoke run."""

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from common.data import by_hash
from common.rows import Rows
from common.usecase import Example, Splits


def train_part(splits: Splits, share: float) -> Splits:
    """A share of the training examples, by whole groups in the order of their hashes: each part holds the
    smaller ones, and val and test stay as they are."""
    if isinstance(splits.train, Rows):
        return replace(splits, train=splits.train.part(share))
    groups: dict[str, list[Example]] = defaultdict(list)
    for example in splits.train:
        groups[example.group].append(example)
    wanted, kept = share * len(splits.train), set()
    for group in sorted(groups, key=lambda name: hashlib.sha256(name.encode()).digest()):
        if sum(len(groups[name]) for name in kept) >= wanted:
            break
        kept.add(group)
    return replace(splits, train=tuple(example for example in splits.train if example.group in kept))


def used(splits: Splits, smoke: bool, train_share: float) -> Splits:
    """What of the data a run with these settings uses."""
    splits = smoke_sample(splits) if smoke else splits
    return train_part(splits, train_share) if train_share < 1 else splits


def smoke_sample(splits: Splits, train: int = 128, val: int = 24, test: int = 40) -> Splits:
    """A small part of each split, chosen by hash; documents keep every right one and some others."""

    def part(examples: Sequence[Example], count: int) -> tuple[Example, ...]:
        return tuple(by_hash(examples)[:count])

    small = {"train": part(splits.train, train), "val": part(splits.val, val)}
    small["test"] = part(splits.test, test)
    probes = {name: part(examples, 8) for name, examples in splits.probes.items()}
    documents = dict(splits.documents)
    if documents:
        kept = [e for examples in (*small.values(), *probes.values()) for e in examples]
        wanted = {identifier for example in kept for identifier in example.answer}
        others = sorted(set(documents) - wanted, key=lambda i: hashlib.sha256(i.encode()).digest())
        keep = wanted | set(others[:50])
        documents = {key: text for key, text in documents.items() if key in keep}
    return Splits(**small, documents=documents, probes=probes, dropped=splits.dropped, source=splits.source)
