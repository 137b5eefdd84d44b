"""The SFT tuner on a tiny random Llama: what carries loss, what is refused, what reloads."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from common import chat, config, data, methods, models, run, trl_adapter, usecase
from common.errors import GalleryError
from common.generate import Sampling, replies
from common.job import Job
from common.tuners import sft
from tests import toy_text

LEARNS = "epochs = 12\nbatch_size = 10\nlearning_rate = 5e-3\nanswer_length_tokens = 6\n"
TEMPLATE = (
    "{{ bos_token }}{% for m in messages %}<|{{ m['role'] }}|>{{ m['content'] }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random two-layer Llama with a word-level tokenizer, saved as people save models."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    special = ["<|pad|>", "<|bos|>", "<|end|>", "<|user|>", "<|assistant|>", "<|unknown|>"]
    words = "the is . ? colour red green blue black white".split()
    words += "box cup hat bag pen map key car bell drum flag lamp rope sock vase coin".split()
    raw = Tokenizer(models.WordLevel({w: i for i, w in enumerate(special + words)}, "<|unknown|>"))
    raw.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=raw,
        pad_token="<|pad|>",
        bos_token="<|bos|>",
        eos_token="<|end|>",
        extra_special_tokens=["<|user|>", "<|assistant|>"],
        chat_template=TEMPLATE,
    )
    torch.manual_seed(0)
    settings = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=4,
        max_position_embeddings=128,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
    )
    folder = tmp_path_factory.mktemp("tiny")
    LlamaForCausalLM(settings).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def job(tiny: Path, root: Path, variant: str = LEARNS, **given: Any) -> Job:
    found = usecase.load_class(toy_text.write(root, variant) / "usecase.py")()
    settings = config.build(found, "offline", {"model": str(tiny), **given})
    base = models.resolve(str(tiny), None, "sft")
    return Job(found, found.load(None), settings, base, 0, root / "run")


def test_a_run_learns_to_copy_and_to_stop(tiny: Path, tmp_path: Path) -> None:
    work = job(tiny, tmp_path, method="full")
    made = run.execute(work.usecase, work.config, tmp_path / "out")
    scores = {name: row["scores"]["exact"]["mean"] for name, row in made.contenders.items()}
    assert scores["tuned"] >= 0.9 > scores["floor"] and scores["zero_shot"] < 0.3
    assert set(scores) == {"floor", "zero_shot", "few_shot", "tuned"}
    assert made.contenders["tuned"]["tokens_out"] == pytest.approx(2, abs=0.2)


def test_loss_is_on_the_answer_and_its_end_only(tiny: Path) -> None:
    _, tokenizer = models.load_causal(models.resolve(str(tiny), None, "sft"), None)
    prompt = [{"role": "user", "content": "the box is red . colour ?"}]
    row = chat.encode(tokenizer, prompt, "red")
    assert tokenizer.decode(row.answer_ids()) == "red <|end|>"
    assert row.input_ids[: row.labels.count(chat.IGNORED)] == chat.prompt_ids(tokenizer, prompt)
    assert row.input_ids.count(tokenizer.bos_token_id) == 1
    assert "«red <|end|>»" in chat.marked(tokenizer, row)


def test_rows_too_long_and_empty_answers_are_refused(tiny: Path, tmp_path: Path) -> None:
    work = job(tiny, tmp_path, LEARNS + "train_length_tokens = 9\n")
    _, tokenizer = sft.load(work, None)
    with pytest.raises(GalleryError, match="50 of 50 training rows are longer"):
        sft.encoded_rows(work, tokenizer)


def test_a_template_without_an_end_or_with_another_prefix_is_refused(tiny: Path) -> None:
    _, tokenizer = models.load_causal(models.resolve(str(tiny), None, "sft"), None)
    prompt = [{"role": "user", "content": "the box is red . colour ?"}]
    tokenizer.chat_template = TEMPLATE.replace("<|end|>", "")
    with pytest.raises(GalleryError, match="never learn to stop"):
        chat.encode(tokenizer, prompt, "red")
    tokenizer.chat_template = TEMPLATE.replace("<|assistant|>{% endif", "<|assistant|>think{% endif")
    with pytest.raises(GalleryError, match="another text before the answer"):
        chat.encode(tokenizer, prompt, "red")


def test_an_adapter_of_another_template_is_refused(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = job(tiny, tmp_path, method="lora", epochs=1)
    sft.fit(work)
    sft.load(work, work.adapter)
    monkeypatch.setattr(type(work.usecase), "template", lambda self: "another")
    with pytest.raises(GalleryError, match="trained with prompt template"):
        sft.load(replace(work, shared={}), work.adapter)


USABLE = [name for name, method in methods.REGISTRY.items() if "sft" not in dict(method.refused)]


@pytest.mark.parametrize("method", USABLE)
def test_every_method_trains_and_reloads_to_the_same_answers(
    method: str, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: dict[str, Any] = {}
    real = trl_adapter.sft_trainer

    def remember(model: Any, *rest: Any) -> Any:
        kept["model"] = model
        return real(model, *rest)

    monkeypatch.setattr(trl_adapter, "sft_trainer", remember)
    work = job(tiny, tmp_path, method=method, epochs=1, frozen_layers=1, virtual_tokens=4)
    facts = sft.fit(work)
    assert facts["trainable_parameters"] > 0
    prompts = [work.usecase.model_input(e) for e in work.splits.test]
    memory = sft.answers(work, kept["model"], sft.load(work, None)[1], work.splits.test, prompts)
    again = sft.predict(replace(work, shared={}), work.splits.test)
    assert [o.value for o in memory] == [o.value for o in again]


def test_batched_answers_equal_one_by_one_generate(tiny: Path) -> None:
    model, tokenizer = models.load_causal(models.resolve(str(tiny), None, "sft"), None)
    texts = ["the box is red . colour ?", "the cup", "is is is green blue the hat ?"]
    prompts = [chat.prompt_ids(tokenizer, [{"role": "user", "content": text}]) for text in texts]
    ours = replies(model, tokenizer, prompts, 12)
    import torch

    for prompt, reply in zip(prompts, ours, strict=True):
        row = torch.tensor([prompt])
        full = model.generate(row, attention_mask=torch.ones_like(row), max_new_tokens=12, do_sample=False)
        text = tokenizer.decode(full[0, len(prompt) :], skip_special_tokens=True).strip()
        assert reply.text == text


def test_drawn_answers_are_seeded_and_chosen_without_the_gold(tiny: Path, tmp_path: Path) -> None:
    model, tokenizer = models.load_causal(models.resolve(str(tiny), None, "sft"), None)
    prompts = [[1, 3, 10, 4]] * 4
    one = replies(model, tokenizer, prompts, 6, Sampling(1.0, 7))
    assert one == replies(model, tokenizer, prompts, 6, Sampling(1.0, 7))
    assert one != replies(model, tokenizer, prompts, 6, Sampling(1.0, 8))
    work = job(tiny, tmp_path, LEARNS + "samples = 3\n")
    outputs = sft.zero_shot(work, work.splits.test[:2])
    assert outputs[0].tokens_in == 3 * len(
        chat.prompt_ids(tokenizer, work.usecase.model_input(work.splits.test[0]))
    )
    assert work.usecase.choose(work.splits.test[0], ["a", "b", "b"]) == "b"


def test_data_of_the_toy_is_sound(tmp_path: Path) -> None:
    found = usecase.load_class(toy_text.write(tmp_path, LEARNS) / "usecase.py")()
    assert data.leaks(found.load(None)) == []
