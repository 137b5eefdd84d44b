"""Reading, splitting, duplicates, leaks."""

import random
from pathlib import Path

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer

from common import data, parts
from common.errors import GalleryError
from common.usecase import Example, Splits


def example(identifier: str, text: str, group: str = "", answer: str = "a") -> Example:
    return Example(identifier, group or identifier, text, answer)


def test_faults_carry_row_numbers_and_all_are_found(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b'{"id": "1", "text": "good"}\n{"id": 2}\nnot json\n[]\n{"id": "3", "text": "\xff"}\n')
    faults: list[str] = []
    rows = data.read_jsonl(path, {"id": str, "text": str}, faults)
    assert [number for number, _ in rows] == [1]
    assert len(faults) == 5
    for part in ("row 2: column 'id' must be str", "row 2: column 'text' is missing", "row 3: broken JSON"):
        assert any(part in fault for fault in faults), part
    assert any("row 4: expected a JSON object" in fault for fault in faults)
    assert any("row 5: not UTF-8" in fault for fault in faults)


def test_an_empty_file_and_a_missing_file_are_faults(tmp_path: Path) -> None:
    (tmp_path / "empty.jsonl").write_text("")
    faults: list[str] = []
    data.read_jsonl(tmp_path / "empty.jsonl", {}, faults)
    data.read_jsonl(tmp_path / "none.jsonl", {}, faults)
    assert "the file is empty" in faults[0] and "no such file" in faults[1]


def test_a_path_cannot_leave_its_folder(tmp_path: Path) -> None:
    assert data.inside(tmp_path, "a.txt") == tmp_path / "a.txt"
    with pytest.raises(GalleryError, match="leaves the data folder"):
        data.inside(tmp_path, "../secret.txt")


def test_near_duplicates_find_a_typo_and_not_a_neighbour() -> None:
    left = ["how do i reset the pump controller after a fault", "what does the warranty cover"]
    right = ["how do i reset the pump controler after a fault", "who signs the travel form"]
    assert [(row, column) for row, column, _ in data.near_duplicates(left, right)] == [(0, 0)]


def test_likeness_is_to_the_last_bit_that_of_texts_taken_apart_side_by_side() -> None:
    words = "valve pump leak bearing seal rotor worn loud cold start after oil".split()
    draw = random.Random(3)
    texts = [" ".join(draw.choices(words, k=draw.randint(2, 9))) for _ in range(700)]
    left, right = texts[:400], texts[400:]
    vectorizer = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), use_idf=False, dtype=np.float32)
    vectorizer.fit(texts)
    likeness = (vectorizer.transform(left) @ vectorizer.transform(right).T).toarray()
    found = data.near_duplicates(left, right, 0.4)
    assert len(found) > 1000
    assert {(row, column, cosine) for row, column, cosine in found} == {
        (row, column, float(likeness[row, column])) for row, column in np.argwhere(likeness >= 0.4)
    }


def test_leaks_name_the_pair_and_the_reason() -> None:
    train = (example("t1", "how do i reset the pump controller after a fault"),)
    same = example("x1", "How do I reset the pump controller after a fault?", answer="b")
    near = example("x2", "how do i reset the pump controler after a fault")
    other = example("x3", "who signs the travel form", group="t1")
    found = [str(leak) for leak in data.leaks(Splits(train, (), (same, near, other)))]
    assert len(found) == 3
    assert any("'t1'" in leak and "'x1'" in leak and "same text" in leak for leak in found)
    assert any("'x2'" in leak and "near-duplicate" in leak for leak in found)
    assert any("'x3'" in leak and "same group" in leak for leak in found)


def test_near_texts_with_other_answers_are_no_leak() -> None:
    train = (example("t", "what are the treatments for cystic kidney disease", answer="p1"),)
    test = (example("x", "what are the treatments for polycystic kidney disease", answer="p2"),)
    assert data.leaks(Splits(train, (), test)) == []


def test_linked_groups_stay_together_and_splits_never_move() -> None:
    examples = [example(str(i), f"text {i}") for i in range(400)]
    splits = data.split_by_group(examples, [(i, i + 1) for i in range(0, 400, 2)])
    home = {e.id: name for name, part in splits.named().items() for e in part}
    assert all(home[str(i)] == home[str(i + 1)] for i in range(0, 400, 2))
    assert 200 < len(splits.train) < 350 and len(splits.test) > 30 and len(splits.val) > 15
    assert splits == data.split_by_group(examples, [(i, i + 1) for i in range(0, 400, 2)])


def test_fingerprint_ignores_order_and_sees_change() -> None:
    one, two = example("1", "a"), example("2", "b")
    assert data.fingerprint([one, two]) == data.fingerprint([two, one])
    assert data.fingerprint([one, two]) != data.fingerprint([one, example("2", "c")])


def test_smoke_sample_keeps_right_documents() -> None:
    documents = {f"d{i}": f"text {i}" for i in range(900)}
    examples = tuple(Example(f"q{i}", f"g{i}", f"q {i}", (f"d{i}",)) for i in range(300))
    small = parts.smoke_sample(Splits(examples[:200], examples[200:240], examples[240:], documents))
    assert len(small.train) == 128 and len(small.test) == 40
    assert all(i in small.documents for part in small.named().values() for e in part for i in e.answer)
    assert len(small.documents) < 260
