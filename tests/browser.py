"""A real browser that tests drive by keyboard, over the pipe that Chromium offers for it."""

import json
import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
)
needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="no chromium or google-chrome is installed")
FLAGS = "--headless --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run --disable-extensions"
FLAGS += " --disable-background-networking --disable-sync --remote-debugging-pipe"
KEYS = {"Tab": (9, ""), "Enter": (13, "\r"), "Escape": (27, "")}


class Browser:
    """One page of a headless Chromium; use it in a `with`."""

    def __init__(self, folder: Path) -> None:
        assert CHROMIUM
        theirs_in, self.to = os.pipe()
        self.of, theirs_out = os.pipe()
        kept = [os.dup(theirs_in), os.dup(theirs_out)]  # no number may be 3 or 4 while those are set

        def join() -> None:
            high = [os.dup(fd) for fd in kept]
            os.dup2(high[0], 3)
            os.dup2(high[1], 4)

        self.process = subprocess.Popen(
            [CHROMIUM, *FLAGS.split(), f"--user-data-dir={folder}"],
            pass_fds=(3, 4),
            preexec_fn=join,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "HOME": str(folder)},
        )
        for fd in (theirs_in, theirs_out, *kept):
            os.close(fd)
        self.rest, self.number, self.session = b"", 0, ""
        self.passed: set[str | None] = set()  # events since the last key or address
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.send("Page.enable")

    def __enter__(self) -> "Browser":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self.to)
        os.close(self.of)

    def send(self, method: str, **values: Any) -> Any:
        """One command and its result."""
        self.number += 1
        message = {"id": self.number, "method": method, "params": values}
        message |= {"sessionId": self.session} if self.session else {}
        os.write(self.to, json.dumps(message).encode() + b"\0")
        while (found := self.read()).get("id") != self.number:
            self.passed.add(found.get("method"))
        assert "error" not in found, found
        return found["result"]

    def read(self) -> dict[str, Any]:
        """The next message of the browser."""
        while b"\0" not in self.rest:
            piece = os.read(self.of, 1 << 16)
            assert piece, "the browser ended"
            self.rest += piece
        message, _, self.rest = self.rest.partition(b"\0")
        return json.loads(message)

    def wait(self, event: str) -> None:
        """Waits for what follows the last key or address, unless it came already."""
        while event not in self.passed:
            self.passed.add(self.read().get("method"))

    def open(self, address: str) -> None:
        self.passed.clear()
        self.send("Page.navigate", url=address)
        self.wait("Page.loadEventFired")

    def value(self, expression: str) -> Any:
        """What an expression gives in the page."""
        found = self.send("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def until(self, expression: str) -> None:
        """Waits for what the page does in its own time after it has loaded, such as taking the focus."""
        deadline = time.monotonic() + 30
        while not self.value(expression):
            assert time.monotonic() < deadline, f"not in half a minute: {expression}"
            time.sleep(0.05)

    def press(self, key: str) -> None:
        self.passed.clear()
        code, text = KEYS[key]
        named = {"key": key, "code": key, "windowsVirtualKeyCode": code}
        self.send("Input.dispatchKeyEvent", type="keyDown", text=text, **named)
        self.send("Input.dispatchKeyEvent", type="keyUp", **named)

    def type(self, text: str) -> None:
        self.send("Input.insertText", text=text)

    def colours(self, scheme: str) -> str:
        """The colour of the paper for a person who wants light or dark."""
        wish = [{"name": "prefers-color-scheme", "value": scheme}]
        self.send("Emulation.setEmulatedMedia", features=wish)
        return self.value("getComputedStyle(document.body).backgroundColor")
