"""Fault diagnosis: notes are reproducible and apart, the floor has a model per question."""

import json
import tomllib
from pathlib import Path

from common import usecase
from common.data import fingerprint
from common.honesty import mean_headline
from usecases.fault_diagnosis import data as own_data

CASE = usecase.find("fault_diagnosis")
SPLITS = CASE.load(None)


def test_words_for_a_cause_stand_in_one_split_only() -> None:
    words = tomllib.loads(own_data.NOTES.read_text(encoding="utf-8"))
    for answers in words.values():
        for said in answers.values():
            parts = [set(said[split]) for split in ("train", "val", "test")]
            assert not (parts[0] & parts[1] or parts[0] & parts[2] or parts[1] & parts[2])


def test_every_note_is_asked_three_questions_in_one_split() -> None:
    for examples in SPLITS.named().values():
        notes = {e.group for e in examples}
        assert len(examples) == 3 * len(notes)
        assert {e.kind for e in examples} == set(own_data.QUESTIONS)
    assert fingerprint(SPLITS.test) == fingerprint(own_data.load().test)


def test_the_floor_answers_the_question_that_was_asked() -> None:
    answers = CASE.floor(SPLITS)(SPLITS.test)
    allowed = {q: {e.answer for e in SPLITS.train if e.kind == q} for q in own_data.QUESTIONS}
    assert all(a["label"] in allowed[e.kind] for a, e in zip(answers, SPLITS.test, strict=True))
    assert 0.3 < mean_headline(CASE, SPLITS, answers) < 0.9


def test_own_notes_may_ask_other_questions(tmp_path: Path) -> None:
    path = tmp_path / "notes.jsonl"
    rows = [
        {"question": q, "note": f"tower {n} {w}", "label": a, "group": f"note {n}", "split": s}
        for n, (s, w, a) in enumerate(
            [("train", "bent", "blade"), ("train", "dark", "lamp"), ("test", "bent", "blade")]
        )
        for q in ("part",)
    ]
    rows.append({"question": "colour", "note": "tower 9", "label": "red", "split": "test"})
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    splits = CASE.load(path)
    assert CASE.model_input(splits.test[0]) == "part: tower 2 bent"
    assert [a["label"] for a in CASE.floor(splits)(splits.test)] == ["blade", ""]
