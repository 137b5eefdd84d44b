"""What a training conversation goes on with: one prompt teaches several decisions.

After the first message come others to the same cards: a short question on what was just spoken of, a request
of its own about another thing, and requests whose card is not there, rather ones that are easily confused.
"""

from random import Random
from typing import Any

from common.usecase import Example
from usecases.support_chatbot.content import another, intent_name, read
from usecases.support_chatbot.data import SEED, VOICES, Ask, Writer, ending

FEWEST, MOST = 2, 4
SHARES = {"short": 0.3, "request": 0.4, "missing": 0.22, "outside": 0.08}
TWO_SHARE = 0.3
BARE_SHARE = 0.2
Turn = tuple[str, dict[str, Any], bool]


def further(example: Example) -> list[Turn]:
    """Further messages with their answers, and whether each stands by itself."""
    return Lesson(example).turns()


def alone(example: Example) -> list[Example]:
    """The further messages that stand by themselves, as examples of their own."""
    made = []
    for place, (message, answer, itself) in enumerate(further(example)):
        if itself:
            inputs = {**example.inputs, "turns": [{"role": "user", "content": message}]}
            made.append(Example(f"{example.id}-{place}", example.group, inputs, answer))
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
            return message, self.writer.answer(asks), False
        voice = self.random.choices(list(VOICES), list(VOICES.values()))[0]
        self.writer.lower = voice == "lower"
        if kind == "missing":
            name, message, _ = self.request(self.absent())
            made = self.writer.hand_over(name)
        elif kind == "outside":
            message, made = (
                self.writer.outside(self.random.choice(("outside", "unsafe")))[1],
                self.writer.hand_over(),
            )
        else:
            name, message, asks = self.request(self.random.choice(self.shown))
            made, self.about = self.writer.answer(asks), (name, self.writer.typed(asks[0].subject))
            return self.writer.sound(message, voice), made, True
        self.about = None
        return self.writer.sound(message, voice), made, True

    def request(self, name: str) -> tuple[str, str, list[Ask]]:
        """A request of its own, most with questions."""
        _, opener, _, subject = self.writer.worded(name)
        if self.random.random() < BARE_SHARE:
            return name, opener, [Ask(name, subject, self.writer.main(name))]
        question, asks = self.asked(name, subject)
        return name, ending(opener) + question, asks

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
