"""Image models: loading them, how they want pictures, and what they see in them before any tuning."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from common.models import Base, hush
from common.pictures import Picture, grey, resized

BATCH_PICTURES = 128
STRIDE = 8
GREY_MEAN, GREY_SPREAD = 0.5, 0.25


@dataclass(frozen=True)
class View:
    """The size and the channels in which a model gets pictures.

    Two channels are greys and the same greys with this picture's mean and spread taken out. Three are
    RGB, scaled as the model's own preprocessor says.
    """

    height: int
    width: int
    channels: int
    mean: tuple[float, ...] = (0.5, 0.5, 0.5)
    spread: tuple[float, ...] = (0.5, 0.5, 0.5)

    def shrunk(self, picture: Picture) -> np.ndarray:
        """The picture's pixels in this size."""
        pixels = picture.pixels()
        if self.channels == 2:
            return resized(grey(pixels), self.height, self.width)
        pixels = resized(pixels, self.height, self.width)
        return np.repeat(pixels[:, :, None], 3, axis=2) if pixels.ndim == 2 else pixels

    def tensor(self, pixels: Sequence[np.ndarray]) -> Any:
        """Sized pictures as the model's input."""
        import torch

        values = torch.from_numpy(np.stack(pixels)).float() / 255
        if self.channels == 2:
            spread, mean = torch.std_mean(values, dim=(1, 2), keepdim=True)
            both = [(values - GREY_MEAN) / GREY_SPREAD, (values - mean) / (spread + 1e-3)]
            return torch.stack(both, dim=1).contiguous(memory_format=torch.channels_last)
        values = (values - torch.tensor(self.mean)) / torch.tensor(self.spread)
        return values.permute(0, 3, 1, 2)


def view_for(base: Base, pictures: Sequence[Picture], longest: int) -> View:
    """How this base wants these pictures: in its preprocessor's size, else in their own proportions."""
    from transformers import AutoConfig, AutoImageProcessor

    hush()
    channels = AutoConfig.from_pretrained(base.path, revision=base.revision or "main").num_channels
    if base.on_hub or (Path(base.path) / "preprocessor_config.json").is_file():
        wanted = AutoImageProcessor.from_pretrained(base.path, revision=base.revision or "main")
        size = {**dict(wanted.size), **(dict(wanted.crop_size) if getattr(wanted, "crop_size", None) else {})}
        side = size.get("shortest_edge", longest)
        height, width = size.get("height", side), size.get("width", side)
        return View(height, width, channels, tuple(wanted.image_mean), tuple(wanted.image_std))
    sides = np.median([picture.pixels().shape[:2] for picture in pictures[:200]], axis=0)
    height, width = (max(4, round(longest / STRIDE * side / sides.max())) * STRIDE for side in sides)
    return View(height, width, channels)


def load_image_classifier(base: Base, labels: Sequence[str], random: bool) -> Any:
    """A model with a fresh head for these labels; with `random` its other weights are fresh too."""
    from transformers import AutoConfig, AutoModelForImageClassification

    hush()
    revision = base.revision or "main"
    named = {
        "num_labels": len(labels),
        "id2label": dict(enumerate(labels)),
        "label2id": {label: index for index, label in enumerate(labels)},
    }
    if random:
        config = AutoConfig.from_pretrained(base.path, revision=revision, **named)
        return placed(AutoModelForImageClassification.from_config(config))
    return placed(
        AutoModelForImageClassification.from_pretrained(
            base.path,
            revision=revision,
            use_safetensors=True,
            dtype="float32",
            ignore_mismatched_sizes=True,
            **named,
        )
    )


def placed(model: Any) -> Any:
    """On the GPU if there is one; else in the memory order in which convolutions are fastest."""
    import torch

    if torch.cuda.is_available():
        return model.to("cuda")
    return model.to(memory_format=torch.channels_last)


def light_targets(model: Any) -> list[str]:
    """Names of every linear layer and 1x1 convolution under the head: where LoRA sits."""
    import torch

    return [
        name
        for name, module in model.named_modules()
        if "classifier" not in name
        and (
            isinstance(module, torch.nn.Linear)
            or (isinstance(module, torch.nn.Conv2d) and module.kernel_size == (1, 1) and module.groups == 1)
        )
    ]


def saved_beside(model: Any) -> list[str]:
    """What must be trained and saved along with LoRA: the fresh head, and norms that keep statistics."""
    import torch

    norms = {
        name.rsplit(".", 1)[-1]
        for name, module in model.named_modules()
        if isinstance(module, torch.nn.modules.batchnorm._BatchNorm)
    }
    return ["classifier", *sorted(norms)]


def stage_maps(model: Any, inputs: Any) -> list[Any]:
    """What the last stages see at every place, as [pictures, channels, rows, columns], coarse last."""
    states = model.base_model(pixel_values=inputs, output_hidden_states=True).hidden_states
    if states[-1].ndim == 4:
        return list(states[-2:])
    patch = model.config.patch_size
    rows, columns = inputs.shape[-2] // patch, inputs.shape[-1] // patch
    tokens = states[-1][:, -rows * columns :]
    return [tokens.transpose(1, 2).reshape(len(tokens), -1, rows, columns)]


def vectors(model: Any, view: View, pictures: Sequence[Picture]) -> np.ndarray:
    """Mean and maximum of the last stages: a row of fixed features for each picture."""

    def pooled(maps: list[Any]) -> Any:
        import torch

        return torch.cat([part for found in maps for part in (found.mean((2, 3)), found.amax((2, 3)))], dim=1)

    return over(model, view, pictures, pooled)


def maps(model: Any, view: View, pictures: Sequence[Picture]) -> np.ndarray:
    """The last stages on the finest of their grids: [pictures, rows, columns, channels]."""

    def laid(found: list[Any]) -> Any:
        import torch

        grid = found[0].shape[-2:]
        sized = [torch.nn.functional.interpolate(part, grid, mode="bilinear") for part in found]
        return torch.cat(sized, dim=1).permute(0, 2, 3, 1)

    return over(model, view, pictures, laid)


def over(model: Any, view: View, pictures: Sequence[Picture], shape: Any) -> np.ndarray:
    """What a model sees in pictures, some at a time."""
    import torch

    model.eval()
    with torch.inference_mode():
        found = (shape(stage_maps(model, inputs)) for inputs in batches(model, view, pictures))
        return np.concatenate([part.float().cpu().numpy() for part in found])


def batches(model: Any, view: View, pictures: Sequence[Picture]) -> Iterator[Any]:
    """Pictures as the model's input, some at a time."""
    device = next(model.parameters()).device
    for start in range(0, len(pictures), BATCH_PICTURES):
        chosen = [view.shrunk(picture) for picture in pictures[start : start + BATCH_PICTURES]]
        yield view.tensor(chosen).to(device)


def probabilities(model: Any, view: View, pictures: Sequence[Picture]) -> np.ndarray:
    """Label probabilities, a row for each picture."""
    import torch

    training = model.training
    model.eval()
    with torch.inference_mode():
        logits = [model(pixel_values=inputs).logits for inputs in batches(model, view, pictures)]
    model.train(training)
    return np.concatenate([part.float().softmax(dim=-1).cpu().numpy() for part in logits])


def heat(model: Any, view: View, pictures: Sequence[Picture], sound: int) -> np.ndarray:
    """Where a model sees a reason against the label `sound`: gradient times activation (LayerCAM)."""
    import torch

    model.eval()
    parts = []
    for batch in batches(model, view, pictures):
        inputs = batch.requires_grad_(True)
        kept: list[Any] = []
        core = model.get_base_model() if hasattr(model, "get_base_model") else model
        hooks = [
            stage.register_forward_hook(lambda _, __, out, kept=kept: kept.append(out))
            for stage in stages(core)
        ]
        logits = model(pixel_values=inputs).logits
        for hook in hooks:
            hook.remove()
        others = torch.cat([logits[:, :sound], logits[:, sound + 1 :]], dim=1).logsumexp(dim=1)
        gradients = torch.autograd.grad((others - logits[:, sound]).sum(), kept)
        layers = [(g.relu() * a).sum(1, keepdim=True).relu() for g, a in zip(gradients, kept, strict=True)]
        grid = layers[0].shape[-2:]
        sized = [torch.nn.functional.interpolate(layer, grid, mode="bilinear") for layer in layers]
        parts.append(sum(sized)[:, 0].detach().float().cpu().numpy())
    return np.concatenate(parts)


def stages(model: Any) -> list[Any]:
    """The last two stages of a convolutional backbone; others have no grid to draw on."""
    found = getattr(getattr(model.base_model, "encoder", None), "stages", None)
    return list(found)[-2:] if found is not None else []
