"""The speed benchmark of a GPU runs from end to end, on a tiny shape and a CPU."""

import importlib.util

import pytest

from common import usecase
from common.errors import GalleryError

TINY = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}


@pytest.fixture
def benchmark() -> object:
    spec = importlib.util.spec_from_file_location("gpu_speed", usecase.ROOT / "benchmarks" / "gpu_speed.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_figure_is_printed(benchmark: object, monkeypatch: pytest.MonkeyPatch, capsys: object) -> None:
    monkeypatch.setattr(benchmark, "ROUNDS", 1)
    shape = {**TINY, "num_key_value_heads": 2, "vocab_size": 8192}
    benchmark.main({"tiny": shape}, benchmark.Size(rows=6, length=64, batch=2, product=64))
    said = [line for line in capsys.readouterr().out.splitlines() if line.startswith(("on", "tiny"))]
    assert said[0] == "on cpu" and len(said) == 4
    assert all(
        word in line for word, line in zip(("times as fast", "reach here", "peak"), said[1:], strict=True)
    )


def test_without_a_gpu_nothing_is_said_of_one(benchmark: object) -> None:
    with pytest.raises(GalleryError, match="no GPU"):
        benchmark.main()


def test_work_of_a_token_is_that_of_its_weights(benchmark: object) -> None:
    """Of 494 million weights, 4 operations each, and a little for attention."""
    work = benchmark.work_of(benchmark.SHAPES["0.5 B"], 2048)
    assert work == pytest.approx(4 * 494e6, rel=0.15)
