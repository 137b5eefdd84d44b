"""Ticket sentiment: sentences stay in their split, rare moods count, the floor reads the right part."""

import tomllib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from common import data, usecase
from common.errors import FaultsError
from common.honesty import mean_headline
from usecases.ticket_sentiment import data as own_data
from usecases.ticket_sentiment import focus, scoring

CASE = usecase.find("ticket_sentiment")
SPLITS = CASE.load(None)


def test_no_sentence_stands_in_two_splits() -> None:
    sentences = tomllib.loads(own_data.SENTENCES.read_text(encoding="utf-8"))
    homes = [
        (data.normalise(sentence), split)
        for moods in sentences.values()
        for parts in moods.values()
        for split, found in parts.items()
        for sentence in found
    ]
    assert len({sentence for sentence, _ in homes}) == len(homes) > 150
    texts = {name: " ".join(e.inputs["text"] for e in part) for name, part in SPLITS.named().items()}
    for sentence, home in homes[:60]:
        assert all(sentence not in data.normalise(text) for name, text in texts.items() if name != home)


def test_moods_are_uneven_and_all_aspects_of_a_message_are_one_group() -> None:
    share = np.mean([e.answer == "negative" for e in SPLITS.test])
    assert 0.5 < share < 0.75
    assert {"one thing", "same mood", "opposite moods"} == {e.kind for e in SPLITS.test}
    two = [e for e in SPLITS.test if e.kind == "opposite moods"]
    by_group = {e.group: {o.answer for o in two if o.group == e.group} for e in two}
    assert all(len(moods) == 2 for moods in by_group.values())


def test_always_negative_is_right_often_and_scores_low() -> None:
    columns = {
        "accuracy": np.array([1.0] * 8 + [0.0] * 2),
        "_right": np.array([0.0] * 8 + [1.0, 2.0]),
        "_said": np.zeros(10),
    }
    found = scoring.aggregate(columns)
    assert found["accuracy"] == pytest.approx(0.8)
    assert found["macro_f1"] == pytest.approx((16 / 18) / 3)
    assert found["f1_neutral"] == found["f1_positive"] == 0.0


def test_an_answer_outside_the_moods_is_wrong_and_a_mood_that_is_absent_is_left_out() -> None:
    rows = [scoring.scores("negative", "negative"), scoring.scores("positive", "angry")]
    found = scoring.aggregate({key: np.array([row[key] for row in rows]) for key in rows[0]})
    assert np.isnan(found["f1_neutral"]) and found["f1_positive"] == 0.0
    assert found["macro_f1"] == pytest.approx(0.5)


def test_a_message_is_cut_where_the_subject_changes() -> None:
    assert focus.parts("the app freezes, but the van was early") == ["the app freezes", "the van was early"]
    assert focus.parts("ok") == ["ok"]


def test_every_contender_reads_the_part_about_the_aspect() -> None:
    two = [e for e in SPLITS.test if e.kind == "opposite moods"]
    texts = {e.inputs["part"] for e in two}
    assert all(e.inputs["part"] in e.inputs["text"] and e.inputs["part"] != e.inputs["text"] for e in two)
    assert len(texts) > 40 and CASE.model_input(two[0]).endswith(f": {two[0].inputs['part']}")
    pairs = zip(two[::2], two[1::2], strict=False)
    apart = [a.inputs["part"] != b.inputs["part"] for a, b in pairs if a.group == b.group]
    assert np.mean(apart) > 0.7, "two aspects of a message are mostly found in two parts of it"
    few = replace(SPLITS, train=tuple(e for e in SPLITS.train if e.inputs["aspect"] == "app"))
    assert {e.inputs["part"] == e.inputs["text"] for e in focus.focused(few).test} == {True}


def test_the_floor_is_no_worse_than_any_single_mood_and_far_from_gold() -> None:
    answers = CASE.floor(SPLITS)(SPLITS.test)
    reached = mean_headline(CASE, SPLITS, answers)
    alone = [mean_headline(CASE, SPLITS, [{"label": mood}] * len(SPLITS.test)) for mood in scoring.MOODS]
    assert max(alone) < reached < 0.8


def test_own_rows_need_an_aspect_and_a_known_mood(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text(
        "aspect,text,label\nroom,it was cold,negative\nbed,soft,lovely\n,hm,neutral\n", encoding="utf-8"
    )
    with pytest.raises(FaultsError) as caught:
        CASE.load(path)
    said = " | ".join(caught.value.faults)
    assert "row 3: label 'lovely' is none of" in said and "row 4: column 'aspect'" in said
    path.write_text("aspect,text,label\nroom,it was cold,negative\nbed,so soft,positive\n", encoding="utf-8")
    found = [e for part in CASE.load(path).named().values() for e in part]
    assert {CASE.model_input(e) for e in found} == {"room: it was cold", "bed: so soft"}
