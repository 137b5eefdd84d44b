"""A small sound use case as source text; tests write it to a folder, sound or broken."""

from pathlib import Path

from common import board

SOURCE = '''
"""Toy: which shelf does a thing belong on."""

from collections import Counter
from pathlib import Path

from common.usecase import Example, Source, Splits, UseCase

SHELVES = {
    "fruit": "apple pear plum cherry grape melon peach lemon".split(),
    "tool": "hammer saw drill chisel file wrench pliers clamp".split(),
}
FRAMES = {
    "train": [
        "please put the {} away before the shop closes",
        "where does this {} go",
        "the {} lies here",
        "one {} on the table",
    ],
    "val": ["somebody left a {}"],
    "test": ["can you store my {} for me", "i found a {} outside"],
}


class Toy(UseCase):
    title = "Toy"
    story = "A thing, and the shelf it belongs on."
    tuner = "classify"
    headline = "accuracy"
    source = Source("toy", "Apache-2.0", "written for the tests")
    limits = "For tests."

    def load(self, data):
        made = {"train": [], "val": [], "test": []}
        for shelf, things in SHELVES.items():
            for place, thing in enumerate(things):
                split = "train" if place < 4 else "val" if place < 6 else "test"
                for number, frame in enumerate(FRAMES[split]):
                    text = frame.format(thing)
                    made[split].append(Example(f"{thing}-{number}", thing, text, shelf, shelf))
        return Splits(*(tuple(made[name]) for name in ("train", "val", "test")), source=self.source)

    def model_input(self, example):
        return example.inputs

    def gold(self, example):
        return {"label": example.answer}

    def blank(self):
        return {"label": ""}

    def score(self, example, output):
        return {"accuracy": float(output["label"] == example.answer)}

    def floor(self, splits):
        most = Counter(e.answer for e in splits.train).most_common(1)[0][0]
        return lambda examples: [{"label": most} for _ in examples]

    def train_rows(self, example, splits):
        return [{"text": example.inputs, "label": example.answer}]
'''

BLOCK = f"{board.BEGIN}\nNo run is published yet.\n{board.END}\n"
README = "\n".join(
    f"## {heading}\n\n{BLOCK if heading == 'Result' else 'text'}\n"
    for heading in (
        "The problem",
        "Data and licence",
        "Run it",
        "Result",
        "What failed",
        "Your own data",
    )
)


def write(root: Path, *changes: tuple[str, str], variant: str = 'method = "head"\n') -> Path:
    """Writes the toy use case with some of its text replaced."""
    source = SOURCE
    for old, new in changes:
        assert old in source, f"the toy has no {old!r} to break"
        source = source.replace(old, new)
    return put(root / "toy", source, variant)


def put(folder: Path, source: str, variant: str) -> Path:
    """Writes the files of a use case."""
    (folder / "variants").mkdir(parents=True, exist_ok=True)
    (folder / "usecase.py").write_text(source, encoding="utf-8")
    (folder / "README.md").write_text(README, encoding="utf-8")
    (folder / "variants" / "offline.toml").write_text(variant, encoding="utf-8")
    return folder
