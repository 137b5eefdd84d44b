"""What the records say against tuning, against a method, or against this project: found, not chosen.

Every record is put to the same questions; whatever it has to admit becomes a line. Nobody picks.
"""

from collections.abc import Sequence

from common import cells
from common.results import Entry
from common.verdicts import best_untuned, light

FEWEST_OF_A_KIND = 10


def page(found: Sequence[Entry]) -> str:
    """The admissions of every record, the newest day first."""
    lines = [(day(entry), entry.name, text) for entry in found for text in admissions(entry)]
    if not lines:
        return "The records admit nothing yet."
    lines.sort(key=lambda line: line[1:])
    lines.sort(key=lambda line: line[0], reverse=True)
    return "\n".join(f"- {date}, `{name}`: {text}" for date, name, text in lines)


def day(entry: Entry) -> str:
    """When a run was made."""
    return entry.row.environment.get("date", "undated")


def admissions(entry: Entry) -> list[str]:
    """What one record has to admit."""
    row = entry.row
    if not entry.tuned:
        reason = row.reason.strip().splitlines()
        return [f"ended as {row.status}. {reason[-1][:200] if reason else ''}".strip()]
    return [*not_better(entry), *light(row), *weak_kinds(entry), *forgotten(entry)]


def not_better(entry: Entry) -> list[str]:
    """A tuned model that does not surely beat the best untuned contender."""
    row, name = entry.row, best_untuned(entry.row)
    gap = row.difference[name]
    if gap["low"] > 0:
        return []
    said = "is worse than" if gap["high"] < 0 else "does not surely beat"
    return [f"the tuned model {said} {row.contenders[name]['label']}: {row.headline} {cells.gap(gap)}."]


def weak_kinds(entry: Entry) -> list[str]:
    """Kinds of example on which another contender has the higher mean; these are means without intervals."""
    contenders = entry.row.contenders
    tuned = contenders["tuned"].get("by_kind", {})
    found = []
    for kind, facts in tuned.items():
        best = max(
            (c for c in contenders.values() if kind in c.get("by_kind", {})),
            key=lambda c: c["by_kind"][kind]["mean"],
        )
        mean = best["by_kind"][kind]["mean"]
        if mean > facts["mean"] and facts["n"] >= FEWEST_OF_A_KIND and len(tuned) > 1:
            found.append(
                f"{kind} {facts['mean']:.3f} against {mean:.3f} for {best['label']} (n={facts['n']})"
            )
    return [f"lower on {len(found)} of {len(tuned)} kinds: {'; '.join(found)}."] if found else []


def forgotten(entry: Entry) -> list[str]:
    """Something lost on neutral material."""
    forgetting = entry.row.forgetting
    if forgetting.get("loss", 0) <= 0:
        return []
    return [f"loses {forgetting['loss']:.3f} on neutral material ({forgetting['unit']})."]
