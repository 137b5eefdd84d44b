"""What a consultant would say of every use case, computed from its record and a price.

An answer costs the seconds it took at the price of a machine hour; a prompted model may instead be
priced by its tokens, as a hosted one is. Training is paid once. Where a tuned answer is cheaper than
the best untuned one, there is a volume from which tuning also pays in money.
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
        return row.training.get("seconds", 0.0) * self.hour / SECONDS_PER_HOUR

    def said(self) -> str:
        """The prices in words."""
        text = f"a machine hour at {self.hour:g}"
        if self.by_token:
            text += (
                f", a million prompted tokens at {self.million_in or 0:g} in, {self.million_out or 0:g} out"
            )
        return text


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


def sentence(entry: Entry, prices: Prices) -> str:
    """The advice with what decides it and what it costs."""
    row = entry.row
    start = f"**{row.usecase}**, variant `{row.variant}`: **{row.verdict['label'].capitalize()}.**"
    if not entry.tuned:
        return f"{start} The run ended as {row.status}: there is no tuned model to judge."
    name = best_untuned(row)
    tuned, other = row.contenders["tuned"], row.contenders[name]
    return " ".join(
        [
            start,
            f"{row.headline} {cells.score(entry.score())} against {cells.score(entry.score(name))} for "
            f"{other['label']}, a difference of {cells.gap(row.difference[name])}.",
            f"An answer reads {tokens(tuned)} against {tokens(other)};",
            f"{ANSWERS:,} answers cost {cells.money(ANSWERS * prices.answer(tuned))} against "
            f"{cells.money(ANSWERS * prices.answer(other))},",
            f"training {cells.money(prices.training(row))} once.",
            pays(row, prices),
            *light(row),
        ]
    )


def tokens(facts: dict[str, Any]) -> str:
    """Tokens of an answer in words."""
    return f"{facts['tokens_in']:.0f} tokens and writes {facts['tokens_out']:.0f}"


def pays(row: RunRecord, prices: Prices) -> str:
    """What the volume says."""
    volume = crossover(row, prices)
    if volume is None:
        return "A tuned answer is no cheaper, so tuning pays only by being better."
    return f"A tuned answer is cheaper; the training is paid for after {volume:,.0f} answers."


def light(row: RunRecord) -> list[str]:
    """Cheaper ways of tuning that cannot be told apart from the tuned model."""
    return [
        f"{facts['label'].capitalize()} cannot be told apart from it ({cells.gap(row.difference[name])}) "
        "and costs far less."
        for name, facts in row.contenders.items()
        if facts["kind"] == "light" and row.difference[name]["low"] <= 0 <= row.difference[name]["high"]
    ]


def table(found: Sequence[Entry], prices: Prices) -> str:
    """The same in columns."""
    head = [
        "use case",
        "variant",
        "verdict",
        "deciding difference",
        "against",
        "tokens in / out",
        f"cost of {ANSWERS:,} answers",
        f"untuned, {ANSWERS:,} answers",
        "training, once",
        "cheaper from",
        "tier",
    ]
    return cells.table(head, [columns(entry, prices) for entry in found])


def columns(entry: Entry, prices: Prices) -> list[str]:
    """The cells of a row of the verdict table."""
    row = entry.row
    start = [
        f"[{row.usecase}](usecases/{row.usecase}/README.md)",
        row.variant,
        f"**{row.verdict['label']}**",
    ]
    if not entry.tuned:
        return [*start, row.status, *[cells.NOTHING] * 6, entry.tier]
    name = best_untuned(row)
    tuned, other = row.contenders["tuned"], row.contenders[name]
    volume = crossover(row, prices)
    return [
        *start,
        cells.gap(row.difference[name]),
        other["label"],
        f"{tuned['tokens_in']:.0f} / {tuned['tokens_out']:.0f}",
        cells.money(ANSWERS * prices.answer(tuned)),
        cells.money(ANSWERS * prices.answer(other)),
        cells.money(prices.training(row)),
        "never" if volume is None else f"{volume:,.0f} answers",
        entry.tier,
    ]


def page(found: Sequence[Entry], prices: Prices | None = None) -> str:
    """Table and sentences of every use case."""
    prices = prices or Prices()
    chosen = deciding(found)
    if not chosen:
        return "No run is published yet."
    note = (
        f"Prices: {prices.said()}; seconds are those of the machine of the run. "
        "`gallery verdicts --hour 0.5 --million-in 0.2 --million-out 0.8` says it for yours."
    )
    sentences = "\n".join(f"- {sentence(entry, prices)}" for entry in chosen)
    return f"{sentences}\n\n{table(chosen, prices)}\n\n{note}"
