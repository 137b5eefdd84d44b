"""Records to tables: the benchmark page, the README's table, and each use case's own table."""

import re
from collections.abc import Sequence
from pathlib import Path

from common import cells, curve, methods_table, negatives, record, results, usecase, verdicts
from common.cells import table
from common.record import RunRecord
from common.results import Entry

BEGIN = "<!-- generated table: begin -->"
END = "<!-- generated table: end -->"
BLOCK = re.compile(re.escape(BEGIN) + ".*?" + re.escape(END), re.DOTALL)
MAIN_CONTENDERS = ("floor", "zero_shot", "few_shot", "retrieval", "linear", "tuned")
NONE_YET = "No run is published yet."


def cell(row: RunRecord, name: str) -> str:
    """A contender's headline with its interval."""
    return cells.score(row.contenders[name]["scores"][row.headline] if name in row.contenders else None)


def overview(records: Sequence[RunRecord]) -> str:
    """One row per run: every contender's headline, the deciding cost, the verdict."""
    if not records:
        return NONE_YET
    head = [
        "use case",
        "variant",
        "metric",
        *(name.replace("_", "-") for name in MAIN_CONTENDERS),
        "tuned minus untuned",
        "training",
        "seeds",
        "verdict",
    ]
    return table(head, [overview_row(row) for row in records])


def overview_row(row: RunRecord) -> list[str]:
    """The cells of a run in the overview."""
    gap = row.difference.get("zero_shot", row.difference.get("floor"))
    cost = f"{row.training['seconds']:.0f} s on {row.environment['device']}" if row.training else row.status
    return [
        f"[{row.usecase}](usecases/{row.usecase}/README.md)",
        row.variant,
        row.headline,
        *(cell(row, name) for name in MAIN_CONTENDERS),
        cells.gap(gap),
        f"{row.method}, {cost}",
        str(len(row.seeds)),
        f"**{row.verdict['label']}**",
    ]


def short_overview(records: Sequence[RunRecord]) -> str:
    """The README's table: what fits on a screen."""
    if not records:
        return NONE_YET
    head = ["use case", "variant", "metric", "no model", "untuned", "tuned", "verdict"]
    return table(
        head,
        [
            [
                f"[{row.usecase}](usecases/{row.usecase}/README.md)",
                row.variant,
                row.headline,
                cell(row, "floor"),
                cell(row, "zero_shot"),
                cell(row, "tuned"),
                f"**{row.verdict['label']}**",
            ]
            for row in records
        ],
    )


def details(row: RunRecord) -> str:
    """Everything a run measured, contender by contender."""
    metrics = list(next(iter(row.contenders.values()))["scores"])
    head = ["contender", *metrics, "tuned minus this", "tokens in", "ms per answer"]
    rows = []
    for name, facts in row.contenders.items():
        scores = [facts["scores"][metric] for metric in metrics]
        gap = row.difference.get(name)
        rows.append(
            [
                facts["label"],
                *map(cells.score, scores),
                cells.gap(gap) if gap else "",
                f"{facts['tokens_in']:.0f}",
                f"{1000 * facts['seconds']:.1f}",
            ]
        )
    return table(head, rows)


def kinds(row: RunRecord) -> str:
    """The headline by kind of example, the kinds with the lowest tuned score first."""
    found = row.contenders.get("tuned", {}).get("by_kind", {})
    if len(found) < 2:
        return ""
    shown = [name for name in MAIN_CONTENDERS if name in row.contenders]
    head = [f"{row.headline} by kind", "n", *(row.contenders[name]["label"] for name in shown)]
    rows = [
        [kind, facts["n"], *(f"{row.contenders[name]['by_kind'][kind]['mean']:.3f}" for name in shown)]
        for kind, facts in sorted(found.items(), key=lambda item: item[1]["mean"])
    ]
    return table(head, rows)


def section(row: RunRecord) -> str:
    """A run as a section: verdict, table, cost, forgetting, further tables."""
    if "tuned" not in row.contenders:
        return f"#### {row.usecase}, variant `{row.variant}` ({row.method})\n\nEnded as **{row.status}**."
    source = row.data.get("source", {})
    counts = row.data["counts"]
    parts = [
        f"#### {row.usecase}, variant `{row.variant}` ({row.method})",
        f"Data: {source.get('name', 'unnamed')} ({source.get('licence', 'no licence stated')}); "
        f"{counts['train']} train, {counts['val']} val, {counts['test']} test examples; "
        f"seeds {', '.join(map(str, row.seeds))}; base {row.base['id']}.",
        f"**Verdict: {row.verdict['label']}.** {row.verdict['reason']}",
        details(row),
        cost_line(row),
        kinds(row),
        *(f"{t['title']}\n\n{table(t['columns'], t['rows'])}\n\n{t['note']}".strip() for t in row.tables),
    ]
    return "\n\n".join(part for part in parts if part)


def cost_line(row: RunRecord) -> str:
    """Training cost and forgetting in one line."""
    t = row.training
    line = (
        f"Training: {t['trainable_parameters']:,} of {t['total_parameters']:,} weights, "
        f"{t['seconds']:.0f} s on {row.environment['device']} with {row.environment['threads']} threads, "
        f"{t['adapter_bytes'] / 1e6:.1f} MB to keep."
    )
    if row.forgetting:
        f = row.forgetting
        line += f" Neutral material: {f['before']:.3f} before, {f['after']:.3f} after ({f['unit']})."
    return line


def with_block(text: str, block: str) -> str:
    """A page with its generated block renewed."""
    return BLOCK.sub(lambda _: f"{BEGIN}\n{block}\n{END}", text)


def own_block(records: Sequence[RunRecord], name: str) -> str:
    """The block of a use case's own page."""
    return "\n\n".join(section(row) for row in records if row.usecase == name) or NONE_YET


def benchmark_page(found: Sequence[Entry]) -> str:
    """Everything that helps to decide, the advice first."""
    sound = results.evidence(found)
    parts = {
        "What to do": verdicts.page(sound),
        "Methods compared": methods_table.page(sound),
        "More data": curve.page(sound),
        "Every run": overview([entry.row for entry in sound if entry.whole]),
        "Drafts": drafts([entry for entry in found if entry.tier == results.DRAFT]),
    }
    return "\n\n".join(f"## {title}\n\n{text}" for title, text in parts.items())


def drafts(found: Sequence[Entry]) -> str:
    """What is no evidence yet, apart from what is."""
    if not found:
        return "There are no drafts."
    head = ["draft", "method", "metric", "tuned", "seeds", "ended as"]
    rows = [
        [e.name, e.row.method, e.row.headline, cell(e.row, "tuned"), len(e.row.seeds), e.row.status]
        for e in found
    ]
    return "From an uncommitted tree, a smoke run or too few seeds: **no evidence**.\n\n" + table(head, rows)


def pages(found: Sequence[Entry], root: Path = usecase.ROOT) -> dict[Path, str]:
    """Every generated page with the content it should have."""
    rows = [entry.row for entry in results.evidence(found) if entry.whole]
    made = {
        root / "README.md": short_overview(
            [entry.row for entry in verdicts.deciding(results.evidence(found))]
        ),
        root / "benchmarks" / "README.md": benchmark_page(found).replace("](usecases/", "](../usecases/"),
        root / "benchmarks" / "LOG.md": negatives.page(results.evidence(found)),
    }
    for name in usecase.names(root / "usecases"):
        made[root / "usecases" / name / "README.md"] = own_block(rows, name)
    return {path: with_block(path.read_text(encoding="utf-8"), text) for path, text in made.items()}


def regenerate(root: Path = usecase.ROOT) -> list[Path]:
    """Writes every generated page that is stale and names those."""
    stale = [
        (path, text)
        for path, text in pages(results.entries(root / "benchmarks"), root).items()
        if path.read_text(encoding="utf-8") != text
    ]
    for path, text in stale:
        record.write_text(path, text)
    return [path for path, _ in stale]
