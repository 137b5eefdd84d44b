"""A trained encoder or classifier as an ONNX graph, answered by onnxruntime in place of torch.

Text that is written piece by piece is not brought over: its cache makes another graph of every step.
"""

import logging
import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from common.errors import GalleryError

TUNERS = ("embed", "classify", "vision")
OPERATOR_SET = 18
ADVICE = "pip install -e '.[onnx]'"


def installed() -> bool:
    """Whether the converter and the runtime can be imported."""
    from importlib.util import find_spec

    return all(find_spec(name) for name in ("onnx", "onnxscript", "onnxruntime"))


class FirstOutput(nn.Module):
    """The one tensor of a network that its users read."""

    def __init__(self, network: nn.Module, names: Sequence[str]) -> None:
        super().__init__()
        self.network, self.names = network, tuple(names)

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        """Logits, or the states of the last layer."""
        made = self.network(**dict(zip(self.names, inputs, strict=True)))
        return made.logits if "logits" in made else made.last_hidden_state


def export(network: nn.Module, inputs: dict[str, torch.Tensor], path: Path) -> None:
    """Writes the graph; rows, and the length of texts, stay free."""
    # A batch of one row would be taken for a graph that knows no other.
    sample = tuple(torch.cat([tensor[:1]] * 2) for tensor in inputs.values())
    free = torch.export.Dim.DYNAMIC
    shapes = tuple({0: free, 1: free} if tensor.ndim == 2 else {0: free} for tensor in sample)
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # torch tells of its own deprecations at every export
        torch.onnx.export(
            FirstOutput(network.eval(), list(inputs)),
            sample,
            str(path),
            dynamic_shapes={"inputs": shapes},
            input_names=list(inputs),
            opset_version=OPERATOR_SET,
            dynamo=True,
            verbose=False,
        )


class OnnxNetwork(nn.Module):
    """Stands where the torch module stood; the graph is written at the first call, whose inputs it takes."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        if not installed():
            raise GalleryError(f"ONNX needs a converter and a runtime that are not installed: {ADVICE}")
        self.network = network.to("cpu")  # where the runtime is
        self.session: Any = None

    def forward(self, **inputs: Any) -> Any:
        """What the module gave, from the graph."""
        from transformers.modeling_outputs import BaseModelOutput, SequenceClassifierOutput

        tensors = {name: value for name, value in inputs.items() if isinstance(value, torch.Tensor)}
        if self.session is None:
            self.session = session_of(self.network, tensors)
        made = torch.from_numpy(self.session.run(None, {n: t.numpy() for n, t in tensors.items()})[0])
        return BaseModelOutput(made) if made.ndim == 3 else SequenceClassifierOutput(logits=made)

    def __getattr__(self, name: str) -> Any:
        """Everything else is the module's own."""
        try:
            return super().__getattr__(name)
        except AttributeError:
            return getattr(super().__getattr__("network"), name)


def session_of(network: nn.Module, inputs: dict[str, torch.Tensor]) -> Any:
    """A runtime that holds the exported graph; the file itself is not kept."""
    from onnxruntime import InferenceSession

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        export(network, inputs, path)
        return InferenceSession(str(path), providers=["CPUExecutionProvider"])
