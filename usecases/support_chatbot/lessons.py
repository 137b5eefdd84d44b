"""What a training conversation goes on with: one prompt teaches several decisions.

After the first message come others to the same cards: a short question on what was just spoken of, a request
of its own about another thing, and requests whose card is not there, rather ones that are easily confused.
"""

from random import Random
from typing import Any, NamedTuple

from common.usecase import Example
from usecases.support_chatbot.content import another, intent_name, read
from usecases.support_chatbot.data import SEED, VOICES, Ask, Writer, ending

FEWEST, MOST = 2, 4
SHARES = {"short": 0.3, "request": 0.4, "missing": 0.22, "outside": 0.08}
TWO_SHARE = 0.3
BARE_SHARE = 0.2


class Turn(NamedTuple):
    """A further message, its answer, whether it stands by itself, and of which wording it is."""

    message: str
    answer: dict[str, Any]
    is_whole: bool
    group: str


def further(example: Example) -> list[Turn]:
    """Further messages with their answers."""
    return Lesson(example).turns()


def alone(example: Example) -> list[Example]:
    """The further messages that stand by themselves, as examples of their own."""
    made = []
    for place, turn in enumerate(further(example)):
        if turn.is_whole:
            inputs = {**example.inputs, "turns": [{"role": "user", "content": turn.message}]}
            made.append(Example(f"{example.id}-{place}", turn.group, inputs, turn.answer))
    return made


class Lesson:
    """The further turns of one training example."""

    def __init__(self, example: Example) -> None:
        self.random = Random(f"{SEED}-further-{example.id}")
        self.writer = Writer(self.random, "train", 0, 0, "plain")
        names = {intent_name(name): name for name in read("cards")}
        self.writer.cards = {names[card["intent"]]: card for card in example.inputs["cards"]}
        self.shown = list(self.writer.cards)
        about = dict(example.extra["about"])
        self.about = next(iter(about.items())) if len(about) == 1 else None

    def turns(self) -> list[Turn]:
        return [self.turn() for _ in range(self.random.randint(FEWEST, MOST))]

    def turn(self) -> Turn:
        """One message; after what was handed over nothing can be left out of a question."""
        kind = self.random.choices(list(SHARES), list(SHARES.values()))[0]
        if kind == "short" and self.about:
            message, asks = self.asked(*self.about, length="short_")
            return Turn(message, self.writer.answer(asks), False, "")
        voice = self.random.choices(list(VOICES), list(VOICES.values()))[0]
        self.writer.lower = voice == "lower"
        if kind == "missing":
            name = self.absent()
            group, message, _ = self.request(name)
            made = self.writer.hand_over(name)
        elif kind == "outside":
            group, message = self.writer.outside(self.random.choice(("outside", "unsafe")))
            made = self.writer.hand_over()
        else:
            name = self.random.choice(self.shown)
            group, message, asks = self.request(name)
            made, self.about = self.writer.answer(asks), (name, self.writer.typed(asks[0].subject))
            return Turn(self.writer.sound(message, voice), made, True, f"train: {group}")
        self.about = None
        return Turn(self.writer.sound(message, voice), made, True, f"train: {group}")

    def request(self, name: str) -> tuple[str, str, list[Ask]]:
        """A request of its own, most with questions: its wording, the message, what is asked."""
        group, opener, _, subject = self.writer.worded(name)
        if self.random.random() < BARE_SHARE:
            return group, opener, [Ask(name, subject, self.writer.main(name))]
        question, asks = self.asked(name, subject)
        return group, ending(opener) + question, asks

    def asked(self, name: str, subject: str, length: str = "") -> tuple[str, list[Ask]]:
        """One or two questions on a card."""
        known = [field for field in self.writer.card(name) if field != "intent"]
        fields = self.random.sample(known, 1 + (self.random.random() < TWO_SHARE))
        asked = [
            self.writer.question(f, name, "short_" if place else length) for place, f in enumerate(fields)
        ]
        return " ".join(asked), [Ask(name, subject, field) for field in fields]

    def absent(self) -> str:
        """A request whose card is not shown."""
        return another(self.random, self.random.choice(self.shown), self.shown)
