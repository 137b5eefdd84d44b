"""My usecase: say in one line what is written, which of two ways is better, and to whom."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from common.examples import read_examples
from common.usecase import Answerer, Example, Scores, Source, Splits, UseCase

OWN = Path(__file__).parent / "data" / "examples.jsonl"
INSTRUCTION = "Write the sentence again in polite words."
POLITE = ("please", "thank you", "kindly", "would you")


class MyUsecase(UseCase):
    """A prompt, the answer that people prefer, and one that they do not."""

    title = "My usecase"
    story = "Say who has the problem, what they do today, and why that is not enough."
    tuner = "preference"
    headline = "good"
    floor_label = "a polite word put before the sentence"
    source = Source("My usecase", "Apache-2.0", "written for this use case")
    limits = "Say what it is for, what it is not for, and when a person must look."
    largest_forgetting = 0.25
    budget_minutes = 6.0

    def load(self, data: Path | None) -> Splits:
        source = None if data else self.source
        return read_examples(data or OWN, "text", "chosen", source, beside=("rejected",))

    def model_input(self, example: Example) -> list[dict[str, str]]:
        return [{"role": "user", "content": f"{INSTRUCTION}\n{example.inputs['text']}"}]

    def score(self, example: Example, output: str) -> Scores:
        """Replace this by what makes an answer good; it must not see `rejected`."""
        wanted, said = set(example.answer.lower().split()), output.lower().split()
        kept = len(wanted & set(said)) / len(wanted)
        polite = float(any(words in output.lower() for words in POLITE))
        right_length = min(1.0, len(example.answer.split()) / max(len(said), 1))
        return {"good": polite * kept * right_length, "polite": polite, "kept": kept}

    def floor(self, splits: Splits) -> Answerer:
        def answer(examples: Sequence[Example]) -> list[Any]:
            return [f"please {example.inputs['text']}" for example in examples]

        return answer

    def train_rows(self, example: Example, splits: Splits) -> list[dict[str, Any]]:
        chosen, rejected = example.answer, example.inputs["rejected"]
        return [{"prompt": self.model_input(example), "chosen": said(chosen), "rejected": said(rejected)}]

    def template(self) -> str:
        return INSTRUCTION


def said(text: str) -> list[dict[str, str]]:
    return [{"role": "assistant", "content": text}]


if __name__ == "__main__":
    from common.cli import run_file

    run_file(__file__)
