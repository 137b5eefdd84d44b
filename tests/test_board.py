"""Generated tables: fresh, every number in a README from a record, ties as ties, and fast."""

import json
import re
import time
from pathlib import Path

import numpy as np
import pytest

from common import board, curve, methods_table, negatives, publish, record, results, usecase, verdicts
from common.record import RunRecord
from common.results import Entry
from tests import made_up

ROOT, HOME = usecase.ROOT, usecase.ROOT / "benchmarks"
READMES = [ROOT / "README.md", HOME / "README.md", *sorted((ROOT / "usecases").glob("*/README.md"))]
GENERATED = [*READMES, *(HOME / f"{page}.md" for page in ("METHODS", "CURVES", "LOG"))]
SCORE = re.compile(r"\b0\.\d{2,}\b")
THREE_DIGITS = re.compile(r"(?<![\d.,-])[+-]?\d\.\d{3}\b(?!\d)")


def test_no_generated_table_is_stale() -> None:
    for path, text in board.pages(results.entries()).items():
        assert path.read_text(encoding="utf-8") == text, f"{path} is stale: run `gallery tables`"


@pytest.mark.parametrize("path", GENERATED, ids=lambda p: f"{p.parent.name}-{p.stem}")
def test_readme_numbers_come_from_records(path: Path) -> None:
    free = board.BLOCK.sub("", path.read_text(encoding="utf-8"))
    assert board.BEGIN not in free and path.read_text(encoding="utf-8").count(board.BEGIN) == 1
    assert SCORE.findall(free) == [], f"{path}: a score outside the generated block"


@pytest.mark.parametrize("path", READMES, ids=lambda p: p.parent.name)
def test_every_score_in_a_readme_is_a_number_of_a_record(path: Path) -> None:
    """Not only generated: each number with three digits is found again in what a record holds."""
    numbers, texts = set(), []
    for entry in results.entries():
        collect(entry.row.model_dump(), numbers, texts)
    written = " ".join(texts)
    for block in board.BLOCK.findall(path.read_text(encoding="utf-8")):
        for found in THREE_DIGITS.findall(block):
            assert found.lstrip("+-") in numbers or found in written, f"{path}: {found} stands in no record"


def collect(value: object, numbers: set[str], texts: list[str]) -> None:
    """Every number of a record as tables write it, and its texts."""
    if isinstance(value, dict):
        for inner in value.values():
            collect(inner, numbers, texts)
    elif isinstance(value, list | tuple):
        for inner in value:
            collect(inner, numbers, texts)
    elif isinstance(value, str):
        texts.append(value)
    elif isinstance(value, int | float):
        numbers.add(f"{abs(value):.3f}")


def test_every_published_record_is_evidence() -> None:
    for entry in results.evidence(results.entries()):
        made = entry.row
        assert entry.name.startswith(f"{made.usecase}--{made.variant}")
        assert made.tier == "published" and len(made.seeds) >= publish.FEWEST_SEEDS
        assert not made.environment["git_dirty"] and made.environment["git_commit"]
        assert made.usecase in usecase.names()
        kept = results.examples_in(results.examples_path(entry))
        if kept and kept["averages"]:
            mean = np.nanmean(results.tuned_scores(kept))
            assert mean == pytest.approx(entry.score()["mean"], abs=1e-4), entry.name


def test_a_hand_edited_number_makes_the_page_stale(tmp_path: Path) -> None:
    made_up.root(tmp_path)
    made_up.keep(tmp_path / "benchmarks", made_up.made())
    assert len(board.regenerate(tmp_path)) == 5
    assert board.regenerate(tmp_path) == []
    page = tmp_path / "README.md"
    page.write_text(page.read_text().replace("0.700", "0.999"))
    assert board.regenerate(tmp_path) == [page]
    assert "0.999" not in page.read_text()


def test_drafts_stand_apart_and_never_in_a_main_table(tmp_path: Path) -> None:
    home = made_up.root(tmp_path) / "benchmarks"
    made_up.keep(home, made_up.made())
    made_up.keep(home, made_up.made(variant="offline-x", means={"tuned": 0.987}), tier=results.DRAFT)
    board.regenerate(tmp_path)
    page = (home / "README.md").read_text()
    main, drafts = page.split("## Drafts")
    assert "0.987" in drafts and "no evidence" in drafts
    assert "0.987" not in main and "0.987" not in (tmp_path / "README.md").read_text()
    assert "0.987" not in (home / "LOG.md").read_text()


def test_a_record_refuses_unknown_names() -> None:
    with pytest.raises(ValueError, match="extra"):
        RunRecord(
            usecase="a", variant="b", method="c", seeds=[0], tier="draft", status="ok", headline="h", x=1
        )


def entry(name: str, tier: str = results.VERIFIED, home: Path = Path("nowhere"), **changes: object) -> Entry:
    return Entry(f"toy--{name}", tier, made_up.made(variant=name, **changes), home)


def test_the_default_variant_decides_even_when_another_scored_better() -> None:
    found = verdicts.deciding([entry("offline-a", means={"tuned": 0.9}), entry("offline")])
    assert [one.row.variant for one in found] == ["offline"]


def test_a_failure_decides_only_where_nothing_else_ran() -> None:
    failed = entry("offline", status="out of memory", contenders={}, difference={}, training={}, data={})
    assert verdicts.deciding([failed, entry("offline-a")])[0].row.variant == "offline-a"
    assert "ended as out of memory" in verdicts.page([failed])


def test_crossover_is_where_training_is_paid() -> None:
    row = made_up.made()
    prices = verdicts.Prices(hour=36.0)
    # An untuned answer takes 0.36 s more than a tenth of it: 0.324 s at a hundredth of a unit a second.
    assert verdicts.crossover(row, prices) == pytest.approx(100 * 0.01 / (0.324 * 0.01))
    tokens = verdicts.Prices(hour=36.0, million_in=1.0, million_out=5.0)
    assert tokens.answer(row.contenders["retrieval"]) == pytest.approx((900 + 5 * 20) / 1e6)
    assert tokens.answer(row.contenders["tuned"]) == pytest.approx(0.036 * 0.01)
    free = verdicts.Prices(hour=36.0, million_in=0.0)
    assert verdicts.crossover(row, free) is None


@pytest.mark.parametrize(
    "label", ["fine-tune", "prompting is enough", "retrieval is enough", "not enough evidence", "do not use"]
)
def test_the_sentence_says_verdict_difference_tokens_and_cost(label: str) -> None:
    said = verdicts.sentence(entry("offline", verdict={"label": label, "reason": ""}), verdicts.Prices())
    for part in (
        label.capitalize(),
        "+0.150 [+0.130, +0.170]",
        "40 tokens read, 20 written against 900 tokens read, 20 written",
        "1,000 answers cost 1 cents against 10 cents, the training 2.8 cents",
        "is paid for after",
    ):
        assert part in said


def test_what_cannot_be_told_apart_shares_a_place() -> None:
    group = [
        entry("offline", means={"tuned": 0.70}),
        entry("offline-a", method="dora", means={"tuned": 0.71}),
        entry("offline-b", method="ia3", means={"tuned": 0.60}),
        entry("offline-c", method="head", means={"tuned": 0.595}),
    ]
    placed = {row.entry.row.method: row.place for row in methods_table.places(group)}
    assert placed == {"dora": 1, "lora": 1, "ia3": 3, "head": 3}
    said = methods_table.section(group)
    assert "`offline-a` (dora), `offline` (lora) cannot be told apart" in said


def test_methods_on_a_part_of_the_data_are_a_comparison_of_their_own_and_no_curve() -> None:
    def on_part(name: str, method: str, share: float, rates: int) -> results.Entry:
        made = entry(name, method=method)
        made.row.config.update(train_share=share, rates=rates)
        return made

    parts = [on_part("a", "lora", 0.25, 3), on_part("b", "full", 0.25, 3)]
    whole = [on_part("offline", "lora", 1.0, 0), on_part("offline-b", "full", 1.0, 0)]
    sizes = [on_part(f"size-{share}", "lora", share, 0) for share in (0.0625, 0.125, 0.25, 0.5)]
    found = methods_table.groups([*parts, *whole, *sizes])
    assert {frozenset(e.name for e in group) for group in found} == {
        frozenset({"toy--a", "toy--b"}),
        frozenset({"toy--offline", "toy--offline-b"}),
    }
    assert "0.25 of the training data" in methods_table.section(parts)
    assert "of the training data" not in methods_table.section(whole)
    for one in [*sizes, *parts]:
        one.row.variant = "offline"
    (sized,) = curve.curves([*parts, *whole, *sizes])
    assert {e.name for e in sized} == {*(e.name for e in sizes), "toy--offline"}


def test_a_base_that_was_grown_on_is_compared_with_none_of_before() -> None:
    rows = [entry("a"), entry("b", method="full"), entry("c", method="dora"), entry("d", method="ia3")]
    for place, one in enumerate(rows):
        one.row.base["file_hash"] = "before" if place < 2 else "after"
    after, before = methods_table.groups(rows)
    assert [e.name for e in after] == ["toy--c", "toy--d"] and [e.name for e in before] == [
        "toy--a",
        "toy--b",
    ]
    assert "weights after" in methods_table.section(after)


def test_the_front_holds_what_nothing_beats_in_place_and_cost() -> None:
    group = [
        entry("offline", means={"tuned": 0.70}),
        entry(
            "offline-a", method="full", means={"tuned": 0.71}, cost={"seconds": 300.0, "adapter_bytes": 9000}
        ),
        entry("offline-b", method="head", means={"tuned": 0.60}, cost={"seconds": 1.0}),
        entry("offline-c", method="ia3", means={"tuned": 0.60}, cost={"seconds": 2.0}),
    ]
    front = {row.entry.row.method for row in methods_table.places(group) if row.front}
    assert front == {"lora", "head"}
    table = methods_table.section(group)
    assert "| about 3.00 |" in table and "lora * |" in table and "full |" in table


def test_other_settings_and_other_machines_are_not_hidden() -> None:
    against = entry("offline")
    other = entry("offline-a", environment={"device": "gpu", "threads": 1, "machine": "Linux"})
    other.row.config["epochs"], against.row.config["epochs"] = 9, 2
    assert methods_table.other_settings(other, against) == "epochs 9"
    assert (
        methods_table.ratio(other, against) == "-" and methods_table.ratio(against, against) == "about 1.00"
    )


def test_differences_are_paired_where_scores_per_example_are_kept(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    base = random.random((3, 200))
    made_up.keep_examples(tmp_path, "toy--a", base)
    made_up.keep_examples(tmp_path, "toy--b", base - 0.01)
    left, right = entry("a", home=tmp_path), entry("b", home=tmp_path, means={"tuned": 0.69})
    gap, paired = results.difference(left, right)
    assert paired and gap.low == pytest.approx(0.01, abs=1e-4) == pytest.approx(gap.high, abs=1e-4)
    (tmp_path / "examples" / "toy--b.json").unlink()
    results.examples_in.cache_clear()
    gap, paired = results.difference(left, right)
    assert not paired and gap.low < 0 < gap.high


def grown(power: float, random: np.random.Generator, spread: float = 0.01) -> list[curve.Point]:
    sizes = [50, 100, 200, 400, 800]
    means = [0.9 - 0.4 * (n / 50) ** -power for n in sizes]
    return [
        curve.Point(n, tuple(m + spread * random.standard_normal(3)))
        for n, m in zip(sizes, means, strict=True)
    ]


def test_the_curve_foretells_what_a_power_law_gives() -> None:
    exact = grown(0.7, np.random.default_rng(0), spread=0.0)
    told = curve.predict(exact, 1600, 3)
    assert told.mean == pytest.approx(0.9 - 0.4 * 32**-0.7, abs=0.005)


def test_the_interval_of_the_curve_holds_what_it_claims() -> None:
    inside = 0
    for seed in range(60):
        points = grown(0.3 + seed / 100, np.random.default_rng(seed))
        told = curve.predict(points[:-1], points[-1].examples, 3)
        inside += told.low <= points[-1].mean <= told.high
    assert inside >= 52, f"{inside} of 60 within a 95 % interval"


def test_a_curve_that_breaks_is_said_to_break() -> None:
    points = [*grown(0.7, np.random.default_rng(1))[:-1], curve.Point(800, (0.1, 0.11, 0.1))]
    assert "do not trust this curve" in curve.check(points)
    assert "inside the interval" in curve.check(grown(0.7, np.random.default_rng(1)))


def test_shares_make_a_curve_and_stay_out_of_the_other_tables() -> None:
    shares = [(1 / 8, 100, 0.5), (1 / 4, 200, 0.6), (1 / 2, 400, 0.65), (1.0, 800, 0.68)]
    group = [entry("offline", share=s, train=n, means={"tuned": m}) for s, n, m in shares]
    page = board.benchmark_page(group)
    assert "| 0.125 | 100 | 0.500" in curve.page(group) and "Twice the data would give" in curve.page(group)
    assert "| 100 to 800 | yes |" in page
    broken = [*group[:3], entry("offline", share=1.0, train=800, means={"tuned": 0.2})]
    assert "What twice the data would give is left open." in curve.page(broken)
    assert "| **no: do not trust this curve** | left open |" in board.benchmark_page(broken)
    assert page.split("## Every variant")[1].count("| offline |") == 1
    sought = entry("offline", training={**made_up.made().training, "learning_rate": 0.5})
    assert curve.curves([*group, sought]) == [group]


def test_rates_sought_alike_are_compared_and_others_are_left_to_the_variants() -> None:
    group = [
        entry("offline", means={"tuned": 0.75}),
        entry("offline-head", method="head", means={"tuned": 0.6}),
        *(entry("offline", method=m, config={"rates": 3, "method": m}) for m in ("lora", "ia3")),
    ]
    for one in group[2:]:
        one.row.training.update(learning_rate=0.0015, search={"at_the_edge": True})
    (found,) = methods_table.groups(group)
    assert [one.row.method for one in found] == ["lora", "ia3", "head"]
    said = methods_table.section(found)
    assert "sought on val among 3" in said and "0.0015 (edge)" in said and "also differs in" not in said
    assert "0.750" not in said and "not sought by one search" in methods_table.section(group[:2])
    assert board.own_block(group, "toy").count("####") == 2


def test_processor_time_is_taken_where_a_record_has_it_and_marked_where_not() -> None:
    clock, exact = entry("offline"), entry("offline", cost={"processor_seconds": 50.0})
    assert verdicts.training_seconds(clock.row) == (100.0, False)
    assert verdicts.training_seconds(exact.row) == (50.0, True)
    assert "(up to 100 s)" in verdicts.page([clock]) and "(50 s)" in verdicts.page([exact])
    assert methods_table.ratio(exact, exact) == "1.00" and methods_table.ratio(clock, exact) == "about 1.00"
    gpu = entry("offline", cost={"processor_seconds": 5.0}, environment={"device": "NVIDIA"})
    assert verdicts.training_seconds(gpu.row) == (100.0, False)


def test_a_cheaper_tuning_that_is_as_good_changes_the_advice() -> None:
    surely = verdicts.reason(entry("offline"))
    better, tied = (entry("offline", means={"linear": mean}) for mean in (0.8, 0.69))
    assert "Fine-tune.**" in surely and "cheap" not in surely
    assert "Tune, but cheaply.**" in verdicts.reason(better)
    assert "is better still: 0.800, `lora` minus it -0.100" in verdicts.reason(better)
    assert "Fine-tune, perhaps cheaply.**" in verdicts.reason(tied)
    worthless = entry("offline", means={"linear": 0.5, "tuned": 0.51})
    assert verdicts.advice(worthless.row) == "fine-tune", "cheap and below the best untuned: no advice"
    head = entry("offline", method="head", means={"linear": 0.7})
    assert verdicts.light(head.row) == [], "a head is the cheap tuning itself"


def test_nothing_is_said_of_tokens_where_no_model_reads_any() -> None:
    row = made_up.made()
    for facts in row.contenders.values():
        facts["tokens_in"] = facts["tokens_out"] = 0.0
    said = verdicts.sentence(Entry("toy--offline", results.VERIFIED, row), verdicts.Prices())
    assert "token" not in said and "1,000 answers cost" in said


def test_the_log_admits_and_does_not_choose() -> None:
    worse = entry("offline", means={"tuned": 0.5, "retrieval": 0.55})
    tied = entry("offline-a", means={"tuned": 0.61})
    page = negatives.page([worse, tied])
    assert "is worse than retrieval model: accuracy -0.050" in page and "2026-01-02" in page
    assert (
        "Linear model, a far cheaper tuning, cannot be told apart" in page
        and "loses 0.010 on neutral" in page
    )


def fill(home: Path, count: int) -> None:
    """Records of the size of real ones, many use cases, one in ten with scores per example."""
    text = made_up.made().model_dump_json()
    padding = json.dumps([{"title": "t", "columns": ["a"] * 5, "rows": [["0.123"] * 5] * 60, "note": ""}])
    text = text.replace('"tables":[]', f'"tables":{padding}')
    (home / "results").mkdir(parents=True)
    scores = np.random.default_rng(0).random((3, 100))
    for number in range(count):
        variant = "offline" if number % 10 == 0 else f"offline-{number % 10}"
        changed = text.replace('"usecase":"toy"', f'"usecase":"u{number // 10}"')
        changed = changed.replace('"variant":"offline"', f'"variant":"{variant}"')
        changed = changed.replace('"mean":0.7,', f'"mean":0.7{number % 10},')
        name = f"u{number // 10}--{variant}"
        (home / "results" / f"{name}.json").write_text(changed, encoding="utf-8")
        if number // 10 % 10 == 0:
            made_up.keep_examples(home, name, scores)


def seconds_for(folder: Path, count: int) -> float:
    """Processor seconds of all tables and the board."""
    from common import web

    home = made_up.root(folder) / "benchmarks"
    fill(home, count)
    started = time.process_time()
    board.regenerate(folder)
    web.write_board(folder / "board.html", home)
    return time.process_time() - started


def test_ten_times_the_records_take_ten_times_the_time(tmp_path: Path) -> None:
    seconds_for(tmp_path / "warm", 20)
    few, many = seconds_for(tmp_path / "few", 100), seconds_for(tmp_path / "many", 1000)
    assert many < 25 * max(few, 0.05), f"{few:.2f} s for 100 records, {many:.2f} s for 1,000"


def test_further_tables_name_contenders_as_the_first_one_does() -> None:
    rows = [["zero_shot", 3], ["none of them", 4], []]
    row = made_up.made(tables=[{"title": "Faults", "columns": ["contender", "n"], "rows": rows, "note": ""}])
    label = row.contenders["zero_shot"]["label"]
    assert label != "zero_shot" and board.tables(row)[0]["rows"] == [[label, 3], *rows[1:]]
    assert f"| {label} | 3 |" in board.section(row)


def test_a_page_in_the_benchmark_folder_names_only_what_exists() -> None:
    page = (usecase.ROOT / "benchmarks" / "README.md").read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#:]+)\)", page):
        assert (usecase.ROOT / "benchmarks" / target).exists(), target


def test_a_broken_record_is_named(tmp_path: Path) -> None:
    path = made_up.keep(tmp_path, made_up.made())
    record.write_text(path, "{}")
    with pytest.raises(Exception, match=r"toy--offline.json is no record"):
        results.entries(tmp_path)
