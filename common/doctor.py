"""The data doctor: what is wrong or odd in rows of text, before anything is learnt from them.

Works on the splits of a use case and on files of rows. Time grows with the rows, not with pairs.
"""

import hashlib
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from os.path import commonprefix

import numpy as np

from common.data import NEAR_DUPLICATE, normalise
from common.nearby import pairs_within
from common.pages import render
from common.personal import personal
from common.samples import Sample

SHOWN = 5
RARE, UNEVEN = 10, 10.0
GIVEAWAY = 0.98
MOST_FOR_CLASSIFIER = 20_000
MOST_LABELS = 100
LETTERS_PER_TOKEN = 4.0


@dataclass
class Finding:
    """One thing that was looked at. `fault` fails a check in CI, `warning` is for a person to weigh."""

    title: str
    level: str = "ok"
    count: int = 0
    lines: list[str] = field(default_factory=list)
    bars: list[tuple[str, int]] = field(default_factory=list)
    advice: str = ""


def examine(samples: Sequence[Sample], faults: Sequence[str] = (), cut_tokens: int = 128) -> list[Finding]:
    """Every finding over the rows, the gravest kinds first."""
    broken = Finding("rows that cannot be read", "fault" if faults else "ok", len(faults), list(faults))
    broken.advice = "They would be refused: mend or remove them."
    if not samples:
        broken.level = "fault"
        broken.lines = broken.lines or ["there is no row at all"]
        return [broken]
    texts = [normalise(sample.text) for sample in samples]
    exact = exact_duplicates(samples, texts)
    near, leaks = near_duplicates(samples, texts)
    return [
        broken,
        leaks,
        exact,
        contradictions(samples, texts),
        near,
        private(samples),
        balance(samples),
        lengths(samples, cut_tokens),
        scripts(samples),
        giveaway(samples),
        longer_answers(samples),
    ]


def exact_duplicates(samples: Sequence[Sample], texts: Sequence[str]) -> Finding:
    """Rows whose text and answer stand earlier already."""
    first: dict[tuple[str, str], str] = {}
    repeated = []
    for sample, text in zip(samples, texts, strict=True):
        key = (text, sample.answer)
        if key in first:
            repeated.append(f"{sample.place} repeats {first[key]}: {sample.text[:70]!r}")
        first.setdefault(key, sample.place)
    advice = "They count double in training; drop the later ones."
    return Finding(
        "exact duplicates", "warning" if repeated else "ok", len(repeated), repeated, advice=advice
    )


def contradictions(samples: Sequence[Sample], texts: Sequence[str]) -> Finding:
    """The same text with another answer. Only labels are looked at: free answers may differ."""
    if not labelled(samples):
        return Finding("same text, other answer", advice="Not looked at: answers are free text.")
    first: dict[str, Sample] = {}
    found = []
    for sample, text in zip(samples, texts, strict=True):
        known = first.setdefault(text, sample)
        if known.answer != sample.answer:
            found.append(
                f"{known.place} says {known.answer!r}, {sample.place} {sample.answer!r}: {text[:60]!r}"
            )
    advice = "At most one can be right: decide, or drop both."
    return Finding("same text, other answer", "warning" if found else "ok", len(found), found, advice=advice)


def from_where_they_part(first: str, second: str, length: int = 60) -> str:
    """A piece of each of two texts that are nearly alike, from shortly before their first difference."""
    alike = len(commonprefix([first, second])) if first != second else 0
    begin = max(0, alike - length // 3)
    return " | ".join(f"{'…' * bool(begin)}{text[begin : begin + length]}" for text in (first, second))


def near_duplicates(samples: Sequence[Sample], texts: Sequence[str]) -> tuple[Finding, Finding]:
    """Near-identical texts within a split, and texts that stand in two splits."""
    unique: dict[tuple[str, str], int] = {}
    homes: dict[str, set[str]] = defaultdict(set)
    for row, (sample, text) in enumerate(zip(samples, texts, strict=True)):
        unique.setdefault((text, sample.split), row)
        homes[text].add(sample.split)
    rows = list(unique.values())
    names = sorted({sample.split for sample in samples})
    side = np.array([names.index(samples[row].split) for row in rows], np.int8)
    near, leaks = [], []
    for left, right, cosine in pairs_within([texts[row] for row in rows], NEAR_DUPLICATE, side):
        a, b = samples[rows[left]], samples[rows[right]]
        line = f"{a.place} and {b.place} ({cosine:.2f}): {from_where_they_part(a.text, b.text)}"
        same = texts[rows[left]] == texts[rows[right]]
        if a.split == b.split:
            near.append(line)
        elif same or a.answer == b.answer:
            leaks.append(f"{a.split or 'no split'} / {b.split or 'no split'}: {line}")
    return (
        Finding("near duplicates", "warning" if near else "ok", len(near), near, advice="Keep one of each."),
        Finding(
            "leaks between splits",
            "fault" if leaks else "ok",
            len(leaks),
            leaks,
            advice="The test could be answered by heart: give both rows one `group` or one `split`.",
        ),
    )


def private(samples: Sequence[Sample]) -> Finding:
    """Rows with what looks like personal data, covered."""
    kinds: Counter[str] = Counter()
    found = []
    for sample in samples:
        marks = [mark for text in (sample.text, sample.answer, sample.rejected) for mark in personal(text)]
        kinds.update(kind for kind, _ in marks)
        if marks:
            found.append(f"{sample.place}: " + ", ".join(f"{kind} {mark}" for kind, mark in marks[:4]))
    advice = "A tuned model can repeat them: replace them before training."
    level = "warning" if found else "ok"
    return Finding("personal data", level, len(found), found, kinds.most_common(), advice)


def labelled(samples: Sequence[Sample]) -> bool:
    """Whether the answers are labels: few different ones, each used again."""
    different = len({sample.answer for sample in samples})
    return 1 < different <= min(MOST_LABELS, max(2, len(samples) // 2))


def balance(samples: Sequence[Sample]) -> Finding:
    """How often each label occurs."""
    if not labelled(samples):
        return Finding("label balance", advice="Not looked at: answers are free text, or all the same.")
    counts = Counter(sample.answer for sample in samples).most_common()
    rare = [f"{label!r} has {count} rows" for label, count in counts if count < RARE]
    if counts[0][1] > UNEVEN * counts[-1][1]:
        rare.append(
            f"{counts[0][0]!r} has {counts[0][1] / counts[-1][1]:.0f} times the rows of {counts[-1][0]!r}"
        )
    advice = "Report a mean over labels, weigh rare ones up (classes_balanced), or collect more."
    return Finding("label balance", "warning" if rare else "ok", len(rare), rare, counts, advice)


def lengths(samples: Sequence[Sample], cut_tokens: int) -> Finding:
    """Texts longer than what a model is given; tokens are taken as four letters each."""
    tokens = np.array([len(sample.text) / LETTERS_PER_TOKEN for sample in samples])
    long = np.flatnonzero(tokens > cut_tokens)
    lines = [f"{samples[row].place}: about {tokens[row]:.0f} tokens, {cut_tokens} are read" for row in long]
    inner = np.quantile(tokens, np.linspace(0, 1, 9)[1:-1]).round()
    edges = np.unique([np.floor(tokens.min()), *inner, np.ceil(tokens.max())])
    counts, edges = np.histogram(tokens, edges if len(edges) > 1 else 1)
    pairs = zip(edges[:-1], edges[1:], counts, strict=True)
    bars = [(f"{low:.0f} to {high:.0f} tokens", int(count)) for low, high, count in pairs]
    advice = "What is cut is never seen: shorten the text, or raise the length in the variant."
    return Finding(
        "longer than the cut-off", "warning" if len(long) else "ok", len(long), lines, bars, advice
    )


@cache
def script_of(letter: str) -> str:
    """The script of a letter by its Unicode name."""
    return unicodedata.name(letter, "unknown").split()[0].lower() if letter.isalpha() else ""


def scripts(samples: Sequence[Sample]) -> Finding:
    """Which scripts the rows are written in; rows in two scripts are shown."""
    counts: Counter[str] = Counter()
    mixed = []
    for sample in samples:
        letters = Counter(map(script_of, sample.text))
        letters.pop("", None)
        counts.update(["none"] if not letters else [letters.most_common(1)[0][0]])
        if len(letters) > 1:
            parts = ", ".join(f"{count} {script}" for script, count in letters.most_common(3))
            mixed.append(f"{sample.place}: {parts}")
    odd = "warning" if mixed and len(mixed) < 0.02 * len(samples) else "ok"
    advice = "A few rows in two scripts are often look-alike letters or the wrong encoding."
    return Finding("scripts", odd, len(mixed), mixed, counts.most_common(), advice)


def held_out(samples: Sequence[Sample]) -> tuple[list[Sample], list[Sample]]:
    """Rows to learn from and to be asked: by split, else a fifth by hash of the text."""
    kept = samples[:: max(1, len(samples) // MOST_FOR_CLASSIFIER)]
    if {"train", "test"} <= {sample.split for sample in kept}:
        return [s for s in kept if s.split == "train"], [s for s in kept if s.split == "test"]
    marks = [hashlib.sha256(normalise(s.text).encode()).digest()[0] for s in kept]
    return (
        [s for s, mark in zip(kept, marks, strict=True) if mark >= 51],
        [s for s, mark in zip(kept, marks, strict=True) if mark < 51],
    )


def giveaway(samples: Sequence[Sample]) -> Finding:
    """How well a bag of the prompt's words alone gives the answer, on rows that it has not seen."""
    title = "prompt-only giveaways"
    train, test = held_out(samples)
    if not labelled(samples) or not test or len({s.answer for s in train}) < 2:
        return Finding(title, advice="Not looked at: answers are free text, or there are too few rows.")
    from sklearn.feature_extraction.text import HashingVectorizer
    from sklearn.linear_model import SGDClassifier

    words = HashingVectorizer(n_features=2**18, alternate_sign=False)
    model = SGDClassifier(loss="log_loss", random_state=0, max_iter=20, tol=None)
    model.fit(words.transform([s.text for s in train]), [s.answer for s in train])
    right = model.predict(words.transform([s.text for s in test])) == np.array([s.answer for s in test])
    common = Counter(s.answer for s in train).most_common(1)[0][0]
    usual = float(np.mean([s.answer == common for s in test]))
    line = f"a bag of words is right on {right.mean():.3f} of {len(test)} held-out rows, "
    line += f"{common!r} always on {usual:.3f}"
    level = "warning" if right.mean() >= GIVEAWAY and usual < GIVEAWAY else "ok"
    advice = (
        "Where words alone suffice, a tuned model proves nothing: look for names or templates in the text."
    )
    return Finding(title, level, int(level != "ok"), [line], advice=advice)


def longer_answers(samples: Sequence[Sample]) -> Finding:
    """In preference data: whether the chosen answer can be told by its length."""
    pairs = [sample for sample in samples if sample.rejected]
    if not pairs:
        return Finding("length gives the chosen answer away", advice="Not looked at: no `rejected` column.")
    longer = np.mean([len(s.answer) > len(s.rejected) for s in pairs])
    same = [f"{s.place}: chosen and rejected are the same" for s in pairs if s.answer == s.rejected]
    line = f"the chosen answer is the longer one in {longer:.0%} of {len(pairs)} pairs"
    level = "fault" if same else "warning" if not 0.2 <= longer <= 0.8 else "ok"
    advice = "A model then learns to write long or short: add pairs of like length."
    return Finding("length gives the chosen answer away", level, len(same), [line, *same], advice=advice)


def sound(findings: Sequence[Finding]) -> bool:
    return not any(finding.level == "fault" for finding in findings)


def lines_of(finding: Finding) -> list[str]:
    """A finding on the terminal."""
    shown = [f"         {line}" for line in finding.lines[:SHOWN]]
    if len(finding.lines) > SHOWN:
        shown.append(f"         ... and {len(finding.lines) - SHOWN} more")
    bars = ", ".join(f"{name} {count}" for name, count in finding.bars[:12])
    return [
        f"{finding.level:8} {finding.title}: {finding.count}" + (f"  ({bars})" if bars else ""),
        *shown,
        *([f"         {finding.advice}"] if finding.level != "ok" and finding.advice else []),
    ]


def page(name: str, rows: int, findings: Sequence[Finding]) -> str:
    """The findings as one self-contained page; everything from the data is escaped."""
    widest = {id(f): max((count for _, count in f.bars), default=1) or 1 for f in findings}
    return render("doctor", name=name, rows=rows, findings=findings, widest=lambda f: widest[id(f)])
