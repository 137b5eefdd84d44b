"""The data doctor finds what was planted, keeps still about what is sound, and stays linear."""

import json
import random
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from common import data, doctor, nearby, samples
from common.cli import app
from common.errors import GalleryError
from common.personal import luhn, personal, verhoeff
from common.samples import Sample

WORDS = "pump valve motor belt gear shaft seal oil water line shop noise heat crack loose old new red".split()


def sentences(count: int, seed: int = 0, words: int = 14) -> list[str]:
    draw = random.Random(seed)
    return [
        " ".join(draw.choice(WORDS) + str(draw.randrange(90)) for _ in range(words)) for _ in range(count)
    ]


def with_slip(text: str, seed: int) -> str:
    at = random.Random(seed).randrange(3, len(text) - 3)
    return text[:at] + "x" + text[at + 1 :]


def test_texts_that_are_nearly_alike_are_shown_where_they_part() -> None:
    start = "the same long beginning of a row that everybody reads first, "
    line = doctor.from_where_they_part(f"{start}then hot water", f"{start}then cold water")
    assert line == "…y reads first, then hot water | …y reads first, then cold water"
    assert doctor.from_where_they_part("warm", "worm") == "warm | worm"
    assert doctor.from_where_they_part(start, start) == f"{start[:60]} | {start[:60]}"


def named(findings: list[doctor.Finding]) -> dict[str, doctor.Finding]:
    return {finding.title: finding for finding in findings}


def test_minhash_finds_what_comparing_all_pairs_finds() -> None:
    left = sentences(300)
    right = [*sentences(200, seed=1), *(with_slip(text, n) for n, text in enumerate(left[:100]))]
    exact = {(row, column) for row, column, _ in data.near_duplicates(left, right)}
    fast = {(row, column) for row, column, _ in nearby.pairs_between(left, right, data.NEAR_DUPLICATE)}
    assert len(exact) >= 95
    assert fast <= exact and len(fast) >= 0.98 * len(exact)


def test_large_comparisons_go_by_minhash(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = sentences(40)
    monkeypatch.setattr(data, "MOST_COMPARISONS", 10)
    found = data.near_duplicates(texts, [*sentences(10, seed=2), with_slip(texts[7], 1)])
    assert [(row, column) for row, column, _ in found] == [(7, 10)]


def test_a_bucket_of_equal_texts_costs_no_square() -> None:
    texts = ["the same line in every row of the file"] * 400
    found = nearby.pairs_within(texts, 0.9)
    assert 399 <= len(found) <= 3 * 400
    assert nearby.pairs_within([], 0.9) == [] and nearby.pairs_within(["", "a"], 0.9) == []


def test_texts_of_the_same_words_are_told_apart_before_they_are_measured(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real, measured = nearby.measured, []

    def counting(texts: list[str], pairs: np.ndarray, threshold: float) -> Iterator[nearby.Pair]:
        measured.append(len(pairs))
        return real(texts, pairs, threshold)

    monkeypatch.setattr(nearby, "measured", counting)
    texts = sentences(2_000)
    found = nearby.pairs_within([*texts, *(with_slip(text, 3) for text in texts[:50])], 0.9)
    assert {(row, 2_000 + row) for row in range(50)} <= {(a, b) for a, b, _ in found}
    assert sum(measured) < 200, "measuring is what costs: a million rows would take hours"


def test_pairs_across_three_splits_are_met() -> None:
    text = sentences(1)[0]
    rows = [*sentences(30, seed=3), text, with_slip(text, 1), with_slip(text, 2)]
    side = np.array([0] * 31 + [1, 2], np.int8)
    met = {(int(side[a]), int(side[b])) for a, b, _ in nearby.pairs_within(rows, 0.8, side)}
    assert {(0, 1), (1, 2)} <= met or {(0, 1), (0, 2)} <= met


def planted() -> list[Sample]:
    """Sound rows with one of each illness among them."""
    texts = sentences(60)
    rows = [
        Sample(f"row {n}", text, "ab"[n % 2], "train" if n < 45 else "test") for n, text in enumerate(texts)
    ]
    return [
        *rows,
        Sample("row 60", texts[0], "a", "train"),
        Sample("row 61", texts[1], "a", "train"),
        Sample("row 62", with_slip(texts[2], 5), "a", "train"),
        Sample("row 63", with_slip(texts[4], 5), "a", "test"),
        Sample("row 64", "write to jo.doe@mail.example today", "rare", "train"),
        Sample("row 65", "оld " + sentences(1, seed=9)[0], "b", "train"),
        Sample("row 66", "word " * 800, "b", "train"),
    ]


def test_each_planted_illness_is_found_and_named_by_its_row() -> None:
    found = named(doctor.examine(planted(), ["row 99: broken JSON"]))
    for title, place in (
        ("rows that cannot be read", "row 99"),
        ("exact duplicates", "row 60 repeats row 0"),
        ("same text, other answer", "row 1 says 'b', row 61"),
        ("near duplicates", "row 62"),
        ("leaks between splits", "row 63"),
        ("personal data", "row 64"),
        ("label balance", "'rare' has 1 rows"),
        ("scripts", "row 65"),
        ("longer than the cut-off", "row 66"),
    ):
        assert any(place in line for line in found[title].lines), (title, found[title])
        assert found[title].level != "ok", title
    assert not doctor.sound(list(found.values()))
    assert "jo.doe@mail.example" not in " ".join(found["personal data"].lines)


def test_sound_rows_get_no_fault_and_no_warning() -> None:
    rows = [Sample(f"row {n}", text, "ab"[n % 2]) for n, text in enumerate(sentences(80))]
    assert [f.title for f in doctor.examine(rows) if f.level != "ok"] == []


def test_a_word_that_gives_the_label_away_is_noticed() -> None:
    rows = [
        Sample(f"row {n}", f"{text} code{'ab'[n % 2]}", "ab"[n % 2]) for n, text in enumerate(sentences(200))
    ]
    found = named(doctor.examine(rows))["prompt-only giveaways"]
    assert found.level == "warning" and "held-out rows" in found.lines[0]


def test_preferences_that_length_decides_are_noticed() -> None:
    texts = sentences(40)
    rows = [Sample(f"row {n}", text, text + " and more", rejected=text) for n, text in enumerate(texts)]
    assert named(doctor.examine(rows))["length gives the chosen answer away"].level == "warning"
    rows.append(Sample("row 40", "why", "because", rejected="because"))
    assert named(doctor.examine(rows))["length gives the chosen answer away"].level == "fault"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("mail a.b+c@firm.co.uk now", "e-mail"),
        ("call +49 30 1234 5678", "telephone"),
        ("mobile 9876543210", "telephone"),
        ("card 4111 1111 1111 1111", "card"),
        ("id 2341 2341 2346", "Aadhaar"),
        ("pan ABCPE1234F", "PAN"),
    ],
)
def test_personal_data_is_seen_and_covered(text: str, kind: str) -> None:
    found = personal(text)
    assert [name for name, _ in found] == [kind], found
    assert "***" in found[0][1] and found[0][1] not in text


@pytest.mark.parametrize(
    "text",
    [
        "order 4111 1111 1111 1112",
        "id 2341 2341 2345",
        "in 2024 it cost 12,500.75 euros",
        "0000 0000 0000 0000",
        "version 3.11.4 of 2024-05-06",
        "pan ABCDE1234F",
    ],
)
def test_other_numbers_are_no_card_paper_or_pan(text: str) -> None:
    assert not {"card", "Aadhaar", "PAN", "e-mail"} & {kind for kind, _ in personal(text)}


def test_check_digits() -> None:
    assert luhn("4111111111111111") and not luhn("4111111111111112") and not luhn("0" * 16)
    assert verhoeff("2363") and not verhoeff("2364")


def test_a_file_is_read_with_its_rows_and_usual_columns(tmp_path: Path) -> None:
    path = tmp_path / "chat.jsonl"
    rows: list[object] = [
        {"messages": [{"role": "user", "content": "why"}], "label": 3, "split": "dev"},
        {"prompt": [{"role": "user", "content": "so"}], "chosen": "yes", "rejected": "no"},
        {"other": "x"},
        {"text": "t", "label": ""},
    ]
    path.write_text("\n".join([*map(json.dumps, rows), "{broken"]), encoding="utf-8")
    found, faults = samples.of_file(path)
    assert [(s.place, s.text, s.answer, s.split, s.rejected) for s in found[:2]] == [
        ("row 1", "why", "3", "val", ""),
        ("row 2", "so", "yes", "", "no"),
    ]
    for part in ("row 3: none of the columns", "row 4: column 'label' is empty", "row 5: broken JSON"):
        assert any(part in fault for fault in faults), faults
    with pytest.raises(GalleryError, match="no such file"):
        samples.of_file(tmp_path / "none.jsonl")


def test_no_row_at_all_is_a_fault() -> None:
    assert not doctor.sound(doctor.examine([]))


def test_the_page_escapes_what_it_shows() -> None:
    rows = [Sample(f"row {n}", f"<script>alert({n % 3})</script>", "<b>") for n in range(6)]
    page = doctor.page("<i>", len(rows), doctor.examine(rows))
    assert "<script>" not in page and "&lt;script&gt;" in page and "<i>" not in page


def test_the_command_tells_ci_by_its_exit_code_and_writes_the_page(tmp_path: Path) -> None:
    rows = [{"text": text, "label": "ab"[n % 2]} for n, text in enumerate(sentences(30))]
    sound, broken = tmp_path / "sound.jsonl", tmp_path / "broken.jsonl"
    sound.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    broken.write_text(sound.read_text(encoding="utf-8") + "\n{", encoding="utf-8")
    page = tmp_path / "page.html"
    done = CliRunner().invoke(app, ["data", str(sound), "--html", str(page)])
    assert done.exit_code == 0, done.output
    assert "Data doctor: " in page.read_text(encoding="utf-8")
    done = CliRunner().invoke(app, ["data", str(broken)])
    assert done.exit_code == 2 and "row 31: broken JSON" in done.output
