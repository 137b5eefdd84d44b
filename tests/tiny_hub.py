"""Tiny random models of the shapes people take from the hub, saved as those are saved.

Templates are the ones that TRL keeps beside its tests; SmolLM2's, SmolLM3's and Phi-4-mini's are written
here after what the real ones do. Every oddity is kept: who writes the start token, what pads, what ends
a turn and where a date is printed.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SENTENCES = (
    "the box is red . colour ? the cup is green . colour ? the hat is blue . colour ? the bag is black . "
    "the key is white . colour ? You are a helpful AI assistant named SmolLM user assistant system model"
)
SMALL = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 1024,
}
SMOLLM2 = (
    "{% for m in messages %}{% if loop.first and m['role'] != 'system' %}{{ '<|im_start|>system\n"
    "You are a helpful AI assistant named SmolLM<|im_end|>\n' }}{% endif %}{{ '<|im_start|>' + m['role'] "
    "+ '\n' + m['content'] + '<|im_end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
SMOLLM3 = (
    "{%- set mode = '/think' if enable_thinking is not defined or enable_thinking else '/no_think' -%}"
    "{{ '<|im_start|>system\n## Metadata\n\nToday Date: ' + strftime_now('%d %B %Y') + "
    "'\nReasoning Mode: ' + mode + '\n\n' }}"
    "{%- for m in messages -%}{{ '<|im_start|>' + m['role'] + '\n' }}"
    "{%- if m['role'] == 'assistant' and mode == '/no_think' -%}{{ '<think>\n\n</think>\n' }}{%- endif -%}"
    "{{ m['content'].lstrip('\n') + '<|im_end|>\n' }}{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{ '<|im_start|>assistant\n' }}"
    "{%- if mode == '/no_think' -%}{{ '<think>\n\n</think>\n' }}{%- endif -%}{%- endif -%}"
)
PHI4 = (
    "{% for m in messages %}{{ '<|' + m['role'] + '|>' + m['content'] + '<|end|>' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% else %}{{ eos_token }}{% endif %}"
)


@dataclass(frozen=True)
class Shape:
    """An architecture with the special tokens of its instruct model."""

    config: str
    template: str
    bos: str | None
    eos: str
    pad: str | None
    ends: tuple[str, ...]
    adds_bos: bool = False
    marks: tuple[str, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)


CHATML = ("<|im_start|>", "<|im_end|>")
TIED = {"tie_word_embeddings": True}
SHAPES = {
    "smollm2": Shape(
        "LlamaConfig", SMOLLM2, "<|im_start|>", "<|im_end|>", "<|im_end|>", ("<|im_end|>",), options=TIED
    ),
    "llama-3.2": Shape(
        "LlamaConfig",
        "llama3_2",
        "<|begin_of_text|>",
        "<|eot_id|>",
        None,
        ("<|end_of_text|>", "<|eot_id|>"),
        adds_bos=True,
        marks=("<|start_header_id|>", "<|end_header_id|>"),
        options=TIED,
    ),
    "qwen3": Shape(
        "Qwen3Config",
        "qwen3",
        None,
        "<|im_end|>",
        "<|endoftext|>",
        ("<|im_end|>", "<|endoftext|>"),
        marks=(*CHATML, "<think>", "</think>"),
        options={**TIED, "head_dim": 8},
    ),
    "gemma-3": Shape(
        "Gemma3TextConfig",
        "gemma3",
        "<bos>",
        "<eos>",
        "<pad>",
        ("<eos>", "<end_of_turn>"),
        adds_bos=True,
        marks=("<start_of_turn>",),
        options={
            "head_dim": 8,
            "sliding_window": 24,
            "layer_types": ["sliding_attention", "full_attention"],
            **TIED,
        },
    ),
    "phi-4-mini": Shape(
        "Phi3Config",
        PHI4,
        "<|endoftext|>",
        "<|endoftext|>",
        "<|endoftext|>",
        ("<|endoftext|>", "<|end|>"),
        marks=("<|user|>", "<|assistant|>"),
        options=TIED,
    ),
    "phi-3": Shape(
        "Phi3Config", "phi3", "<s>", "<|endoftext|>", "<|endoftext|>", ("<|endoftext|>", "<|end|>")
    ),
    "smollm3": Shape(
        "SmolLM3Config",
        SMOLLM3,
        None,
        "<|im_end|>",
        "<|im_end|>",
        ("<|im_end|>",),
        marks=(*CHATML, "<think>", "</think>"),
        options={**TIED, "no_rope_layers": [1, 0]},
    ),
}


def chat_model(name: str, folder: Path) -> Path:
    """Saves a random model of that shape, in bf16 as most of the hub is, with its chat template."""
    import torch
    import transformers

    shape = SHAPES[name]
    tokenizer = tokenizer_of(shape)
    ends = tokenizer.convert_tokens_to_ids(list(shape.ends))
    settings = getattr(transformers, shape.config)(
        vocab_size=len(tokenizer),
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        **{**SMALL, **shape.options},
    )
    torch.manual_seed(0)
    model = transformers.AutoModelForCausalLM.from_config(settings, dtype=torch.bfloat16)
    model.generation_config.eos_token_id = ends
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def tokenizer_of(shape: Shape) -> Any:
    """A byte-level BPE over the toy's words; like the real one it may write the start token itself."""
    from tokenizers import processors
    from transformers import PreTrainedTokenizerFast

    named = [token for token in (shape.pad, shape.bos, shape.eos, *shape.ends, *shape.marks) if token]
    raw = byte_pairs(list(dict.fromkeys(named)))
    if shape.adds_bos:
        raw.post_processor = processors.TemplateProcessing(
            single=f"{shape.bos} $A", special_tokens=[(shape.bos, raw.token_to_id(shape.bos))]
        )
    return PreTrainedTokenizerFast(
        tokenizer_object=raw,
        pad_token=shape.pad,
        bos_token=shape.bos,
        eos_token=shape.eos,
        chat_template=template_of(shape.template),
    )


def byte_pairs(special: list[str]) -> Any:
    """A tokenizer learnt from a few sentences of the toy."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    learn = trainers.BpeTrainer(
        vocab_size=340,
        special_tokens=special,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    raw.train_from_iterator([SENTENCES], learn)
    return raw


def template_of(name: str) -> str:
    """A template of TRL by name, or the text itself."""
    import trl

    file = Path(trl.__file__).parent / "chat_templates" / f"{name}.jinja"
    return file.read_text(encoding="utf-8") if len(name) < 40 else name


QUERY_PROMPTS = {
    "bge": "",
    "embeddinggemma": "task: search result | query: ",
    "qwen3-embedding": "Instruct: Given a web search query, retrieve relevant passages\nQuery:",
}


def encoder(name: str, folder: Path, texts: list[str]) -> Path:
    """Saves a sentence encoder of that shape: how it pools, what it writes before a question, its dtype."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Dense, Normalize, Pooling, Transformer

    backbone = folder / "backbone"
    network, tokenizer = encoder_network(name, texts)
    network.to(torch.bfloat16 if name == "qwen3-embedding" else torch.float32).save_pretrained(backbone)
    tokenizer.save_pretrained(backbone)
    pooling = {"bge": "cls", "embeddinggemma": "mean", "qwen3-embedding": "lasttoken"}[name]
    body = Transformer(str(backbone), max_seq_length=64, model_kwargs={"dtype": "auto"})
    parts = [body, Pooling(32, pooling_mode=pooling)]
    if name == "embeddinggemma":
        parts += [Dense(32, 64, bias=False), Dense(64, 32, bias=False)]
    prompts = {"query": QUERY_PROMPTS[name], "document": "title: none | text: " if len(parts) > 2 else ""}
    SentenceTransformer(modules=[*parts, Normalize()], prompts=prompts).save(str(folder / "model"))
    return folder / "model"


def encoder_network(name: str, texts: list[str]) -> tuple[Any, Any]:
    """The random backbone of an encoder and a tokenizer over some texts."""
    import torch
    import transformers

    torch.manual_seed(0)
    if name == "bge":
        words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *sorted({w for t in texts for w in t.lower().split()})]
        vocabulary = {word: place for place, word in enumerate(words)}
        tokenizer = transformers.BertTokenizerFast(vocab=vocabulary)
        few = {key: value for key, value in SMALL.items() if key != "num_key_value_heads"}
        return transformers.BertModel(transformers.BertConfig(vocab_size=len(words), **few)), tokenizer
    shape = SHAPES["gemma-3" if name == "embeddinggemma" else "qwen3"]
    tokenizer = tokenizer_of(shape)
    tokenizer.chat_template = None
    tokenizer.padding_side = "right" if name == "embeddinggemma" else "left"
    settings = getattr(transformers, shape.config)(
        vocab_size=len(tokenizer),
        pad_token_id=tokenizer.pad_token_id,
        **{**SMALL, **shape.options},
        **({"use_bidirectional_attention": True} if name == "embeddinggemma" else {}),
    )
    return transformers.AutoModel.from_config(settings), tokenizer
