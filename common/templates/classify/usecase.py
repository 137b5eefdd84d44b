"""My usecase: say in one line which text gets which label, and for whom."""

from pathlib import Path

from common.examples import read_examples
from common.labelling import LabellingCase
from common.usecase import Source, Splits

OWN = Path(__file__).parent / "data" / "examples.jsonl"


class MyUsecase(LabellingCase):
    """A text, and the label that a person would give it.

    Override `model_input`, `score` or `floor` of common/labelling.py where yours need more.
    """

    title = "My usecase"
    story = "Say who has the problem, what they do today, and why that is not enough."
    source = Source("My usecase", "Apache-2.0", "written for this use case")
    limits = "Say what it is for, what it is not for, and when a person must look."
    budget_minutes = 4.0

    def load(self, data: Path | None) -> Splits:
        """Our rows, or a person's with the columns `text` and `label`."""
        return read_examples(data or OWN, "text", "label", None if data else self.source)


if __name__ == "__main__":
    from common.cli import run_file

    run_file(__file__)
