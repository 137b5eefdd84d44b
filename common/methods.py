"""How weights may be changed: a name -> a PEFT config or a freezing rule, and where it applies."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import partial
from typing import Any

from common import bottleneck
from common.config import RunConfig
from common.errors import GalleryError
from common.vocabulary import train_rows

PROMPT_REASON = (
    "a learned prompt is read back by a generating or classifying model; a sentence encoder "
    "pools over its own tokens only"
)
HEAD_REASON = "the head of a language model is its vocabulary; use freeze or lora"
IMAGE_REASON = "an image model reads no tokens"
STAGE_REASON = "an image backbone has few stages, not a stack of layers; use head or lora"
NOT_IMAGES = ("embed", "classify", "sft", "preference", "vlm")
SCRATCH_REASON = "only image models are small enough to start from nothing"
ALLOCATE_REASON = "its ranks are moved after each step, and the trainer of sentence encoders hides the model"
UNTRIED_REASON = "it has been tried with text models only"
UNTRIED = (("embed", UNTRIED_REASON), ("classify", UNTRIED_REASON))
INSERTED_REASON = "its layers are saved and read back by the sft tuner alone"
NORMS = r".*(norm|LayerNorm|layernorm|ln_\d|ln_f)"
VERA_RANKS = 8  # a rank of VeRA costs one number where a rank of LoRA costs a row and a column
PREFIX_REASON = "encoders of transformers 5 take no past keys and values, so a prefix has no place to go"


@dataclass(frozen=True)
class Method:
    """One way of tuning. `refused` maps a tuner to the reason why it cannot use it."""

    name: str
    what: str
    learning_rate: float
    peft: Callable[[RunConfig, str], Any] | None = None
    refused: tuple[tuple[str, str], ...] = ()


def lora_config(config: RunConfig, task: str, **options: Any) -> Any:
    """LoRA on every linear layer, with the usual alpha of twice the rank."""
    from peft import LoraConfig

    return LoraConfig(
        task_type=task,
        r=config.rank,
        lora_alpha=2 * config.rank,
        lora_dropout=0.0,
        target_modules="all-linear",
        modules_to_save=head_modules(task),
        **options,
    )


def adalora_config(config: RunConfig, task: str) -> Any:
    """Starts half as wide again and prunes to the rank; `trainer.Allocate` tells it how long it has."""
    from peft import AdaLoraConfig

    return AdaLoraConfig(
        task_type=task,
        init_r=config.rank + config.rank // 2,
        target_r=config.rank,
        lora_alpha=2 * config.rank,
        total_step=1,
        target_modules="all-linear",
        modules_to_save=head_modules(task),
    )


def product_config(kind: str) -> Callable[[RunConfig, str], Any]:
    """LoHa or LoKr: a product of small matrices instead of a sum, on every linear layer."""

    def build(config: RunConfig, task: str) -> Any:
        import peft

        return getattr(peft, kind)(
            task_type=task,
            r=config.rank,
            alpha=2 * config.rank,
            target_modules="all-linear",
            modules_to_save=head_modules(task),
        )

    return build


def vera_config(config: RunConfig, task: str) -> Any:
    """Vectors on random matrices that all layers share; VeRA wants a wide rank."""
    from peft import VeraConfig

    return VeraConfig(
        task_type=task,
        r=VERA_RANKS * config.rank,
        target_modules="all-linear",
        modules_to_save=head_modules(task),
    )


def norms_config(config: RunConfig, task: str) -> Any:
    from peft import LNTuningConfig

    return LNTuningConfig(task_type=task, target_modules=NORMS, modules_to_save=head_modules(task))


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
            refused=(("sft", HEAD_REASON), ("preference", HEAD_REASON), ("vlm", HEAD_REASON)),
        ),
        Method(
            "freeze",
            "the lowest layers stay fixed, the rest is trained",
            5e-5,
            refused=(("vision", STAGE_REASON),),
        ),
        Method(
            "scratch",
            "every weight is trained, from random ones: what the base is worth",
            1e-3,
            refused=tuple((tuner, SCRATCH_REASON) for tuner in NOT_IMAGES),
        ),
        Method("lora", "low-rank matrices beside every linear layer", 5e-4, lora_config),
        Method(
            "dora",
            "LoRA with the size of each column trained apart",
            5e-4,
            partial(lora_config, use_dora=True),
        ),
        Method("rslora", "LoRA scaled by the root of its rank", 2e-4, partial(lora_config, use_rslora=True)),
        Method(
            "pissa",
            "LoRA that starts from the largest directions of the weights",
            2e-4,
            partial(lora_config, init_lora_weights="pissa"),
        ),
        Method(
            "adalora",
            "LoRA that moves its rank to where it matters",
            2e-3,
            adalora_config,
            (("embed", ALLOCATE_REASON),),
        ),
        Method(
            "loha",
            "an elementwise product of two low-rank matrices",
            1e-3,
            product_config("LoHaConfig"),
            UNTRIED,
        ),
        Method("lokr", "a Kronecker product of small matrices", 1e-3, product_config("LoKrConfig"), UNTRIED),
        Method("vera", "trained vectors on shared random matrices", 1e-2, vera_config, UNTRIED),
        Method("norms", "only the scales of the normalisations", 3e-3, norms_config, UNTRIED),
        Method(
            "bottleneck",
            "two small layers after each attention and each MLP (Houlsby adapters)",
            1e-3,
            refused=tuple((tuner, INSERTED_REASON) for tuner in ("embed", "classify", "preference")),
        ),
        Method("ia3", "one trained factor per channel", 5e-3, ia3_config),
        Method(
            "prompt",
            "trained tokens before the input",
            1e-2,
            prompt_config,
            (("embed", PROMPT_REASON), ("vision", IMAGE_REASON)),
        ),
        Method(
            "p-tuning",
            "tokens before the input, made by a small trained network",
            1e-3,
            p_tuning_config,
            (("embed", PROMPT_REASON), ("vision", IMAGE_REASON)),
        ),
        Method(
            "prefix",
            "trained keys and values in every layer",
            1e-2,
            prefix_config,
            (("embed", PROMPT_REASON), ("classify", PREFIX_REASON), ("vision", IMAGE_REASON)),
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


def apply(model: Any, config: RunConfig, tuner: str, task: str, new_rows: Sequence[int] = ()) -> Any:
    """The model with the method's share of its weights trainable, and the rows of new pieces."""
    method = find(config.method, tuner)
    if method.peft is not None:
        from peft import get_peft_model

        made = method.peft(config, task)
        made = train_rows(made, model, new_rows, method.name) if new_rows else made
        return get_peft_model(model, made)
    if new_rows and method.name != "full":
        raise GalleryError(f"Method {method.name!r} cannot train new pieces; use lora, dora or full.")
    if method.name == "bottleneck":
        return bottleneck.insert(model, config.rank)
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
