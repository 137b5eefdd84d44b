"""Outputs of every contender to one record: scores, differences, verdict, costs."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from common import record, vllm
from common.config import RunConfig, settings_of
from common.evaluate import Rival, Scored, Verdict, difference, score_columns, summarise, verdict
from common.job import Contender, Output
from common.metrics import Interval
from common.models import Base
from common.record import RunRecord
from common.usecase import Example, UseCase

AVERAGED = ("seconds", "processor_seconds", "tokens_per_second")
NOT_RECORDED = "diverged"
PLAN_FILE = "plan.json"  # what `gallery plan` foretold of a run in this folder


def planned(config: RunConfig) -> dict[str, Any]:
    """What a plan was made for: the settings, and the data that they meet."""
    return {**settings_of(config), "data": str(config.data)}


@dataclass(frozen=True)
class Summary:
    """Everything a finished run left in its folder, and what follows from it."""

    usecase: UseCase
    config: RunConfig
    folder: Path
    base: Base
    test: tuple[Example, ...]
    baselines: list[tuple[Contender, list[Output]]]
    tuned_by_seed: list[list[Output]]

    @cached_property
    def groups(self) -> list[str]:
        return [example.group for example in self.test]

    @cached_property
    def rivals(self) -> list[Scored]:
        return [self.scored_as(c.name, c.label, c.kind, [outputs]) for c, outputs in self.baselines]

    @cached_property
    def tuned(self) -> Scored:
        return self.scored_as("tuned", f"tuned ({self.config.method})", "tuned", self.tuned_by_seed)

    @cached_property
    def scored(self) -> list[Scored]:
        """Every contender, the tuned one last."""
        return [*self.rivals, self.tuned]

    @cached_property
    def gaps(self) -> dict[str, Interval]:
        """Paired difference of the headline, tuned minus each rival."""
        metric = self.usecase.headline
        return {r.name: difference(self.usecase, self.tuned, r, self.groups, metric) for r in self.rivals}

    @cached_property
    def rows(self) -> dict[str, dict[str, Any]]:
        return {item.name: self.row(item) for item in self.scored}

    def outputs(self) -> dict[str, list[Output]]:
        """Outputs by contender; of the tuned model those of the first seed."""
        found = {contender.name: outputs for contender, outputs in self.baselines}
        return {**found, "tuned": self.tuned_by_seed[0]}

    def scored_as(self, name: str, label: str, kind: str, by_seed: list[list[Output]]) -> Scored:
        """A contender's per-example scores and its average cost."""
        columns = tuple(score_columns(self.usecase, self.test, outputs) for outputs in by_seed)
        every = [output for outputs in by_seed for output in outputs]
        costs = {
            key: sum(getattr(output, key) for output in every) / len(every)
            for key in ("tokens_in", "tokens_out", "seconds")
        }
        return Scored(name, label, kind, columns, **costs)

    def row(self, item: Scored) -> dict[str, Any]:
        """What the record says of a contender; tokens and seconds are per answer."""
        scores = summarise(self.usecase, item, self.groups)
        return {
            "label": item.label,
            "kind": item.kind,
            "n": len(self.test),
            "scores": {name: interval.as_dict() for name, interval in scores.items()},
            "by_kind": self.by_kind(item),
            "by_seed": [self.usecase.aggregate(c)[self.usecase.headline] for c in item.columns],
            "tokens_in": item.tokens_in,
            "tokens_out": item.tokens_out,
            "seconds": item.seconds,
        }

    def examples(self) -> dict[str, Any]:
        """The headline of every contender on every test example, where it is a score of examples.

        What is asked is kept for our own data only: that of others has its own licence.
        """
        metric = self.usecase.headline
        asked = [shorten(e.inputs) if self.config.data is None else "" for e in self.test]
        return {
            "metric": metric,
            "averages": self.usecase.averages_examples(),
            "ids": [example.id for example in self.test],
            "groups": self.groups,
            "kinds": [example.kind for example in self.test],
            "asked": asked,
            "scores": {
                item.name: [rounded(columns[metric]) for columns in item.columns]
                for item in self.scored
                if metric in item.columns[0]
            },
        }

    def by_kind(self, item: Scored) -> dict[str, dict[str, float]]:
        """The headline for each kind of example, averaged over seeds."""
        kinds = np.array([example.kind for example in self.test])
        found = {}
        for kind in sorted(set(kinds)):
            parts = [{k: v[kinds == kind] for k, v in columns.items()} for columns in item.columns]
            means = [self.usecase.aggregate(part)[self.usecase.headline] for part in parts]
            found[str(kind)] = {"n": int((kinds == kind).sum()), "mean": float(np.mean(means))}
        return found

    def verdict(self, forgetting: dict[str, Any]) -> Verdict:
        """The verdict over the headline."""
        mean = {name: row["scores"][self.usecase.headline]["mean"] for name, row in self.rows.items()}
        return verdict(
            self.usecase.headline,
            mean["tuned"],
            [Rival(r.label, r.kind, mean[r.name], self.gaps[r.name]) for r in self.rivals],
            self.usecase.margin,
            forgetting.get("loss", 0.0),
            self.usecase.largest_forgetting,
        )

    def status(self) -> str:
        """How tuning compares with the untuned base, or with the floor where there is none."""
        gap = self.gaps.get("zero_shot", self.gaps["floor"])
        return "ok" if gap.low > 0 else "worse" if gap.high < 0 else "no gain"

    def stage_files(self, name: str) -> list[dict[str, Any]]:
        """A stage's JSON of every seed."""
        return [self.stage_file(f"seed-{seed}/{name}") for seed in range(self.config.seeds)]

    def stage_file(self, name: str) -> Any:
        return json.loads((self.folder / name).read_text(encoding="utf-8"))

    def record(self) -> RunRecord:
        """The record of a finished run."""
        forgetting = mean_of(self.stage_files("forgetting.json"), ("before", "after", "loss"))
        training = mean_of(self.stage_files("training.json"), AVERAGED)
        training.pop(NOT_RECORDED, None)
        training |= self.foretold(training)
        return RunRecord(
            **(self.with_vllm() if self.config.vllm else circumstances(self.usecase, self.config)),
            **self.measured_on(),
            status=self.status(),
            verdict=asdict(self.verdict(forgetting)),
            contenders=self.rows,
            difference={name: gap.as_dict() for name, gap in self.gaps.items()},
            training=training,
            forgetting=forgetting,
            tables=self.stage_file("seed-0/tables.json"),
        )

    def with_vllm(self) -> dict[str, Any]:
        """What is known of a run, and which vLLM answered, if one did."""
        found = circumstances(self.usecase, self.config)
        places = {"untuned": self.folder, "tuned": self.folder / "seed-0"}
        found["environment"]["vllm"] = {name: vllm.answered_by(place) for name, place in places.items()}
        return found

    def foretold(self, training: dict[str, Any]) -> dict[str, Any]:
        """What the plan of these settings said, and by which share the run took more."""
        told = self.stage_file(PLAN_FILE) if (self.folder / PLAN_FILE).is_file() else {}
        if told.pop("run", None) != planned(self.config):
            return {}
        errors = {f"{key}_error": round(training[key] / value - 1, 3) for key, value in told.items()}
        return {"plan": {**told, **errors}}

    def failed_record(self, status: str, reason: str) -> RunRecord:
        """The record of a run that has no tuned model to judge."""
        return RunRecord(
            **circumstances(self.usecase, self.config),
            **self.measured_on(),
            status=status,
            reason=reason,
            verdict={"label": "not enough evidence", "reason": f"The run ended: {status}."},
            contenders={item.name: self.row(item) for item in self.rivals},
        )

    def measured_on(self) -> dict[str, Any]:
        """The data and the base."""
        return {"data": self.stage_file("data.json"), "base": self.base.as_dict()}


def circumstances(usecase: UseCase, config: RunConfig) -> dict[str, Any]:
    """What is known of a run however it ended."""
    return {
        "usecase": usecase.name,
        "variant": config.variant,
        "method": config.method,
        "seeds": list(range(config.seeds)),
        "tier": "smoke" if config.smoke else "draft",
        "headline": usecase.headline,
        "config": config.model_dump(mode="json"),
        "environment": record.environment(record.threads_for(config.threads)),
    }


def rounded(column: np.ndarray) -> list[float | None]:
    """A column for JSON; an example that does not carry the metric is null."""
    return [round(float(value), 5) if np.isfinite(value) else None for value in column]


def shorten(value: Any, length: int = 80) -> str:
    """What is asked, as one short line: the longest text that is there, if any."""

    def texts(part: Any) -> Iterator[str]:
        if isinstance(part, str):
            yield " ".join(part.split())
        elif isinstance(part, Mapping | Sequence):
            for inner in part.values() if isinstance(part, Mapping) else part:
                yield from texts(inner)

    text = max(texts(value), key=len, default="")
    return text if len(text) <= length else text[: length - 1] + "…"


def mean_of(rows: list[dict[str, Any]], averaged: tuple[str, ...]) -> dict[str, Any]:
    """The first seed's facts, with some of them averaged over seeds."""
    means = {key: sum(row[key] for row in rows) / len(rows) for key in averaged if key in rows[0]}
    return {**rows[0], **means}
