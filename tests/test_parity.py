"""The parity gate: merged, stored and int8 models answer as the adapter does, or nothing is exported."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from common import config, parity, publish, record, run, usecase
from common.errors import GalleryError
from common.job import Output
from tests import toy

LEARNS = "epochs = 2\nbatch_size = 4\n"


def trained(root: Path, monkeypatch: pytest.MonkeyPatch, method: str) -> Path:
    folder = toy.write(root, variant=LEARNS)
    found = usecase.load_class(folder / "usecase.py")()
    monkeypatch.setattr(usecase, "find", lambda name: found)
    out = root / "toy--offline"
    run.execute(found, config.build(found, "offline", {"method": method}), out)
    return out


def test_every_form_answers_alike_and_the_merged_model_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = trained(tmp_path, monkeypatch, "lora")
    said = parity.check(folder, 0.2, 8, tmp_path / "kept")
    rows = {row[0]: row for row in json.loads((folder / "parity.json").read_text())["rows"]}
    assert list(rows) == [
        "as recorded by the run",
        "adapter",
        "merged",
        "merged, stored, loaded again",
        "merged, int8 dynamic",
        "merged, ONNX",
    ]
    for form in [*list(rows)[:4], "merged, ONNX"]:
        assert rows[form][1] == "1.000" and rows[form][3] == "+0.000", rows[form]
    assert "Not checked" not in said
    assert (tmp_path / "kept" / "model.safetensors").is_file()
    assert not (tmp_path / "kept" / "adapter_config.json").exists()
    assert [path.name for path in folder.iterdir() if path.name.startswith("tmp")] == []
    with_table = publish.with_parity(folder, record.read(folder / "record.json"))
    assert with_table.tables[-1]["title"].startswith("Parity of lora")

    monkeypatch.setattr(parity, "forms", lambda *_: [parity.Form("merged, int8 dynamic", 0.5, 0.5, -0.5)])
    with pytest.raises(
        GalleryError, match="merged, int8 dynamic: past the limit of 0.01; nothing is exported"
    ):
        parity.check(folder, 0.01, 8, tmp_path / "refused")
    assert not (tmp_path / "refused").exists()
    with pytest.raises(GalleryError, match="exists already"):
        parity.export(tmp_path / "kept", tmp_path / "kept")


def test_a_form_that_answers_otherwise_is_seen(tmp_path: Path) -> None:
    found = usecase.load_class(toy.write(tmp_path) / "usecase.py")()
    examples = found.load(None).test
    right = [Output(example.id, found.gold(example)) for example in examples]
    wrong = [Output(o.id, {"label": "fruit"}) for o in right]
    judged = parity.beside_adapter(found, examples, right, "broken", wrong)
    assert judged == parity.Form("broken", 0.5, 0.5, -0.5) and not judged.passes(0.1)


def test_a_method_without_a_network_of_its_own_is_refused_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = trained(tmp_path, monkeypatch, "head")
    with pytest.raises(
        GalleryError, match="Method 'head' cannot be merged, stored or quantised: it has no network"
    ):
        parity.check(folder, 0.01, 8, None)


def test_a_failed_run_has_nothing_to_check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = toy.write(
        tmp_path, variant='method = "full"\nepochs = 6\nbatch_size = 2\nlearning_rate = 1e30\n'
    )
    found = usecase.load_class(folder / "usecase.py")()
    with pytest.raises(GalleryError):
        run.execute(found, config.build(found, "offline", {}), tmp_path / "toy--offline")
    with pytest.raises(GalleryError, match="it has no tuned model"):
        parity.check(tmp_path / "toy--offline", 0.01, 8, None)


def test_what_counts_as_the_same_answer() -> None:
    assert parity.answer("text") == "text"
    assert parity.answer({"label": "a", "scores": {"a": 0.6}}) == parity.answer({"label": "a", "scores": {}})
    assert parity.answer({"ids": ["d1", "d2"]}) == "d1"
    assert not parity.Form("f", 1.0, 0.5, 0.02).passes(0.01) and parity.Form("f", 1.0, 0.5, -0.01).passes(
        0.01
    )


def test_an_encoder_answers_from_the_network_that_was_put_in() -> None:
    from common import models
    from common.encoder import Encoder

    encoder = Encoder(models.load_encoder(models.resolve("embedded", None, "embed"), None, 32))
    texts = ["the pump leaks", "who signs off a repair"]
    before = encoder.queries(texts)
    after = parity.int8(encoder).queries(texts)
    assert np.abs(before - after).max() > 1e-5, "int8 changed nothing: it was not applied"
    assert (before * after).sum(axis=1).min() > 0.8
    with pytest.raises(GalleryError, match="no linear layer"):
        parity.int8((torch.nn.Embedding(3, 3), None))


def test_an_onnx_graph_answers_batches_of_any_size_as_the_network_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from common import models, onnx_form
    from common.encoder import Encoder

    encoder = Encoder(models.load_encoder(models.resolve("embedded", None, "embed"), None, 32))
    texts = ["the pump leaks", "who signs off a repair", "a much longer question on the same worn out pump"]
    before, alone = encoder.queries(texts), encoder.queries(texts[:1])
    graph = parity.onnx(encoder)
    assert np.abs(graph.queries(texts) - before).max() < 1e-4
    assert np.abs(graph.queries(texts[:1]) - alone).max() < 1e-4
    assert parity.network_of(graph).session is not None, "torch answered, not the graph"
    monkeypatch.setattr(onnx_form, "installed", lambda: False)
    with pytest.raises(GalleryError, match=r"pip install -e '.\[onnx\]'"):
        onnx_form.OnnxNetwork(torch.nn.Linear(2, 2))
    assert "not installed here" in parity.not_checked("embed")
    assert "models that write text" in parity.not_checked("sft")
