"""Ticket sentiment: what a customer feels about each thing that one message talks about."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from common.examples import read_examples
from common.floors import character_label
from common.labelling import LabellingCase
from common.usecase import Answerer, Columns, Example, Scores, Splits
from usecases.ticket_sentiment import data as own_data
from usecases.ticket_sentiment import scoring
from usecases.ticket_sentiment.focus import focused


class TicketSentiment(LabellingCase):
    """A message, an aspect that it speaks of, and the mood towards that aspect."""

    title = "Ticket sentiment by aspect"
    story = (
        "One message praises the courier and curses the app. A mood for the whole message helps nobody: "
        "say for each aspect whether the customer is content, and do it for the rare moods too."
    )
    headline = "macro_f1"
    floor_label = "TF-IDF on the part about the aspect"
    source = own_data.SOURCE
    limits = (
        "For counting moods over many English messages, not for judging one customer or one employee. "
        "Irony is often missed. Have a person read what is said about safety, health or law."
    )
    budget_minutes = 4.0

    def load(self, data: Path | None) -> Splits:
        if data is None:
            return focused(own_data.load())
        return focused(read_examples(data, "text", "label", beside=("aspect",), answers=scoring.MOODS))

    def model_input(self, example: Example) -> str:
        return f"{example.inputs['aspect']}: {example.inputs['part']}"

    def score(self, example: Example, output: dict[str, Any]) -> Scores:
        return scoring.scores(example.answer, output["label"])

    def aggregate(self, columns: Columns) -> dict[str, float]:
        return scoring.aggregate(columns)

    def floor(self, splits: Splits) -> Answerer:
        return character_label(splits, lambda example: example.inputs["part"])

    def further_floors(self) -> Sequence[tuple[str, str, Callable[[Splits], Answerer]]]:
        whole = partial(character_label, text_of=lambda e: f"{e.inputs['aspect']}: {e.inputs['text']}")
        return [("floor_whole", "TF-IDF on the whole message", whole)]


if __name__ == "__main__":
    from common.cli import run_file

    run_file(__file__)
