"""The SFT tuner on a tiny random Llama: what carries loss, what is refused, what reloads."""

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from common import answering, chat, config, data, lessons, methods, models, run, trl_adapter, usecase
from common.errors import GalleryError
from common.evaluate_text import answer_bits, likeliest
from common.generate import Sampling, replies
from common.job import Job
from common.tuners import sft
from tests import toy_text

SHORT = "epochs = 1\nbatch_size = 10\nanswer_length_tokens = 6\n"
LEARNS = "epochs = 12\nbatch_size = 10\nlearning_rate = 5e-3\nanswer_length_tokens = 6\n"


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
    row = chat.encode(tokenizer, {"prompt": prompt, "completion": "red"})
    assert tokenizer.decode(row.answer_ids()) == "red <|end|>"
    assert row.input_ids[: row.labels.count(chat.IGNORED)] == chat.prompt_ids(tokenizer, prompt)
    assert row.input_ids.count(tokenizer.bos_token_id) == 1
    assert "«red <|end|>»" in chat.marked(tokenizer, row)


def test_rows_too_long_and_empty_answers_are_refused(tiny: Path, tmp_path: Path) -> None:
    work = job(tiny, tmp_path, LEARNS + "train_length_tokens = 9\n")
    _, tokenizer = sft.load(work, None)
    with pytest.raises(GalleryError, match="50 of 50 training rows are longer"):
        lessons.of_training(work, tokenizer)
    short = LEARNS.replace("answer_length_tokens = 6", "answer_length_tokens = 1")
    with pytest.raises(
        GalleryError, match="50 of 50 training answers are longer than answer_length_tokens = 1"
    ):
        lessons.of_training(job(tiny, tmp_path / "short", short), tokenizer)


def test_a_template_without_an_end_or_with_another_prefix_is_refused(tiny: Path) -> None:
    _, tokenizer = models.load_causal(models.resolve(str(tiny), None, "sft"), None)
    prompt = [{"role": "user", "content": "the box is red . colour ?"}]
    tokenizer.chat_template = toy_text.TEMPLATE.replace("<|end|>", "")
    with pytest.raises(GalleryError, match="never learn to stop"):
        chat.encode(tokenizer, {"prompt": prompt, "completion": "red"})
    tokenizer.chat_template = toy_text.TEMPLATE.replace("<|assistant|>{% endif", "<|assistant|>think{% endif")
    with pytest.raises(GalleryError, match="another text before the answer"):
        chat.encode(tokenizer, {"prompt": prompt, "completion": "red"})


def conversation(*answers: str) -> dict[str, Any]:
    """A training row with one question per answer."""
    asked = [{"role": "user", "content": "the box is red . colour ?"}]
    said: list[dict[str, str]] = []
    for answer in answers:
        said += [{"role": "assistant", "content": answer}, {"role": "user", "content": "the cup ?"}]
    return {"prompt": asked, "completion": said[:-1]}


def test_every_answer_of_a_conversation_is_learnt_as_it_will_be_asked(tiny: Path) -> None:
    _, tokenizer = models.load_causal(models.resolve(str(tiny), None, "sft"), None)
    given = conversation("red", "green", "blue")
    row = chat.encode(tokenizer, given)
    assert tokenizer.decode(row.answer_ids()) == "red <|end|> green <|end|> blue <|end|>"
    for turn in (1, 2):
        asked = chat.prompt_ids(tokenizer, [*given["prompt"], *given["completion"][: 2 * turn]])
        assert row.input_ids[: len(asked)] == asked
        assert row.labels[len(asked)] == row.input_ids[len(asked)] != chat.IGNORED
        assert row.labels[len(asked) - 1] == chat.IGNORED
    assert chat.marked(tokenizer, row).count("«") == 3
    assert chat.completion_of(given) == "red"


def test_conversations_that_cannot_be_learnt_are_refused(tiny: Path) -> None:
    _, tokenizer = models.load_causal(models.resolve(str(tiny), None, "sft"), None)
    ends_with_user = conversation("red", "green")
    ends_with_user["completion"].append({"role": "user", "content": "the cup"})
    with pytest.raises(GalleryError, match="must end with an assistant message"):
        chat.encode(tokenizer, ends_with_user)
    with pytest.raises(GalleryError, match="plain text prompt has one answer"):
        chat.encode(tokenizer, {**conversation("red", "green"), "prompt": "the box"})
    shortens = "(m['content'] if loop.last or m['role'] == 'user' else '?')"
    tokenizer.chat_template = toy_text.TEMPLATE.replace("m['content']", shortens)
    with pytest.raises(GalleryError, match="writes an earlier answer differently"):
        chat.encode(tokenizer, conversation("red", "green"))


def test_conversations_without_a_chat_template_are_learnt_too(tiny: Path) -> None:
    _, tokenizer = models.load_causal(models.resolve(str(tiny), None, "sft"), None)
    tokenizer.chat_template = None
    row = chat.encode(tokenizer, conversation("red", "green"))
    assert tokenizer.decode(row.answer_ids()) == "red <|end|> green <|end|>"


def test_the_loss_is_that_of_the_model_itself(tiny: Path) -> None:
    import torch

    model, tokenizer = models.load_causal(models.resolve(str(tiny), None, "sft"), None)
    rows = [chat.encode(tokenizer, conversation("red")), chat.encode(tokenizer, conversation("red", "blue"))]
    longest = max(len(row.input_ids) for row in rows)
    tokens = torch.tensor([r.input_ids + [0] * (longest - len(r.input_ids)) for r in rows])
    labels = torch.tensor([r.labels + [chat.IGNORED] * (longest - len(r.labels)) for r in rows])
    mask = (tokens != 0).long()
    plain = model(input_ids=tokens, attention_mask=mask, labels=labels).loss
    ours = trl_adapter.answer_loss(model, tokens, labels, None)
    assert torch.allclose(ours, plain, atol=1e-6)
    assert model(input_ids=tokens).logits.shape[:2] == tokens.shape


def test_batches_hold_like_lengths_and_every_row_once() -> None:
    lengths = [10 * (row % 7) + row % 3 for row in range(103)]
    order = trl_adapter.LikeLengths(lengths, 8, seed=0)
    first = list(order)
    assert sorted(first) == list(range(103)) and list(order) == first
    batches = [first[at : at + 8] for at in range(0, 96, 8)]
    wasted = sum(max(lengths[r] for r in b) * 8 - sum(lengths[r] for r in b) for b in batches)
    assert wasted < 0.15 * sum(lengths)
    means = [sum(lengths[r] for r in batch) for batch in batches]
    assert means != sorted(means) and means != sorted(means, reverse=True)
    order.set_epoch(1)
    assert list(order) != first


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
def test_every_method_trains_and_reloads_to_the_same_model(
    method: str, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    kept: dict[str, Any] = {}
    real = trl_adapter.sft_trainer

    def remember(model: Any, *rest: Any) -> Any:
        kept["model"] = model
        return real(model, *rest)

    monkeypatch.setattr(trl_adapter, "sft_trainer", remember)
    work = job(tiny, tmp_path, method=method, epochs=1, frozen_layers=1, virtual_tokens=4, rank=4)
    facts = sft.fit(work)
    assert facts["trainable_parameters"] > 0 and facts["steps"] == 5
    base, tokenizer = sft.load(work, None)
    again, _ = sft.load(replace(work, shared={}), work.adapter)
    tokens = torch.tensor([chat.prompt_ids(tokenizer, work.usecase.model_input(work.splits.test[0]))])
    with torch.inference_mode():
        start, memory, loaded = (
            model.eval()(input_ids=tokens).logits[:, -1] for model in (base, kept["model"], again)
        )
    assert torch.allclose(memory, loaded, atol=1e-5)
    assert not torch.allclose(memory, start, atol=1e-5)


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


def test_the_likeliest_option_is_that_of_the_model_itself(tiny: Path) -> None:
    import torch

    model, tokenizer = models.load_causal(models.resolve(str(tiny), None, "sft"), None)
    prompt = chat.prompt_ids(tokenizer, [{"role": "user", "content": "the box is red . colour ?"}])
    options = ["red", "green blue", "black black black"]

    def nats(option: str) -> float:
        ids = tokenizer(option, add_special_tokens=False)["input_ids"]
        logits = model(input_ids=torch.tensor([[*prompt, *ids]])).logits[0].log_softmax(-1)
        return sum(float(logits[len(prompt) - 1 + place, token]) for place, token in enumerate(ids))

    assert likeliest(model, tokenizer, prompt, options) == max(options, key=nats)
    longest_first = sorted(options, key=lambda option: -len(option))
    assert likeliest(model, tokenizer, prompt, longest_first) == max(options, key=nats)


def test_bits_of_an_answer_count_its_learnt_tokens_alone(tiny: Path) -> None:
    import torch

    model, tokenizer = models.load_causal(models.resolve(str(tiny), None, "sft"), None)
    row = chat.encode(tokenizer, {"prompt": "the box is", "completion": " red"})
    logits = model(input_ids=torch.tensor([row.input_ids])).logits[0].log_softmax(-1)
    first = len(row.input_ids) - len(row.answer_ids())
    nats = sum(float(logits[first - 1 + place, token]) for place, token in enumerate(row.answer_ids()))
    assert answer_bits(model, row.input_ids, row.labels) == pytest.approx(-nats / math.log(2), rel=1e-4)


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


def test_four_bit_weights_are_packed_counted_and_refused_where_the_library_is_missing(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import importlib.util

    from common import plan

    work = job(tiny, tmp_path, method="qlora", epochs=1, rank=4)
    facts = sft.fit(work)
    whole, _ = models.load_causal(work.base, None)
    added = facts["trainable_parameters"]
    assert facts["total_parameters"] == sum(p.numel() for p in whole.parameters()) + added
    linear = [m for name, m in whole.named_modules() if name.endswith("_proj")]
    assert facts["packed_parameters"] == sum(m.weight.numel() for m in linear)
    held = plan.memory(facts, work.config, gpu=True)["weights"]
    plain = plan.memory({**facts, "packed_parameters": 0}, work.config, gpu=True)["weights"]
    assert plain - held == pytest.approx((2 - plan.PACKED_BYTES) * facts["packed_parameters"])
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(GalleryError, match="needs bitsandbytes, which is not installed"):
        models.load_causal(work.base, None, four_bits=True)


@pytest.mark.parametrize("model", [models.RANDOM, models.CHARACTERS])
def test_weights_that_are_drawn_are_not_held_in_four_bits(model: str, tiny: Path, tmp_path: Path) -> None:
    work = job(tiny, tmp_path, method="qlora")
    settings = work.config.model_copy(update={"model": model})
    with pytest.raises(GalleryError, match="'qlora' holds stored weights in 4 bits"):
        run.execute(work.usecase, settings, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_values_computed_again_on_the_way_back_train_the_same_model(tiny: Path, tmp_path: Path) -> None:
    import torch
    from torch.nn.modules.module import register_module_forward_hook

    weights, forwards = {}, {}
    for again in (False, True):
        work = job(tiny, tmp_path / str(again), SHORT, checkpointing=again)
        seen: list[str] = []
        counted = register_module_forward_hook(
            lambda module, *_, seen=seen: seen.append(type(module).__name__) if module.training else None
        )
        sft.fit(work)
        counted.remove()
        forwards[again] = seen.count("LlamaAttention")
        weights[again] = dict(sft.load(work, work.adapter)[0].named_parameters())
    assert forwards[True] == 2 * forwards[False] > 0
    for name, weight in weights[False].items():
        assert torch.allclose(weight, weights[True][name], atol=1e-6), name


def test_dora_gives_rows_of_zeros_a_direction_and_changes_nothing_else(tiny: Path) -> None:
    import torch

    model, tokenizer = models.load_causal(models.resolve("embedded", None, "sft"), None)
    ids = torch.tensor([tokenizer("The weight of a parcel is what its clerk wrote on it.")["input_ids"]])
    zeros = {
        name: (weight.norm(dim=1) == 0).sum() for name, weight in model.named_parameters() if weight.dim() > 1
    }
    assert sum(zeros.values()) > 0, "the embedded base has rows without weight, on which DoRA came to nothing"
    before = model(ids).logits.detach()
    made = methods.apply(model, config.RunConfig(method="dora"), "sft", "CAUSAL_LM")
    after = made(ids).logits
    assert torch.allclose(before, after, atol=1e-3)
    after.sum().backward()
    assert all(weight.grad.isfinite().all() for weight in made.parameters() if weight.grad is not None)
    assert torch.allclose(made.merge_and_unload()(ids).logits, after, atol=1e-3)


def test_steps_are_compiled_where_that_is_asked_for(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    backends: list[str] = []  # to compile takes minutes on a CPU, so it is only seen to be asked for
    monkeypatch.setattr(torch, "compile", lambda model, **given: backends.append(given["backend"]) or model)
    for compiled in (False, True):
        assert backends == []
        sft.fit(job(tiny, tmp_path / str(compiled), SHORT, compiled=compiled))
    assert backends == ["inductor"]


def test_flash_attention_is_asked_for_where_its_package_is(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from transformers import PreTrainedModel

    case, asked = usecase.find("support_chatbot"), []
    for there in (None, "a package"):
        monkeypatch.setattr(config, "find_spec", lambda name, there=there: there)
        assert config.build(case, "offline", {"model": "org/name"}).flash_attention == bool(there)
        assert not config.build(case, "offline", {}).flash_attention
    monkeypatch.setattr(PreTrainedModel, "set_attn_implementation", lambda _, name: asked.append(name))
    sft.fit(job(tiny, tmp_path / "32", SHORT, flash_attention=True))
    assert asked == [], "it reads 16 bits alone"
    monkeypatch.setattr(sft, "start", lambda job: halved(*answering.start(job)))
    sft.fit(job(tiny, tmp_path / "16", SHORT, flash_attention=True, method="lora"))
    assert asked == ["flash_attention_2"]


def halved(model: Any, tokenizer: Any) -> tuple[Any, Any]:
    import torch

    return model.to(torch.bfloat16), tokenizer
