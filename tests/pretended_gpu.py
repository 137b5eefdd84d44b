"""A GPU that is none: what is sent to it stays where it is and is marked, and may meet only what is marked.

What fails here fails on a GPU: a tensor that was left on the CPU, a result that is read without `.cpu()`.
Numbers are in 32 bits; tests/test_gpu_path.py is about types.
"""

from collections.abc import Iterator
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

MARK = "on_the_pretended_gpu"
GPU = torch.device("cuda", 0)
DEVICES = {
    torch.Tensor.device.__get__: GPU,
    torch.Tensor.is_cuda.__get__: True,
    torch.Tensor.is_cpu.__get__: False,
}
MAY_MEET = ("copy_", "view_as", "expand_as", "backward", "__deepcopy__", "_has_compatible_shallow_copy_type")


def marked(tensor: Any) -> bool:
    """Whether a tensor is taken to lie on the GPU."""
    return getattr(tensor, MARK, False)


def tensors(value: Any) -> Iterator[torch.Tensor]:
    """All tensors in what a function is given or gives."""
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, dict):
        yield from tensors(list(value.values()))
    elif isinstance(value, list | tuple):
        for part in value:
            yield from tensors(part)


def put(value: Any, there: bool) -> Any:
    """Marks all tensors in a value, or takes their mark."""
    for tensor in tensors(value):
        setattr(tensor, MARK, there)
    return value


def device_in(given: tuple[Any, ...], named: dict[str, Any]) -> torch.device | None:
    """The device that a call asks for."""
    places = [
        a
        for a in given
        if isinstance(a, torch.device) or (isinstance(a, str) and a[:4] in {"cpu", "cuda", "meta"})
    ]
    asked = [*places, named.get("device")][0]
    return None if asked is None else torch.device(asked)


class PretendedGpu(TorchFunctionMode):
    """Sees every call of torch while it is entered."""

    def __torch_function__(self, call: Any, _: Any, given: Any = (), named: Any = None) -> Any:
        named, name = dict(named or {}), getattr(call, "__name__", "")
        if name == "__get__" and marked(given[0]) and call in DEVICES:
            return DEVICES[call]
        if name == "__set__":
            return written(call, *given)
        if name in {"to", "cpu", "cuda"} and isinstance(given[0], torch.Tensor):
            return moved(call, name, given, named)
        if name in {"numpy", "__array__"} and marked(given[0]):
            raise TypeError("A tensor on the GPU is no numpy array; copy it to the CPU first.")
        asked = device_in((), named)
        if asked is not None and asked.type == "cuda":
            return put(call(*given, **{**named, "device": "cpu"}), True)
        there = together(call, name, given, named)
        made = call(*given, **named)
        return put(made, True) if there and asked is None and name != "copy_" else made


def written(call: Any, tensor: torch.Tensor, value: Any) -> None:
    """A tensor gets other data, a gradient or a flag."""
    call(tensor, value)
    if call == torch.Tensor.data.__set__:
        put(tensor, marked(value))
    elif isinstance(value, torch.Tensor) and marked(value) != marked(tensor):
        raise RuntimeError("A gradient lies on another device than its tensor.")


def moved(call: Any, name: str, given: tuple[Any, ...], named: dict[str, Any]) -> Any:
    """A tensor on another device is another tensor."""
    tensor, *rest = given
    asked = torch.device(name) if name != "to" else device_in(tuple(rest), named)
    if asked is not None and asked.type == "meta":
        return call(*given, **named)
    other = next((part for part in rest if isinstance(part, torch.Tensor)), None)
    there = marked(tensor if other is None else other) if asked is None else asked.type == "cuda"
    kinds = [part for part in rest if isinstance(part, torch.dtype)] + [named.get("dtype")]
    kind = kinds[0] or (tensor.dtype if other is None else other.dtype)
    extra = {key: named[key] for key in ("copy", "memory_format") if named.get(key)}
    found = tensor.to(kind, **extra)
    return put(found.clone() if found is tensor and there != marked(tensor) else found, there)


def together(call: Any, name: str, given: Any, named: Any) -> bool:
    """Whether a call is one of the GPU; one that takes from both is none of either."""
    met = [*tensors(given), *tensors(named)]
    if name in MAY_MEET:
        return marked(given[0])
    there = any(map(marked, met))
    if name == "__setitem__" or (name == "__getitem__" and marked(given[0])):
        return there  # an index may lie on the CPU
    if there and any(not marked(tensor) and tensor.dim() for tensor in met):
        places = [(tuple(tensor.shape), "GPU" if marked(tensor) else "CPU") for tensor in met]
        raise RuntimeError(f"{name or call} takes tensors of two devices: {places}")
    return there


class Generator(torch.Generator):
    """Draws on the CPU, whatever device it is asked for."""

    def __new__(cls, device: Any = None) -> Any:
        return super().__new__(cls)


def stand_ins() -> dict[str, Any]:
    """What `torch.cuda` would say of it."""
    return {
        "is_available": lambda: True,
        "device_count": lambda: 1,
        "current_device": lambda: 0,
        "set_device": lambda _: None,
        "synchronize": lambda *_: None,
        "reset_peak_memory_stats": lambda *_: None,
        "max_memory_allocated": lambda *_: 7,
        "mem_get_info": lambda *_: (8 << 30, 8 << 30),
        "get_device_name": lambda *_: "pretended GPU",
        "get_device_capability": lambda *_: (8, 0),
        "manual_seed_all": lambda _: None,
    }


def forget() -> None:
    """What `accelerate` has found is found anew."""
    from accelerate.state import AcceleratorState, GradientState, PartialState

    for state in (AcceleratorState, GradientState, PartialState):
        state._reset_state()


def install(monkeypatch: Any) -> None:
    """Everything that asks for a GPU finds this one."""
    import safetensors.torch
    from peft.utils import save_and_load
    from transformers import training_args

    from common import answering, models, trainer
    from common.tuners import preference, vlm

    forget()
    for name, stand_in in stand_ins().items():
        monkeypatch.setattr(torch.cuda, name, stand_in)
    for name in ("get_rng_state", "get_rng_state_all", "set_rng_state", "set_rng_state_all"):
        monkeypatch.setattr(torch.cuda.random, name, lambda *_: [])
    monkeypatch.setattr(torch, "Generator", Generator)
    monkeypatch.setattr(training_args, "is_torch_bf16_gpu_available", lambda: True)
    monkeypatch.setenv("HF_DEACTIVATE_ASYNC_LOAD", "1")  # other threads do not see it
    stored, arguments = safetensors.torch.load_file, trainer.arguments

    def load_file(path: Any, device: Any = "cpu", **more: Any) -> dict[str, torch.Tensor]:
        return {name: tensor.to(device) for name, tensor in stored(path, **more).items()}

    def in_32_bits(load: Any) -> Any:
        def loaded(*given: Any) -> tuple[Any, Any]:
            model, tokenizer = load(*given)
            return model.float(), tokenizer

        return loaded

    parameter = torch.nn.Parameter.__new__

    def as_its_data(kind: Any, data: Any = None, requires_grad: bool = True) -> Any:
        return put(parameter(kind, data, requires_grad), data is not None and marked(data))

    def whole(job: Any, rows: int) -> dict[str, Any]:
        return {**arguments(job, rows), "bf16": False, "dataloader_pin_memory": False}

    monkeypatch.setattr(torch.nn.Parameter, "__new__", as_its_data)
    monkeypatch.setattr(safetensors.torch, "load_file", load_file)
    monkeypatch.setattr(save_and_load, "safe_load_file", load_file)
    load_causal = in_32_bits(models.load_causal)
    for place in (models, answering, preference):
        monkeypatch.setattr(place, "load_causal", load_causal)
    monkeypatch.setattr(vlm, "load", in_32_bits(vlm.load))
    monkeypatch.setattr(trainer, "arguments", whole)
