"""A person's own corpus: every kind of fault is named by file and row, and nothing is run."""

import json
from pathlib import Path
from typing import Any

import pytest

from common import config, data, run, usecase
from common.errors import FaultsError, GalleryError
from usecases.knowledge_search.folder import read_folder

CORPUS = [
    {"id": f"p{i}", "text": f"Passage {i} says thing number {i}.", "group": f"d{i // 2}"} for i in range(8)
]
QUERIES = [
    {"id": f"q{i}", "question": f"what does number {word} say", "positives": [f"p{i}"]}
    for i, word in enumerate("one two three four five six seven eight".split())
]


def write(folder: Path, corpus: list[Any] = CORPUS, queries: list[Any] = QUERIES) -> Path:
    for name, rows in (("corpus", corpus), ("queries", queries)):
        text = "".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows)
        (folder / f"{name}.jsonl").write_text(text, encoding="utf-8")
    return folder


def changed(rows: list[dict[str, Any]], place: int, **new: Any) -> list[dict[str, Any]]:
    return [{**row, **new} if i == place else row for i, row in enumerate(rows)]


def test_a_sound_folder_is_split_by_group(tmp_path: Path) -> None:
    splits = read_folder(write(tmp_path))
    assert sum(map(len, splits.named().values())) == 8 and len(splits.documents) == 8
    home = {e.group: name for name, part in splits.named().items() for e in part}
    assert all(home[e.group] == name for name, part in splits.named().items() for e in part)


@pytest.mark.parametrize(
    ("corpus", "queries", "message"),
    [
        ([], QUERIES, "corpus.jsonl: the file is empty"),
        ([{"id": "p0"}], QUERIES, "corpus.jsonl row 1: column 'text' is missing"),
        (CORPUS, ["{broken", *QUERIES], "queries.jsonl row 1: broken JSON"),
        (CORPUS + CORPUS[:1], QUERIES, "corpus.jsonl row 9: id 'p0' stands on row 1 already"),
        (CORPUS, changed(QUERIES, 2, positives=["p99"]), "queries.jsonl row 3: positive 'p99'"),
        (CORPUS, changed(QUERIES, 0, split="exam"), "row 1: split 'exam' is none of"),
        (CORPUS, changed(QUERIES, 0, split="test"), "1 of 8 rows have a split"),
    ],
)
def test_faults_are_named(tmp_path: Path, corpus: list[Any], queries: list[Any], message: str) -> None:
    with pytest.raises(FaultsError) as caught:
        read_folder(write(tmp_path, corpus, queries))
    assert message in str(caught.value)


def test_all_faults_come_at_once(tmp_path: Path) -> None:
    write(tmp_path, [{"id": "p0"}, {"text": "x"}], ["{broken", changed(QUERIES, 0, positives=["zz"])[0]])
    with pytest.raises(FaultsError) as caught:
        read_folder(tmp_path)
    assert len(caught.value.faults) == 4


def test_wrong_encoding_and_missing_folder(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "corpus.jsonl").write_bytes('{"id": "p0", "text": "Prüfung"}'.encode("latin-1"))
    with pytest.raises(FaultsError, match="not UTF-8"):
        read_folder(tmp_path)
    with pytest.raises(GalleryError, match="no such folder"):
        read_folder(tmp_path / "none")
    with pytest.raises(GalleryError, match="expected a folder, found a file"):
        read_folder(tmp_path / "corpus.jsonl")


def test_a_test_question_that_stands_in_train_is_refused(tmp_path: Path) -> None:
    rows = [{**row, "split": "test" if i == 7 else "train"} for i, row in enumerate(QUERIES)]
    rows[7]["question"] = rows[0]["question"].upper()
    write(tmp_path, CORPUS, rows)
    found = usecase.find("knowledge_search")
    settings = config.build(found, "offline", {"data": tmp_path})
    with pytest.raises(FaultsError, match="same text"):
        run.execute(found, settings, tmp_path / "run")
    assert data.leaks(read_folder(tmp_path))
