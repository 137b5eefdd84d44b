"""Every kind of run on a pretended GPU: nothing stays behind on the CPU, and results are fetched from it."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import ViTConfig, ViTImageProcessor, ViTModel

from common import config, models, onnx_form, parity, run, usecase
from common.job import Job
from common.parts import smoke_sample
from common.tuners import embed, preference, vision, vlm
from tests import pretended_gpu, test_preference, test_surface_defects_written, test_vision, toy, toy_text

BALANCED = 'method = "{}"\nclasses_balanced = true\nepochs = 1\nbatch_size = 8\n'
TEXT = "epochs = 3\nbatch_size = 8\nlearning_rate = 1e-3\nanswer_length_tokens = 6\nrank = 4\nrehearsal = 3\n"
BASE = models.resolve("embedded", None, "embed")


@pytest.fixture(autouse=True)
def gpu(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    pretended_gpu.install(monkeypatch)
    with pretended_gpu.PretendedGpu():
        yield
    pretended_gpu.forget()


def test_what_was_left_behind_is_caught() -> None:
    there, here = torch.ones(2, 2).to("cuda"), torch.ones(2, 2)
    assert there.device.type == "cuda" and here.device.type == "cpu" and there.cpu().device.type == "cpu"
    assert (there + torch.zeros(2, 2, device="cuda") + 1).device == there.device
    for wrong in (lambda: there @ here, lambda: torch.cat([here, there]), lambda: here[there.long()]):
        with pytest.raises(RuntimeError, match="two devices"):
            wrong()
    with pytest.raises(TypeError, match="copy it to the CPU"):
        there.numpy()
    layer = torch.nn.Linear(2, 2).to("cuda")
    layer(there).sum().backward()
    assert layer.weight.grad is not None and layer.weight.grad.device.type == "cuda"
    with pytest.raises(RuntimeError, match="two devices"):
        layer(here)


@pytest.mark.parametrize("method", ["full", "lora", "head"])
def test_a_classifier_whose_rare_labels_weigh_more(method: str, tmp_path: Path) -> None:
    found = usecase.load_class(toy.write(tmp_path, variant=BALANCED.format(method)) / "usecase.py")()
    made = run.execute(found, config.build(found, "offline", {}), tmp_path / "run")
    assert made.environment["device"] == "pretended GPU" and "tuned" in made.contenders


@pytest.mark.parametrize("method", ["full", "lora", "prompt"])
def test_a_text_model(method: str, tiny: Path, tmp_path: Path) -> None:
    found = usecase.load_class(toy_text.write(tmp_path, TEXT) / "usecase.py")()
    given = {"model": str(tiny), "method": method, "optimizer": "muon" if method == "full" else "adamw"}
    made = run.execute(found, config.build(found, "offline", given), tmp_path / "run")
    assert made.training["peak_memory_bytes"] == 7 and "tuned" in made.contenders


@pytest.mark.parametrize("loss", ["sigmoid", "grpo", "reward"])
def test_preferences(loss: str, tiny: Path, tmp_path: Path) -> None:
    work = test_preference.job(tiny, tmp_path, loss=loss, method="lora")
    assert not preference.fit(work)["diverged"]
    assert len(preference.predict(replace(work, shared={}), work.splits.test[:4])) == 4


@pytest.mark.parametrize("method", ["full", "lora", "head"])
def test_an_encoder(method: str, tmp_path: Path) -> None:
    found = usecase.find("knowledge_search")
    settings = config.build(found, "offline", {"method": method, "epochs": 1, "batch_size": 8})
    few = smoke_sample(found.load(None), train=16, val=4, test=4)
    job = Job(found, few, settings, BASE, 0, tmp_path)
    embed.fit(job)
    vectors = embed.load(replace(job, shared={}), job.adapter).queries([e.inputs for e in few.test])
    assert vectors.shape == (len(few.test), 384)


def test_an_onnx_graph_is_given_what_lies_on_the_cpu(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    class Session:
        def run(self, _: None, inputs: dict[str, np.ndarray]) -> list[np.ndarray]:
            return [np.ones((*inputs["input_ids"].shape, 384), np.float32)]

    monkeypatch.setattr(onnx_form, "installed", lambda: True)
    monkeypatch.setattr(onnx_form, "session_of", lambda network, inputs: Session())
    found = usecase.find("knowledge_search")
    job = Job(found, found.load(None), config.build(found, "offline", {}), BASE, 0, tmp_path)
    encoder = embed.load(job, None)
    assert encoder.queries(["who signs"]).shape == (1, 384)
    parity.with_network(encoder, onnx_form.OnnxNetwork(parity.network_of(encoder)))
    assert np.allclose(encoder.queries(["who signs"]), 384**-0.5)


def test_a_model_of_pictures(tmp_path: Path) -> None:
    small = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "image_size": 32}
    ViTModel(ViTConfig(**small, patch_size=8, intermediate_size=32)).save_pretrained(tmp_path / "vit")
    ViTImageProcessor(size={"height": 32, "width": 32}).save_pretrained(tmp_path / "vit")
    job = test_vision.job_for(tmp_path / "vit", tmp_path, method="lora", lora_targets=("q_proj", "v_proj"))
    assert not vision.fit(job)["diverged"]
    assert len(vision.predict(replace(job, shared={}), job.splits.test)) == len(job.splits.test)


def test_a_model_that_writes_about_pictures(tmp_path: Path) -> None:
    base = test_surface_defects_written.save_model(tmp_path / "idefics")
    job = test_surface_defects_written.small_job(base, tmp_path)
    assert vlm.fit(job)["steps"] == 3
    assert len(vlm.predict(replace(job, shared={}), job.splits.test)) == len(job.splits.test)
