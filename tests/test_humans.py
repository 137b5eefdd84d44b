"""The kit for human judges: blind sheets, what is read back, and when no verdict is given."""

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from common import data, humans, usecase
from common.errors import FaultsError, GalleryError
from common.record import RunRecord, read_rows, write_json, write_jsonl
from tests.browser import Browser, needs_browser

NAME = "support_chatbot"


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder with answers of the floor and, as tuned answers, the right ones."""
    folder = tmp_path_factory.mktemp("run")
    found = usecase.find(NAME)
    splits = found.load(None)
    made = RunRecord(
        usecase=NAME,
        variant="offline",
        method="full",
        seeds=[0],
        tier="draft",
        status="ok",
        headline=found.headline,
        contenders={n: {"kind": n, "scores": {found.headline: {"mean": 0.5}}} for n in ("floor", "tuned")},
        data={"test_ids_hash": data.fingerprint(splits.test)},
        config={"data": None},
    )
    write_json(folder / "record.json", made.model_dump())
    rows = [
        {"id": e.id, "value": "=1+1 is all I say" if place else e.answer["text"]}
        for place, e in enumerate(splits.test)
    ]
    write_jsonl(folder / "baselines" / "floor.jsonl", rows)
    write_jsonl(
        folder / "seed-0" / "tuned.jsonl", [{"id": e.id, "value": e.answer["text"]} for e in splits.test]
    )
    humans.write_sheet(found, folder)
    return folder


def filled(folder: Path, name: str, judge: Callable[[int, str], str], yes: str = "yes") -> Path:
    """A sheet filled by a rule from the item's number and the side of the tuned answer."""
    key = json.loads((folder / "humans" / "key.json").read_text())["items"]
    rows = list(csv.DictReader((folder / "humans" / "sheet.csv").open(newline="", encoding="utf-8")))
    for number, row in enumerate(rows):
        row["better"] = judge(number, key[row["item"]]["tuned"])
        row.update(dict.fromkeys(humans.YES_NO, yes))
    path = folder / f"{name}.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, humans.COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    return path


def other(side: str) -> str:
    return "B" if side == "A" else "A"


def test_the_sheet_is_blind_and_complete(finished: Path) -> None:
    told = json.loads((finished / "humans" / "key.json").read_text())
    rows = list(csv.DictReader((finished / "humans" / "sheet.csv").open(newline="", encoding="utf-8")))
    assert len(rows) == len(told["items"]) == humans.PROMPTS and told["identical"] == 1
    sides = [item["tuned"] for item in told["items"].values()]
    assert 15 < sides.count("A") < 45
    for row in rows:
        side = told["items"][row["item"]]["tuned"]
        assert row[f"answer_{other(side)}"] == "'=1+1 is all I say"
    page = (finished / "humans" / "sheet.html").read_text(encoding="utf-8")
    assert page.count("<section") == humans.PROMPTS and "tuned" not in page.lower().replace("fine-tuning", "")


def test_answers_that_read_alike_are_not_asked_about(
    finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = usecase.find(NAME)
    folder = tmp_path / "run"
    shutil.copytree(finished, folder)
    rows = read_rows(folder / "seed-0" / "tuned.jsonl")
    loud = [{**row, "value": row["value"].upper()} for row in rows[:-5]]
    write_jsonl(folder / "baselines" / "floor.jsonl", [*loud, *({**r, "value": "no"} for r in rows[-5:])])
    monkeypatch.setattr(type(found), "read", lambda self, example, value: value.lower())
    humans.write_sheet(found, folder)
    told = json.loads((folder / "humans" / "key.json").read_text())
    assert len(told["items"]) == 5 and told["identical"] == len(rows) - 5
    said = f"{len(rows) - 5} of {len(rows)} pairs read alike; people are asked about 5 of the others."
    assert said in " ".join(capsys.readouterr().out.split())


@needs_browser
def test_a_sheet_filled_in_a_browser_is_read_back(finished: Path, tmp_path: Path) -> None:
    told = json.loads((finished / "humans" / "key.json").read_text())["items"]
    with Browser(tmp_path / "profile") as browser:
        browser.open((finished / "humans" / "sheet.html").as_uri())
        browser.value("URL.createObjectURL = blob => (blob.text().then(text => window.sheet = text), '#')")
        for item, side in [(item, facts["tuned"]) for item, facts in told.items()]:
            browser.value(f"document.querySelector('[name=\"{item}-better\"][value={side}]').click()")
        leave = "dispatchEvent(new Event('beforeunload', {cancelable: true}))"
        assert browser.value(leave) is False, "a rating that is not saved is not lost without a question"
        browser.value("document.querySelectorAll('[value=yes]').forEach(one => one.click())")
        browser.value("document.getElementById('save').click()")
        assert browser.value("document.getElementById('left').textContent") == "Every question is answered."
        assert browser.value(leave) is True
        (tmp_path / "one.csv").write_text(browser.value("window.sheet"), encoding="utf-8")
    other_sheet = filled(finished, "beside", lambda number, side: side)
    judged = humans.read_ratings(finished, [tmp_path / "one.csv", other_sheet])
    assert (judged.wins, judged.losses, judged.agreement.mean) == (humans.PROMPTS, 0, 1.0)


def test_agreeing_raters_give_a_verdict(finished: Path) -> None:
    one = filled(finished, "one", lambda number, side: side if number % 6 else "tie")
    two = filled(finished, "two", lambda number, side: side if number % 6 else "tie")
    found = humans.read_ratings(finished, [one, two])
    assert (found.wins, found.losses, found.ties) == (50, 0, 10)
    assert found.agreement.mean == 1.0 and found.p_value < 1e-6 and found.trusted
    assert humans.lines(found)[-1] == "Verdict: people find the tuned answers better."


def test_raters_who_disagree_give_no_verdict(finished: Path) -> None:
    one = filled(finished, "one", lambda number, side: side)
    two = filled(finished, "two", lambda number, side: side if number % 2 else other(side))
    found = humans.read_ratings(finished, [one, two])
    assert found.agreement.mean < humans.LOWEST_AGREEMENT and not found.trusted
    assert humans.lines(found)[-1].startswith("No verdict")


def test_an_even_split_is_not_told_apart(finished: Path) -> None:
    sheets = [filled(finished, name, lambda n, side: side if n % 2 else other(side)) for name in ("a", "b")]
    assert "not told apart" in humans.lines(humans.read_ratings(finished, sheets))[-1]


def test_faults_of_sheets_are_named(finished: Path) -> None:
    good = filled(finished, "good", lambda number, side: side)
    bad = filled(finished, "bad", lambda number, side: "left" if number == 3 else side, yes="maybe")
    with pytest.raises(FaultsError, match=r"bad.csv item 004: better must be A, B or tie, found 'left'"):
        humans.read_ratings(finished, [good, bad])
    with pytest.raises(GalleryError, match="two raters or more"):
        humans.read_ratings(finished, [good])
    with pytest.raises(GalleryError, match="Compare with one of: floor"):
        humans.write_sheet(usecase.find(NAME), finished, against="zero_shot")


def test_alpha_equals_the_published_example() -> None:
    # Two raters, ten items, 0/1: Krippendorff (2011), example A, alpha = 0.095.
    first = [0, 1, 0, 0, 0, 0, 0, 0, 1, 0]
    second = [1, 1, 1, 0, 0, 1, 0, 0, 0, 0]
    assert humans.alpha(np.array([first, second]).T) == pytest.approx(0.095, abs=5e-4)
