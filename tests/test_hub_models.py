"""The traps of models from the hub, on tiny random models of their shapes and with their templates."""

from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import pytest

from common import chat, config, hub_sizes, models, parity, parts, plan, run, trl_adapter, usecase
from common.generate import replies
from common.job import Job
from common.tuners import classify, embed
from tests import tiny_hub, toy_text

ASKED = [{"role": "user", "content": "the box is red . colour ?"}]
VARIANT = "batch_size = 16\ntrain_length_tokens = 400\nanswer_length_tokens = 5\nrank = 4\nshots = 1\n"


@pytest.fixture(scope="session", params=list(tiny_hub.SHAPES))
def shape(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    return request.param, tiny_hub.chat_model(request.param, tmp_path_factory.mktemp(request.param))


def loaded(folder: Path) -> tuple[Any, Any]:
    return models.load_causal(models.resolve(str(folder), None, "sft"), None)


def test_training_and_inference_write_the_same_prompt_with_one_start_and_a_learnt_end(
    shape: tuple[str, Path],
) -> None:
    name, folder = shape
    model, tokenizer = loaded(folder)
    assert str(model.dtype) == "torch.float32"
    asked = chat.prompt_ids(tokenizer, ASKED)
    row = chat.encode(tokenizer, {"prompt": ASKED, "completion": " red "})
    assert row.input_ids[: len(asked)] == asked and row.labels[: len(asked)] == [chat.IGNORED] * len(asked)
    answer = tokenizer.decode(row.answer_ids())
    end = next(token for token in tiny_hub.SHAPES[name].ends if answer.endswith(token))
    assert answer.removesuffix(end).strip() == "red" and "think" not in answer
    assert row.answer_ids().count(tokenizer.convert_tokens_to_ids(end)) == 1
    assert tokenizer.convert_tokens_to_ids(end) == row.answer_ids()[-1]
    shaped = tiny_hub.SHAPES[name]
    if shaped.bos and shaped.bos not in shaped.marks and shaped.bos not in shaped.ends + ("<|im_start|>",):
        expected = int(shaped.adds_bos)
        assert asked.count(tokenizer.bos_token_id) == expected == int(asked[0] == tokenizer.bos_token_id)
    empty_thought = tokenizer.decode(asked).rstrip().endswith("<think>\n\n</think>")
    assert empty_thought == (name in ("qwen3", "smollm3"))


def test_the_prompt_is_the_same_on_another_day(
    shape: tuple[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    import datetime

    from transformers.utils import chat_template_utils

    class Later(datetime.datetime):
        @classmethod
        def now(cls, tz: Any = None) -> "Later":
            return cls(2031, 7, 7)

    _, tokenizer = loaded(shape[1])
    before = chat.prompt_ids(tokenizer, ASKED)
    monkeypatch.setattr(chat_template_utils, "datetime", Later)
    assert chat.prompt_ids(tokenizer, ASKED) == before
    assert "2031" not in tokenizer.decode(before)


def test_cached_batched_answers_are_those_of_generate(shape: tuple[str, Path]) -> None:
    import torch

    model, tokenizer = loaded(shape[1])
    texts = ["the box is red . colour ?", "the cup", "is is is green blue the hat ? " * 3]
    prompts = [chat.prompt_ids(tokenizer, [{"role": "user", "content": text}]) for text in texts]
    for prompt, reply in zip(prompts, replies(model, tokenizer, prompts, 8), strict=True):
        row = torch.tensor([prompt])
        full = model.generate(row, attention_mask=torch.ones_like(row), max_new_tokens=8, do_sample=False)
        assert reply.text == tokenizer.decode(full[0, len(prompt) :], skip_special_tokens=True).strip()


def test_a_conversation_is_learnt_turn_by_turn_as_it_will_be_asked(shape: tuple[str, Path]) -> None:
    _, tokenizer = loaded(shape[1])
    said = [*ASKED, {"role": "assistant", "content": "red"}, {"role": "user", "content": "the cup ?"}]
    row = {"prompt": ASKED, "completion": [*said[1:], {"role": "assistant", "content": "blue"}]}
    found = chat.pieces(tokenizer, row)
    assert len(found) == (2 if shape[0] == "qwen3" else 1)
    last = chat.prompt_ids(tokenizer, said)
    assert found[-1].input_ids[: len(last)] == last and found[-1].labels[len(last) - 1] == chat.IGNORED
    learnt = "".join(tokenizer.decode(piece.answer_ids()) for piece in found)
    assert "red" in learnt and "blue" in learnt and "cup" not in learnt


def test_rows_packed_behind_each_other_do_not_see_each_other(shape: tuple[str, Path], tmp_path: Path) -> None:
    """As on a GPU, where several rows share one line of a batch."""
    import torch

    model, tokenizer = loaded(shape[1])
    things = "box cup hat bag key the is red green".split()
    rows = [
        chat.encode(tokenizer, {"prompt": [{"role": "user", "content": f"the {thing}"}], "completion": thing})
        for thing in things
    ]
    alone = [
        trl_adapter.answer_loss(model, torch.tensor([r.input_ids]), torch.tensor([r.labels]), 1) for r in rows
    ]
    settings = {
        "output_dir": str(tmp_path),
        "use_cpu": False,
        "bf16": False,
        "report_to": [],
    }
    settings |= {"per_device_train_batch_size": len(rows)}
    engine = trl_adapter.sft_trainer(model, tokenizer, rows, settings, [])
    (batch,) = list(engine.get_train_dataloader())
    assert batch["input_ids"].shape[0] == 1 and (batch["position_ids"] == 0).sum() == len(rows)
    learnt = int((batch["labels"] != chat.IGNORED).sum())
    with torch.no_grad():
        packed = float(engine.compute_loss(engine.model.eval(), batch))
    assert packed * learnt == pytest.approx(float(sum(alone)), rel=1e-4)


def test_data_to_merged_model_through_the_gallery(shape: tuple[str, Path], tmp_path: Path) -> None:
    from safetensors import safe_open

    name, folder = shape
    found = usecase.load_class(toy_text.write(tmp_path, VARIANT) / "usecase.py")()
    settings = config.build(found, "offline", {"model": str(folder), "smoke": True})
    made = run.execute(found, settings, tmp_path / "out")
    assert set(made.contenders) == {"floor", "zero_shot", "few_shot", "tuned"}
    assert made.training["steps"] > 0 and made.base["id"] == str(folder)

    base = models.resolve(str(folder), None, "sft")
    splits = parts.smoke_sample(found.load(None))
    job = Job(found, splits, settings, base, 0, tmp_path / "out" / "seed-0")
    with safe_open(job.adapter / "adapter_model.safetensors", "pt") as file:
        names = list(file.keys())
    assert names and not [key for key in names if "embed" in key or "lm_head" in key]
    (tmp_path / "merged").mkdir()
    merged = parity.beside(job, tmp_path / "merged")
    answers = [o.value for o in parity.answered(job, splits.test[:4])]
    form = partial(parity.merge_and_keep, job, merged.adapter)
    assert [o.value for o in parity.answered(job, splits.test[:4], form)] == answers
    assert [o.value for o in parity.answered(replace(merged, shared={}), splits.test[:4])] == answers


@cache
def search_case() -> tuple[usecase.UseCase, usecase.Splits, list[str]]:
    """The search use case, its data and a few of its passages, made once."""
    found = usecase.find("knowledge_search")
    splits = found.load(None)
    return found, splits, list(splits.documents.values())[:40]


def small_search(folder: Path, root: Path) -> Job:
    """The search use case with a few questions and the passages that answer them."""
    found, loaded, _ = search_case()
    given = {"model": str(folder), "method": "lora", "learning_rate": 5e-4, "batch_size": 16, "epochs": 1}
    settings = config.build(found, "offline", given)
    splits = parts.smoke_sample(loaded, train=32, val=8, test=8)
    wanted = {i for e in (*splits.train, *splits.val, *splits.test) for i in e.answer}
    texts = {i: text for i, text in splits.documents.items() if i in wanted}
    base = models.resolve(str(folder), None, "embed")
    return Job(found, replace(splits, documents=texts), settings, base, 0, root / "seed-0")


@pytest.mark.parametrize("name", list(tiny_hub.QUERY_PROMPTS))
def test_encoders_keep_their_prompts_and_answer_alike_once_merged(name: str, tmp_path: Path) -> None:
    import numpy as np

    texts = search_case()[2]
    job = small_search(tiny_hub.encoder(name, tmp_path, texts), tmp_path)
    raw = models.load_encoder(job.base, None, job.config.input_length_tokens)
    assert str(next(raw.parameters()).dtype) == "torch.float32"
    written = raw.encode([tiny_hub.QUERY_PROMPTS[name] + texts[0]], prompt="", normalize_embeddings=True)
    assert np.allclose(embed.load(job, None).queries([texts[0]]), written, atol=1e-5)

    facts = embed.fit(job)
    assert facts["steps"] >= 2 and 0 < facts["trainable_parameters"] < facts["total_parameters"]
    tuned = embed.load(job, job.adapter)
    vectors = tuned.queries(texts)
    assert np.abs(vectors - embed.load(job, None).queries(texts)).max() > 1e-4
    assert np.allclose(embed.load(job, job.adapter).queries(texts), vectors, atol=1e-6)
    (tmp_path / "merged").mkdir()
    merged = parity.beside(job, tmp_path / "merged")
    assert np.allclose(parity.merge_and_keep(job, merged.adapter, tuned).queries(texts), vectors, atol=1e-5)
    assert np.allclose(embed.load(merged, merged.adapter).queries(texts), vectors, atol=1e-5)


@pytest.mark.parametrize("name", list(tiny_hub.QUERY_PROMPTS))
def test_encoders_learn_to_classify_and_reload_to_the_same_answers(name: str, tmp_path: Path) -> None:
    case = usecase.find("legal_clauses")
    splits = parts.smoke_sample(case.load(None), train=48, val=8, test=8)
    folder = tiny_hub.encoder(name, tmp_path, [case.model_input(e) for e in splits.train])
    settings = config.build(case, "offline", {"model": str(folder), "method": "lora", "epochs": 1, "rank": 4})
    job = Job(case, splits, settings, models.resolve(str(folder), None, "classify"), 0, tmp_path / "seed-0")
    facts = classify.fit(job)
    assert facts["steps"] == 3 and 0 < facts["trainable_parameters"] < facts["total_parameters"]
    answers = [output.value for output in classify.predict(job, splits.test)]
    assert [o.value for o in classify.predict(replace(job, shared={}), splits.test)] == answers
    model = models.load_tuned_classifier(job.base, job.labels, job.adapter)[0]
    assert str(next(model.parameters()).dtype) == "torch.float32"


TEXT_MODELS = """HuggingFaceTB/SmolLM2-135M-Instruct HuggingFaceTB/SmolLM2-360M-Instruct Qwen/Qwen3-0.6B
Qwen/Qwen3-1.7B google/gemma-3-270m-it google/gemma-3-1b-it microsoft/Phi-4-mini-instruct
HuggingFaceTB/SmolLM3-3B""".split()
ENCODERS = """BAAI/bge-small-en-v1.5 BAAI/bge-base-en-v1.5 google/embeddinggemma-300m
Qwen/Qwen3-Embedding-0.6B""".split()


@pytest.mark.parametrize("name", usecase.names())
def test_every_use_case_offers_the_hub_models_of_its_kind(name: str) -> None:
    case = usecase.find(name)
    offered = {config.read_variant(case, variant).get("model") for variant in config.variants(case)}
    tuners = {config.build(case, variant, {"data": "given"}).tuner for variant in config.variants(case)}
    wanted = set(TEXT_MODELS) if tuners & {"sft", "preference"} else set()
    multilingual = ENCODERS[2:] if name == "indic_adaptation" else ENCODERS
    wanted |= set(multilingual) if case.tuner in ("embed", "classify") else set()
    assert wanted <= offered and (wanted or case.tuner == "vision")


def test_every_variant_of_a_hub_model_says_what_a_run_needs() -> None:
    found = 0
    for name in usecase.names():
        case = usecase.find(name)
        for variant in config.variants(case):
            layers = config.read_variant(case, variant)
            if not models.is_hub_id(layers.get("model", "embedded")):
                continue
            found += 1
            built = config.build(case, variant, {"data": "given"})
            assert {"about", "method", "batch_size"} <= set(layers), (name, variant)
            if built.method != "head":
                assert {"epochs", "learning_rate"} <= set(layers), (name, variant)
            lengths = {"train_length_tokens", "answer_length_tokens", "input_length_tokens"}
            assert built.tuner == "vision" or lengths & set(layers), (name, variant)
            assert built.revision or "GPU" in built.about, (name, variant)
            is_usual = built.model in (*TEXT_MODELS, *ENCODERS)
            assert hub_sizes.gigabytes(built) or not is_usual, f"{built.model}: common/hub_sizes.py lacks it"
    assert found >= 40


def test_what_a_hub_model_needs_before_a_step_is_what_the_plan_counts() -> None:
    def asked(**settings: Any) -> float:
        return hub_sizes.gigabytes(config.RunConfig(model="Qwen/Qwen3-0.6B", **settings))

    weights = 0.596
    full = sum(plan.WHOLE_BYTES.values()) * weights
    assert asked(tuner="sft", method="full") == pytest.approx(full)
    assert asked(tuner="sft", method="lora") == pytest.approx(plan.HALF_BYTES["weights"] * weights)
    assert asked(tuner="sft", method="qlora") == pytest.approx(plan.PACKED_BYTES * weights)
    assert asked(tuner="embed", method="lora") == pytest.approx(4 * weights), "encoders stay in fp32"
    assert hub_sizes.told(config.RunConfig(model="org/unknown", tuner="sft")) == ""
