"""The tokenizer: byte-level BPE in which a word has one spelling, with or without a space before.

Ordinary byte-level BPE writes ` name` and `name` as two unlike pieces, so a small model that reads
`name` in a schema has to learn that ` name` in a query is the same thing. Here a space belongs to
function words, SQL keywords and punctuation, never to a content word: what is copied is copied
piece by piece. Names are split at underscores and capitals, digits stand alone.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from .short_sql import POINTERS

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

PAD, START, END = "<|pad|>", "<|bos|>", "<|end|>"
ROLES = ("<|system|>", "<|user|>", "<|assistant|>")
SPECIAL = (PAD, START, END, *ROLES)
PIECES = 5120

FUNCTION_WORDS = """a about after all also an and any are as at be been before but by can could did
do does for from give had has have he her his how i if in into is it its list many may me more most
much my no not of on one only or our over said she should show so some such than that the their
them then there these they this those to under up upon us very was we were what when where which
while who whose why will with would you your What Which How The It He She In And But I A""".split()
KEYWORDS = """SELECT FROM WHERE JOIN LEFT INNER ON AS AND OR NOT IN IS NULL LIKE BETWEEN DISTINCT
ASC DESC LIMIT UNION EXCEPT INTERSECT EXISTS CASE WHEN THEN ELSE END TEXT INTEGER REAL DATE""".split()
PHRASES = (
    "GROUP BY",
    "ORDER BY",
    "CREATE TABLE",
    "PRIMARY KEY",
    "IS NOT NULL",
    "IS NULL",
    "NOT IN",
)

CHAT_TEMPLATE = (
    "{{ bos_token }}"
    "{% for message in messages %}"
    "{{ '<|' + message['role'] + '|>' }}"
    "{% if message['role'] == 'assistant' %}"
    "{% generation %}{{ message['content'] + eos_token }}{% endgeneration %}"
    "{% else %}{{ message['content'] + eos_token }}{% endif %}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)


def _pattern() -> str:
    """The regular expression that cuts text before pieces are learnt."""
    glued = "|".join((*PHRASES, *KEYWORDS, *FUNCTION_WORDS))
    return "|".join(
        (
            rf" ?(?<![\p{{L}}\p{{M}}_])(?:{glued})(?![\p{{L}}\p{{M}}_]) ?",
            r"(?<=\p{L})'(?:s|t|re|ve|ll|d|m)(?!\p{L})",
            r"\p{Lu}?[\p{Ll}\p{M}]+",
            r"\p{Lu}+(?!\p{Ll})",
            r"[\p{L}\p{M}]+",
            r"\p{N}",
            r" ?[^\s\p{L}\p{M}\p{N}]+ ?",
            r"\n+",
            r"[^\S\n]+",
        )
    )


def train(texts: Iterable[str], pieces: int = PIECES) -> "PreTrainedTokenizerFast":
    """Learn a tokenizer from texts."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_pattern()), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=pieces,
        special_tokens=list(SPECIAL),
        show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        min_frequency=3,
        max_token_length=24,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return with_pointers(wrap(tokenizer))


def with_pointers(tokenizer: "PreTrainedTokenizerFast") -> "PreTrainedTokenizerFast":
    """Give every number of short SQL one piece: `@0`, `@1` ..."""
    from tokenizers import AddedToken

    tokenizer.add_tokens([AddedToken(f"@{number}", normalized=False) for number in range(POINTERS)])
    return tokenizer


def wrap(tokenizer: object) -> "PreTrainedTokenizerFast":
    """Dress a raw tokenizer with its special tokens and chat template."""
    from transformers import PreTrainedTokenizerFast

    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=PAD,
        bos_token=START,
        eos_token=END,
        additional_special_tokens=list(ROLES),
        chat_template=CHAT_TEMPLATE,
        model_max_length=1024,
        padding_side="right",
        clean_up_tokenization_spaces=False,
    )


def load(folder: Path) -> "PreTrainedTokenizerFast":
    """The tokenizer of a folder."""
    from transformers import PreTrainedTokenizerFast

    return PreTrainedTokenizerFast.from_pretrained(str(folder), local_files_only=True)
