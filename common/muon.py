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
    """Nearest orthogonal matrices (roughly) by Newton-Schulz.

    All steps turn the product of the shorter side with itself; the matrices are touched before and after.
    """
    wide = matrices.shape[-2] <= matrices.shape[-1]
    square = matrices @ matrices.mT if wide else matrices.mT @ matrices
    size = square.diagonal(dim1=-2, dim2=-1).sum(-1)[:, None, None].clamp(min=1e-14)
    square = square / size
    turn = size.rsqrt()
    for number, (first, second, third) in enumerate(COEFFICIENTS):
        step = torch.baddbmm(square, square, square, beta=second, alpha=third)
        step.diagonal(dim1=-2, dim2=-1).add_(first)
        turn = step @ turn if number else step * size.rsqrt()
        if number + 1 < len(COEFFICIENTS):
            square = step @ square @ step
    return turn @ matrices if wide else matrices @ turn


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
                shapes.setdefault(tuple(weight.shape), []).append(weight)
        for weights in shapes.values():
            self._update(weights, group)

    def _update(self, weights: list[Tensor], group: dict[str, Any]) -> None:
        gradients = [weight.grad for weight in weights]
        for weight in weights:
            if not self.state[weight]:
                self.state[weight]["momentum"] = torch.zeros_like(weight)
        held = [self.state[weight]["momentum"] for weight in weights]
        torch._foreach_lerp_(held, gradients, 1 - group["momentum"])
        turned = orthogonal(torch.stack(torch._foreach_lerp(gradients, held, group["momentum"])))
        torch._foreach_mul_(weights, 1 - group["lr"] * group["decay"])
        scale = 0.2 * max(weights[0].shape) ** 0.5
        torch._foreach_add_(weights, list(turned), alpha=-group["lr"] * scale)


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
