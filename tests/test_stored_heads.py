"""What is written to disk is what was fitted, however the array lies in memory."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
from safetensors.numpy import load_file, save_file

from common.classify_rivals import head_of
from common.linear import LinearMap


def test_a_head_of_many_labels_survives_its_file(tmp_path: Path) -> None:
    wanted = np.arange(15, dtype=np.float32).reshape(3, 5)
    model = SimpleNamespace(coef_=np.asfortranarray(wanted), intercept_=np.zeros(3))
    weights, bias = head_of(model, 3)
    save_file({"weights": weights, "bias": bias}, tmp_path / "head.safetensors")
    assert np.array_equal(load_file(tmp_path / "head.safetensors")["weights"], wanted)


def test_a_linear_map_survives_its_file(tmp_path: Path) -> None:
    wanted = np.arange(16, dtype=np.float32).reshape(4, 4)
    LinearMap(np.asfortranarray(wanted), wanted.T).save(tmp_path)
    kept = LinearMap.load(tmp_path)
    assert np.array_equal(kept.query_matrix, wanted) and np.array_equal(kept.document_matrix, wanted.T)
