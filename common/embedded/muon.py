"""Muon: momentum whose matrix updates are made orthogonal, for the weights inside the layers.

Against AdamW it gets further on the same tokens; embeddings and norms stay with AdamW.
Method by Keller Jordan et al., https://kellerjordan.github.io/posts/muon/; fp32, and all matrices
of one shape in one batch, because that is what a CPU runs fast.
"""

import torch
from torch import Tensor

COEFFICIENTS = (3.4445, -4.7750, 2.0315)


def orthogonal(matrices: Tensor, steps: int = 5) -> Tensor:
    """Nearest orthogonal matrices (roughly) by Newton-Schulz; wide matrices only."""
    first, second, third = COEFFICIENTS
    current = matrices / (matrices.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(steps):
        square = current @ current.mT
        current = first * current + (second * square + third * square @ square) @ current
    return current


class Muon(torch.optim.Optimizer):
    """Orthogonal momentum for 2-D weights."""

    def __init__(self, weights: list[Tensor], lr: float, momentum: float = 0.95, decay: float = 0.05) -> None:
        super().__init__(weights, {"lr": lr, "momentum": momentum, "decay": decay})

    @torch.no_grad()
    def step(self) -> None:  # type: ignore[override]
        """One update."""
        for group in self.param_groups:
            shapes: dict[tuple[int, int], list[Tensor]] = {}
            for weight in group["params"]:
                shapes.setdefault(tuple(sorted(weight.shape)), []).append(weight)
            for weights in shapes.values():
                self._update(weights, group)

    def _update(self, weights: list[Tensor], group: dict) -> None:
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
