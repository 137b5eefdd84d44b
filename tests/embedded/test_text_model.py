"""The embedded text model: whole, offline, the same every time, and able to learn to stop."""

import json
import shutil
from pathlib import Path
from random import Random

import pytest
import torch
from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

from common import embedded, models
from common.embedded import textloop, tokenizer
from common.embedded.corpus import MIXTURE
from common.embedded.proof_tasks import tasks
from common.errors import GalleryError

PLANES = ((32, 127), (0xA0, 0x250), (0x370, 0x600), (0x900, 0xE00), (0x3040, 0x3100), (0x1F300, 0x1F700))


@pytest.fixture(scope="module")
def folder() -> Path:
    return embedded.text_model_folder()


@pytest.fixture(scope="module")
def pieces(folder: Path) -> PreTrainedTokenizerFast:
    return tokenizer.load(folder)


def load() -> LlamaForCausalLM:
    """The model as the tuners load it."""
    return models.load_causal(models.resolve("embedded", None, "sft"), None)[0]


def random_text(random: Random) -> str:
    """Characters of many scripts, with spaces, tabs and line ends between."""
    drawn = [chr(random.randrange(*random.choice(PLANES))) for _ in range(random.randrange(1, 40))]
    return "".join(letter + random.choice(("", "", " ", "  ", "\n", "\t", "_")) for letter in drawn)


def test_loads_in_fp32(folder: Path) -> None:
    model = load()
    assert all(weight.dtype == torch.float32 for weight in model.parameters())
    assert all(torch.isfinite(weight).all() for weight in model.parameters())
    assert sum(path.stat().st_size for path in folder.iterdir()) <= 24_000_000


def test_same_seed_same_logits(folder: Path, pieces: PreTrainedTokenizerFast) -> None:
    tokens = torch.tensor([textloop.prompt_ids(pieces, "List the names of the boats.")])
    with torch.no_grad():
        first, second = (load().eval()(tokens).logits for _ in range(2))
    assert torch.equal(first, second)


def test_tokenizer_round_trips_any_text(pieces: PreTrainedTokenizerFast) -> None:
    random = Random(11)
    texts = [random_text(random) for _ in range(500)]
    every = "".join(chr(number) for number in range(0x20, 0x30000, 7) if not 0xD800 <= number < 0xE000)
    for text in (*texts, every, "don't  stop\r\n\x00", "SELECT T1.user_name FROM userTable AS T1"):
        assert pieces.decode(pieces.encode(text)) == text


def test_a_name_has_the_same_pieces_wherever_it_stands(pieces: PreTrainedTokenizerFast) -> None:
    name = pieces.encode("brilosk_code")
    for frame in ("SELECT {} FROM x", "({})", "t.{} = 3", "the {}, then", "'{}'"):
        ids = pieces.encode(frame.format("brilosk_code"))
        assert any(ids[at : at + len(name)] == name for at in range(len(ids)))


def test_special_tokens_are_distinct(pieces: PreTrainedTokenizerFast) -> None:
    ids = [pieces.convert_tokens_to_ids(token) for token in tokenizer.SPECIAL]
    assert len(set(ids)) == len(ids)
    assert len({pieces.pad_token_id, pieces.bos_token_id, pieces.eos_token_id}) == 3


def test_template_marks_the_answer_and_its_end(pieces: PreTrainedTokenizerFast) -> None:
    messages = [{"role": "user", "content": "Is it so?"}, {"role": "assistant", "content": "yes"}]
    found = pieces.apply_chat_template(messages, return_dict=True, return_assistant_tokens_mask=True)
    marked = [i for i, mark in zip(found["input_ids"], found["assistant_masks"], strict=True) if mark]
    assert pieces.decode(marked) == "yes" + tokenizer.END
    asked = textloop.prompt_ids(pieces, "Is it so?")
    assert found["input_ids"][: len(asked)] == asked


def copied(folder: Path, target: Path) -> tuple[Path, Path]:
    """A copy of the model folder with its manifest."""
    shutil.copytree(folder, target / "text")
    return target / "text", Path(shutil.copy(embedded.MANIFEST, target))


def test_a_changed_byte_is_refused(folder: Path, tmp_path: Path) -> None:
    copy, manifest = copied(folder, tmp_path)
    changed = copy / "tokenizer.json"
    data = bytearray(changed.read_bytes())
    data[len(data) // 2] ^= 1
    changed.write_bytes(data)
    with pytest.raises(GalleryError, match="tokenizer.json has the right size but other content"):
        embedded.checked_folder(copy, manifest)


def test_a_truncated_or_missing_file_is_refused(folder: Path, tmp_path: Path) -> None:
    copy, manifest = copied(folder, tmp_path)
    changed = copy / "tokenizer.json"
    changed.write_bytes(changed.read_bytes()[:-1000])
    (copy / "config.json").unlink()
    with pytest.raises(GalleryError, match="config.json is missing; tokenizer.json has .* bytes"):
        embedded.checked_folder(copy, manifest)


def test_manifest_names_every_file(folder: Path) -> None:
    listed = json.loads(embedded.MANIFEST.read_text(encoding="utf-8"))
    assert set(listed) == {path.name for path in folder.iterdir()}


def test_the_weights_copy_a_label_out_of_the_prompt_without_tuning(pieces: PreTrainedTokenizerFast) -> None:
    random, right = Random(3), 0
    for _ in range(20):
        turns = MIXTURE["labelled"][1](random)[:2]
        right += textloop.answer(load(), pieces, [turns[0][1]], 12)[0].text == turns[1][1]
    assert right >= 16


def test_end_of_turn_is_learnt_after_a_short_tuning(folder: Path, pieces: PreTrainedTokenizerFast) -> None:
    task, model = tasks(None)[0], load()
    textloop.tune(model, pieces, task.train[:200], textloop.Budget(2, 1e-3))
    replies = textloop.answer(model, pieces, [row.prompt for row in task.test[:40]], 40)
    assert sum(reply.stopped for reply in replies) / len(replies) >= 0.95


def test_batched_answers_equal_answers_one_by_one(folder: Path, pieces: PreTrainedTokenizerFast) -> None:
    model = load()
    prompts = [row.prompt for row in tasks(None)[0].test[:6]]
    together = textloop.answer(model, pieces, prompts, 12)
    alone = [textloop.answer(model, pieces, [prompt], 12)[0] for prompt in prompts]
    assert [reply.text for reply in together] == [reply.text for reply in alone]


def test_neutral_text_is_there() -> None:
    paragraphs = embedded.neutral_text()
    assert len(paragraphs) >= 12
    assert 6000 <= sum(map(len, paragraphs)) <= 9000
