"""A small text use case: copy the code of the named item out of the prompt."""

from pathlib import Path

from tests.toy import README

SOURCE = '''
"""Toy text: which colour does the prompt name."""

from common.usecase import Example, Source, Splits, UseCase

COLOURS = "red green blue black white".split()
THINGS = "box cup hat bag pen map key car bell drum flag lamp rope sock vase coin".split()


class ToyText(UseCase):
    title = "Toy text"
    story = "A thing has a colour; say which."
    tuner = "sft"
    headline = "exact"
    source = Source("toy text", "Apache-2.0", "written for the tests")
    limits = "For tests."
    largest_forgetting = 99.0

    def load(self, data):
        made = {"train": [], "val": [], "test": []}
        for number, thing in enumerate(THINGS):
            split = "train" if number < 10 else "val" if number < 12 else "test"
            for colour in COLOURS:
                text = f"the {thing} is {colour} . colour ?"
                made[split].append(Example(f"{thing}-{colour}", thing, text, colour))
        return Splits(*(tuple(made[name]) for name in ("train", "val", "test")), source=self.source)

    def model_input(self, example):
        return [{"role": "user", "content": example.inputs}]

    def gold(self, example):
        return example.answer

    def blank(self):
        return ""

    def score(self, example, output):
        return {"exact": float(output == example.answer)}

    def floor(self, splits):
        return lambda examples: ["red" for _ in examples]

    def train_rows(self, example, splits):
        answer = [{"role": "assistant", "content": example.answer}]
        return [{"prompt": self.model_input(example), "completion": answer}]
'''


def write(root: Path, variant: str) -> Path:
    """Writes the use case to a folder."""
    folder = root / "toy_text"
    (folder / "variants").mkdir(parents=True, exist_ok=True)
    (folder / "usecase.py").write_text(SOURCE, encoding="utf-8")
    (folder / "README.md").write_text(README, encoding="utf-8")
    (folder / "variants" / "offline.toml").write_text(variant, encoding="utf-8")
    return folder
