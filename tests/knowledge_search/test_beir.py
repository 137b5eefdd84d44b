"""Sets in the layout of BEIR: published splits stay, faults are named, what nearly stands in test goes."""

import json
from pathlib import Path

import pytest

from common import data, usecase
from common.errors import FaultsError
from usecases.knowledge_search.beir import read_beir

WORDS = "kettle lantern anchor saddle violin compass ladder anvil".split()
HEAD = "query-id\tcorpus-id\tscore\n"


def beir_set(folder: Path, splits: dict[str, range], **files: str) -> Path:
    """Two passages and two questions for each word; the questions are dealt by number."""
    names = [f"{word} {side}" for word in WORDS for side in ("maker", "price")]
    corpus = [{"_id": f"d{i}", "title": f"The {n}", "text": f"All on the {n}."} for i, n in enumerate(names)]
    queries = [{"_id": f"q{i}", "text": f"who knows the {name} of old"} for i, name in enumerate(names)]
    (folder / "qrels").mkdir(parents=True)
    for name, rows in (("corpus", corpus), ("queries", queries)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    for name, numbers in splits.items():
        (folder / "qrels" / f"{name}.tsv").write_text(HEAD + "".join(f"q{i}\td{i}\t1\n" for i in numbers))
    for name, text in files.items():
        path = folder / name.replace("__", "/").replace("_tsv", ".tsv").replace("_jsonl", ".jsonl")
        path.write_text(path.read_text() + text if path.is_file() else text)
    return folder


def ids(part: tuple[usecase.Example, ...]) -> set[str]:
    return {example.id for example in part}


def test_published_splits_stay(tmp_path: Path) -> None:
    folder = beir_set(tmp_path, {"train": range(8), "dev": range(8, 10), "test": range(10, 16)})
    splits = usecase.find("knowledge_search").load(folder)
    assert [len(part) for part in splits.named().values()] == [8, 2, 6] and splits.dropped == ()
    first = splits.test[0]
    assert (first.id, first.answer, first.inputs) == ("q10", ("d10",), "who knows the compass maker of old")
    assert splits.documents["d10"] == "The compass maker\nAll on the compass maker."


def test_without_dev_some_training_questions_choose_and_never_test(tmp_path: Path) -> None:
    splits = read_beir(beir_set(tmp_path, {"train": range(12), "test": range(12, 16)}))
    assert ids(splits.test) == {"q12", "q13", "q14", "q15"}
    assert splits.val and ids(splits.val) | ids(splits.train) == {f"q{i}" for i in range(12)}
    assert not ids(splits.val) & ids(splits.train)


def test_a_set_with_test_alone_is_dealt_anew(tmp_path: Path) -> None:
    more = "".join(f"q{i + 1}\td{i}\t1\n" for i in range(1, 15, 2))
    splits = read_beir(beir_set(tmp_path, {"test": range(1, 16, 2)}, qrels__test_tsv=more))
    assert splits.train and splits.test and sum(map(len, splits.named().values())) == 15
    passages = [{e.answer[0] for e in part} for part in splits.named().values()]
    assert len(set.union(*passages)) == sum(map(len, passages)), "a passage is asked for in two splits"


def test_grades_above_zero_count_alike_and_zero_counts_not(tmp_path: Path) -> None:
    more = "q10\td3\t2.0\nq10\td4\t0\n"
    ranges = {"train": range(8), "dev": range(8, 10), "test": range(10, 16)}
    splits = read_beir(beir_set(tmp_path, ranges, qrels__test_tsv=more))
    assert splits.test[0].answer == ("d10", "d3")


def test_training_questions_that_stand_in_test_are_left_out_and_counted(tmp_path: Path) -> None:
    more = {
        "queries_jsonl": json.dumps({"_id": "again", "text": "Who knows the compass maker of old?"}) + "\n"
    }
    more["qrels__train_tsv"] = "again\td10\t1\n"
    ranges = {"train": range(8), "dev": range(8, 10), "test": range(10, 16)}
    splits = read_beir(beir_set(tmp_path, ranges, **more))
    assert "again" not in ids(splits.train) and "q10" in ids(splits.test) and not data.leaks(splits)
    assert splits.dropped == ("1 of 9 train rows left out, since they nearly stand in a later split",)


def test_a_passage_without_text_is_left_out_and_named(tmp_path: Path) -> None:
    more = {
        "corpus_jsonl": '{"_id": "blank", "title": "", "text": " "}\n',
        "qrels__test_tsv": "q10\tblank\t1\n",
    }
    ranges = {"train": range(8), "dev": range(8, 10), "test": range(10, 16)}
    splits = read_beir(beir_set(tmp_path, ranges, **more))
    assert "blank" not in splits.documents and splits.test[0].answer == ("d10",)
    assert splits.dropped == ("1 passages without text, such as blank",)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"qrels__test_tsv": "q99\td1\t1\n"}, "qrels/test.tsv row 8: question 'q99' is not in queries.jsonl"),
        ({"qrels__test_tsv": "q1\td99\t1\n"}, "qrels/test.tsv row 8: passage 'd99' is not in corpus.jsonl"),
        ({"qrels__test_tsv": "q1\td1\tyes\n"}, "row 8: score must be a number, found 'yes'"),
        ({"qrels__dev_tsv": "q1 d1 1\n"}, "dev.tsv: the head lacks query-id, corpus-id, score; found"),
        ({"corpus_jsonl": '{"_id": "d1", "text": "x"}\n'}, "corpus.jsonl row 17: id 'd1' stands on row 2"),
        ({"queries_jsonl": '{"_id": "q1"}\n'}, "queries.jsonl row 17: column 'text' is missing"),
    ],
)
def test_faults_are_named(tmp_path: Path, files: dict[str, str], message: str) -> None:
    beir_set(tmp_path, {"train": range(8), "test": range(10, 16)}, **files)
    with pytest.raises(FaultsError) as caught:
        read_beir(tmp_path)
    assert message in str(caught.value)


def test_without_a_test_file_nothing_is_run(tmp_path: Path) -> None:
    with pytest.raises(FaultsError, match=r"test.tsv: no such file"):
        read_beir(beir_set(tmp_path, {"train": range(8)}))
