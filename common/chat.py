"""Prompts and training rows as tokens. One path builds both, so they cannot differ."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
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
        text = prompt if isinstance(prompt, str) else "".join(plain(tokenizer, m) for m in prompt)
        return text if completion is None else text + completion + tokenizer.eos_token
    messages = prompt if completion is None else [*prompt, {"role": "assistant", "content": completion}]
    return tokenizer.apply_chat_template(
        messages, tokenize=False, add_generation_prompt=completion is None, **TEMPLATE_SETTINGS
    )


def plain(tokenizer: Any, message: Message) -> str:
    """A message as text for a model without a template; an earlier answer ends as it was learnt to."""
    return message["content"] + (tokenizer.eos_token if message["role"] == "assistant" else "\n")


def prompt_ids(tokenizer: Any, prompt: Prompt) -> list[int]:
    """The tokens that a model answers to. The template writes its own start token."""
    text = render(tokenizer, prompt)
    starts = tokenizer.bos_token and text.startswith(tokenizer.bos_token)
    return tokenizer(text, add_special_tokens=isinstance(prompt, str) and not starts)["input_ids"]


def encode(tokenizer: Any, row: dict[str, Any]) -> Encoded:
    """A training row whose every answer follows exactly the prompt tokens of inference.

    A completion of several messages is a conversation: each assistant turn in it is learnt.
    """
    prompt, ids, labels = row["prompt"], [], []
    for said, answer in turns(row):
        if said and isinstance(prompt, str):
            raise GalleryError("A plain text prompt has one answer; give a list of messages for more turns.")
        prompt = [*prompt, *said] if said else prompt
        asked = prompt_ids(tokenizer, prompt)
        if asked[: len(ids)] != ids:
            raise Rewritten(
                "The chat template writes an earlier answer differently once the conversation goes on, so a "
                "row of several turns cannot be learnt as it will be asked. Give each turn a row of its own."
            )
        written = answer_text(tokenizer, prompt, answer)
        learnt = tokenizer(written, add_special_tokens=False)["input_ids"]
        labels += [IGNORED] * (len(asked) - len(ids)) + learnt
        ids = asked + learnt
        prompt = prompt if isinstance(prompt, str) else [*prompt, {"role": "assistant", "content": answer}]
    return Encoded(ids, labels)


class Rewritten(GalleryError):
    """The template writes an earlier answer differently once the conversation goes on."""


def pieces(tokenizer: Any, row: dict[str, Any]) -> list[Encoded]:
    """A row as one piece; a piece per turn where the template takes thoughts out of earlier answers."""
    try:
        return [encode(tokenizer, row)]
    except Rewritten:
        prompt, found = row["prompt"], []
        for said, answer in turns(row):
            prompt = [*prompt, *said]
            found.append(encode(tokenizer, {"prompt": prompt, "completion": answer}))
            prompt = [*prompt, {"role": "assistant", "content": answer}]
        return found


def turns(row: dict[str, Any]) -> list[tuple[list[Message], str]]:
    """The answers of a row's completion, each with the messages that stand between it and the last."""
    completion = row["completion"]
    if isinstance(completion, str):
        return [([], completion)]
    found: list[tuple[list[Message], str]] = []
    between: list[Message] = []
    for message in completion:
        if message["role"] == "assistant":
            found.append((between, message["content"]))
            between = []
        else:
            between.append(message)
    if between or not found:
        raise GalleryError(
            "The completion of a training row must end with an assistant message; "
            f"found {completion[-1:]!r}. Leave out what comes after the last answer."
        )
    return found


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
    end = written.find(tokenizer.eos_token, len(completion.strip()))
    if end < 0:
        raise GalleryError(
            f"The chat template does not end an answer with {tokenizer.eos_token!r}, so the model would "
            f"never learn to stop; it ends with {written[-40:]!r}. Set the tokenizer's eos_token to its "
            "end-of-turn token."
        )
    return written[: end + len(tokenizer.eos_token)]


def completion_of(row: dict[str, Any]) -> str:
    """The first answer of a prompt/completion row, plain or as messages."""
    return turns(row)[0][1]


def marked(tokenizer: Any, row: Encoded) -> str:
    """A row as text, with what carries loss between marks."""
    pairs = zip(row.input_ids, row.labels, strict=True)
    parts = []
    for learnt, run in groupby(pairs, lambda pair: pair[1] != IGNORED):
        text = tokenizer.decode([token for token, _ in run])
        parts.append(f"«{text}»" if learnt else text)
    return "".join(parts)


def answer_lengths(row: Encoded) -> list[int]:
    """Tokens of every answer of a row, its end among them."""
    return [len(list(run)) for learnt, run in groupby(row.labels, lambda label: label != IGNORED) if learnt]


def with_shots(prompt: Prompt, shots: Sequence[tuple[Prompt, str]]) -> Prompt:
    """A prompt after worked examples, as earlier turns or as text."""
    if isinstance(prompt, str):
        return "\n\n".join([*(f"{asked}{answer}" for asked, answer in shots), prompt])
    turns = [
        message for asked, answer in shots for message in (*asked, {"role": "assistant", "content": answer})
    ]
    return [*turns, *prompt]
