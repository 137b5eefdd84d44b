"""What a consultant would say of every use case, computed from its record and a price.

An answer costs the seconds it took, processor seconds on a CPU, at the price of a machine hour; a prompted
model may instead be priced by its tokens, as a hosted one is. Training is paid once. Where a tuned answer is
cheaper than the best untuned one, there is a volume from which tuning also pays in money. Tuning of another
kind that costs far less and is as good changes the advice, though not the verdict on tuning.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from common import cells
from common.record import RunRecord
from common.results import Entry

PROMPTED = ("prompting", "retrieval")
ANSWERS = 1000
SECONDS_PER_HOUR = 3600
TOKENS_PRICED = 1_000_000


@dataclass(frozen=True)
class Prices:
    """What things cost, in any one currency. Without token prices every answer is paid by the second."""

    hour: float = 1.0
    million_in: float | None = None
    million_out: float | None = None

    @property
    def by_token(self) -> bool:
        """Whether prompted models are paid by the token."""
        return self.million_in is not None or self.million_out is not None

    def answer(self, facts: dict[str, Any]) -> float:
        """One answer of a contender."""
        if facts["kind"] in PROMPTED and self.by_token:
            paid = facts["tokens_in"] * (self.million_in or 0) + facts["tokens_out"] * (self.million_out or 0)
            return paid / TOKENS_PRICED
        return facts["seconds"] * self.hour / SECONDS_PER_HOUR

    def training(self, row: RunRecord) -> float:
        """One training."""
        return training_seconds(row)[0] * self.hour / SECONDS_PER_HOUR

    def said(self) -> str:
        """The prices in words."""
        text = f"a machine hour costs {self.hour:.2f}"
        if self.by_token:
            text += (
                f", a million tokens that a prompted model reads {self.million_in or 0:g} "
                f"and writes {self.million_out or 0:g}"
            )
        return text


def training_seconds(row: RunRecord) -> tuple[float, bool]:
    """How long one training took, and whether that was measured on the processor.

    Time by the clock on a shared machine is too long whenever others worked there too.
    """
    exact = row.environment.get("device") == "cpu" and "processor_seconds" in row.training
    return row.training.get("processor_seconds" if exact else "seconds", 0.0), exact


def deciding(found: Sequence[Entry]) -> list[Entry]:
    """One row per use case and data set: the default variant, never the one that scored best on test."""
    groups: dict[tuple[str, str], list[Entry]] = defaultdict(list)
    for entry in found:
        if entry.whole:
            groups[entry.row.usecase, entry.row.data.get("test_ids_hash", entry.row.variant)].append(entry)
    judged = {name for (name, _), group in groups.items() if any(entry.tuned for entry in group)}
    return [
        min(group, key=lambda e: (not e.tuned, e.row.variant != "offline", len(e.name), e.name))
        for (name, _), group in sorted(groups.items())
        if name not in judged or any(entry.tuned for entry in group)
    ]


def best_untuned(row: RunRecord) -> str:
    """The name of the untuned contender with the highest headline."""
    names = [name for name, facts in row.contenders.items() if facts["kind"] not in ("light", "tuned")]
    return max(names, key=lambda name: row.contenders[name]["scores"][row.headline]["mean"])


def crossover(row: RunRecord, prices: Prices) -> float | None:
    """From how many answers a cheaper tuned answer has paid for the training; None where it never does."""
    saved = prices.answer(row.contenders[best_untuned(row)]) - prices.answer(row.contenders["tuned"])
    return prices.training(row) / saved if saved > 0 else None


def light_rival(row: RunRecord) -> tuple[str, str] | None:
    """The best cheap way of tuning that the tuned model does not surely beat, and how the two compare."""
    names = [name for name, facts in row.contenders.items() if facts["kind"] == "light"]
    as_good = [name for name in names if row.difference[name]["low"] <= 0]
    if not as_good or row.method == "head":  # a head is that cheap way itself
        return None
    best = max(as_good, key=lambda name: row.contenders[name]["scores"][row.headline]["mean"])
    surely = row.difference[best]["high"] < 0
    return best, "is better" if surely else "cannot be told apart from it"


def advice(row: RunRecord) -> str:
    """What to do, in a few words; a cheap tuning is advised where it beats what is there without any."""
    label, light = row.verdict["label"], light_rival(row)
    if light is None or label != "fine-tune":
        return label
    cheap, untuned = (row.contenders[name]["scores"][row.headline] for name in (light[0], best_untuned(row)))
    if cheap["mean"] <= untuned["mean"]:
        return label
    return "tune, but cheaply" if light[1] == "is better" else "fine-tune, perhaps cheaply"


def sentence(entry: Entry, prices: Prices) -> str:
    """The advice with what decides it and what it costs."""
    row = entry.row
    return " ".join([reason(entry), *([costs(row, prices), pays(row, prices)] if entry.tuned else [])])


def reason(entry: Entry) -> str:
    """The advice with what decides it."""
    row = entry.row
    start = f"**{row.usecase}**, variant `{row.variant}`: **{advice(row).capitalize()}.**"
    if not entry.tuned:
        return f"{start} The run ended as {row.status}: there is no tuned model to judge."
    name = best_untuned(row)
    return " ".join(
        [
            start,
            f"`{row.method}` reaches {row.headline} {cells.score(entry.score())}, the best without tuning "
            f"({row.contenders[name]['label']}) {cells.score(entry.score(name))}: "
            f"{cells.gap(row.difference[name])}.",
            *light(row),
            *why_not(row),
        ]
    )


def light(row: RunRecord) -> list[str]:
    """A cheaper way of tuning that the tuned model does not surely beat."""
    if (found := light_rival(row)) is None:
        return []
    name, how = found
    facts = row.contenders[name]
    told = "is better still" if how == "is better" else "cannot be told apart from it"
    label = facts["label"][0].upper() + facts["label"][1:]
    return [
        f"{label}, a far cheaper tuning, {told}: {facts['scores'][row.headline]['mean']:.3f}, "
        f"`{row.method}` minus it {cells.gap(row.difference[name])}."
    ]


def why_not(row: RunRecord) -> list[str]:
    """What stands against a tuned model that scores better."""
    gap = row.difference[best_untuned(row)]
    if row.verdict["label"] == "do not use" and gap["low"] > 0 and row.forgetting:
        f = row.forgetting
        return [f"But it loses {f['loss']:.3f} on neutral material ({f['unit']})."]
    return []


def costs(row: RunRecord, prices: Prices) -> str:
    """What answers and training cost, in hundredths of the unit of the prices."""
    tuned, other = row.contenders["tuned"], row.contenders[best_untuned(row)]
    mine, theirs = (cells.cents(ANSWERS * prices.answer(facts)) for facts in (tuned, other))
    said = (
        f"{ANSWERS:,} answers cost {mine} against {theirs}, the training {cells.cents(prices.training(row))}."
    )
    if tokens(tuned) == cells.NOTHING:
        return said
    without = "no tokens of a model" if tokens(other) == cells.NOTHING else tokens(other)
    return f"{said} An answer takes {tokens(tuned)} against {without}."


def tokens(facts: dict[str, Any]) -> str:
    """Tokens that a model read and wrote for an answer; nothing where no model reads tokens."""
    if not facts["tokens_in"] and not facts["tokens_out"]:
        return cells.NOTHING
    written = f", {facts['tokens_out']:.0f} written" if facts["tokens_out"] else ""
    return f"{facts['tokens_in']:.0f} tokens read{written}"


def pays(row: RunRecord, prices: Prices) -> str:
    """What the volume says."""
    volume = crossover(row, prices)
    if volume is None:
        return "A tuned answer is no cheaper, so tuning pays only by being better."
    return f"A tuned answer is cheaper; the training is paid for after {volume:,.0f} answers."


def table(found: Sequence[Entry]) -> str:
    """One line per use case: what to do and the difference that decides it."""
    head = ["use case", "measured by", "best without tuning", "cheap tuning", "tuned", "difference", "advice"]
    return cells.table(head, [columns(entry) for entry in found])


def columns(entry: Entry) -> list[str]:
    """The cells of a row of the verdict table."""
    row = entry.row
    start = [named(row), row.headline.replace("_", " ")]
    if not entry.tuned:
        return [*start, *[cells.NOTHING] * 4, f"**{row.status}**"]
    untuned = best_untuned(row)
    lights = [name for name, facts in row.contenders.items() if facts["kind"] == "light"]
    cheap = max(lights, key=lambda name: entry.score(name)["mean"], default=None)
    return [
        *start,
        scored(entry, untuned),
        scored(entry, cheap) if cheap and row.method != "head" else cells.NOTHING,
        f"{entry.score()['mean']:.3f} ({row.method})",
        cells.gap(row.difference[untuned]),
        f"**{advice(row)}**",
    ]


def named(row: RunRecord) -> str:
    """A use case with its data, where that is not its own."""
    variant = "" if row.variant == "offline" else f", {row.variant.removeprefix('offline-')}"
    return f"[{row.usecase}](usecases/{row.usecase}/README.md){variant}"


def scored(entry: Entry, name: str) -> str:
    """A contender's headline and what it is."""
    return f"{entry.score(name)['mean']:.3f} ({entry.row.contenders[name]['label']})"


def cost_table(found: Sequence[Entry], prices: Prices) -> str:
    """What every use case's answers and training take, and from where tuning pays."""
    head = [
        "use case",
        "tokens of a tuned answer",
        f"{ANSWERS:,} tuned answers",
        f"{ANSWERS:,} by the best without tuning",
        "training, once",
        "training is paid for after",
        "tier",
    ]
    return cells.table(head, [cost_columns(entry, prices) for entry in found if entry.tuned])


def cost_columns(entry: Entry, prices: Prices) -> list[str]:
    """The cells of a row of the cost table."""
    row = entry.row
    tuned, other = row.contenders["tuned"], row.contenders[best_untuned(row)]
    volume, (seconds, exact) = crossover(row, prices), training_seconds(row)
    return [
        named(row),
        tokens(tuned),
        cells.cents(ANSWERS * prices.answer(tuned)),
        cells.cents(ANSWERS * prices.answer(other)),
        f"{cells.cents(prices.training(row))} ({'' if exact else 'up to '}{cells.duration(seconds)})",
        "never, by cost alone" if volume is None else f"{volume:,.0f} answers",
        entry.tier,
    ]


COST_NOTE = (
    "A cent is a hundredth of the currency's unit. Training time is time of the processor; `up to` marks "
    "records that have only time by the clock, on a machine that others used too. Answers are timed by the "
    "clock, so their costs are rough. At your prices: "
    "`gallery verdicts --hour 0.5 --million-in 0.2 --million-out 0.8`."
)


def page(found: Sequence[Entry], prices: Prices | None = None) -> str:
    """What to do in every use case, why, and what it costs."""
    prices = prices or Prices()
    chosen = deciding(found)
    if not chosen:
        return "No run is published yet."
    sentences = "\n".join(f"- {reason(entry)}" for entry in chosen)
    note = f"Here {prices.said()}, in any one currency. {COST_NOTE}"
    return (
        f"{table(chosen)}\n\n### In words\n\n{sentences}\n\n### Cost\n\n{note}\n\n"
        f"{cost_table(chosen, prices)}"
    )
