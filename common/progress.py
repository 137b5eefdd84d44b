"""What is happening, how fast, and how long it will take: live on a terminal, as lines elsewhere."""

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from common import launch

Item = TypeVar("Item")
SECONDS_BETWEEN_LINES = 10.0
SECONDS_WORTH_A_LINE = 2.0

console = Console(highlight=False, quiet=not launch.first())
latest: dict[str, "Task"] = {}  # the last piece of work of each name, for who asks at what pace it went


class Task:
    """A counted piece of work."""

    def __init__(self, text: str, total: int, unit: str) -> None:
        self.text, self.total, self.unit = text, max(total, 1), unit
        self.done = 0
        self.started = self.last_line = time.monotonic()
        self.first_seconds: float | None = None  # until something was done, where much may be made ready
        self.bar: Progress | None = None

    def advance(self, count: int = 1, note: str = "") -> None:
        """Counts work done; `note` is shown beside the rate."""
        self.done += count
        seconds = max(time.monotonic() - self.started, 1e-6)
        self.first_seconds = seconds if self.first_seconds is None else self.first_seconds
        details = f"{self.done / seconds:,.1f} {self.unit}/s  {note}"
        if self.bar is not None:
            self.bar.update(self.bar.task_ids[0], completed=self.done, details=details)
        elif time.monotonic() - self.last_line > SECONDS_BETWEEN_LINES:
            self.last_line = time.monotonic()
            left = seconds / max(self.done, 1) * (self.total - self.done)
            console.print(f"  {self.text}: {self.done}/{self.total}  {details}  {left:.0f} s left")


@contextmanager
def task(text: str, total: int, unit: str) -> Iterator[Task]:
    """Shows a piece of work from start to end."""
    work = latest[text] = Task(text, total, unit)
    if console.is_terminal:
        with live_bar() as bar:
            bar.add_task(text, total=work.total, details="")
            work.bar = bar
            yield work
    else:
        yield work
        seconds = time.monotonic() - work.started
        if seconds < SECONDS_WORTH_A_LINE:
            return
        console.print(f"  {text}: {work.done} {unit} in {seconds:.1f} s")


def watched(items: Iterable[Item], text: str, unit: str) -> Iterator[Item]:
    """The items, one after the other, while the work that is done with them is shown."""
    every = list(items)
    with task(text, len(every), unit) as work:
        for item in every:
            yield item
            work.advance()


def live_bar() -> Progress:
    """One line: text, bar, count, rate, time left."""
    return Progress(
        TextColumn("  {task.description}"),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TextColumn("{task.fields[details]}"),
        TimeRemainingColumn(),
        console=console,
    )


def not_as_given(lines: Sequence[str], most: int | None = None) -> str:
    """What of the data was left out or changed, a line each, at most so many."""
    shown = [f"  not as given: {escape(line)}" for line in lines[:most]]
    more = len(lines) - len(shown)
    return "\n".join([*shown, f"  not as given: {more} more, all named in the report"] if more else shown)


def say(text: str) -> None:
    """A line, or several; none for an empty text."""
    if text:
        console.print(text)
