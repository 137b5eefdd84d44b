"""How weights may be changed: a name -> a PEFT config or a freezing rule, and where it applies."""

from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from common.config import RunConfig
from common.errors import GalleryError

PROMPT_REASON = (
    "a learned prompt is read back by a generating or classifying model; a sentence encoder "
    "pools over its own tokens only"
)
HEAD_REASON = "the head of a language model is its vocabulary; use freeze or lora"
PREFIX_REASON = "encoders of transformers 5 take no past keys and values, so a prefix has no place to go"


@dataclass(frozen=True)
class Method:
    """One way of tuning. `refused` maps a tuner to the reason why it cannot use it."""

    name: str
    what: str
    learning_rate: float
    peft: Callable[[RunConfig, str], Any] | None = None
    refused: tuple[tuple[str, str], ...] = ()


def lora_config(config: RunConfig, task: str, dora: bool = False) -> Any:
    """LoRA on every linear layer, with the usual alpha of twice the rank."""
    from peft import LoraConfig

    return LoraConfig(
        task_type=task,
        r=config.rank,
        lora_alpha=2 * config.rank,
        lora_dropout=0.0,
        target_modules="all-linear",
        use_dora=dora,
        modules_to_save=head_modules(task),
    )


def dora_config(config: RunConfig, task: str) -> Any:
    return lora_config(config, task, dora=True)


def ia3_config(config: RunConfig, task: str) -> Any:
    from peft import IA3Config

    return IA3Config(
        task_type=task,
        target_modules="all-linear",
        feedforward_modules=[],
        modules_to_save=head_modules(task),
    )


def prompt_config(config: RunConfig, task: str) -> Any:
    from peft import PromptTuningConfig

    return PromptTuningConfig(task_type=task, num_virtual_tokens=config.virtual_tokens)


def p_tuning_config(config: RunConfig, task: str) -> Any:
    from peft import PromptEncoderConfig

    return PromptEncoderConfig(
        task_type=task, num_virtual_tokens=config.virtual_tokens, encoder_hidden_size=128
    )


def prefix_config(config: RunConfig, task: str) -> Any:
    from peft import PrefixTuningConfig

    return PrefixTuningConfig(task_type=task, num_virtual_tokens=config.virtual_tokens)


def head_modules(task: str) -> list[str] | None:
    """A fresh head is random: it must be trained and saved along with the adapter."""
    return ["classifier", "score"] if task == "SEQ_CLS" else None


REGISTRY = {
    method.name: method
    for method in (
        Method("full", "every weight is trained", 5e-5),
        Method(
            "head",
            "the base stays fixed; a linear map on its features is trained",
            1e-3,
            refused=(("sft", HEAD_REASON),),
        ),
        Method("freeze", "the lowest layers stay fixed, the rest is trained", 5e-5),
        Method("lora", "low-rank matrices beside every linear layer", 5e-4, lora_config),
        Method("dora", "LoRA with the size of each column trained apart", 5e-4, dora_config),
        Method("ia3", "one trained factor per channel", 5e-3, ia3_config),
        Method(
            "prompt",
            "trained tokens before the input",
            1e-2,
            prompt_config,
            (("embed", PROMPT_REASON),),
        ),
        Method(
            "p-tuning",
            "tokens before the input, made by a small trained network",
            1e-3,
            p_tuning_config,
            (("embed", PROMPT_REASON),),
        ),
        Method(
            "prefix",
            "trained keys and values in every layer",
            1e-2,
            prefix_config,
            (("embed", PROMPT_REASON), ("classify", PREFIX_REASON)),
        ),
    )
}


def find(name: str, tuner: str) -> Method:
    """The method of that name, or why this tuner cannot use it."""
    if name not in REGISTRY:
        close = get_close_matches(name, REGISTRY, n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        raise GalleryError(f"Unknown method {name!r}.{hint} These exist: {', '.join(REGISTRY)}.")
    reason = dict(REGISTRY[name].refused).get(tuner)
    if reason:
        usable = [n for n, m in REGISTRY.items() if tuner not in dict(m.refused)]
        raise GalleryError(
            f"Method {name!r} cannot be used by the {tuner} tuner: {reason}. Use one of {', '.join(usable)}."
        )
    return REGISTRY[name]


def learning_rate(config: RunConfig) -> float:
    """The rate asked for, or the method's default."""
    return config.learning_rate or REGISTRY[config.method].learning_rate


def apply(model: Any, config: RunConfig, tuner: str, task: str) -> Any:
    """The model with the method's share of its weights trainable."""
    method = find(config.method, tuner)
    if method.peft is not None:
        from peft import get_peft_model

        return get_peft_model(model, method.peft(config, task))
    if method.name == "freeze":
        freeze_lowest(model, config.frozen_layers)
    return model


def freeze_lowest(model: Any, layers: int) -> None:
    """Fixes the embeddings and the lowest transformer layers of a model."""
    stack = layer_stack(model)
    if layers >= len(stack):
        raise GalleryError(
            f"frozen_layers is {layers} but the model has {len(stack)} layers; "
            f"use at most {len(stack) - 1}, or the method `head` to fix them all."
        )
    frozen = [model.get_input_embeddings(), *stack[:layers]]
    for module in frozen:
        for parameter in module.parameters():
            parameter.requires_grad_(False)


def layer_stack(model: Any) -> Any:
    """The longest list of like layers in a model: its transformer blocks."""
    from torch.nn import ModuleList

    lists = [module for module in model.modules() if isinstance(module, ModuleList)]
    if not lists:
        raise GalleryError(f"{type(model).__name__} has no list of layers to freeze; use another method.")
    return max(lists, key=len)
