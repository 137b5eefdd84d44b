"""Grows the small image backbone: names the texture, names the shape laid over it, shows where it is.

    python -m common.embedded.vision_grow --out grown/vision

A ResNet with bottleneck blocks from `transformers`, from random weights, on one CPU core in minutes.
What came out, and how good it is, stands in `common/embedded/vision/README.md`.
"""

import argparse
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional
from transformers import ResNetConfig, ResNetModel

from common.embedded import file_hash
from common.embedded.vision_patterns import FAMILIES, SHAPES, SIZE, drawn
from common.vision import View

WIDTHS = (64, 128, 256)
DEPTHS = (1, 2, 2)
STEM = 32
GRID = 16
BATCH = 64
RATE = 3e-3
DECAY = 0.02
MASK_WEIGHT = 3.0
VIEW = View(SIZE, SIZE, 2)


@dataclass(frozen=True)
class Pool:
    """Drawn pictures and what is in them."""

    greys: np.ndarray
    family: np.ndarray
    shape: np.ndarray
    mask: np.ndarray

    @classmethod
    def drawn(cls, count: int, seed: int) -> "Pool":
        rows = [drawn(np.random.default_rng([seed, number])) for number in range(count)]
        cell = SIZE // GRID
        masks = [r[3].reshape(GRID, cell, GRID, cell).max(axis=(1, 3)) for r in rows]
        greys, family, shape = (np.stack([row[i] for row in rows]) for i in range(3))
        return cls(greys, family, shape, np.stack(masks))

    def batch(self, chosen: np.ndarray, turns: int, mirror: bool) -> tuple[Any, ...]:
        """Pictures and targets, all turned the same way."""
        greys, mask = (np.rot90(part[chosen], turns, (1, 2)) for part in (self.greys, self.mask))
        if mirror:
            greys, mask = greys[:, :, ::-1], mask[:, :, ::-1]
        targets = (torch.from_numpy(part[chosen]) for part in (self.family, self.shape))
        inputs = VIEW.tensor([np.ascontiguousarray(g) for g in greys])
        return inputs, *targets, torch.from_numpy(mask.astype(np.float32))


class Pupil(torch.nn.Module):
    """The backbone with three heads that are thrown away afterwards."""

    def __init__(self) -> None:
        super().__init__()
        self.backbone = ResNetModel(
            ResNetConfig(
                num_channels=VIEW.channels,
                embedding_size=STEM,
                hidden_sizes=list(WIDTHS),
                depths=list(DEPTHS),
                layer_type="bottleneck",
            )
        )
        self.family = torch.nn.Linear(2 * WIDTHS[-1], len(FAMILIES))
        self.shape = torch.nn.Linear(2 * WIDTHS[-1], len(SHAPES) + 1)
        self.mask = torch.nn.Conv2d(sum(WIDTHS), 1, 1)

    def forward(self, inputs: Any) -> tuple[Any, Any, Any]:
        states = self.backbone(pixel_values=inputs, output_hidden_states=True).hidden_states[-3:]
        last = states[-1]
        pooled = torch.cat([last.mean((2, 3)), last.amax((2, 3))], dim=1)
        sized = [functional.interpolate(state, (GRID, GRID), mode="bilinear") for state in states]
        return self.family(pooled), self.shape(pooled), self.mask(torch.cat(sized, dim=1))[:, 0]


def loss_of(pupil: Pupil, batch: tuple[Any, ...]) -> Any:
    """What three heads get wrong, in one number."""
    inputs, family, shape, mask = batch
    said_family, said_shape, said_mask = pupil(inputs)
    return (
        functional.cross_entropy(said_family, family)
        + functional.cross_entropy(said_shape, shape)
        + MASK_WEIGHT * functional.binary_cross_entropy_with_logits(said_mask, mask)
    )


def grow(pool: Pool, epochs: int, seed: int) -> tuple[Pupil, list[dict[str, float]]]:
    """Trains from random weights; the rate rises quickly and falls to zero."""
    torch.manual_seed(seed)
    random = np.random.default_rng(seed)
    pupil = Pupil().to(memory_format=torch.channels_last)
    groups = [
        {"params": [p for p in pupil.parameters() if p.ndim > 1], "weight_decay": DECAY},
        {"params": [p for p in pupil.parameters() if p.ndim <= 1], "weight_decay": 0.0},
    ]
    steps_each = len(pool.greys) // BATCH
    engine = torch.optim.AdamW(groups, lr=RATE)
    schedule = torch.optim.lr_scheduler.OneCycleLR(engine, RATE, epochs * steps_each, pct_start=0.1)
    log = []
    for epoch in range(epochs):
        order, losses, started = random.permutation(len(pool.greys)), [], time.process_time()
        for step in range(steps_each):
            chosen = order[step * BATCH : (step + 1) * BATCH]
            loss = loss_of(pupil, pool.batch(chosen, int(random.integers(4)), bool(random.integers(2))))
            loss.backward()
            engine.step()
            schedule.step()
            engine.zero_grad()
            losses.append(float(loss.detach()))
        seconds = time.process_time() - started
        log.append(
            {"epoch": epoch + 1, "loss": round(float(np.mean(losses)), 4), "cpu_seconds": round(seconds)}
        )
        print(log[-1], flush=True)
    return pupil.eval(), log


def measured(pupil: Pupil, pool: Pool) -> dict[str, float]:
    """How often the heads are right on pictures that were never shown."""
    from sklearn.metrics import roc_auc_score

    inputs, family, shape, mask = pool.batch(np.arange(len(pool.greys)), 0, False)
    with torch.inference_mode():
        parts = [pupil(part) for part in inputs.split(128)]
    said_family, said_shape, said_mask = (torch.cat([part[i] for part in parts]) for i in range(3))
    return {
        "family_accuracy": round(float((said_family.argmax(1) == family).float().mean()), 4),
        "shape_accuracy": round(float((said_shape.argmax(1) == shape).float().mean()), 4),
        "mask_auroc": round(float(roc_auc_score(mask.flatten(), said_mask.flatten())), 4),
    }


def main() -> None:
    """Draws, grows, measures on held-out drawings, and writes the folder with its manifest."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("grown/vision"))
    parser.add_argument("--pictures", type=int, default=24_000)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    torch.set_num_threads(1)
    pool, held_out = Pool.drawn(given.pictures, given.seed), Pool.drawn(2000, given.seed + 1)
    pupil, log = grow(pool, given.epochs, given.seed)
    pupil.backbone.save_pretrained(given.out)
    files = sorted(path for path in given.out.iterdir() if path.suffix in (".json", ".safetensors"))
    found = {
        p.name: {"bytes": p.stat().st_size, "sha256": file_hash(p)}
        for p in files
        if p.name != "manifest.json"
    }
    (given.out / "manifest.json").write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    print(json.dumps({"log": log, "held_out": measured(pupil, held_out)}))


if __name__ == "__main__":
    main()
