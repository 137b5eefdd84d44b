"""Records to tables: the benchmark page, the README's table, and each use case's own table."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

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


def overview(found: Sequence[Entry]) -> str:
    """One short line per run, the failed ones too; everything else is on the page of the use case."""
    if not found:
        return NONE_YET
    head = [
        "use case",
        "variant",
        "method",
        "metric",
        "tuned",
        "minus best untuned",
        "seeds",
        "verdict",
        "tier",
    ]
    return table(head, [overview_row(entry) for entry in found])


def overview_row(entry: Entry) -> list[str]:
    """The cells of a run in the overview."""
    row = entry.row
    gap = row.difference[verdicts.best_untuned(row)] if entry.tuned else None
    return [
        f"[{row.usecase}](usecases/{row.usecase}/README.md)",
        row.variant,
        row.method,
        row.headline,
        cell(row, "tuned"),
        cells.gap(gap),
        str(len(row.seeds)),
        f"**{row.verdict['label'] if entry.tuned else row.status}**",
        entry.tier,
    ]


def short_overview(found: Sequence[Entry]) -> str:
    """The README's table: what fits on a screen."""
    return verdicts.table(found) if found else NONE_YET


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
                f"{facts['tokens_in']:.0f}" if facts["tokens_in"] else cells.NOTHING,
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
        *(f"{t['title']}\n\n{table(t['columns'], t['rows'])}\n\n{t['note']}".strip() for t in tables(row)),
    ]
    return "\n\n".join(part for part in parts if part)


def tables(row: RunRecord) -> list[dict[str, Any]]:
    """The further tables of a run, whose lines call each contender what the first table calls it."""

    def named(line: list[Any]) -> list[Any]:
        found = row.contenders.get(str(line[0])) if line else None
        return [found["label"], *line[1:]] if found else line

    return [{**one, "rows": [named(line) for line in one["rows"]]} for one in row.tables]


def cost_line(row: RunRecord) -> str:
    """Training cost and forgetting in one line."""
    t = row.training
    seconds, exact = verdicts.training_seconds(row)
    threads = row.environment["threads"]
    line = (
        f"Training: {t['trainable_parameters']:,} of {t['total_parameters']:,} weights, {seconds:.0f} s "
        f"{'of the processor' if exact else 'by the clock'} on {row.environment['device']} with {threads} "
        f"thread{'s' if threads != 1 else ''}, "
        f"{t['adapter_bytes'] / 1e6:.1f} MB to keep."
    )
    if row.forgetting:
        f = row.forgetting
        line += f" Neutral material: {f['before']:.3f} before, {f['after']:.3f} after ({f['unit']})."
    return line


def with_block(text: str, block: str) -> str:
    """A page with its generated block renewed."""
    return BLOCK.sub(lambda _: f"{BEGIN}\n{block}\n{END}", text)


def own_block(found: Sequence[Entry], name: str) -> str:
    """The block of a use case's own page: its variants, not its compared methods and curve."""
    rows = [entry.row for entry in variants(results.evidence(found)) if entry.row.usecase == name]
    return "\n\n".join(map(section, rows)) or NONE_YET


def variants(found: Sequence[Entry]) -> list[Entry]:
    """The runs of variants as they are, on all data."""
    return [entry for entry in found if entry.whole and not methods_table.sought(entry)]


def benchmark_page(found: Sequence[Entry]) -> str:
    """What helps to decide, the advice first; the long tables are pages of their own."""
    sound = results.evidence(found)
    methods = methods_table.summary(sound)
    parts = {
        "What to do": verdicts.page(sound),
        "Which method": f"{methods}\n\nEvery row, cost and tie: [METHODS.md](METHODS.md).",
        "More data": f"{curve.summary(sound)}\n\nPoints, intervals and checks: [CURVES.md](CURVES.md).",
        "Every variant": overview(variants(sound)),
    }
    held_back = [entry for entry in found if entry.tier == results.DRAFT]
    parts |= {"Drafts": drafts(held_back)} if held_back else {}
    return "\n\n".join(f"## {title}\n\n{text}" for title, text in parts.items())


def drafts(found: Sequence[Entry]) -> str:
    """What is no evidence yet, apart from what is."""
    head = ["draft", "method", "metric", "tuned", "seeds", "ended as"]
    rows = [
        [e.name, e.row.method, e.row.headline, cell(e.row, "tuned"), len(e.row.seeds), e.row.status]
        for e in found
    ]
    return "From an uncommitted tree, a smoke run or too few seeds: **no evidence**.\n\n" + table(head, rows)


def pages(found: Sequence[Entry], root: Path = usecase.ROOT) -> dict[Path, str]:
    """Every generated page with the content it should have."""
    sound, home = results.evidence(found), root / "benchmarks"
    made = {
        root / "README.md": short_overview(verdicts.deciding(sound)),
        home / "README.md": benchmark_page(found).replace("](usecases/", "](../usecases/"),
        home / "METHODS.md": methods_table.page(sound),
        home / "CURVES.md": curve.page(sound),
        home / "LOG.md": negatives.page(sound),
    }
    for name in usecase.names(root / "usecases"):
        made[root / "usecases" / name / "README.md"] = own_block(sound, name)
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
