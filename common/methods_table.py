"""Methods beside each other on the same data and base: gain, cost, ties, and who is on the front.

Rows that cannot be told apart share a place: a row stands below another only when the interval of the
difference lies on one side of zero. The front holds the rows that no other row equals or beats in
place at no more training time, weights trained and bytes kept. Where the learning rates of methods were
sought on val by one search, those rows are compared and no others.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from common import cells
from common.record import RunRecord
from common.results import Entry, difference
from common.verdicts import best_untuned, training_seconds

NAMES_THE_ROW = {
    *("variant", "about", "method", "seeds", "threads", "learning_rate", "train_share", "smoke", "rates"),
}
NO_RATE = {"epochs", "batch_size", "train_length_tokens", "weight_decay", "warmup_share", "classes_balanced"}
OF_A_METHOD = {"rank", "frozen_layers", "virtual_tokens", "lora_targets"}
COSTS = ("trainable_parameters", "adapter_bytes")


@dataclass(frozen=True)
class Place:
    """A row with its place among the others; equal places are ties."""

    entry: Entry
    place: int
    front: bool = False


def groups(found: Sequence[Entry]) -> list[list[Entry]]:
    """Rows with the same use case, test set, base and share of the training data, two or more.

    Rows of a part of the data are those of a comparison where their rates were sought; others are of a curve.
    """
    together: dict[tuple[str, str, str, str, float], list[Entry]] = defaultdict(list)
    for entry in found:
        if entry.tuned and (entry.whole or sought(entry)):
            row = entry.row
            same = (row.usecase, row.data.get("test_ids_hash", ""), *entry.base)
            together[*same, entry.share].append(entry)
    alike = [fairly(group) for _, group in sorted(together.items())]
    return [group for group in alike if len(group) > 1]


def sought(entry: Entry) -> bool:
    """Whether its learning rate was sought on val by the search that all compared methods had."""
    return entry.row.config.get("rates", 0) > 0


def fairly(group: Sequence[Entry]) -> list[Entry]:
    """The rows whose rates were sought alike, and a head, which has no rate; all rows where none were."""
    heads = [entry for entry in group if entry.row.method == "head"]
    alike = [entry for entry in group if sought(entry)]
    return [*alike, *heads] if alike else list(group)


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
    made = row.entry.row
    return (row.place, training_seconds(made)[0], *(float(made.training.get(key, 0)) for key in COSTS))


def other_settings(entry: Entry, against: Entry | None) -> str:
    """Settings that differ from the reference beside the method, so that nobody takes them for it."""
    if against is None or entry is against:
        return ""
    mine, theirs = entry.row.config, against.row.config
    known = NAMES_THE_ROW | OF_A_METHOD | (NO_RATE if entry.row.method == "head" else set())
    keys = [key for key in mine if key not in known and mine[key] != theirs.get(key, mine[key])]
    return ", ".join(f"{key} {mine[key]}" for key in keys)


def columns(row: Place, against: Entry | None) -> list[Any]:
    """The cells of a row."""
    entry, record = row.entry, row.entry.row
    training, untuned = record.training, best_untuned(record)
    return [
        row.place,
        f"{record.method}{' *' if row.front else ''}",
        entry.name.removeprefix(f"{record.usecase}--"),
        rate_of(record),
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


def rate_of(record: RunRecord) -> str:
    """The learning rate of a training, and whether it lies at the edge of what was tried."""
    rate = record.training.get("learning_rate")
    edge = record.training.get("search", {}).get("at_the_edge", False)
    return cells.NOTHING if rate is None else f"{rate:g}{' (edge)' if edge else ''}"


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
    (own, exact), (base, exactly) = training_seconds(entry.row), training_seconds(against.row)
    if exact != exactly:  # both by the clock then, which other work on the machine makes longer
        own, base = (row.training.get("seconds", 0) for row in (entry.row, against.row))
    about = "" if exact and exactly else "about "
    return f"{about}{own / base:.2f}" if same and base else cells.NOTHING


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
        "row",
        "rate",
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
    rows = [columns(row, against) for row in ranked]
    if not any(row[-1] for row in rows):
        head, rows = head[:-1], [row[:-1] for row in rows]
    how = (
        f"Every rate was sought on val among {max(e.row.config.get('rates', 0) for e in group)}, a factor of "
        "three apart; at the edge, more was to be had."
        if any(map(sought, group))
        else "The rates are those of the variants: **they were not sought by one search.**"
    )
    part = "" if group[0].whole else f", {group[0].share:g} of the training data"
    base, weights = group[0].base
    title = f"#### {first.usecase} on {base}{f', weights {weights[:8]}' if weights else ''}{part}"
    return f"{title}\n\n{how}\n\n{cells.table(head, rows)}\n\n{ties(ranked)}"


def ties(rows: Sequence[Place]) -> str:
    """The ties in words."""
    tied = [", ".join(names) for names in by_place(rows).values() if len(names) > 1]
    said = "; ".join(f"{names} cannot be told apart" for names in tied) or "No two rows are tied"
    return f"{said}. * marks the front."


def by_place(rows: Sequence[Place]) -> dict[int, list[str]]:
    """The rows of each place by name."""
    found: dict[int, list[str]] = defaultdict(list)
    for row in rows:
        record = row.entry.row
        found[row.place].append(f"`{row.entry.name.removeprefix(f'{record.usecase}--')}` ({record.method})")
    return found


def summary(found: Sequence[Entry]) -> str:
    """One line per comparison: who shares the first place, and who is on the front."""
    head = ["use case", "base", "rows", "rates", "first place", "front of gain and cost"]
    rows = []
    for group in groups(found):
        ranked, first = places(group), group[0].row
        rows.append(
            [
                first.usecase + ("" if group[0].whole else f", {group[0].share:g} of its data"),
                first.base.get("id", "").removeprefix("embedded:"),
                len(ranked),
                "sought alike" if any(map(sought, group)) else "as in the variants",
                ", ".join(dict.fromkeys(row.entry.row.method for row in ranked if row.place == 1)),
                ", ".join(dict.fromkeys(row.entry.row.method for row in ranked if row.front)),
            ]
        )
    return cells.table(head, rows) if rows else "No use case has two methods on the same data yet."


def page(found: Sequence[Entry]) -> str:
    """Every comparison there is."""
    sections = [section(group) for group in groups(found)]
    return "\n\n".join(sections) or "No use case has two methods on the same data yet."
