"""The page that asks both models: the run's answers, one's own words, closed to others, by keyboard alone."""

import html
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import pytest

from common import config, export, run, try_page, usecase
from common.errors import GalleryError
from tests import toy
from tests.browser import Browser, needs_browser
from tests.test_export import tuned  # noqa: F401


@contextmanager
def running(folder: Path) -> Iterator[str]:
    """The address of the page of a run."""
    served = try_page.server(try_page.talk(*export.opened(folder)), 0)
    thread = threading.Thread(target=served.serve_forever, daemon=True)
    thread.start()
    yield f"http://{try_page.HOST}:{served.server_port}/"
    served.shutdown()
    served.server_close()
    thread.join(20)


@pytest.fixture(scope="module")
def address(tuned: Path) -> Iterator[str]:  # noqa: F811
    with running(tuned) as found:
        yield found


def get(address: str, sent: dict[str, str] | None = None, **headers: str) -> str:
    """The page, asked with a form when there is one."""
    body = urlencode(sent).encode() if sent is not None else None
    kept = {key.replace("_", "-"): value for key, value in headers.items()}
    with urlopen(Request(address, data=body, headers=kept)) as answer:
        return answer.read().decode()


def refused(address: str, sent: dict[str, str] | None = None, **headers: str) -> int:
    with pytest.raises(HTTPError) as caught:
        get(address, sent, **headers)
    return caught.value.code


def sides(page: str) -> dict[str, str]:
    found = re.findall(r"<section class=.*?<h2>(.*?)</h2><pre>(.*?)</pre>", page, re.DOTALL)
    return {name: html.unescape(answer) for name, answer in found}


def test_both_models_answer_an_example_and_ones_own_words(address: str, tuned: Path) -> None:  # noqa: F811
    _, job = export.opened(tuned)
    first = get(address)
    assert "Toy text" in first and "For tests." in first and sides(first) == {}
    assert first.count("<option") == len(job.splits.val)
    said = {}
    for example in job.splits.val:
        page = get(address, {"example": example.id, "text": example.inputs})
        assert list(sides(page)) == ["untuned model", "tuned"]
        assert f"<pre>{example.answer}</pre></details>" in page, "what the data calls right"
        said[example.id] = sides(page)["tuned"]
    right = sum(said[e.id] == e.answer for e in job.splits.val)
    assert right >= 0.5 * len(said), said
    own = get(address, {"example": job.splits.val[0].id, "text": "the key is white . colour ?"})
    assert sides(own)["tuned"] == "white" and "What the data calls right" not in own
    assert "the key is white . colour ?</textarea>" in own


def test_an_example_is_answered_as_people_get_it_and_other_words_as_the_model_said(
    address: str,
    tuned: Path,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _, job = export.opened(tuned)
    monkeypatch.setattr(usecase.UseCase, "read", lambda self, example, value: f"as read: {value}")
    example = job.splits.val[0]
    page = get(address, {"example": example.id, "text": example.inputs})
    assert all(answer.startswith("as read: ") for answer in sides(page).values())
    assert f"<pre>as read: {example.answer}</pre></details>" in page
    own = get(address, {"example": example.id, "text": "the key is white . colour ?"})
    assert not any("as read" in answer for answer in sides(own).values())


def test_the_page_is_closed_to_others_and_runs_no_script(address: str) -> None:
    assert refused(address, {"text": "x"}, Sec_Fetch_Site="cross-site") == 403
    assert refused(address, Host="evil.example") == 403
    assert refused(address, {"text": "x" * 100_001}) == 413
    assert refused(f"{address}etc/passwd") == 404
    page = get(address, {"example": "<b>", "text": "<script>alert(1)</script>"})
    assert "<script" not in page and "&lt;script&gt;" in page
    with urlopen(address) as answer:
        policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "script" not in policy
    port = int(address.rsplit(":", 1)[1].strip("/"))
    with pytest.raises(GalleryError, match="Give another --port"):
        try_page.server(None, port)  # type: ignore[arg-type]


def test_a_classifier_says_its_label_on_either_side(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = usecase.load_class(toy.write(tmp_path) / "usecase.py")()
    monkeypatch.setattr(usecase, "find", lambda name: found)
    run.execute(found, config.build(found, "offline", {"smoke": True}), tmp_path / "toy--offline")
    with running(tmp_path / "toy--offline") as place:
        page = get(place, {"example": "x", "text": "where does this hammer go"})
    assert re.fullmatch(r"tool \(.*\)", sides(page)["tuned"]), page
    assert "smoke run" in page and "nearest label name" in page


@needs_browser
def test_a_person_with_a_keyboard_asks_both(address: str, tmp_path: Path) -> None:
    with Browser(tmp_path / "profile") as browser:
        browser.open(address)
        browser.until("document.activeElement.id === 'text'")  # typing starts at once
        unnamed = "[...document.querySelectorAll('select, textarea')].filter(e => !e.labels.length).length"
        assert browser.value(unnamed) == 0
        browser.value("document.activeElement.select()")
        browser.type("the key is white . colour ?")
        browser.press("Tab")
        assert browser.value("document.activeElement.id") == "ask"
        browser.press("Enter")
        browser.wait("Page.loadEventFired")
        seen = browser.value("[...document.querySelectorAll('.sides section')].map(e => e.innerText)")
        assert [text.splitlines()[0] for text in seen] == ["untuned model", "tuned"]
        assert seen[1].split() == ["tuned", "white"]
        assert browser.value("document.querySelectorAll('script').length") == 0
        light, dark = browser.colours("light"), browser.colours("dark")
        assert light == "rgb(255, 255, 255)" and dark == "rgb(15, 23, 42)"
        wide = browser.value("document.documentElement.scrollWidth <= innerWidth")
        assert wide, "nothing stands outside the window"
