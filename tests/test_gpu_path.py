"""What a GPU run does otherwise, on a CPU: a base in 16 bits, products in 16 bits, rows packed in a line."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from common import answering, config, cores, methods, models, trainer, trl_adapter, usecase
from common.job import Job
from common.tuners import preference, sft
from tests import test_preference, tiny_hub, toy_text

VARIANT = "batch_size = 8\ntrain_length_tokens = 400\nanswer_length_tokens = 5\nrank = 4\nfrozen_layers = 1\n"


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_hub.chat_model("qwen3", tmp_path_factory.mktemp("qwen3"))


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[tuple[set[str], set[str]]]:
    """Puts a CPU in the place of a GPU; gives the types of weights that rest and that learn, by training."""
    import torch
    from transformers import training_args

    found: list[tuple[set[str], set[str]]] = []
    load, arguments, train = models.load_causal, trainer.arguments, trainer.train

    def in_halves(*given: Any) -> tuple[Any, Any]:
        model, tokenizer = load(*given)
        return model.to(torch.bfloat16), tokenizer

    def as_there(job: Job, rows: int) -> dict[str, Any]:
        return {**arguments(job, rows), "bf16": True, "use_cpu": False}

    def watched(engine: Any, *given: Any) -> float:
        found.append(types_of(engine.model))
        return train(engine, *given)

    for place in (models, answering, preference):
        monkeypatch.setattr(place, "load_causal", in_halves)
    monkeypatch.setattr(trainer, "arguments", as_there)
    monkeypatch.setattr(trainer, "train", watched)
    monkeypatch.setattr(cores, "on_gpu", lambda: True)
    monkeypatch.setattr(torch.cuda, "reset_peak_memory_stats", lambda: None)
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda: 7)
    monkeypatch.setattr(training_args, "is_torch_bf16_gpu_available", lambda: True)
    return found


TEXT_METHODS = [m.name for m in methods.REGISTRY.values() if "sft" not in dict(m.refused)]


def types_of(model: Any) -> tuple[set[str], set[str]]:
    """The types of weights that rest and of those that learn."""
    types: dict[bool, set[str]] = {True: set(), False: set()}
    for weight in model.parameters():
        types[weight.requires_grad].add(str(weight.dtype).removeprefix("torch."))
    return types[False], types[True]


@pytest.mark.parametrize("method", [name for name in TEXT_METHODS if name != "qlora"])
def test_what_learns_is_held_in_32_bits(method: str, base: Path) -> None:
    import torch

    model, _ = models.load_causal(models.resolve(str(base), None, "sft"), None)
    settings = config.RunConfig(method=method, tuner="sft", rank=4, frozen_layers=1)
    made = methods.apply(model.to(torch.bfloat16), settings, "sft", "CAUSAL_LM")
    resting, learning = types_of(methods.learn_whole(made, settings))
    assert learning == {"float32"}, "small steps are lost in 16 bits"
    assert resting <= ({"float32"} if method in methods.OWN_WEIGHTS else {"bfloat16", "float32"})
    assert ("bfloat16" in resting) == (method not in methods.OWN_WEIGHTS)


@pytest.mark.parametrize("method", ["full", "norms", "lora", "prompt"])
def test_it_trains_and_answers(
    method: str, base: Path, seen: list[tuple[set[str], set[str]]], tmp_path: Path
) -> None:
    found = usecase.load_class(toy_text.write(tmp_path, VARIANT) / "usecase.py")()
    given = {"model": str(base), "method": method, "epochs": 2, "rehearsal": 3, "learning_rate": 1e-3}
    settings = config.build(found, "offline", given)
    job = Job(found, found.load(None), settings, models.resolve(str(base), None, "sft"), 0, tmp_path / "run")
    facts = sft.fit(job)
    assert [learning for _, learning in seen] == [{"float32"}]
    assert not facts["diverged"] and facts["steps"] > 4 and facts["peak_memory_bytes"] == 7
    model, _ = answering.load(replace(job, shared={}), job.adapter)
    assert "bfloat16" in str({p.dtype for p in model.parameters()})
    assert len(sft.predict(replace(job, shared={}), job.splits.test[:4])) == 4


@pytest.mark.parametrize(("method", "resting"), [("full", set()), ("lora", {"bfloat16"})])
def test_preferences_learn_in_32_bits_too(
    method: str, resting: set[str], base: Path, seen: list[tuple[set[str], set[str]]], tmp_path: Path
) -> None:
    job = test_preference.job(base, tmp_path, loss="sigmoid", method=method)
    assert not preference.fit(job)["diverged"]
    assert seen == [(set(), {"float32"}), (resting, {"float32"})]


@pytest.mark.parametrize(("model", "dtype"), [("embedded", "float32"), ("a folder", "bfloat16")])
def test_the_embedded_base_is_the_same_on_both(
    model: str, dtype: str, base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch
    import transformers

    class Loaded(Exception):
        pass

    def loads(*_: Any, **settings: Any) -> None:
        raise Loaded(str(settings["dtype"]))

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(transformers.AutoModelForCausalLM, "from_pretrained", loads)
    with pytest.raises(Loaded, match=dtype):
        models.load_causal(models.resolve(model if model == "embedded" else str(base), None, "sft"), None)


@pytest.mark.parametrize(
    ("method", "packed"), [("lora", True), ("prompt", False), ("p-tuning", False), ("prefix", False)]
)
def test_rows_are_packed_where_each_keeps_its_places(
    method: str, packed: bool, base: Path, seen: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kinds = []
    built = trl_adapter.built

    def noted(kind: type, settings: Any, *given: Any, **more: Any) -> Any:
        kinds.append((kind.__name__, settings.packing, settings.bf16))
        return built(kind, settings, *given, **more)

    monkeypatch.setattr(trl_adapter, "built", noted)
    found = usecase.load_class(toy_text.write(tmp_path, VARIANT) / "usecase.py")()
    settings = config.build(found, "offline", {"model": str(base), "method": method})
    job = Job(found, found.load(None), settings, models.resolve(str(base), None, "sft"), 0, tmp_path / "run")
    sft.fit(job)
    assert kinds == [("SFTTrainer" if packed else "CpuTrainer", packed, True)] and len(seen) == 1
