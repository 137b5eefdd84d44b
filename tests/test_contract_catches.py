"""Deliberately broken use cases: each must be refused with a message that names what is wrong."""

from pathlib import Path

import pytest

from common import contract, usecase
from common.errors import GalleryError
from tests import toy

PLUM = 'Example(f"{thing}-{number}", thing, text, shelf, shelf)'
CHEATS = {
    "wrong gold": (
        [('return {"label": example.answer}', 'return {"label": "tool"}')],
        "gold of test",
    ),
    "blank scores full": (
        [('float(output["label"] == example.answer)', '1.0 if not output["label"] else 1.0')],
        "the blank answer scores 1.0",
    ),
    "a scorer without the headline": (
        [('return {"accuracy": float', 'return {"hits": float')],
        "scores nan on accuracy",
    ),
    "leaking group": ([(PLUM, PLUM.replace("thing, text", '"one", text'))], "same group"),
    "leaking text": (
        [
            (
                '"test": ["can you store my {} for me"',
                '"test": ["please put the apple away before the shop closes"',
            )
        ],
        "same text",
    ),
    "paraphrased test row": (
        [
            (
                "        return Splits(*",
                "        e = made['train'][0]\n"
                "        made['test'].append(Example('new', 'new', e.inputs + 's', e.answer, e.kind))\n"
                "        return Splits(*",
            )
        ],
        "near-duplicate",
    ),
    "floor above gold": (
        [('[{"label": most} for _ in examples]', '[{"label": e.answer} for e in examples]')],
        "no less than gold",
    ),
    "floor made weak": (
        [('[{"label": most} for _ in examples]', '[{"label": ""} for _ in examples]')],
        "no more than the blank answer",
    ),
    "import of a neighbour": (
        [("from common.usecase", "import usecases.knowledge_search.data\nfrom common.usecase")],
        "imports a neighbour",
    ),
    "loads a model itself": (
        [("from common.usecase", "import torch\nfrom common.usecase")],
        "only the core loads models",
    ),
    "no licence": ([('"Apache-2.0"', '""')], "source.licence is empty"),
    "no limits": ([('limits = "For tests."', 'limits = ""')], "member 'limits'"),
    "no training row": (
        [('return [{"text": example.inputs, "label": example.answer}]', "return []")],
        "gives no training row",
    ),
    "a member that raises": (
        [("most = Counter", "raise ValueError('no floor')\n        most = Counter")],
        "no floor",
    ),
}


def test_the_sound_toy_passes(tmp_path: Path) -> None:
    assert contract.check(toy.write(tmp_path)) == []


@pytest.mark.parametrize("cheat", CHEATS)
def test_cheat_is_caught(cheat: str, tmp_path: Path) -> None:
    changes, message = CHEATS[cheat]
    faults = contract.check(toy.write(tmp_path, *changes))
    assert any(message in fault for fault in faults), faults


@pytest.mark.parametrize(
    ("variant", "message"),
    [
        ('metod = "head"\n', "did you mean 'method'"),
        ("hard_negatives = 2\n", "read by embed only"),
        ('method = "prefix"\n', "cannot be used by the classify tuner"),
        ("epochs = 0\n", "greater than or equal to 1"),
        ("method = head\n", "not valid TOML"),
    ],
)
def test_broken_variant_is_caught(variant: str, message: str, tmp_path: Path) -> None:
    faults = contract.check(toy.write(tmp_path, variant=variant))
    assert any(message in fault for fault in faults), faults


def test_missing_readme_heading_and_large_data_are_caught(tmp_path: Path) -> None:
    folder = toy.write(tmp_path)
    (folder / "README.md").write_text("## The problem\n", encoding="utf-8")
    (folder / "data").mkdir()
    (folder / "data" / "big.txt").write_bytes(b"x" * 200_001)
    faults = contract.check(folder)
    assert "README.md lacks the heading 'Result'" in faults
    assert any("data/ holds 200,001 bytes" in fault for fault in faults)


def test_two_classes_in_one_file_are_refused(tmp_path: Path) -> None:
    folder = toy.write(tmp_path)
    path = folder / "usecase.py"
    path.write_text(path.read_text() + "\n\nclass Second(Toy):\n    pass\n", encoding="utf-8")
    with pytest.raises(GalleryError, match="one subclass of UseCase, found 2"):
        usecase.load_class(path)
