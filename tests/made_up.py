"""Made-up records, as a run would write them, for the tests of tables, pages and the benchmark."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from common import record, results
from common.record import RunRecord

KINDS = {
    "floor": "floor",
    "zero_shot": "prompting",
    "retrieval": "retrieval",
    "linear": "light",
    "tuned": "tuned",
}
MEANS = {"floor": 0.3, "zero_shot": 0.5, "retrieval": 0.55, "linear": 0.6, "tuned": 0.7}
MACHINE = {"device": "cpu", "threads": 1, "machine": "Linux"}
STAMP = {"code": "c", "data": "d", "config": "s"}


def around(mean: float, half: float = 0.02) -> dict[str, float]:
    return {"mean": mean, "low": mean - half, "high": mean + half}


def contender(name: str, mean: float, half: float = 0.02) -> dict[str, Any]:
    prompted = KINDS.get(name, name) in ("prompting", "retrieval")
    return {
        "label": f"{name} model",
        "kind": KINDS.get(name, name),
        "n": 100,
        "scores": {"accuracy": around(mean, half)},
        "by_kind": {"all": {"n": 100, "mean": mean}},
        "by_seed": [mean - 0.01, mean, mean + 0.01] if name == "tuned" else [mean],
        "tokens_in": 900.0 if prompted else 40.0,
        "tokens_out": 20.0,
        "seconds": 0.36 if prompted else 0.036,
    }


def made(usecase: str = "toy", variant: str = "offline", **changes: Any) -> RunRecord:
    """A sound record; `means` and `half` set the scores, other names replace whole fields."""
    means = {**MEANS, **changes.pop("means", {})}
    half, method = changes.pop("half", 0.02), changes.pop("method", "lora")
    train, share = changes.pop("train", 800), changes.pop("share", 1.0)
    counts = {"train": train, "val": 50, "test": 100}
    cost = {"seconds": 100.0, "trainable_parameters": 1000, "adapter_bytes": 4000, "peak_memory_bytes": 10**9}
    facts: dict[str, Any] = {
        "usecase": usecase,
        "variant": variant,
        "method": method,
        "seeds": [0, 1, 2],
        "tier": "published",
        "status": "ok",
        "verdict": {"label": "fine-tune", "reason": "accuracy 0.700 against 0.550"},
        "headline": "accuracy",
        "contenders": {name: contender(name, mean, half) for name, mean in means.items()},
        "difference": {n: around(means["tuned"] - m, half) for n, m in means.items() if n != "tuned"},
        "training": {**cost, "total_parameters": 10_000, **changes.pop("cost", {})},
        "forgetting": {"before": 0.9, "after": 0.89, "loss": 0.01, "unit": "accuracy"},
        "data": {"test_ids_hash": "t", "counts": counts, "stamp": STAMP},
        "base": {"id": "embedded:toy", "on_hub": False, "revision": ""},
        "config": {
            "usecase": usecase,
            "variant": variant,
            "method": method,
            "tuner": "classify",
            "train_share": share,
        },
        "environment": {
            "git_commit": "abc",
            "git_dirty": False,
            "device": "cpu",
            "threads": 1,
            "date": "2026-01-02",
        },
    }
    return RunRecord(**{**facts, **changes})


def keep(home: Path, row: RunRecord, name: str = "", tier: str = results.VERIFIED) -> Path:
    """Writes a record where the benchmark looks for it."""
    path = home / results.FOLDERS[tier] / f"{name or f'{row.usecase}--{row.variant}'}.json"
    record.write_json(path, row.model_dump())
    return path


def keep_examples(home: Path, name: str, scores: np.ndarray) -> None:
    """Writes scores per example, seeds by examples, each example a group of its own."""
    ids = [f"e{i}" for i in range(scores.shape[1])]
    kept = {"metric": "accuracy", "averages": True, "ids": ids, "groups": ids, "kinds": ["all"] * len(ids)}
    kept |= {"asked": [f"what is <{i}>" for i in ids], "scores": {"tuned": scores.round(5).tolist()}}
    path = home / "examples" / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(kept), encoding="utf-8")


def root(folder: Path) -> Path:
    """A project folder with the pages that are generated."""
    from common import board

    for name in ("README.md", *(f"benchmarks/{page}.md" for page in ("README", "METHODS", "CURVES", "LOG"))):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"text\n{board.BEGIN}\nold\n{board.END}\n", encoding="utf-8")
    return folder
