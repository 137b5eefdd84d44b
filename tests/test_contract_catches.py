"""Deliberately broken use cases: each must be refused with a message that names what is wrong."""

import random
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from common import board, chat, check, contract, preference_checks, publish, usecase
from common.errors import GalleryError
from common.preferences import Likelihoods
from common.record import RunRecord
from tests import toy, toy_text

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
    "the input shows the answer": (
        [("        return example.inputs\n", '        return f"{example.inputs} {example.answer}"\n')],
        "changes with the answer",
    ),
    "the input shows the answer by its kind": (
        [("        return example.inputs\n", '        return f"{example.inputs} {example.kind}"\n')],
        "changes with the answer",
    ),
    "floor reads some answers of test": (
        [
            (
                '[{"label": most} for _ in examples]',
                '[{"label": e.answer if "found" in e.inputs else most} for e in examples]',
            )
        ],
        "changes when the right answer is hidden",
    ),
    "floor gives up on half": (
        [
            (
                '[{"label": most} for _ in examples]',
                '[{"label": most if "found" in e.inputs else ""} for e in examples]',
            )
        ],
        "scores 0.500: make the floor the best",
    ),
    "scorer reads the answer from the prompt": (
        [
            (
                'output["label"] == example.answer',
                'output["label"] == next(s for s in SHELVES if {*SHELVES[s]} & {*example.inputs.split()})',
            )
        ],
        "takes the answer from elsewhere",
    ),
    "scorer takes whatever names the answer": (
        [('float(output["label"] == example.answer)', 'float(example.answer in output["label"])')],
        "a list of every answer scores 1.0",
    ),
    "scorer draws": (
        [('{"accuracy": float', '{"luck": __import__("random").random(), "accuracy": float')],
        "the same answer scores",
    ),
    "training rows hold val": (
        [
            (
                "    def train_rows",
                "    def training_set(self, splits):\n"
                "        every = (*splits.train, *splits.val)\n"
                "        return [row for e in every for row in self.train_rows(e, splits)]\n\n"
                "    def train_rows",
            )
        ],
        "it trains on them",
    ),
    "training asks otherwise than the run": (
        [('[{"text": example.inputs', '[{"text": "Question: " + example.inputs')],
        "is not what `model_input` gives",
    ),
    "training teaches another answer": (
        [('"label": example.answer}]', '"label": "tool"}]')],
        "which does not score 1.0",
    ),
    "unpickles": (
        [("from common.usecase", "import pickle\nfrom common.usecase")],
        "nothing is unpickled",
    ),
    "calls home": (
        [("from common.usecase", "import urllib.request\nfrom common.usecase")],
        "no use case touches the network",
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
    # Rows that repeat each other are packed small, so what cannot be packed is what counts.
    (folder / "data" / "repeated.txt").write_bytes(b"x" * 900_000)
    assert not any("when packed" in fault for fault in contract.check(folder))
    (folder / "data" / "big.txt").write_bytes(random.Random(0).randbytes(200_001))
    faults = contract.check(folder)
    assert "README.md lacks the heading 'Result'" in faults
    assert any("bytes when packed" in fault for fault in faults)


def test_two_classes_in_one_file_are_refused(tmp_path: Path) -> None:
    folder = toy.write(tmp_path)
    path = folder / "usecase.py"
    path.write_text(path.read_text() + "\n\nclass Second(Toy):\n    pass\n", encoding="utf-8")
    with pytest.raises(GalleryError, match="one subclass of UseCase, found 2"):
        usecase.load_class(path)


GREEDY = [
    (
        "    def load(self, data):",
        "    greedy = False\n\n    def configured(self, task):\n        made = type(self)()\n"
        "        made.greedy = bool(task)\n        return made\n\n    def load(self, data):",
    ),
    (
        "                for number, frame in enumerate(FRAMES[split]):",
        "                for number, frame in enumerate(FRAMES[split]):\n"
        "                    if self.greedy and split == 'val':\n"
        "                        row = Example(thing, thing, frame.format(thing), shelf, shelf)\n"
        "                        made['train'].append(row)",
    ),
]


def test_a_variant_that_trains_on_val_is_caught(tmp_path: Path) -> None:
    sound = contract.check(toy.write(tmp_path / "sound", *GREEDY))
    assert sound == []
    faults = contract.check(toy.write(tmp_path, *GREEDY, variant='method = "head"\n[task]\nall = true\n'))
    assert any("variant 'offline': leak" in fault and "same group" in fault for fault in faults), faults


def test_a_scorer_that_is_content_with_the_prompt_is_caught(tmp_path: Path) -> None:
    folder = toy_text.write(tmp_path, "epochs = 1\n")
    assert contract.check(folder) == []
    path = folder / "usecase.py"
    source = path.read_text(encoding="utf-8")
    path.write_text(source.replace("output == example.answer", "example.answer in output"), encoding="utf-8")
    faults = contract.check(folder)
    assert any("the prompt handed back scores 1.0" in fault for fault in faults), faults


def test_training_with_another_system_message_is_caught(tmp_path: Path) -> None:
    folder = toy_text.write(tmp_path, "epochs = 1\n")
    path = folder / "usecase.py"
    source = path.read_text(encoding="utf-8")
    more = '[{"prompt": [{"role": "system", "content": "Be brief."}, *self.model_input(example)],'
    path.write_text(source.replace('[{"prompt": self.model_input(example),', more), encoding="utf-8")
    assert path.read_text(encoding="utf-8") != source
    faults = contract.check(folder)
    assert any("is not what `model_input` gives" in fault for fault in faults), faults


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("## The problem", "It reaches 0.97.\n\n## The problem", "score 0.97 outside the generated block"),
        ("No run is published yet.", "Accuracy 0.97.", "not what the records give"),
        (board.END, "", "one generated block"),
    ],
)
def test_a_readme_number_edited_by_hand_is_caught(old: str, new: str, message: str, tmp_path: Path) -> None:
    folder = toy.write(tmp_path)
    readme = folder / "README.md"
    readme.write_text(readme.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")
    faults = contract.check(folder)
    assert any(message in fault for fault in faults), faults


def test_data_that_hangs_on_the_order_of_a_set_is_caught(tmp_path: Path) -> None:
    for place, changes, found in (("sound", [], 0), ("drawn", [("frame.format(thing)", SHUFFLED)], 3)):
        folder = toy.write(tmp_path / place, *changes)
        splits = usecase.load_class(folder / "usecase.py")().load(None)
        assert len(check.same_elsewhere(folder, splits)) == found


SHUFFLED = "' '.join(set(frame.format(thing).split()))"


class Tokenizer:
    """What chat.render asks of a tokenizer, with a template that can be broken."""

    eos_token, bos_token = "<end>", None

    def __init__(self, chat_template: str) -> None:
        self.chat_template = chat_template

    def apply_chat_template(
        self, messages: list[dict[str, str]], add_generation_prompt: bool, **_: object
    ) -> str:
        said = "".join(f"[{m['role']}]{m['content']}{self.chat_template}" for m in messages)
        if self.chat_template == "date":
            return f"{len(messages)} {said}"
        return said + ("[assistant]" if add_generation_prompt else "")


@pytest.mark.parametrize(
    ("template", "message"), [("", "does not end an answer"), ("date", "another text before the answer")]
)
def test_a_template_that_trains_on_another_text_is_caught(template: str, message: str) -> None:
    asked = [{"role": "user", "content": "why"}]
    assert chat.answer_text(Tokenizer("<end>"), asked, "because") == "because<end>"
    with pytest.raises(GalleryError, match=message):
        chat.answer_text(Tokenizer(template), asked, "because")


def test_a_reference_that_is_not_the_start_is_caught(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at_start = Likelihoods(np.array([-3.0, -4.0]), np.array([-5.0, -6.0]))
    job = SimpleNamespace(config=SimpleNamespace(beta=0.1), folder=tmp_path)
    monkeypatch.setattr(preference_checks, "start_folder", lambda _: tmp_path)
    for drift, caught in ((0.0, False), (0.5, True)):
        now = Likelihoods(at_start.chosen + drift, at_start.rejected)
        monkeypatch.setattr(Likelihoods, "under", staticmethod(lambda *_, now=now: now))
        if caught:
            with pytest.raises(GalleryError, match="the reference is not the model"):
                preference_checks.refuse_stale_reference(job, None, None, [], at_start)
        else:
            assert preference_checks.refuse_stale_reference(job, None, None, [], at_start) == 0.0


def test_one_seed_is_no_evidence() -> None:
    made = RunRecord(
        usecase="toy",
        variant="offline",
        method="head",
        seeds=[0],
        tier="draft",
        status="ok",
        headline="accuracy",
        base={"on_hub": False, "revision": ""},
        environment={"git_dirty": False, "git_commit": "abc"},
    )
    assert any("3 are needed" in fault for fault in publish.faults_of(made))
    whole = made.model_copy(update={"seeds": [0, 1, 2]})
    assert not any("seed" in fault for fault in publish.faults_of(whole))
