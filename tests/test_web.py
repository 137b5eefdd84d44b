"""The board in a real browser: it reads from the disk, filters, sorts, opens, compares, by keyboard alone."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from common import results, web
from tests import made_up
from tests.browser import Browser, needs_browser

HOSTILE = '</script><script>document.title="taken"</script><img src=x onerror=alert(1)>'

ACTS = Path(__file__).with_name("board_acts.js").read_text(encoding="utf-8")


def home_of(folder: Path) -> Path:
    """Three rows, two with scores per example, one a draft."""
    home = folder / "benchmarks"
    made_up.keep(home, made_up.made())
    made_up.keep(home, made_up.made(variant="offline-full", method="full", means={"tuned": 0.8}))
    hostile = made_up.made(variant="offline-x", reason=HOSTILE, means={"tuned": 0.2})
    made_up.keep(
        home,
        hostile.model_copy(update={"verdict": {"label": "do not use", "reason": HOSTILE}}),
        tier=results.DRAFT,
    )
    base = np.full((3, 20), 0.5)
    made_up.keep_examples(home, "toy--offline", base)
    base[:, :3] += 0.25
    base[:, 3] -= 0.25
    made_up.keep_examples(home, "toy--offline-full", base)
    return home


@needs_browser
def test_a_person_with_a_keyboard_gets_everything(tmp_path: Path) -> None:
    page = web.write_board(tmp_path / "board.html", home_of(tmp_path))
    with Browser(tmp_path / "profile") as browser:
        browser.open(page.as_uri())
        seen = browser.value(f"{ACTS}; seen")
    assert seen["first"] == ["offline", "offline-full", "offline-x"]
    assert seen["slash"] == "q" and seen["filtered"] == ["offline-full"] and seen["drafts"] == ["offline-x"]
    assert seen["up"] == ["offline-x", "offline", "offline-full"] == seen["down"][::-1]
    assert seen["aria"] == "ascending" and seen["kept"].startswith("tuned")
    assert [seen["walked"], seen["walkedOn"]] == ["offline-full", "offline"]
    assert seen["opened"] == "toy--offline" and seen["focus"] == "panel" and seen["bars"] == 5
    assert "open=toy--offline" in seen["address"]
    assert seen["closed"] == 0 and seen["back"] == "offline"
    assert seen["before"] is True and seen["after"] is False
    assert seen["difference"].startswith("accuracy -0.025 [") and seen["flips"] == 4
    assert "better here: 1, worse here: 3, same: 16" in seen["panel"] and "what is <e3>" in seen["panel"]
    assert abs(seen["top"]) < 1, "a long comparison begins at the top of the window"
    assert seen["paper"] != seen["otherPaper"]
    assert seen["unreachable"] == 0 and seen["unnamed"] == 0
    assert seen["title"] == "Finetune Gallery: benchmark board" and seen["images"] == 0


@needs_browser
def test_an_address_opens_a_run_and_shows_hostile_text_as_text(tmp_path: Path) -> None:
    page = web.write_board(tmp_path / "board.html", home_of(tmp_path))
    with Browser(tmp_path / "profile") as browser:
        browser.open(f"{page.as_uri()}#q=offline-x&open=toy--offline-x")
        assert browser.value("document.title") == "Finetune Gallery: benchmark board"
        text = browser.value("document.documentElement.outerHTML")
        assert "1 of 3 rows" in text and "&lt;img src=x" in text and "<img" not in text


@needs_browser
@pytest.mark.parametrize(("whole", "circles", "last"), [(0.68, 5, ">1600<"), (0.2, 4, ">800<")])
def test_a_curve_is_drawn_with_what_twice_the_data_would_give_where_that_can_be_believed(
    tmp_path: Path, whole: float, circles: int, last: str
) -> None:
    home = tmp_path / "benchmarks"
    for share, size, mean in [(1 / 8, 100, 0.5), (1 / 4, 200, 0.6), (1 / 2, 400, 0.65), (1.0, 800, whole)]:
        row = made_up.made(share=share, train=size, means={"tuned": mean})
        made_up.keep(home, row, f"toy--offline--share-{share:g}")
    page = web.write_board(tmp_path / "board.html", home)
    with Browser(tmp_path / "profile") as browser:
        browser.open(f"{page.as_uri()}#open=toy--offline--share-1")
        drawn = browser.value("document.querySelector(\"svg[aria-label^='headline by training']\").outerHTML")
    assert drawn.count("<circle") == circles and last in drawn and ">100<" in drawn
    assert (">1600<" in drawn) == (circles == 5)


def test_the_page_is_one_file_that_reaches_for_nothing(tmp_path: Path) -> None:
    text = web.write_board(tmp_path / "board.html", home_of(tmp_path)).read_text(encoding="utf-8")
    assert "default-src 'none'" in text
    assert not re.search(r'(src|href)\s*=\s*["\']?(https?:)?//', text)
    assert not re.search(r"\b(fetch|XMLHttpRequest|WebSocket|import)\s*\(|innerHTML|eval\(", text)
    assert text.count("</script>") == 2, "a record could end the script that holds it"


def test_the_page_holds_the_numbers_of_the_records(tmp_path: Path) -> None:
    content = web.content(results.entries(home_of(tmp_path)))
    row = next(row for row in content["rows"] if row["name"] == "toy--offline-full")
    assert row["tuned"] == [0.8, 0.78, 0.82] and row["against"] == "retrieval model"
    assert [scores[:5] for scores in row["scores"]] == 3 * [[0.75, 0.75, 0.75, 0.25, 0.5]]
    assert len(content["tests"]) == 1 and content["tests"]["t"]["ids"][3] == "e3"


def test_a_failed_run_and_an_example_without_a_score_are_shown(tmp_path: Path) -> None:
    home = home_of(tmp_path)
    made_up.keep(
        home, made_up.made(variant="broken", status="out of memory", reason="too big", contenders={})
    )
    scores = np.full((2, 20), np.nan)
    scores[:, 1:] = 0.5
    kept = json.loads((home / "examples" / "toy--offline.json").read_text())
    kept["scores"]["tuned"] = [[None if np.isnan(v) else v for v in row] for row in scores]
    (home / "examples" / "toy--offline.json").write_text(json.dumps(kept))
    results.examples_in.cache_clear()
    rows = {row["name"]: row for row in web.content(results.entries(home))["rows"]}
    assert rows["toy--broken"]["tuned"] is None and rows["toy--broken"]["reason"] == "too big"
    assert [scores[:2] for scores in rows["toy--offline"]["scores"]] == 2 * [[None, 0.5]]
