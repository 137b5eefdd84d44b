"""More pieces for a model: new rows that start as the mean of the pieces they replace; or letters alone."""

from collections.abc import Sequence
from typing import Any

from common.errors import GalleryError
from common.models import grow_rows

PAD, UNKNOWN, END = "<|pad|>", "<|unk|>", "<|end|>"
CHARACTER_MODEL = {"hidden_size": 192, "intermediate_size": 512, "num_hidden_layers": 4}
CHARACTER_CONTEXT = 512


def extend(model: Any, tokenizer: Any, pieces: Sequence[str]) -> list[int]:
    """Adds the pieces that the tokenizer does not have as one yet; gives their ids."""
    import torch
    from tokenizers import AddedToken

    parts = {piece: tokenizer(piece, add_special_tokens=False)["input_ids"] for piece in pieces}
    fresh = [piece for piece, ids in parts.items() if len(ids) > 1]
    tokenizer.add_tokens([AddedToken(piece, normalized=False) for piece in fresh])
    grow_rows(model, tokenizer)
    ids = tokenizer.convert_tokens_to_ids(fresh)
    with torch.no_grad():
        for _, module in row_modules(model):
            for row, piece in zip(ids, fresh, strict=True):
                module.weight[row] = module.weight[parts[piece]].mean(0)
    return ids


def row_modules(model: Any) -> list[tuple[str, Any]]:
    """The modules with a row per piece: the input table, and the head where it is not the same."""
    table, head = model.get_input_embeddings(), model.get_output_embeddings()
    wanted = [table] if head is None or head.weight is table.weight else [table, head]
    return [(name, module) for name, module in model.named_modules() if any(module is w for w in wanted)]


def train_rows(peft_config: Any, model: Any, ids: Sequence[int], method: str) -> Any:
    """A PEFT config that also trains and saves the new rows."""
    if not hasattr(peft_config, "trainable_token_indices"):
        raise GalleryError(f"Method {method!r} cannot train new pieces; use lora, dora or full.")
    peft_config.trainable_token_indices = {name.split(".")[-1]: list(ids) for name, _ in row_modules(model)}
    return peft_config


def character_model(texts: Sequence[str], seed: int) -> tuple[Any, Any]:
    """A small model with random weights whose pieces are the characters of some texts."""
    import torch
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    pieces = [PAD, UNKNOWN, END, *sorted({"\n", *"".join(texts)})]
    raw = Tokenizer(models.WordLevel({piece: row for row, piece in enumerate(pieces)}, UNKNOWN))
    raw.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), "isolated")
    raw.decoder = decoders.Fuse()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=raw,
        pad_token=PAD,
        unk_token=UNKNOWN,
        eos_token=END,
        clean_up_tokenization_spaces=False,
    )
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=len(pieces),
        num_attention_heads=4,
        max_position_embeddings=CHARACTER_CONTEXT,
        tie_word_embeddings=True,
        pad_token_id=0,
        bos_token_id=None,
        eos_token_id=2,
        **CHARACTER_MODEL,
    )
    return LlamaForCausalLM(config).eval(), tokenizer
