"""Answers as plans: `return item: deadline; Klaurt` names a card, what is asked, and the customer's thing.

A small model decides and copies; fixed code writes the desk's wording with the values of today's card. A word
that it copied wrongly is mended to the customer's nearest one.
"""

import re
from collections.abc import Callable, Sequence
from difflib import get_close_matches

from common.usecase import Example
from usecases.support_chatbot.content import HAND_OVER, read, vocabulary
from usecases.support_chatbot.floor import said
from usecases.support_chatbot.prompt import Message, cards_of, turns_of
from usecases.support_chatbot.scoring import CUT_MARK, contains, parts

INSTRUCTION = "Name the card, what is asked, and the thing. Or hand over."
SENTENCES = re.compile(r"(?<=\.) ")
SPOKEN = re.compile(r"\w+")
ALIKE = 0.5
Card = dict[str, str]
Things = Callable[[str, Sequence[tuple[str, str]]], list[str]]


def short_messages(example: Example) -> list[Message]:
    """The prompt with the fields of each card, without values but for what may never be promised."""
    system = {"role": "system", "content": "\n".join([INSTRUCTION, *map(short_line, cards_of(example))])}
    turns = [
        {**turn, "content": plan(turn["content"], cards_of(example))} if turn["role"] == "assistant" else turn
        for turn in turns_of(example)
    ]
    return [system, *turns]


def short_line(card: Card) -> str:
    """A card as its request and its fields."""
    shown = [f"{field} {value}" if field == "never" else field for field, value in card.items()]
    return f"{card['intent']}: {', '.join(shown[1:])}"


def handing_over(missing: str) -> str:
    """The plan where no card fits: a request whose card is missing is still named, so that it is learnt."""
    return f"{HAND_OVER}: {missing}" if missing else HAND_OVER


def plan(text: str, cards: Sequence[Card]) -> str:
    """The plan of an answer, a line for each card that it is taken from, in the order of the prompt.

    So a small model decides on one card after the other, and need not know which the customer meant first.
    """
    names, said = parts(text)
    held = {card["intent"]: card for card in cards}
    if names == [HAND_OVER] or not set(names) <= set(held):
        return HAND_OVER
    sentences = SENTENCES.split(said) if len(names) > 1 else [said]
    stated = dict(zip(names, sentences, strict=True))
    return "\n".join(line(stated[name], card) for name, card in held.items() if name in stated)


def line(sentence: str, card: Card) -> str:
    """One card's line: the fields whose values a sentence states, in its order, and what it is about."""
    stated = {f: v for f, v in card.items() if f != "intent" and contains(sentence, v)}
    fields = sorted(stated, key=lambda field: sentence.lower().find(stated[field].lower()))
    rest = sentence
    for value in stated.values():
        rest = rest.replace(value, " ")
    things = [word for word in SPOKEN.findall(rest) if word.lower() not in vocabulary()]
    return f"{card['intent']}: {' + '.join(fields)}" + (f"; {things[0]}" if things else "")


def as_told(text: str, told: Sequence[tuple[str, str]]) -> list[str]:
    """The things of a plan as it names them."""
    return [thing for _, thing in told]


def answer(example: Example, output: str, things: Things = as_told) -> str:
    """What the customer reads; a plan that does not fit the cards stays as it is, and is wrong.

    `things` has the last word on what each request is about.
    """
    cut = CUT_MARK if output.endswith(CUT_MARK) else ""
    held = {card["intent"]: card for card in cards_of(example)}
    lines = list(dict.fromkeys(output.removesuffix(CUT_MARK).strip().splitlines()))
    if lines and lines[0].partition(":")[0] == HAND_OVER:
        return f"{HAND_OVER}\n{read('outside')['answers']['hand_over'][0]}{cut}"
    names = [text.partition(": ")[0] for text in lines]
    asked = [text.partition(": ")[2].partition("; ") for text in lines]
    text = said(example)
    told = [(name, mended(thing, text)) for name, (_, _, thing) in zip(names, asked, strict=True)]
    right = things(text, told)
    parts = zip(names, asked, right, strict=True)
    sentences = [told_line(held.get(name), wanted, thing) for name, (wanted, _, _), thing in parts]
    return f"{' + '.join(names)}\n{' '.join(sentences)}{cut}" if sentences and all(sentences) else output


def told_line(card: Card | None, wanted: str, thing: str) -> str:
    """The sentences of one line of a plan, of the fields that its card has; empty where it has none."""
    fields = [field for field in wanted.split(" + ") if field in (card or {}) and field in read("asks")]
    if card is None or not fields:
        return ""
    told = read("cards").get(card["intent"].replace(" ", "_"), {"does": card["intent"]})
    does = told["does"].format(s=thing)
    told_once = dict.fromkeys(fields)
    return " ".join(read("asks")[f]["answers"][0].format(do=does, v=card[f]) for f in told_once)


def mended(thing: str, text: str) -> str:
    """A thing in the customer's own letters: the nearest of their words that are none of the desk's."""
    spoken = {word.lower(): word for word in SPOKEN.findall(text) if word.lower() not in vocabulary()}
    near = get_close_matches(thing.lower(), spoken, n=1, cutoff=ALIKE)
    return spoken[near[0]] if near else thing
