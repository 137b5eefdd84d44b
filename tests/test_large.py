"""Very large files: read once, held in a few bytes a row, checked and learnt from as small ones are."""

import json
import random
import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from common import data, large, parts, usecase
from common.errors import FaultsError
from common.record import read_rows
from common.rows import Rows
from common.tuners import sft
from common.usecase import Example, Source, Splits
from tests.test_sft import job

SOURCE = Source("made up", "Apache-2.0", "written for the tests")
SYLLABLES = "ka lo mi ne ru ta vo zi be da fo gu lan mer tor vin sel rok pal dun gar hix".split()


def question(draw: random.Random) -> str:
    return " ".join("".join(draw.sample(SYLLABLES, 3)) for _ in range(12))


def written(path: Path, rows: list[dict[str, str]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def made_rows(count: int) -> list[dict[str, str]]:
    draw = random.Random(0)
    return [{"prompt": question(draw), "completion": f"answer {number}"} for number in range(count)]


@pytest.fixture()
def always_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(large, "LARGE_BYTES", 0)


def load(path: Path) -> Splits:
    return usecase.find("support_chatbot").load(path)


def test_a_large_file_gives_the_examples_of_a_small_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path / "own.jsonl", made_rows(300))
    whole = {e.id: e for part in load(path).named().values() for e in part}
    monkeypatch.setattr(large, "LARGE_BYTES", 0)
    splits = load(path)
    assert isinstance(splits.train, Rows)
    found = {e.id: e for part in splits.named().values() for e in part}
    assert found == whole
    assert [len(splits.val), len(splits.test)] == [30, 60]
    assert splits.train.table.nbytes == 32 * len(splits.train)
    assert data.leaks(splits) == []


def test_repeated_rows_are_left_out(tmp_path: Path, always_large: None) -> None:
    rows = made_rows(200)
    same = {**rows[5], "prompt": rows[5]["prompt"].upper()}
    near = {**rows[9], "prompt": rows[9]["prompt"][:-1]}
    other_answer = {"prompt": rows[9]["prompt"][:-2], "completion": "something else"}
    splits = load(written(tmp_path / "own.jsonl", [*rows, same, near, other_answer]))
    assert sum(map(len, splits.named().values())) == 201
    assert splits.dropped[0].startswith("2 of 203 rows repeat")


def test_faults_are_named_by_row(tmp_path: Path, always_large: None) -> None:
    rows = made_rows(50)
    path = written(tmp_path / "own.jsonl", rows)
    text = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join([*text[:7], '{"prompt": "cut off', *text[8:]]), encoding="utf-8")
    with pytest.raises(FaultsError, match="own.jsonl row 8"):
        load(path)


def test_a_leaking_split_is_refused_with_the_pair(tmp_path: Path, always_large: None) -> None:
    rows = [{**row, "split": "test" if n % 10 == 0 else "train"} for n, row in enumerate(made_rows(200))]
    rows[3] = {**rows[3], "group": "one"}
    rows[10] = {**rows[10], "group": "one"}
    with pytest.raises(FaultsError, match="same group"):
        load(written(tmp_path / "own.jsonl", rows))


def test_every_near_duplicate_of_a_held_out_row_is_found() -> None:
    draw = random.Random(1)
    texts = [question(draw) for _ in range(60)]
    texts += [text[:-2] for text in texts]
    names = np.array([large.CODES["test"]] * 60 + [large.CODES["train"]] * 60, np.uint8)
    made = np.zeros(120, large.MADE)
    large.sketch(made, [data.normalise(text) for text in texts])
    found: list[tuple[int, int]] = []
    held = np.flatnonzero(names == large.CODES["test"])
    for keys in made["sketch"].view("<u4").T:
        left, right = large.matches(keys, held)
        found += zip(left[right >= 60].tolist(), right[right >= 60].tolist(), strict=True)
    assert {one for one, other in found if other == one + 60} == set(range(60))


def test_reading_holds_a_bounded_number_of_bytes_a_row(tmp_path: Path, always_large: None) -> None:
    few, many = (written(tmp_path / f"{n}.jsonl", made_rows(n)) for n in (2_000, 8_000))
    load(few)  # what is made once, such as tables of random numbers
    peaks = []
    for path in (few, many):
        tracemalloc.start()
        load(path)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    a_row = (peaks[1] - peaks[0]) / 6_000
    assert a_row < 700, f"{a_row:.0f} bytes a row"


def from_file(path: Path, examples: tuple[Example, ...]) -> Rows:
    """Examples of a toy as a file that is read as it goes."""
    rows = [{"id": e.id, "group": e.group, "text": e.inputs, "answer": e.answer} for e in examples]
    written(path, rows)  # type: ignore[arg-type]
    table = np.zeros(len(rows), "<u8,<u4,<u4,<u8,<u8")
    start = 0
    for place, line in enumerate(path.read_bytes().splitlines(keepends=True)):
        table[place] = (start, len(line), place + 1, large.hashed(rows[place]["group"]), place)
        start += len(line)
    names = ("start", "size", "number", "group", "content")
    table.dtype.names = names
    return Rows(path, lambda row, _: Example(row["id"], row["group"], row["text"], row["answer"]), table)


def test_learning_from_a_file_is_learning_from_memory(tiny: Path, tmp_path: Path) -> None:
    losses = []
    for name in ("memory", "file"):
        work = job(tiny, tmp_path / name, "epochs = 2\nbatch_size = 10\nanswer_length_tokens = 6\n")
        if name == "file":
            train = from_file(tmp_path / "train.jsonl", work.splits.train)
            work = replace(work, splits=replace(work.splits, train=train))
        facts = sft.fit(work)
        losses.append([row.get("loss") for row in read_rows(work.folder / "train.jsonl")])
    assert losses[0] == losses[1] and len(losses[0]) > 5
    assert facts["examples"] == 50


def test_a_share_of_a_file_keeps_whole_groups(tmp_path: Path, always_large: None) -> None:
    rows = [{**row, "group": f"g{n // 4}"} for n, row in enumerate(made_rows(400))]
    splits = load(written(tmp_path / "own.jsonl", rows))
    half, quarter = (parts.train_part(splits, share).train for share in (0.5, 0.25))
    groups = [{e.group for e in part} for part in (quarter, half)]
    assert groups[0] < groups[1] and abs(len(half) - len(splits.train) / 2) <= 8
    counted = {e.group for e in splits.train}
    assert splits.train.group_count() == len(counted)
