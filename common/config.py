"""The settings of a run: one frozen model, a line of help per field, faults all at once.

Later layers win: defaults < use case < variant file < command line.
"""

import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from common import usecase as usecases
from common.errors import FaultsError, GalleryError
from common.models import is_hub_id
from common.usecase import UseCase

ENCODER = ("embed",)
CLASSIFIER = ("classify",)
TEXT = ("sft", "preference")
SUPERVISED = ("sft",)
PREFERENCE = ("preference",)
OFFLINE_LOSSES = ("sigmoid", "sigmoid+sft", "apo_zero", "ipo", "robust", "kto")
LOSSES = (*OFFLINE_LOSSES, "reward", "grpo", "rloo")
READERS = ("embed", "classify", "sft", "preference")
VISION = ("vision",)
WRITERS = ("sft", "preference", "vlm")
TRAINED = (*READERS, *VISION, "vlm")
NOT_IN_IDENTITY = {"seeds", "data", "threads", "track"}


def setting(default: Any, text: str, tuners: tuple[str, ...] = (), **limits: Any) -> Any:
    """A field with its help; `tuners` names the only tuners that read it (empty: all do)."""
    return Field(default, description=text, json_schema_extra={"tuners": list(tuners)}, **limits)


class RunConfig(BaseModel):
    """Everything that decides what a run does."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    usecase: str = setting("", "folder name of the use case")
    variant: str = setting("offline", "settings file in the use case's variants folder")
    about: str = setting("", "one line on what this variant is for")
    tuner: str = setting("", "which tuner runs; comes from the use case")
    method: str = setting("lora", "how weights are changed; see `gallery methods`")
    model: str = setting("embedded", "embedded, a local folder, or a hub id such as org/name")
    revision: str | None = setting(None, "commit of the hub model; pin it for a published row")
    data: Path | None = setting(None, "your own file or folder instead of the shipped data")
    task: dict[str, str | int | float | bool] = setting({}, "settings that the use case reads itself")
    needs_data: str = setting("", "what --data must be given for this variant")
    seeds: int = setting(1, "how many seeds: 0, 1, ... ; three or more to publish", ge=1, le=20)
    search: int = setting(0, "trials that seek learning_rate, warmup_share and rank on val", TRAINED, ge=0)
    rates: int = setting(0, "learning rates tried on val, a factor of three apart; 0: none", TRAINED, ge=0)
    track: Literal["none", "tensorboard", "trackio", "wandb"] = setting("none", "where losses are sent too")
    smoke: bool = setting(False, "same path with a tiny budget, to see that it works")

    train_share: float = setting(1.0, "part of the training data to use, for data-size curves", gt=0, le=1)
    epochs: int = setting(1, "passes over the training rows", TRAINED, ge=1)
    batch_size: int = setting(32, "rows per step", TRAINED, ge=1)
    learning_rate: float | None = setting(None, "peak rate; empty: the method's default", gt=0)
    warmup_share: float = setting(0.1, "share of steps with a rising rate", TRAINED, ge=0, le=1)
    weight_decay: float = setting(0.01, "pull of weights to zero", TRAINED, ge=0)
    train_length_tokens: int = setting(96, "training inputs are cut here", READERS, ge=8)
    input_length_tokens: int = setting(
        128, "inputs are cut here when predicting", ("embed", "classify"), ge=8
    )
    answer_length_tokens: int = setting(96, "answers are cut here", WRITERS, ge=1)
    shots: int = setting(3, "similar training examples in the few-shot prompt", TEXT, ge=1)
    samples: int = setting(1, "answers drawn per prompt; the use case picks one", TEXT, ge=1, le=32)
    sampling_temperature: float = setting(0.7, "spread of the drawn answers", TEXT, gt=0)
    vllm: bool = setting(False, "answers come from vLLM where it is found", TEXT)
    flash_attention: bool = setting(False, "attention of the package flash-attn, on a GPU", SUPERVISED)
    compiled: bool = setting(
        False, "steps go through torch.compile: minutes at the start, quicker steps on a GPU", SUPERVISED
    )
    checkpointing: bool = setting(
        False, "inner values are computed again going back: less memory, more time", SUPERVISED
    )
    rehearsal: int = setting(0, "passages of its own that hold a model to what it was", TEXT, ge=0)
    rehearsal_each_step: int = setting(1, "of these passages in a step; more make it steadier", TEXT, ge=1)
    rehearsal_weight: float = setting(1.0, "how hard they hold; more forgets less", TEXT, gt=0)
    milder: bool = setting(
        False, "gives back as much of the change as val cannot tell from noise", SUPERVISED
    )
    optimizer: Literal["adamw", "muon"] = setting(
        "adamw", "what takes the steps; muon needs fewer of them", SUPERVISED
    )
    rank: int = setting(16, "width of LoRA and DoRA matrices", TRAINED, ge=1)
    frozen_layers: int = setting(3, "lowest layers kept fixed by layer-freezing", TRAINED, ge=1)
    virtual_tokens: int = setting(16, "length of a learned prompt", TRAINED, ge=1)
    hard_negatives: int = setting(0, "mined wrong passages per training row", ENCODER, ge=0, le=8)
    from_linear: bool = setting(
        False, "questions alone are tuned, from the linear map on, against every document", ENCODER
    )
    matryoshka: tuple[int, ...] = setting((), "shorter sizes trained along, e.g. 128,64", ENCODER)
    classes_balanced: bool = setting(False, "weigh rare labels up in the loss", CLASSIFIER)

    image_pixels: int = setting(64, "longer side of what the image model sees", VISION, ge=16)
    lora_targets: tuple[str, ...] = setting((), "modules beside which LoRA sits; empty: all", VISION)

    loss: Literal[LOSSES] = setting("apo_zero", "how preferences are learnt", PREFERENCE)
    beta: float = setting(0.1, "how hard the reference holds the tuned model", PREFERENCE, gt=0)
    sft_weight: float = setting(0.2, "weight of the SFT part of sigmoid+sft", PREFERENCE, ge=0)
    start_epochs: int = setting(2, "passes of the supervised stage before preferences", PREFERENCE, ge=1)
    start_rate: float = setting(1e-3, "peak rate of the supervised stage", PREFERENCE, gt=0)
    start_method: str = setting("full", "how the supervised stage changes weights: full or lora", PREFERENCE)
    own_answers: float = setting(
        0.5, "most pairs whose rejected answer the model wrote itself", PREFERENCE, ge=0, le=1
    )
    displacement_limit: float = setting(
        0.2, "training stops when chosen answers lose more nats per token", PREFERENCE, gt=0
    )
    judge_share: float = setting(
        0.15, "share of training groups kept for a rating model that judges", PREFERENCE, ge=0, lt=1
    )
    preferences: int = setting(0, "examples whose preferences are learnt, by hash; 0: all", PREFERENCE, ge=0)
    rollouts: int = setting(4, "answers drawn per prompt by grpo and rloo", PREFERENCE, ge=2)

    source_name: str = setting("", "name of the data set that --data holds, for the record")
    source_licence: str = setting("", "its licence")
    source_origin: str = setting("", "where it comes from")
    threads: int = setting(0, "torch threads; 0: OMP_NUM_THREADS, or every core", ge=0)


def settings_of(config: RunConfig) -> dict[str, Any]:
    """The settings that make two runs different runs; more seeds continue the same one."""
    return config.model_dump(mode="json", exclude=NOT_IN_IDENTITY)


def build(usecase: UseCase, variant: str, command_line: Mapping[str, Any]) -> RunConfig:
    """The config of a run, or every fault in it at once."""
    layers = {
        **read_variant(usecase, variant, command_line.get("data") is not None),
        **{name: value for name, value in command_line.items() if value is not None},
    }
    tuner = usecase.configured(layers.get("task", {})).tuner
    if tuner in TEXT and is_hub_id(layers.get("model", "embedded")):
        flash = {"flash_attention": True} if tuner in SUPERVISED and find_spec("flash_attn") else {}
        layers = {"vllm": True, **flash, **layers}
    fixed = {"usecase": usecase.name, "variant": variant, "tuner": tuner}
    faults = key_faults(layers, tuner)
    config = None
    try:
        known = {key: value for key, value in layers.items() if key in RunConfig.model_fields}
        config = RunConfig(**{**known, **fixed})
    except ValidationError as error:
        faults += [f"{item['loc'][0]}: {item['msg']}, found {item['input']!r}" for item in error.errors()]
    if faults or config is None:
        raise FaultsError(f"The settings of {usecase.name}--{variant}", faults, "Mend them and run again.")
    if config.needs_data and config.data is None:
        raise GalleryError(
            f"Variant {variant!r} of {usecase.name} needs --data: {config.needs_data}. None was given."
        )
    return config


def key_faults(layers: Mapping[str, Any], tuner: str) -> list[str]:
    """Unknown keys with the nearest name, and keys that the use case's tuner does not read."""
    faults = []
    fields = RunConfig.model_fields
    for key in layers:
        if key not in fields:
            close = get_close_matches(key, fields, n=1)
            faults.append(f"unknown key {key!r}" + (f", did you mean {close[0]!r}?" if close else ""))
            continue
        tuners = (fields[key].json_schema_extra or {})["tuners"]
        if tuners and tuner not in tuners:
            faults.append(f"{key!r} is read by {', '.join(tuners)} only; this use case runs {tuner}")
    return faults


def variants(usecase: UseCase) -> list[str]:
    """The variants of a use case, the offline default first."""
    found = {path.stem for path in (usecases.folder(usecase) / "variants").glob("*.toml")}
    return ["offline", *sorted(found - {"offline"})]


def read_variant(usecase: UseCase, variant: str, own: bool = False) -> dict[str, Any]:
    """What a variant file sets, and what its table `own_data` changes for a person's own data."""
    found = read_file(usecase, variant)
    changed = found.pop("own_data", {})
    return {**found, **changed} if own else found


def read_file(usecase: UseCase, variant: str) -> dict[str, Any]:
    """A variant file as it stands; the offline default may do without one."""
    path = usecases.folder(usecase) / "variants" / f"{variant}.toml"
    if not path.is_file():
        if variant == "offline":
            return {}
        known = variants(usecase)
        close = get_close_matches(variant, known, n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        raise GalleryError(
            f"Unknown variant {variant!r} of {usecase.name}.{hint} These exist: {', '.join(known)}."
        )
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise GalleryError(f"{path} is not valid TOML: {error}") from error
