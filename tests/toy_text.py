"""A small text use case: copy the code of the named item out of the prompt."""

from pathlib import Path

from tests.toy import put

TEMPLATE = (
    "{{ bos_token }}{% for m in messages %}<|{{ m['role'] }}|>{{ m['content'] }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
SOURCE = '''
"""Toy text: which colour does the prompt name."""

from common.usecase import Example, Source, Splits, UseCase

COLOURS = "red green blue black white".split()
THINGS = "box cup hat bag pen map key car bell drum flag lamp rope sock vase coin".split()


class ToyText(UseCase):
    title = "Toy text"
    story = "A thing has a colour; say which."
    tuner = "sft"
    headline = "exact"
    source = Source("toy text", "Apache-2.0", "written for the tests")
    limits = "For tests."
    largest_forgetting = 99.0

    def load(self, data):
        made = {"train": [], "val": [], "test": []}
        for number, thing in enumerate(THINGS):
            split = "train" if number < 10 else "val" if number < 12 else "test"
            for colour in COLOURS:
                text = f"the {thing} is {colour} . colour ?"
                made[split].append(Example(f"{thing}-{colour}", thing, text, colour))
        return Splits(*(tuple(made[name]) for name in ("train", "val", "test")), source=self.source)

    def model_input(self, example):
        return [{"role": "user", "content": example.inputs}]

    def score(self, example, output):
        return {"exact": float(output == example.answer)}

    def floor(self, splits):
        return lambda examples: ["red" for _ in examples]

    def train_rows(self, example, splits):
        answer = [{"role": "assistant", "content": example.answer}]
        return [{"prompt": self.model_input(example), "completion": answer}]
'''


def save_model(folder: Path) -> Path:
    """A random two-layer Llama with a word-level tokenizer, saved as people save models."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    special = ["<|pad|>", "<|bos|>", "<|end|>", "<|user|>", "<|assistant|>", "<|unknown|>"]
    words = "the is . ? colour red green blue black white".split()
    words += "box cup hat bag pen map key car bell drum flag lamp rope sock vase coin".split()
    raw = Tokenizer(models.WordLevel({w: i for i, w in enumerate(special + words)}, "<|unknown|>"))
    raw.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=raw,
        pad_token="<|pad|>",
        bos_token="<|bos|>",
        eos_token="<|end|>",
        extra_special_tokens=["<|user|>", "<|assistant|>"],
        chat_template=TEMPLATE,
    )
    torch.manual_seed(0)
    settings = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=4,
        max_position_embeddings=128,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
    )
    LlamaForCausalLM(settings).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def write(root: Path, variant: str) -> Path:
    """Writes the use case to a folder."""
    return put(root / "toy_text", SOURCE, variant)
