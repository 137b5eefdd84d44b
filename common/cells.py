"""How tables write what records hold: Markdown tables, scores with intervals, differences, sizes."""

from collections.abc import Mapping, Sequence
from typing import Any

NOTHING = "-"


def table(head: Sequence[Any], rows: Sequence[Sequence[Any]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(value) for value in line) + " |" for line in lines)


def score(value: Mapping[str, float] | None) -> str:
    """A mean with its interval."""
    if value is None:
        return NOTHING
    return f"{value['mean']:.3f} [{value['low']:.3f}, {value['high']:.3f}]"


def gap(value: Mapping[str, float] | None) -> str:
    """A difference with its interval, always with a sign."""
    if value is None:
        return NOTHING
    return f"{value['mean']:+.3f} [{value['low']:+.3f}, {value['high']:+.3f}]"


def size(number_of_bytes: float | None) -> str:
    """Bytes as people read them."""
    if number_of_bytes is None:
        return NOTHING
    for unit, one in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if number_of_bytes >= one:
            return f"{number_of_bytes / one:.1f} {unit}"
    return f"{number_of_bytes:.0f} B"


def cents(value: float) -> str:
    """A cost in hundredths of its unit, with two digits that count."""
    value *= 100
    return f"{value:,.0f} cents" if value >= 10 else f"{value:.2g} cents"


def duration(seconds: float) -> str:
    """A time as people say it."""
    if seconds < 1:
        return "under 1 s"
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def count(value: float | None) -> str:
    """A whole number with thousands set apart."""
    return NOTHING if value is None else f"{value:,.0f}"
