"""What the model reads: the desk's instruction, the policy cards, the conversation."""

from common.usecase import Example
from usecases.support_chatbot.content import field_name

INSTRUCTION = (
    "Answer from the cards. First line: the request of the card that fits, or hand over if none fits."
)
Message = dict[str, str]


def card_line(card: dict[str, str]) -> str:
    """A policy card as one line."""
    return "; ".join([card["intent"], *(f"{field_name(f)} {v}" for f, v in card.items() if f != "intent")])


def system_text(cards: list[dict[str, str]]) -> str:
    """The instruction and the cards."""
    return "\n".join([INSTRUCTION, *(card_line(card) for card in cards)])


def cards_of(example: Example) -> list[dict[str, str]]:
    """The policy cards that an example shows; a person's own data has none."""
    return [] if isinstance(example.inputs, str) else example.inputs["cards"]


def turns_of(example: Example) -> list[Message]:
    """The conversation so far."""
    if isinstance(example.inputs, str):
        return [{"role": "user", "content": example.inputs}]
    return example.inputs["turns"]


def messages(example: Example) -> list[Message]:
    """The prompt of an example; own and given conversations look the same to the tuner."""
    cards = cards_of(example)
    system = [{"role": "system", "content": system_text(cards)}] if cards else []
    return [*system, *turns_of(example)]


def conversation(prompt: list[Message], answer: str) -> dict[str, list[Message]]:
    """A training row in which every answer of the desk is learnt, earlier ones too, but for a greeting."""
    whole = [*prompt, {"role": "assistant", "content": answer}]
    asked = next(place for place, message in enumerate(whole) if message["role"] == "user")
    first = next(place for place in range(asked, len(whole)) if whole[place]["role"] == "assistant")
    return {"prompt": whole[:first], "completion": whole[first:]}


def source_text(example: Example) -> str:
    """Everything that an answer may take its values from."""
    cards = [card_line(card) for card in cards_of(example)]
    return "\n".join([*cards, *(turn["content"] for turn in turns_of(example))])
