"""My usecase: say in one line what the model reads, what it writes, and for whom."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from common.examples import read_examples
from common.floors import nearest_answer
from common.metrics import token_f1
from common.usecase import Answerer, Example, Scores, Source, Splits, UseCase

OWN = Path(__file__).parent / "data" / "examples.jsonl"
INSTRUCTION = "Write the message as one calendar line: day, hour, what, who."


class MyUsecase(UseCase):
    """A text, and what a person would write from it."""

    title = "My usecase"
    story = "Say who has the problem, what they do today, and why that is not enough."
    tuner = "sft"
    headline = "word_f1"
    floor_label = "answer of the nearest training text"
    source = Source("My usecase", "Apache-2.0", "written for this use case")
    limits = "Say what it is for, what it is not for, and when a person must look."
    largest_forgetting = 0.25
    budget_minutes = 4.0

    def load(self, data: Path | None) -> Splits:
        return read_examples(data or OWN, "text", "answer", None if data else self.source)

    def model_input(self, example: Example) -> list[dict[str, str]]:
        return [{"role": "user", "content": f"{INSTRUCTION}\n{example.inputs}"}]

    def score(self, example: Example, output: str) -> Scores:
        return {
            "word_f1": token_f1(output, example.answer),
            "exact": float(output.split() == example.answer.split()),
        }

    def floor(self, splits: Splits) -> Answerer:
        nearest = nearest_answer(splits, lambda example: example.inputs)

        def answer(examples: Sequence[Example]) -> list[Any]:
            return [self.gold(found) for found in nearest(examples)]

        return answer

    def train_rows(self, example: Example, splits: Splits) -> list[dict[str, Any]]:
        answer = [{"role": "assistant", "content": self.gold(example)}]
        return [{"prompt": self.model_input(example), "completion": answer}]

    def template(self) -> str:
        return INSTRUCTION


if __name__ == "__main__":
    from common.cli import run_file

    run_file(__file__)
