"""The own data of this use case: a made-up company's documents and its people's questions.

`generate` builds the knowledge base from the hand-written content in `data/`, the same on every
machine for the same seed; `write` stores it as the two files that a user's own folder has;
`neutral` gives a small general retrieval set that shows what tuning has made the model forget.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from usecases.knowledge_search import content, passages, questions
from usecases.knowledge_search.content import Document

SHARES = {"test": 0.23, "val": 0.12}
TOO_NEAR = 0.88
LONGEST_SPAN = 5


@dataclass(frozen=True)
class KnowledgeBase:
    """Passages (id, text, group, family) and queries (id, question, positives, split, group,
    kind, answer)."""

    passages: list[dict[str, Any]]
    queries: list[dict[str, Any]]


def generate(seed: int = 0) -> KnowledgeBase:
    """Build the whole knowledge base."""
    documents = [d for family in content.FAMILIES for d in content.documents(family, seed)]
    split_of = assign_splits(documents, seed)
    made = [
        passage
        for document in documents
        for passage in passages.aspect_passages(document, split_of[document.id] != "train", seed)
    ]
    queries = finish(ask(documents, split_of, seed), made, split_of)
    columns = ("id", "text", "group", "family")
    return KnowledgeBase([{name: row[name] for name in columns} for row in made], queries)


def write(folder: Path | str, seed: int = 0) -> None:
    """Write `corpus.jsonl` and `queries.jsonl`, the columns of a user's own folder."""
    base = generate(seed)
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    for name, rows in (("corpus", base.passages), ("queries", base.queries)):
        lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in rows]
        (target / f"{name}.jsonl").write_text("".join(lines), encoding="utf-8")


def neutral() -> KnowledgeBase:
    """A small hand-written set on general subjects, one positive passage per question."""
    rows, queries = [], []
    for subject, entries in content.table("neutral").items():
        for number, (question, text) in enumerate(entries):
            name = f"{subject}-{number}"
            text = f"{subject.capitalize()}. {text}"
            rows.append({"id": name, "text": text, "group": subject, "family": "neutral"})
            queries.append(
                {
                    "id": f"q-{name}",
                    "question": question,
                    "positives": [name],
                    "split": "test",
                    "group": subject,
                    "kind": "neutral",
                    "answer": "",
                }
            )
    return KnowledgeBase(rows, queries)


def assign_splits(documents: list[Document], seed: int) -> dict[str, str]:
    """Whole documents into splits, by family, so that no thing is known from held-out ones only.

    Otherwise a nickname would stand in the test questions and nowhere in training.
    """
    left = Counter(kin for document in documents for kin in set(document.kin))
    single = {kin for kin, count in left.items() if count == 1}
    split_of = {document.id: "train" for document in documents}
    for family in content.FAMILIES:
        members = [document for document in documents if document.family == family]
        content.stream(seed, family, "splits").shuffle(members)
        for split, share in SHARES.items():
            wanted = round(share * len(members))
            for document in members:
                free = all(left[kin] > 1 or kin in single for kin in document.kin)
                if wanted and free and split_of[document.id] == "train":
                    split_of[document.id] = split
                    left.subtract(set(document.kin))
                    wanted -= 1
    return split_of


def ask(documents: list[Document], split_of: dict[str, str], seed: int) -> list[dict[str, Any]]:
    """All questions, with the split of their group; absent documents are spread as well."""
    rows = [
        row
        for document in documents
        for row in questions.document_questions(document, split_of[document.id] != "train", seed)
    ]
    absent = [d for f in content.FAMILIES for d in content.documents(f, seed, "absent")]
    outside = list(questions.outside_questions())
    names = [document.id for document in absent] + [row["group"] for row in outside]
    rng = content.stream(seed, "unanswered groups")
    for name in names:
        split_of[name] = rng.choices(["train", "val", "test"], [65, 12, 23])[0]
    for document in absent:
        rows += questions.absent_questions(document, split_of[document.id] != "train", seed)
    return rows + outside


def finish(
    rows: list[dict[str, Any]], made: list[dict[str, Any]], split_of: dict[str, str]
) -> list[dict[str, Any]]:
    """Link questions to passages and leave out those that would leak or repeat."""
    known = {passage["id"]: passage for passage in made}
    kept: list[dict[str, Any]] = []
    for row in rows:
        positives = row["of"]
        texts = [known[name]["text"] for name in positives]
        if any(shares_span(row["question"], text) for text in texts):
            continue
        answer = known[positives[0]]["answer"] if positives else ""
        kept.append(
            {
                "question": row["question"],
                "positives": positives,
                "split": split_of[row["group"]],
                "group": row["group"],
                "kind": row["kind"],
                "answer": answer,
            }
        )
    kept = drop_near(kept)
    return [{"id": f"q{number:04d}", **row} for number, row in enumerate(kept)]


def shares_span(question: str, text: str, longest: int = LONGEST_SPAN) -> bool:
    """Whether a question repeats more than `longest` words of a text in a row."""
    words, passage = normal(question).split(), f" {normal(text)} "
    spans = (words[i : i + longest + 1] for i in range(len(words) - longest))
    return any(f" {' '.join(span)} " in passage for span in spans)


def normal(text: str) -> str:
    """Small letters and single spaces, without marks."""
    return " ".join(re.findall(r"[a-z0-9]+", text.lower()))


def drop_near(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Drop every question that nearly repeats an earlier one; test rows are looked at first."""
    order = {"test": 0, "val": 1, "train": 2}
    ranked = sorted(range(len(rows)), key=lambda i: order[rows[i]["split"]])
    grams = [letter_grams(normal(rows[i]["question"])) for i in ranked]
    near = near_earlier(grams)
    keep = {ranked[position] for position in range(len(rows)) if position not in near}
    return [row for index, row in enumerate(rows) if index in keep]


def letter_grams(text: str) -> Counter[str]:
    """Counts of all runs of three to five letters."""
    return Counter(text[i : i + n] for n in (3, 4, 5) for i in range(len(text) - n + 1))


def near_earlier(grams: list[Counter[str]]) -> set[int]:
    """Positions whose cosine with an earlier kept position reaches TOO_NEAR."""
    common = Counter(piece for gram in grams for piece in gram)
    squares = [sum(count * count for count in gram.values()) for gram in grams]
    holders: dict[str, list[int]] = {}
    near: set[int] = set()
    for position, gram in enumerate(grams):
        pieces = telling_pieces(gram, common, squares[position])
        for other in {other for piece in pieces for other in holders.get(piece, ())}:
            dot = sum(count * grams[other][piece] for piece, count in gram.items())
            if dot >= TOO_NEAR * math.sqrt(squares[position] * squares[other]):
                near.add(position)
                break
        if position not in near:
            for piece in gram:
                holders.setdefault(piece, []).append(position)
    return near


def telling_pieces(gram: Counter[str], common: Counter[str], square: int) -> list[str]:
    """The rarest pieces: what is left is too short to reach TOO_NEAR without one of them."""
    chosen, left = [], square
    for piece in sorted(gram, key=lambda piece: (common[piece], piece)):
        if left < TOO_NEAR**2 * square:
            break
        chosen.append(piece)
        left -= gram[piece] ** 2
    return chosen
