"""Bottleneck adapters (Houlsby et al. 2019): two small layers after each attention and each MLP.

PEFT has none. They start as the identity, so a fresh one answers as its base does.
"""

import json
from pathlib import Path
from typing import Any

from common.errors import GalleryError

WEIGHTS, SETTINGS = "bottleneck.safetensors", "bottleneck.json"


def insert(model: Any, width: int) -> Any:
    """Fixes the model and hangs an adapter behind both blocks of every layer."""
    layers = [module for module in model.modules() if hasattr(module, "self_attn") and hasattr(module, "mlp")]
    if not layers:
        raise GalleryError(f"{type(model).__name__} has no attention and MLP blocks to adapt; use lora.")
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    for layer in layers:
        for block in (layer.self_attn, layer.mlp):
            hang(block, model.config.hidden_size, width)
    model.bottleneck_width = width
    return model


def hang(block: Any, size: int, width: int) -> None:
    """An adapter as a part of its block, so that it is trained, moved and counted with it."""
    from torch import nn

    weight = next(block.parameters())
    block.bottleneck = nn.Sequential(nn.Linear(size, width), nn.GELU(), nn.Linear(width, size))
    block.bottleneck.to(weight.device, weight.dtype)
    nn.init.zeros_(block.bottleneck[2].weight)
    nn.init.zeros_(block.bottleneck[2].bias)
    block.register_forward_hook(add_adapter)


def add_adapter(block: Any, given: Any, result: Any) -> Any:
    """What a block gives, plus what its adapter makes of it."""
    if isinstance(result, tuple):
        return (result[0] + block.bottleneck(result[0]), *result[1:])
    return result + block.bottleneck(result)


def save(model: Any, folder: Path) -> None:
    """The adapters alone."""
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    kept = {name: tensor for name, tensor in model.state_dict().items() if ".bottleneck." in name}
    save_file(kept, folder / WEIGHTS)
    (folder / SETTINGS).write_text(json.dumps({"width": model.bottleneck_width}), encoding="utf-8")


def stored(folder: Path) -> bool:
    """Whether a folder holds adapters of this kind."""
    return (folder / WEIGHTS).is_file()


def restore(model: Any, folder: Path) -> Any:
    """A base with the adapters of a folder."""
    from safetensors.torch import load_file

    width = json.loads((folder / SETTINGS).read_text(encoding="utf-8"))["width"]
    insert(model, width).load_state_dict(load_file(folder / WEIGHTS), strict=False)
    return model
