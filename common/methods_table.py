"""Methods beside each other on the same data and base: gain, cost, ties, and who is on the front.

Rows that cannot be told apart share a place: a row stands below another only when the interval of the
difference lies on one side of zero. The front holds the rows that no other row equals or beats in
place at no more training time, weights trained and bytes kept.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from common import cells
from common.results import Entry, difference
from common.verdicts import best_untuned

NAMES_THE_ROW = {"variant", "about", "method", "seeds", "threads", "learning_rate", "train_share", "smoke"}
OF_A_METHOD = {"rank", "frozen_layers", "virtual_tokens", "lora_targets"}
COSTS = ("seconds", "trainable_parameters", "adapter_bytes")


@dataclass(frozen=True)
class Place:
    """A row with its place among the others; equal places are ties."""

    entry: Entry
    place: int
    front: bool = False


def groups(found: Sequence[Entry]) -> list[list[Entry]]:
    """Rows with the same use case, test set and base, where there are two or more to compare."""
    together: dict[tuple[str, str, str], list[Entry]] = defaultdict(list)
    for entry in found:
        if entry.whole and entry.tuned:
            row = entry.row
            together[row.usecase, row.data.get("test_ids_hash", ""), row.base.get("id", "")].append(entry)
    return [group for _, group in sorted(together.items()) if len(group) > 1]


def reference(group: Sequence[Entry]) -> Entry | None:
    """The LoRA row that the others are compared with."""
    rows = [entry for entry in group if entry.row.method == "lora"]
    return min(rows, key=lambda e: (e.row.variant != "offline", len(e.name), e.name), default=None)


def places(group: Sequence[Entry]) -> list[Place]:
    """Rows in order, each with the place of the best row that it cannot be told apart from."""
    waiting = sorted(group, key=lambda entry: -entry.score()["mean"])
    found: list[Place] = []
    while waiting:
        leader, rest = waiting[0], waiting[1:]
        tied = [entry for entry in rest if difference(leader, entry)[0].low <= 0]
        place = len(found) + 1
        found += [Place(entry, place) for entry in (leader, *tied)]
        waiting = [entry for entry in rest if entry not in tied]
    return on_front(found)


def on_front(rows: Sequence[Place]) -> list[Place]:
    """Marks the rows that no other row beats in place and every cost."""
    front: list[tuple[float, ...]] = []
    marked: dict[str, bool] = {}
    for row in sorted(rows, key=weights_of):
        weights = weights_of(row)
        beaten = any(all(a <= b for a, b in zip(other, weights, strict=True)) for other in front)
        marked[row.entry.name] = not beaten or weights in front
        if not beaten:
            front.append(weights)
    return [replace(row, front=marked[row.entry.name]) for row in rows]


def weights_of(row: Place) -> tuple[float, ...]:
    """Place and costs: less is better in each."""
    return (row.place, *(float(row.entry.row.training.get(key, 0)) for key in COSTS))


def other_settings(entry: Entry, against: Entry | None) -> str:
    """Settings that differ from the reference beside the method, so that nobody takes them for it."""
    if against is None or entry is against:
        return ""
    mine, theirs = entry.row.config, against.row.config
    known = NAMES_THE_ROW | OF_A_METHOD
    keys = [key for key in mine if key not in known and mine[key] != theirs.get(key, mine[key])]
    return ", ".join(f"{key} {mine[key]}" for key in keys)


def columns(row: Place, against: Entry | None) -> list[Any]:
    """The cells of a row."""
    entry, record = row.entry, row.entry.row
    training, untuned = record.training, best_untuned(record)
    return [
        row.place,
        f"{record.method}{' *' if row.front else ''}",
        record.variant,
        cells.score(entry.score()),
        to_reference(entry, against),
        cells.gap(record.difference[untuned]),
        cells.count(training.get("trainable_parameters")),
        cells.size(training.get("adapter_bytes")),
        ratio(entry, against),
        cells.size(training.get("peak_memory_bytes")),
        lost(record.forgetting),
        len(record.seeds),
        other_settings(entry, against),
    ]


def to_reference(entry: Entry, against: Entry | None) -> str:
    """The difference to LoRA, and whether it is paired."""
    if against is None or entry is against:
        return cells.NOTHING
    gap, paired = difference(entry, against)
    return cells.gap(gap.as_dict()) + ("" if paired else " (unpaired)")


def ratio(entry: Entry, against: Entry | None) -> str:
    """Training seconds over those of LoRA, where both ran on the same kind of machine."""
    if against is None:
        return cells.NOTHING
    mine, theirs = entry.row.environment, against.row.environment
    same = all(mine.get(key) == theirs.get(key) for key in ("device", "threads", "machine"))
    base = against.row.training.get("seconds", 0)
    return f"{entry.row.training.get('seconds', 0) / base:.2f}" if same and base else cells.NOTHING


def lost(forgetting: dict[str, Any]) -> str:
    """What tuning cost on neutral material."""
    return f"{forgetting['loss']:+.3f}" if "loss" in forgetting else cells.NOTHING


def section(group: Sequence[Entry]) -> str:
    """The table of one use case and base."""
    against = reference(group)
    first = group[0].row
    head = [
        "place",
        "method",
        "variant",
        first.headline,
        "minus LoRA",
        "minus best untuned",
        "weights trained",
        "kept",
        "training time, LoRA = 1",
        "peak memory",
        "lost on neutral material",
        "seeds",
        "also differs in",
    ]
    ranked = places(group)
    table = cells.table(head, [columns(row, against) for row in ranked])
    return f"#### {first.usecase} on {first.base.get('id', '')}\n\n{table}\n\n{ties(ranked)}"


def ties(rows: Sequence[Place]) -> str:
    """The ties in words."""
    by_place: dict[int, list[str]] = defaultdict(list)
    for row in rows:
        by_place[row.place].append(f"`{row.entry.row.variant}` ({row.entry.row.method})")
    tied = [", ".join(names) for names in by_place.values() if len(names) > 1]
    said = "; ".join(f"{names} cannot be told apart" for names in tied) or "No two rows are tied"
    return f"{said}. * marks the front."


def page(found: Sequence[Entry]) -> str:
    """Every comparison there is."""
    sections = [section(group) for group in groups(found)]
    return "\n\n".join(sections) or "No use case has two methods on the same data yet."
