"""Prompts and training rows as tokens. One path builds both, so they cannot differ."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from common.errors import GalleryError

IGNORED = -100
# A template that prints today's date would make runs differ by day; thinking is off in both paths.
TEMPLATE_SETTINGS = {"enable_thinking": False, "date_string": "01 Jan 2025"}

Message = dict[str, str]
Prompt = str | list[Message]


@dataclass(frozen=True)
class Encoded:
    """A training row: tokens, and labels that carry loss on the answer only."""

    input_ids: list[int]
    labels: list[int]

    def answer_ids(self) -> list[int]:
        return [label for label in self.labels if label != IGNORED]


def render(tokenizer: Any, prompt: Prompt, completion: str | None = None) -> str:
    """A prompt as the model sees it, with its answer when that is given."""
    if isinstance(prompt, str) or tokenizer.chat_template is None:
        text = prompt if isinstance(prompt, str) else "\n".join(m["content"] for m in prompt) + "\n"
        return text if completion is None else text + completion + tokenizer.eos_token
    messages = prompt if completion is None else [*prompt, {"role": "assistant", "content": completion}]
    return tokenizer.apply_chat_template(
        messages, tokenize=False, add_generation_prompt=completion is None, **TEMPLATE_SETTINGS
    )


def prompt_ids(tokenizer: Any, prompt: Prompt) -> list[int]:
    """The tokens that a model answers to. The template writes its own start token."""
    text = render(tokenizer, prompt)
    starts = tokenizer.bos_token and text.startswith(tokenizer.bos_token)
    return tokenizer(text, add_special_tokens=isinstance(prompt, str) and not starts)["input_ids"]


def encode(tokenizer: Any, prompt: Prompt, completion: str) -> Encoded:
    """A training row whose prompt tokens are exactly those of inference."""
    asked = prompt_ids(tokenizer, prompt)
    answer = tokenizer(answer_text(tokenizer, prompt, completion), add_special_tokens=False)["input_ids"]
    return Encoded(asked + answer, [IGNORED] * len(asked) + answer)


def answer_text(tokenizer: Any, prompt: Prompt, completion: str) -> str:
    """What the model must write after the prompt: the answer and its end-of-turn, nothing after it."""
    before, whole = render(tokenizer, prompt), render(tokenizer, prompt, completion)
    if not whole.startswith(before):
        raise GalleryError(
            "The chat template writes another text before the answer in training than at inference:\n"
            f"  inference ends with {before[-60:]!r}\n"
            f"  training has        {whole[len(before) - 60 :][:90]!r}\n"
            "Use a model whose template keeps the prompt, or mend its chat_template.jinja."
        )
    written = whole[len(before) :]
    end = written.find(tokenizer.eos_token, len(completion))
    if end < 0:
        raise GalleryError(
            f"The chat template does not end an answer with {tokenizer.eos_token!r}, so the model would "
            f"never learn to stop; it ends with {written[-40:]!r}. Set the tokenizer's eos_token to its "
            "end-of-turn token."
        )
    return written[: end + len(tokenizer.eos_token)]


def completion_of(row: dict[str, Any]) -> str:
    """The answer of a prompt/completion row, plain or as one message."""
    completion = row["completion"]
    return completion if isinstance(completion, str) else completion[-1]["content"]


def marked(tokenizer: Any, row: Encoded) -> str:
    """A row as text, with what carries loss between marks."""
    asked = tokenizer.decode(row.input_ids[: row.labels.count(IGNORED)])
    return f"{asked}«{tokenizer.decode(row.answer_ids())}»"


def with_shots(prompt: Prompt, shots: Sequence[tuple[Prompt, str]]) -> Prompt:
    """A prompt after worked examples, as earlier turns or as text."""
    if isinstance(prompt, str):
        return "\n\n".join([*(f"{asked}{answer}" for asked, answer in shots), prompt])
    turns = [
        message for asked, answer in shots for message in (*asked, {"role": "assistant", "content": answer})
    ]
    return [*turns, *prompt]
