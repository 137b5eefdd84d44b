"""How weights may be changed: a name -> a PEFT config or a freezing rule, and where it applies."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
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
SMALLEST_START = 1e-4
OWN_WEIGHTS = ("full", "freeze", "norms", "bottleneck")  # what learns has the type of the base
NOT_IMAGES = ("embed", "classify", "sft", "preference", "vlm")
FULL_PRECISION = ("embed", "classify", "vision", "vlm", "preference")
FOUR_BITS_REASON = "only the sft tuner loads its base in 4 bits"
SCRATCH_REASON = "only image models are small enough to start from nothing"
ALLOCATE_REASON = "its ranks are moved after each step, and the trainer of sentence encoders hides the model"
UNTRIED_REASON = "it has been tried with text models only"
UNTRIED = (("embed", UNTRIED_REASON), ("classify", UNTRIED_REASON))
INSERTED_REASON = "its layers are saved and read back by the sft tuner alone"
NORMS = r".*(norm|LayerNorm|layernorm|ln_\d|ln_f)"
LINEAR = {"target_modules": "all-linear"}
HEADS = ["classifier", "score"]
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


def adapter(
    kind: str, settings: Callable[[RunConfig], dict[str, Any]], head: bool = True
) -> Callable[[RunConfig, str], Any]:
    """What builds a PEFT config. A fresh head is random: it is trained and saved along with the adapter."""

    def build(config: RunConfig, task: str) -> Any:
        import peft

        beside = {"modules_to_save": [*HEADS] if task == "SEQ_CLS" else None} if head else {}
        return getattr(peft, kind)(task_type=task, **settings(config), **beside)

    return build


def lora(**options: Any) -> Callable[[RunConfig, str], Any]:
    """LoRA on every linear layer, with the usual alpha of twice the rank."""
    return adapter(
        "LoraConfig",
        lambda c: {"r": c.rank, "lora_alpha": 2 * c.rank, "lora_dropout": 0.0, **LINEAR, **options},
    )


def product(kind: str) -> Callable[[RunConfig, str], Any]:
    """LoHa or LoKr: a product of small matrices instead of a sum, on every linear layer."""
    return adapter(kind, lambda c: {"r": c.rank, "alpha": 2 * c.rank, **LINEAR})


def allocated(config: RunConfig) -> dict[str, Any]:
    """AdaLoRA starts half as wide again and prunes to the rank; `trainer.Allocate` says how long it has."""
    rank = config.rank
    return {"init_r": rank + rank // 2, "target_r": rank, "lora_alpha": 2 * rank, "total_step": 1, **LINEAR}


def tokens(config: RunConfig) -> dict[str, Any]:
    """Of a learned prompt."""
    return {"num_virtual_tokens": config.virtual_tokens}


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
        Method("lora", "low-rank matrices beside every linear layer", 5e-4, lora()),
        Method(
            "qlora",
            "LoRA beside weights that are held in 4 bits",
            5e-4,
            lora(),
            tuple((tuner, FOUR_BITS_REASON) for tuner in FULL_PRECISION),
        ),
        Method(
            "dora",
            "LoRA with the size of each column trained apart",
            5e-4,
            lora(use_dora=True),
        ),
        Method("rslora", "LoRA scaled by the root of its rank", 2e-4, lora(use_rslora=True)),
        Method(
            "pissa",
            "LoRA that starts from the largest directions of the weights",
            2e-4,
            lora(init_lora_weights="pissa"),
            (("vision", "it starts from linear layers, and image backbones have convolutions; use lora"),),
        ),
        Method(
            "adalora",
            "LoRA that moves its rank to where it matters",
            2e-3,
            adapter("AdaLoraConfig", allocated),
            (("embed", ALLOCATE_REASON),),
        ),
        Method(
            "loha",
            "an elementwise product of two low-rank matrices",
            1e-3,
            product("LoHaConfig"),
            UNTRIED,
        ),
        Method("lokr", "a Kronecker product of small matrices", 1e-3, product("LoKrConfig"), UNTRIED),
        Method(
            "vera",
            "trained vectors on shared random matrices",
            1e-2,
            adapter("VeraConfig", lambda c: {"r": VERA_RANKS * c.rank, **LINEAR}),
            (*UNTRIED, ("vision", UNTRIED_REASON)),
        ),
        Method(
            "norms",
            "only the scales of the normalisations",
            3e-3,
            adapter("LNTuningConfig", lambda c: {"target_modules": NORMS}),
            UNTRIED,
        ),
        Method(
            "bottleneck",
            "two small layers after each attention and each MLP (Houlsby adapters)",
            1e-3,
            refused=tuple((tuner, INSERTED_REASON) for tuner in ("embed", "classify", "preference")),
        ),
        Method(
            "ia3",
            "one trained factor per channel",
            5e-3,
            adapter("IA3Config", lambda c: {**LINEAR, "feedforward_modules": []}),
        ),
        Method(
            "prompt",
            "trained tokens before the input",
            1e-2,
            adapter("PromptTuningConfig", tokens, head=False),
            (("embed", PROMPT_REASON), ("vision", IMAGE_REASON)),
        ),
        Method(
            "p-tuning",
            "tokens before the input, made by a small trained network",
            1e-3,
            adapter("PromptEncoderConfig", lambda c: {**tokens(c), "encoder_hidden_size": 128}, head=False),
            (("embed", PROMPT_REASON), ("vision", IMAGE_REASON)),
        ),
        Method(
            "prefix",
            "trained keys and values in every layer",
            1e-2,
            adapter("PrefixTuningConfig", tokens, head=False),
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
        if config.method == "dora":
            return with_directions(get_peft_model(model, made))
        return get_peft_model(model, made)
    if new_rows and method.name != "full":
        raise GalleryError(f"Method {method.name!r} cannot train new pieces; use lora, dora or full.")
    if method.name == "bottleneck":
        return bottleneck.insert(model, config.rank)
    if method.name == "freeze":
        freeze_lowest(model, config.frozen_layers)
    return model


def learn_whole(model: Any, config: RunConfig) -> Any:
    """Small steps are lost in weights of 16 bits: what a method changes itself is held in 32."""
    return model.float() if config.method in OWN_WEIGHTS else model


def puts_prompt_before(model: Any) -> bool:
    """Whether a learned prompt stands before each row. PEFT then leaves out the places that tell packed rows
    apart, and would put it before the first of them only."""
    return any(settings.is_prompt_learning for settings in getattr(model, "peft_config", {}).values())


def with_directions(model: Any) -> Any:
    """DoRA divides by the size of each row of the weights: a row of zeros starts with a direction, too small
    to be seen in what the model says."""
    for layer in model.modules():
        for name, sizes in getattr(layer, "lora_magnitude_vector", {}).items():
            zeros = sizes.weight.data.flatten() == 0
            layer.lora_B[name].weight.data[zeros] = SMALLEST_START
            sizes.weight.data.view(-1)[zeros] = layer.get_delta_weight(name).flatten(1).norm(dim=1)[zeros]
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


def learns_prompt(adapter: Path) -> bool:
    """Whether an adapter is a learned prompt, which no weight of the base can hold."""
    if not (adapter / "adapter_config.json").is_file():
        return False
    from peft import PeftConfig

    return PeftConfig.from_pretrained(str(adapter)).is_prompt_learning
