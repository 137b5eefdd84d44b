"""Muon: momentum whose matrix updates are made orthogonal, for the weights inside the layers.

Against AdamW it gets further on the same tokens; embeddings and norms stay with AdamW.
Method by Keller Jordan et al., https://kellerjordan.github.io/posts/muon/; fp32, and all matrices
of one shape in one batch, because that is what a CPU runs fast. PyTorch's own works in bf16.
"""

from typing import Any

import torch
from torch import Tensor
from torch.optim.adamw import adamw

from common import launch
from common.errors import GalleryError

# One triple a step, each the best for what the one before leaves (after Amsel et al., "The Polar Express"):
# singular values from a fiftieth of the norm up end within a tenth of one, in three steps.
COEFFICIENTS = (
    (7.7110, -22.1139, 16.2488),
    (3.2153, -2.4112, 0.5013),
    (2.2183, -1.5940, 0.4107),
)


def orthogonal(matrices: Tensor) -> Tensor:
    """Nearest orthogonal matrices (roughly) by Newton-Schulz; wide matrices only."""
    current = matrices / (matrices.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for first, second, third in COEFFICIENTS:
        square = current @ current.mT
        current = first * current + (second * square + third * square @ square) @ current
    return current


class Muon(torch.optim.Optimizer):
    """Orthogonal momentum for 2-D weights."""

    def __init__(self, weights: list[Any], lr: float, momentum: float = 0.95, decay: float = 0.05) -> None:
        super().__init__(weights, {"lr": lr, "momentum": momentum, "decay": decay})

    @torch.no_grad()
    def step(self) -> None:  # type: ignore[override]
        """One update."""
        for group in self.param_groups:
            self._turn(group)

    def _turn(self, group: dict[str, Any]) -> None:
        shapes: dict[tuple[int, int], list[Tensor]] = {}
        for weight in group["params"]:
            if weight.grad is not None:
                shapes.setdefault(tuple(sorted(weight.shape)), []).append(weight)
        for weights in shapes.values():
            self._update(weights, group)

    def _update(self, weights: list[Tensor], group: dict[str, Any]) -> None:
        directions = []
        for weight in weights:
            state = self.state[weight]
            held = state.setdefault("momentum", torch.zeros_like(weight))
            held.lerp_(weight.grad, 1 - group["momentum"])
            direction = weight.grad.lerp(held, group["momentum"])
            directions.append(direction.mT if weight.shape[0] > weight.shape[1] else direction)
        turned = orthogonal(torch.stack(directions))
        for weight, update in zip(weights, turned, strict=True):
            tall = weight.shape[0] > weight.shape[1]
            scale = 0.2 * max(weight.shape) ** 0.5
            weight.mul_(1 - group["lr"] * group["decay"])
            weight.add_(update.mT if tall else update, alpha=-group["lr"] * scale)


class MuonWithAdamW(Muon):
    """Muon for the first group of weights, AdamW for the second, under one rate and one state."""

    def __init__(self, matrices: list[Tensor], others: list[Tensor], lr: float, decay: float) -> None:
        super().__init__([{"params": matrices}, {"params": others}], lr, decay=decay)

    @torch.no_grad()
    def step(self, _closure: None = None) -> None:  # type: ignore[override]
        """One update; `accelerate` hands on a closure that it never sets."""
        matrices, others = self.param_groups
        self._turn(matrices)
        self._adam(others)

    def _adam(self, group: dict[str, Any]) -> None:
        weights = [weight for weight in group["params"] if weight.grad is not None]
        for weight in weights:
            if not self.state[weight]:
                new = {"mean": torch.zeros_like(weight), "square": torch.zeros_like(weight)}
                self.state[weight].update(new, step=torch.tensor(0.0))
        states = [self.state[weight] for weight in weights]
        adamw(
            weights,
            [weight.grad for weight in weights],
            [state["mean"] for state in states],
            [state["square"] for state in states],
            [],
            [state["step"] for state in states],
            amsgrad=False,
            beta1=0.9,
            beta2=0.999,
            lr=group["lr"],
            weight_decay=group["decay"],
            eps=1e-8,
            maximize=False,
        )


def for_model(model: Any, rate: float, decay: float) -> MuonWithAdamW:
    """Muon for the matrices of a model's layers, AdamW for its embeddings and all that is no matrix."""
    if launch.sharded():
        raise GalleryError(
            'optimizer = "muon" turns whole matrices, and this launch gives every process a part of each. '
            'Set optimizer = "adamw".'
        )
    tables = [part.weight for part in model.modules() if isinstance(part, torch.nn.Embedding)]
    head = model.get_output_embeddings()
    outer = {id(weight) for weight in [*tables, *([] if head is None else [head.weight])]}
    matrices, others = [], []
    for weight in model.parameters():
        if weight.requires_grad:
            (matrices if weight.ndim == 2 and id(weight) not in outer else others).append(weight)
    return MuonWithAdamW(matrices, others, rate, decay)
