"""What is right about one answer, and the tables that a mean does not show."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache

import sqlglot
from sqlglot.errors import SqlglotError

from common.usecase import Example, Scores, Splits, Table
from usecases.english_to_sql.judge import ABSTAIN_MARKER, Instance, Verdict, judge, run_query
from usecases.english_to_sql.sql_text import is_abstention
from usecases.english_to_sql.verdicts import WRONG_COSTS, abstention, consistency

NAMES = {"zero_shot": "untuned", "few_shot": "few-shot", "floor": "nearest question"}
NAMES_WHERE_PAID = {
    "floor": "nearest question",
    "untuned": "untuned, a solved question first",
    "zero_shot": "before pay",
    "few_shot": "before pay, a solved question first",
    "chosen_only": "right queries instead of pay",
}
Judged = Callable[[Example, str], Verdict]
Outputs = Mapping[str, Sequence[str]]


def is_answerable(example: Example) -> bool:
    return example.answer != ABSTAIN_MARKER


def golds(example: Example) -> tuple[str, ...]:
    """Every query that is right; none where the question has no answer."""
    return (example.answer, *example.extra.get("alternatives", ())) if is_answerable(example) else ()


@lru_cache(maxsize=50_000)
def verdict(output: str, accepted: tuple[str, ...], databases: tuple[Instance, ...]) -> Verdict:
    """The judgement of an answer; tables ask again for what the score asked before."""
    return judge(output, accepted, databases)


def scores(example: Example, output: str, found: Verdict) -> Scores:
    """The named numbers of one answer."""
    refused = float(found.label == "abstained")
    if not is_answerable(example):
        right = float(found.correct)
        return {"ex_suite": right, "ex_single": right, "abstained_right": right}
    return {
        "ex_suite": float(found.correct),
        "ex_single": float(found.correct_on_visible),
        "executable": float(found.executable),
        "schema_valid": float(found.schema_valid),
        "exact_ast": float(any(normal(found.sql) == normal(gold) for gold in golds(example))),
        "answered": 1.0 - refused,
    }


def choose_by_rows(answers: Sequence[str], visible: Instance) -> int:
    """Of several answers, the place of the first that returns what most of them return."""
    refusals = [is_abstention(answer, ABSTAIN_MARKER) for answer in answers]
    results = [
        ABSTAIN_MARKER
        if refused
        else ""
        if (found := run_query(answer, visible)).label
        else found.fingerprint
        for answer, refused in zip(answers, refusals, strict=True)
    ]
    running = [result for result in results if result]
    return results.index(max(running, key=running.count)) if running else 0


@lru_cache(maxsize=50_000)
def normal(sql: str) -> str:
    """The query as its syntax tree writes it."""
    try:
        return sqlglot.parse_one(sql, read="sqlite").sql("sqlite").lower()
    except (SqlglotError, RecursionError):
        return " ".join(sql.lower().split())


def report(splits: Splits, models: Mapping[str, Outputs], judged: Judged) -> list[Table]:
    """All tables of the report, from the answers of each contender."""
    names = NAMES_WHERE_PAID if "chosen_only" in models else NAMES
    verdicts = {
        names.get(name, name): [judged(e, o) for e, o in zip(splits.test, outputs["test"], strict=True)]
        for name, outputs in models.items()
        if len(outputs.get("test", ())) == len(splits.test)
    }
    tables = [suite_table(splits.test, verdicts)]
    tables += [share_table("By tier", "tier", splits.test, verdicts, lambda e: e.kind)]
    tables += [share_table("By schema, the worst first", "schema", splits.test, verdicts, lambda e: e.group)]
    if any("sort" in example.extra for example in splits.test):
        by = {
            "kind of question": lambda e: str(e.extra.get("sort", "")),
            "phrasing": lambda e: str(e.extra.get("phrasing", "")),
        }
        tables += [share_table(f"By {n}", n, splits.test, verdicts, f) for n, f in by.items()]
    tables += [label_table(verdicts), abstention_table(splits.test, verdicts), mcnemar_table(verdicts)]
    tuned = models.get("tuned", {})
    return [table for table in (*tables, *probe_tables(splits, tuned, judged)) if table.rows]


def share(found: Sequence[bool]) -> str:
    return f"{sum(found) / len(found):.3f}" if found else ""


def suite_table(examples: Sequence[Example], verdicts: Mapping[str, Sequence[Verdict]]) -> Table:
    """One database against all of them: how many answers are right by coincidence."""
    rows = []
    for name, found in verdicts.items():
        pairs = [(v.correct, v.correct_on_visible) for e, v in zip(examples, found, strict=True) if golds(e)]
        suite, single = [p[0] for p in pairs], [p[1] for p in pairs]
        gap = (sum(single) - sum(suite)) / max(1, len(pairs))
        rows.append((name, share(suite), share(single), f"{gap:.3f}"))
    return Table(
        "One database or all of them, answerable questions",
        ("contender", "EX-suite", "EX-single", "gap"),
        tuple(rows),
        "EX-single counts an answer as right when it returns the right rows on the visible database only.",
    )


def share_table(
    title: str,
    column: str,
    examples: Sequence[Example],
    verdicts: Mapping[str, Sequence[Verdict]],
    key: Callable[[Example], str],
) -> Table:
    """EX-suite of each contender by some property of the examples, the worst of the last one first."""
    parts: dict[str, list[int]] = defaultdict(list)
    for place, example in enumerate(examples):
        parts[key(example)].append(place)
    rows = [
        (
            name,
            len(places),
            *(share([found[place].correct for place in places]) for found in verdicts.values()),
        )
        for name, places in parts.items()
    ]
    head = (column, "n", *verdicts)
    return Table(
        f"EX-suite: {title[0].lower()}{title[1:]}", head, tuple(sorted(rows, key=lambda row: row[-1]))
    )


def label_table(verdicts: Mapping[str, Sequence[Verdict]]) -> Table:
    """How answers go wrong."""
    labels = sorted({v.label for found in verdicts.values() for v in found})
    rows = [
        (label, *(sum(v.label == label for v in found) for found in verdicts.values())) for label in labels
    ]
    head = ("label", *verdicts)
    return Table("What became of the answers", head, tuple(sorted(rows, key=lambda row: -row[-1])))


def abstention_table(examples: Sequence[Example], verdicts: Mapping[str, Sequence[Verdict]]) -> Table:
    """Refusals: how many were due, and what wrong answers cost."""
    answerable = [is_answerable(example) for example in examples]
    keys = ("precision", "recall", *(f"score_cost_{cost}" for cost in WRONG_COSTS))
    rows = []
    for name, found in verdicts.items():
        numbers = abstention(found, answerable)
        rows.append((name, *(f"{numbers[key]:.3f}" for key in keys)))
    costs = tuple(f"score, a wrong answer costs {cost}" for cost in WRONG_COSTS)
    note = f"{len(answerable) - sum(answerable)} of {len(answerable)} questions cannot be answered."
    head = ("contender", "precision", "recall", *costs)
    return Table("Refusing what cannot be answered", head, tuple(rows) if not all(answerable) else (), note)


def mcnemar_table(verdicts: Mapping[str, Sequence[Verdict]]) -> Table:
    """Paired comparison of the tuned model with each other contender, exact and two-sided."""
    from scipy.stats import binomtest

    rows = []
    for name, found in verdicts.items():
        if name == "tuned" or "tuned" not in verdicts:
            continue
        pairs = [(t.correct, o.correct) for t, o in zip(verdicts["tuned"], found, strict=True)]
        won, lost = pairs.count((True, False)), pairs.count((False, True))
        chance = binomtest(won, won + lost).pvalue if won + lost else 1.0
        rows.append((name, won, lost, f"{chance:.2g}"))
    head = ("tuned against", "only tuned right", "only the other right", "p (McNemar)")
    return Table("Paired test on EX-suite", head, tuple(rows))


def probe_tables(splits: Splits, outputs: Outputs, judged: Judged) -> Iterable[Table]:
    """Hand-written questions, schema orders and paraphrases, for the tuned model."""
    found = {
        name: [judged(e, o) for e, o in zip(examples, outputs[name], strict=True)]
        for name, examples in splits.probes.items()
        if examples and len(outputs.get(name, ())) == len(examples)
    }
    orders = [[v.correct for v in verdicts] for name, verdicts in found.items() if name.startswith("order_")]
    if orders:
        means = [sum(right) / len(right) for right in orders]
        every = [all(column) for column in zip(*orders, strict=True)]
        row = (len(orders[0]), f"{sum(means) / len(means):.3f}", f"{min(means):.3f}", share(every))
        head = ("n", "mean over orders", "worst order", "right in every order")
        yield Table(f"Tuned, {len(orders)} shuffled schema orders", head, (row,))
    if "hand_written" in found:
        written = found["hand_written"]
        row = (len(written), share([v.correct for v in written]), share([v.executable for v in written]))
        yield Table("Tuned, questions written by hand", ("n", "EX-suite", "executable"), (row,))
    if "paraphrases" in found and "test" in outputs:
        groups = paraphrase_groups(splits, outputs["test"], found["paraphrases"], judged)
        numbers = consistency(groups)
        row = (int(numbers["groups"]), f"{numbers['all_correct']:.3f}", f"{numbers['all_same']:.3f}")
        head = ("groups of paraphrases", "all right", "all with the same rows")
        yield Table("Tuned, the same question in other words", head, (row,))


def paraphrase_groups(
    splits: Splits, outputs: Sequence[str], found: Sequence[Verdict], judged: Judged
) -> dict[str, list[Verdict]]:
    """Verdicts by question, the first wording included."""
    groups: dict[str, list[Verdict]] = defaultdict(list)
    for example, one in zip(splits.probes["paraphrases"], found, strict=True):
        groups[str(example.extra["paraphrase_of"])].append(one)
    for example, output in zip(splits.test, outputs, strict=False):
        if example.id in groups:
            groups[example.id].append(judged(example, output))
    return groups
