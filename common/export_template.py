"""The chat template that goes out with a model: what the run wrote, whole in itself, and as Ollama's."""

from collections.abc import Sequence
from dataclasses import dataclass
from os.path import commonprefix as shared
from typing import Any

from common import chat
from common.chat import Message
from common.errors import GalleryError

# Writes what `chat.plain` writes, for a model that came without a template.
PLAIN = (
    "{% for message in messages %}{{ message['content'] }}"
    "{% if message['role'] == 'assistant' %}{{ eos_token }}{% else %}{{ '\\n' }}{% endif %}{% endfor %}"
)
ROLES = ("system", "user", "assistant")
GO_UNSAFE = ("{{", "}}", '"""')


def settle(tokenizer: Any) -> None:
    """Puts the settings of the run into the template, so that a server needs none to write the same."""
    asked = [[{"role": "user", "content": "one"}], conversation("user", "assistant", "user")]
    expected = [chat.render(tokenizer, messages) for messages in asked]
    if tokenizer.chat_template is None:
        tokenizer.chat_template = PLAIN
    used = {k: v for k, v in chat.TEMPLATE_SETTINGS.items() if k in tokenizer.chat_template}
    values = {k: repr(v) if isinstance(v, str) else str(v).lower() for k, v in used.items()}
    settings = "".join(f"{{%- set {name} = {value} -%}}" for name, value in values.items())
    if not tokenizer.chat_template.startswith(settings):
        tokenizer.chat_template = settings + tokenizer.chat_template
    if [written(tokenizer, messages) for messages in asked] != expected:
        raise GalleryError(
            "The chat template of this model does not keep the settings of the run once they stand in it: "
            f"{sorted(used)}. A server would ask in other words than the run. Use `gallery serve`."
        )


def written(tokenizer: Any, messages: Sequence[Message]) -> str:
    """A prompt as a server writes it, who knows the template alone."""
    return tokenizer.apply_chat_template(list(messages), tokenize=False, add_generation_prompt=True)


def conversation(*roles: str) -> list[Message]:
    """Messages of these roles whose texts occur in no template."""
    return [{"role": role, "content": f"\ue000{place}\ue001"} for place, role in enumerate(roles)]


@dataclass(frozen=True)
class Pieces:
    """A template taken apart: what stands around the text of each role, and what asks for an answer."""

    start: str
    default: str  # what stands there when no system message does
    around: dict[str, tuple[str, str]]
    joined: bool  # the system's text stands inside the first turn of the user
    ask: str

    def text(self, messages: Sequence[Message]) -> str:
        """What Ollama makes of the template below, with the start that it writes by itself."""
        has_system = messages[0]["role"] == "system"
        out, after_system = self.start + ("" if has_system else self.default), False
        for message in messages:
            before, behind = self.around[message["role"]]
            out += ("" if after_system and self.joined else before) + message["content"] + behind
            after_system = message["role"] == "system"
        return out + self.ask

    def go(self) -> str:
        """The same as a Go template; Ollama writes the start token by itself."""
        parts = []
        for number, role in enumerate(ROLES):
            before, behind = self.around[role]
            if self.joined and role == "user":
                before = f"{{{{ if not $system }}}}{before}{{{{ end }}}}"
            say = f"{before}{{{{ .Content }}}}{behind}{{{{ $system = {str(role == 'system').lower()} }}}}"
            parts.append(f'{{{{ {"else " if number else ""}if eq .Role "{role}" }}}}{say}')
        turns = "{{ range .Messages }}" + "".join(parts) + "{{ end }}{{ end }}"
        first = '{{ if ne (index .Messages 0).Role "system" }}' + self.default + "{{ end }}"
        return "{{ $system := false }}" + (first if self.default else "") + turns + self.ask


def pieces(tokenizer: Any) -> Pieces | None:
    """The template taken apart; None when it does more than to put a text around each message."""
    shapes = (("user",), ("user", "assistant", "user"), ("system", "user"))
    shapes += (("system", "user", "assistant", "user", "assistant", "user"),)
    try:
        found = taken_apart(tokenizer)
        talks = [conversation(*shape) for shape in shapes]
        sound = all(found.text(talk) == written(tokenizer, talk) for talk in talks)
    except Exception:  # a template is a program of others: it may refuse a role in any way it likes
        return None
    literal = [
        found.start,
        found.default,
        found.ask,
        *(text for pair in found.around.values() for text in pair),
    ]
    safe = not any(mark in text for text in literal for mark in GO_UNSAFE)
    return found if sound and safe else None


def taken_apart(tokenizer: Any) -> Pieces:
    """Reads the pieces from three conversations; whether they hold is for the caller to see."""
    before, between, again, end = gaps(tokenizer, conversation("user", "assistant", "user"))
    start = tokenizer.bos_token if tokenizer.bos_token and before.startswith(tokenizer.bos_token) else ""
    before = before.removeprefix(start)
    user = before if again.endswith(before) else shared([before[::-1], again[::-1]])[::-1]
    behind = shared([closed(tokenizer, conversation("user")), between])
    head, inner, _ = gaps(tokenizer, conversation("system", "user"))
    joined = not inner.endswith(user)
    around = {
        "system": (head.removeprefix(start), inner if joined else inner.removesuffix(user)),
        "user": (user, behind),
        "assistant": (between.removeprefix(behind), again.removesuffix(user)),
    }
    return Pieces(start, before.removesuffix(user), around, joined, end.removeprefix(behind))


def closed(tokenizer: Any, messages: list[Message]) -> str:
    """What stands behind the last message when no answer is asked for."""
    text = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=False)
    return text.rpartition(messages[-1]["content"])[2]


def gaps(tokenizer: Any, messages: list[Message]) -> list[str]:
    """What stands before, between and behind the messages of a prompt."""
    rest, found = written(tokenizer, messages), []
    for message in messages:
        before, _, rest = rest.partition(message["content"])
        found.append(before)
    return [*found, rest]
