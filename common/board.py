"""Records to tables: the benchmark page, the README's table, and each use case's own table."""

import re
from collections.abc import Sequence
from pathlib import Path

from common import record, usecase
from common.record import RunRecord

RESULTS = usecase.ROOT / "benchmarks" / "results"
BEGIN = "<!-- generated table: begin -->"
END = "<!-- generated table: end -->"
BLOCK = re.compile(re.escape(BEGIN) + ".*?" + re.escape(END), re.DOTALL)
MAIN_CONTENDERS = ("floor", "zero_shot", "few_shot", "retrieval", "linear", "tuned")


def published(folder: Path = RESULTS) -> list[RunRecord]:
    """Every published record, by use case and variant."""
    return [record.read(path) for path in sorted(folder.glob("*.json"))]


def cell(row: RunRecord, name: str) -> str:
    """A contender's headline with its interval."""
    if name not in row.contenders:
        return "-"
    score = row.contenders[name]["scores"][row.headline]
    return f"{score['mean']:.3f} [{score['low']:.3f}, {score['high']:.3f}]"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(value) for value in line) + " |" for line in lines)


def overview(records: Sequence[RunRecord]) -> str:
    """One row per run: every contender's headline, the deciding cost, the verdict."""
    if not records:
        return "No run is published yet."
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
    gap = row.difference["zero_shot" if "zero_shot" in row.difference else "floor"]
    seconds = row.training.get("seconds", 0.0)
    return [
        f"[{row.usecase}](usecases/{row.usecase}/README.md)",
        row.variant,
        row.headline,
        *(cell(row, name) for name in MAIN_CONTENDERS),
        f"{gap['mean']:+.3f} [{gap['low']:+.3f}, {gap['high']:+.3f}]",
        f"{row.method}, {seconds:.0f} s on {row.environment['device']}",
        str(len(row.seeds)),
        f"**{row.verdict['label']}**",
    ]


def short_overview(records: Sequence[RunRecord]) -> str:
    """The README's table: what fits on a screen."""
    if not records:
        return "No run is published yet."
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
                *(f"{s['mean']:.3f} [{s['low']:.3f}, {s['high']:.3f}]" for s in scores),
                f"{gap['mean']:+.3f} [{gap['low']:+.3f}, {gap['high']:+.3f}]" if gap else "",
                f"{facts['tokens_in']:.0f}",
                f"{1000 * facts['seconds']:.1f}",
            ]
        )
    return table(head, rows)


def kinds(row: RunRecord) -> str:
    """The headline by kind of example, the kinds with the lowest tuned score first."""
    found = row.contenders["tuned"].get("by_kind", {})
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


def pages(records: Sequence[RunRecord], root: Path = usecase.ROOT) -> dict[Path, str]:
    """Every generated page with the content it should have."""
    made = {
        root / "README.md": short_overview(records),
        root / "benchmarks" / "README.md": "\n\n".join([overview(records), *map(section, records)]).replace(
            "](usecases/", "](../usecases/"
        ),
    }
    for name in usecase.names(root / "usecases"):
        own = [row for row in records if row.usecase == name]
        made[root / "usecases" / name / "README.md"] = (
            "\n\n".join(map(section, own)) or "No run is published yet."
        )
    return {path: with_block(path.read_text(encoding="utf-8"), text) for path, text in made.items()}


def regenerate(root: Path = usecase.ROOT) -> list[Path]:
    """Writes every generated page that is stale and names those."""
    stale = [
        (path, text)
        for path, text in pages(published(root / "benchmarks" / "results"), root).items()
        if path.read_text(encoding="utf-8") != text
    ]
    for path, text in stale:
        record.write_text(path, text)
    return [path for path, _ in stale]
