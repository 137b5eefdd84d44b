"""The own data of knowledge_search: the same every time, no leak between splits, no giveaway."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections import Counter
from pathlib import Path

import bm25s
import pytest
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.preprocessing import normalize

from usecases.knowledge_search import content
from usecases.knowledge_search.data import (
    KnowledgeBase,
    generate,
    neutral,
    normal,
    shares_span,
    write,
)

EXPECTED_HASH = "d9679c205964e0c8"


@pytest.fixture(scope="module")
def base() -> KnowledgeBase:
    """The default knowledge base, built once."""
    return generate(0)


def fingerprint(base: KnowledgeBase) -> str:
    """A hash of everything that was generated."""
    text = json.dumps([base.passages, base.queries], ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def test_same_seed_gives_the_same_data(base: KnowledgeBase) -> None:
    """A changed hash means changed data: published results would no longer belong to it."""
    assert fingerprint(base) == EXPECTED_HASH


def test_another_seed_deals_other_facts() -> None:
    assert content.documents("manual", 1) != content.documents("manual", 0)


def test_counts(base: KnowledgeBase) -> None:
    assert 600 <= len(base.passages) <= 900
    assert len(base.queries) >= 1500
    assert len({passage["family"] for passage in base.passages}) == 9
    for rows in (base.passages, base.queries):
        assert len({row["id"] for row in rows}) == len(rows)


def test_columns(base: KnowledgeBase) -> None:
    assert set(base.passages[0]) == {"id", "text", "group", "family"}
    columns = {"id", "question", "positives", "split", "group", "kind", "answer"}
    assert all(set(query) == columns for query in base.queries)


def test_no_document_stands_in_two_splits(base: KnowledgeBase) -> None:
    splits: dict[str, set[str]] = {}
    for query in base.queries:
        splits.setdefault(query["group"], set()).add(query["split"])
        for name in query["positives"]:
            group = name.split("--")[0]
            splits.setdefault(group, set()).add(query["split"])
    assert all(len(found) == 1 for found in splits.values())
    shares = Counter(query["split"] for query in base.queries)
    assert shares["test"] / len(base.queries) == pytest.approx(0.23, abs=0.03)
    assert shares["val"] / len(base.queries) == pytest.approx(0.12, abs=0.03)


def test_no_nickname_only_in_held_out_documents(base: KnowledgeBase) -> None:
    """What a thing is called can be learnt only if some training document is about it."""
    trained = {query["group"] for query in base.queries if query["split"] == "train"}
    documents = [d for family in content.FAMILIES for d in content.documents(family, 0)]
    counts = Counter(kin for document in documents for kin in set(document.kin))
    known = {kin for document in documents if document.id in trained for kin in document.kin}
    assert {kin for kin, count in counts.items() if count > 1} <= known


def test_no_near_duplicate_questions_across_splits(base: KnowledgeBase) -> None:
    texts = [normal(query["question"]) for query in base.queries]
    splits = [query["split"] for query in base.queries]
    where: dict[str, set[str]] = {}
    for text, split in zip(texts, splits, strict=True):
        where.setdefault(text, set()).add(split)
    assert all(len(found) == 1 for found in where.values())
    grams = normalize(CountVectorizer(analyzer="char", ngram_range=(3, 5)).fit_transform(texts))
    near = (grams @ grams.T).tocoo()
    pairs = zip(near.row, near.col, near.data, strict=True)
    assert not [(texts[a], texts[b]) for a, b, s in pairs if s >= 0.9 and splits[a] != splits[b]]


def test_every_positive_exists_and_answers_stand_in_it(base: KnowledgeBase) -> None:
    texts = {passage["id"]: passage["text"] for passage in base.passages}
    for query in base.queries:
        assert all(name in texts for name in query["positives"])
        if not query["positives"]:
            assert query["kind"] == "no_answer" and query["answer"] == ""
            continue
        answer = query["answer"]
        assert answer.endswith((".", "!"))
        pattern = rf"(^|[.!?] ){re.escape(answer)}( |$)"
        assert any(re.search(pattern, texts[name]) for name in query["positives"])


def test_shares_of_special_questions(base: KnowledgeBase) -> None:
    for split in ("train", "val", "test"):
        rows = [query for query in base.queries if query["split"] == split]
        several = sum(len(query["positives"]) > 1 for query in rows) / len(rows)
        nothing = sum(not query["positives"] for query in rows) / len(rows)
        assert 0.08 <= several <= 0.25
        assert 0.05 <= nothing <= 0.15


def test_question_types_are_balanced(base: KnowledgeBase) -> None:
    counts = Counter(query["kind"] for query in base.queries)
    assert len(counts) >= 8
    assert max(counts.values()) <= 0.25 * len(base.queries)
    assert min(counts.values()) >= 0.02 * len(base.queries)


def test_passages_are_unique_prose(base: KnowledgeBase) -> None:
    texts = [passage["text"] for passage in base.passages]
    assert len(set(texts)) == len(texts)
    assert all(35 <= len(text.split()) <= 110 for text in texts)
    assert not [text for text in texts if "{" in text or "  " in text]


def test_no_question_repeats_a_long_span_of_its_passage(base: KnowledgeBase) -> None:
    texts = {passage["id"]: passage["text"] for passage in base.passages}
    for query in base.queries:
        assert not any(shares_span(query["question"], texts[p]) for p in query["positives"])


def test_word_search_does_not_solve_it(base: KnowledgeBase) -> None:
    queries = [q for q in base.queries if q["split"] == "test" and q["positives"]]
    assert 0.2 < bm25_score(base, queries) < 0.75


def bm25_score(base: KnowledgeBase, queries: list[dict]) -> float:
    """Mean nDCG@10 of BM25 over all passages."""
    index = bm25s.BM25()
    texts = [passage["text"] for passage in base.passages]
    index.index(bm25s.tokenize(texts, stopwords="en", show_progress=False), show_progress=False)
    asked = bm25s.tokenize([q["question"] for q in queries], stopwords="en", show_progress=False)
    found, _ = index.retrieve(asked, k=10, show_progress=False)
    ideal = [sum(1 / math.log2(i + 2) for i in range(n)) for n in range(11)]
    scores = [
        sum(
            1 / math.log2(i + 2)
            for i, place in enumerate(places)
            if base.passages[place]["id"] in query["positives"]
        )
        / ideal[len(query["positives"])]
        for query, places in zip(queries, found, strict=True)
    ]
    return sum(scores) / len(scores)


def test_write_gives_the_columns_of_a_users_folder(tmp_path: Path, base: KnowledgeBase) -> None:
    write(tmp_path / "new")
    rows = {
        name: [json.loads(line) for line in (tmp_path / "new" / name).open(encoding="utf-8")]
        for name in ("corpus.jsonl", "queries.jsonl")
    }
    assert rows == {"corpus.jsonl": base.passages, "queries.jsonl": base.queries}


def test_neutral_set_is_one_to_one() -> None:
    base = neutral()
    assert len(base.passages) == len(base.queries) == 120
    assert len({passage["text"] for passage in base.passages}) == 120
    assert [query["positives"] for query in base.queries] == [[p["id"]] for p in base.passages]


def test_shares_span_counts_words() -> None:
    assert shares_span("tell me: One two, three four five six?", "zero one two three four five six")
    assert not shares_span("one two three four five", "one two three four five")


def test_content_files_stay_small() -> None:
    assert sum(path.stat().st_size for path in content.FOLDER.iterdir()) < 200_000
