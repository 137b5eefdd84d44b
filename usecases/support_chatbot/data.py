"""Conversations with the desk of the made-up shop Brightwell, drawn from hand-written wordings.

Every example shows the policy card that a search put first, at times two, with values drawn anew, so
that an answer can only be read off the card; sometimes the search was wrong. Wordings of requests are split
between train, val and test; three questions in ten are worded anew, and a fifth of test values is new.
"""

from dataclasses import dataclass
from functools import cache
from random import Random
from typing import Any

from common.data import near_leaks
from common.usecase import Example, Source, Splits
from usecases.support_chatbot.content import HAND_OVER, another, intent_name, read, subject_of, value_of

SOURCE = Source("Brightwell service desk, made up", "Apache-2.0", "written and generated for this gallery")
SIZES = {"train": 2600, "val": 240, "test": 600}
SEED = 31
SPARE = 20  # rows drawn for those that are dropped
CARDS_SHOWN = 1
SECOND_CARD_SHARE = 0.15  # so that two cards are no sign of two requests
CHEAPEST_FEE = 9
KINDS = {
    "question": 0.28,
    "request only": 0.08,
    "plus member": 0.06,
    "forbidden promise": 0.06,
    "two questions": 0.15,
    "two requests": 0.07,
    "follow-up": 0.13,
    "outside": 0.06,
    "unsafe": 0.04,
    "card missing": 0.07,
}
TRAIN_KINDS = {**KINDS, "card missing": 0.16, "two requests": 0.11}  # what is learnt worst is seen more often
VOICES = {
    "plain": 0.3,
    "lower": 0.35,
    "polite": 0.08,
    "angry": 0.07,
    "chatty": 0.07,
    "look_alike": 0.06,
    "typos": 0.07,
}
NEW_QUESTION_SHARE = 0.3
PLUS_SHARE = 0.4
Card = dict[str, str]


@dataclass(frozen=True)
class Ask:
    """One thing that a customer wants to know: of which request, about what, which field."""

    card: str
    subject: str
    field: str


@cache
def load(cards: int = CARDS_SHOWN) -> Splits:
    """The three splits with so many cards in each prompt, the same on every machine."""
    made: dict[str, list[Example]] = {}
    for split, size in SIZES.items():
        drawn = [build(split, row, cards) for row in range(size + (SPARE if made else 0))]
        made[split] = apart(drawn, split, made)[:size]
    return Splits(**{split: tuple(found) for split, found in made.items()}, source=SOURCE)


def apart(drawn: list[Example], split: str, made: dict[str, list[Example]]) -> list[Example]:
    """The examples that could not be copied from another split: two long prompts can be nearly the same."""
    found = [leak for other, examples in made.items() for leak in near_leaks(split, drawn, other, examples)]
    copied = {leak.example.id for leak in found}
    return [example for example in drawn if example.id not in copied]


def build(split: str, number: int, cards: int) -> Example:
    """One example of a split."""
    random = Random(f"{SEED}-{split}-{number}")
    kinds = TRAIN_KINDS if split == "train" else KINDS
    kind = random.choices(list(kinds), list(kinds.values()))[0]
    voice = random.choices(list(VOICES), list(VOICES.values()))[0]
    writer = Writer(random, split, number, cards, voice)
    asks: list[Ask] = []
    if kind in ("outside", "unsafe"):
        group, message = writer.outside(kind)
        made = writer.handed_over(message, voice)
    elif kind == "card missing":
        group, message, missing = writer.request("question")
        made = writer.handed_over(message, voice, missing[0].card)
    elif kind == "follow-up":
        group, made, asks = writer.follow_up(voice)
    else:
        group, message, asks = writer.request(kind)
        made = writer.answered(writer.sound(message, voice), asks)
    about = [(ask.card, writer.typed(ask.subject)) for ask in asks]
    label = "look-alike" if voice == "look_alike" and not made[1]["hand_over"] else kind
    return Example(f"{split}-{number:04}", f"{split}: {group}", made[0], made[1], label, {"about": about})


class Writer:
    """Writes the parts of one example from one source of chance."""

    def __init__(self, random: Random, split: str, number: int, cards_shown: int, voice: str) -> None:
        self.random, self.split, self.number, self.cards_shown = random, split, number, cards_shown
        self.cards: dict[str, Card] = {}
        self.subjects, self.lower = "", voice == "lower"

    def card(self, name: str) -> Card:
        """The policy card of a request, with values of its own that differ from each other."""
        if name not in self.cards:
            card = {"intent": intent_name(name)}
            for field in read("cards")[name]["fields"]:
                card[field] = self.fresh(field, card)
                if field == "fee" and self.random.random() < PLUS_SHARE:
                    card["plus_fee"] = self.fresh("plus_fee", card)
            self.cards[name] = card
        return self.cards[name]

    def fresh(self, field: str, card: Card) -> str:
        """A value whose number stands nowhere else on the card; Plus members pay less."""
        taken = {value.split()[0] for value in card.values()} - {"a", "the", "at"}
        lowest = CHEAPEST_FEE if field == "fee" else 0
        highest = int(card["fee"].split()[0]) if "fee" in card and field == "plus_fee" else 1000
        while True:
            value = value_of(self.random, field, self.split)
            first = value.split()[0]
            if first not in taken and not (first.isdigit() and not lowest <= int(first) < highest):
                return value

    def request(self, kind: str) -> tuple[str, str, list[Ask]]:
        """A group, a message and what it asks for."""
        group, opener, name, subject = self.opener()
        if kind == "two requests":
            _, second, other, thing = self.opener(unlike=name)
            asks = [Ask(name, subject, self.main(name)), Ask(other, thing, self.main(other))]
            return (
                group,
                f"{opener} {self.random.choice(('and also', 'besides,', 'and then'))} {second}",
                asks,
            )
        if kind == "request only":
            return group, opener, [Ask(name, subject, self.main(name))]
        fields = self.fields(name, kind)
        questions = [
            self.question(field, name, "short_" if place else "") for place, field in enumerate(fields)
        ]
        return group, ending(opener) + " ".join(questions), [Ask(name, subject, field) for field in fields]

    def opener(self, unlike: str = "") -> tuple[str, str, str, str]:
        """A wording of a request; the number of the example walks through all of them."""
        names = [name for name in read("cards") if name != unlike]
        return self.worded(self.random.choice(names) if unlike else names[self.number % len(names)])

    def worded(self, name: str) -> tuple[str, str, str, str]:
        """A group, a wording of a request, the request, and what it is about."""
        told = read("cards")[name]
        place = self.random.randrange(len(told[self.split]))
        subject = subject_of(self.random, told["about"], self.split)
        self.subjects += f" {subject}"
        return f"{name} {place}", told[self.split][place].format(s=subject), name, subject

    def main(self, name: str) -> str:
        """The field that answers a request without a question: the first on its card."""
        return next(field for field in self.card(name) if field != "intent")

    def fields(self, name: str, kind: str) -> list[str]:
        """Which fields the customer asks for."""
        card = self.card(name)
        if kind == "plus member":
            if "plus_fee" not in card:
                card["plus_fee"] = self.fresh("plus_fee", card)
            return ["plus_fee"]
        if kind == "forbidden promise":
            if "never" not in card:
                card["never"] = self.fresh("never", card)
            return ["never"]
        plain = [field for field in card if field not in ("intent", "plus_fee", "never")]
        return self.random.sample(plain, 2 if kind == "two questions" else 1)

    def question(self, field: str, name: str, length: str = "") -> str:
        """A question for one field: a common one, or outside train also one that was never learnt."""
        new = self.split != "train" and self.random.random() < NEW_QUESTION_SHARE
        wordings = read("asks")[field][f"{length}{self.split if new else 'train'}"]
        return self.random.choice(wordings).format(v=self.card(name).get(field, ""))

    def outside(self, kind: str) -> tuple[str, str]:
        """A group and a message that must be handed over."""
        wordings = read("outside")[kind][self.split]
        place = self.random.randrange(len(wordings))
        return f"{kind} {place}", wordings[place].format(s=subject_of(self.random, "item", self.split))

    def sound(self, message: str, voice: str) -> str:
        """The message as one kind of person would write it."""
        if voice == "typos":
            return typos(self.random, message, self.subjects)
        if self.lower:
            return message.lower()
        framed = self.random.choice(read("voices")[voice][self.split]).format(m=message)
        return framed[0].upper() + framed[1:]

    def shown(self, wanted: list[str], hidden: list[str]) -> list[Card]:
        """The wanted cards among others, in a drawn order."""
        others = [name for name in read("cards") if name not in {*wanted, *hidden}]
        count = self.cards_shown + (self.random.random() < SECOND_CARD_SHARE)
        names = [*wanted, *self.random.sample(others, max(count - len(wanted), 0))]
        self.random.shuffle(names)
        return [self.card(name) for name in names]

    def handed_over(
        self, message: str, voice: str, missing: str = ""
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """A message that no card answers, with the cards that a search brought instead."""
        answer = self.hand_over(missing)
        turns = [{"role": "user", "content": self.sound(message, voice)}]
        if missing and self.split == "train":
            return {
                "cards": self.shown([another(self.random, missing, [missing])], [missing]),
                "turns": turns,
            }, answer
        return {"cards": self.shown([], [missing]), "turns": turns}, answer

    def hand_over(self, missing: str = "") -> dict[str, Any]:
        """The answer where no card fits; `missing` names the request whose card was not shown."""
        text = self.random.choice(read("outside")["answers"]["hand_over"])
        request = {"missing": intent_name(missing)} if missing else {}
        return {
            "text": f"{HAND_OVER}\n{text}",
            "intents": [HAND_OVER],
            "values": [],
            "hand_over": True,
            **request,
        }

    def answered(self, message: str, asks: list[Ask]) -> tuple[dict[str, Any], dict[str, Any]]:
        """A message with the answer that its cards give."""
        turns = [{"role": "user", "content": message}]
        names = list(dict.fromkeys(ask.card for ask in asks))
        return {"cards": self.shown(names, []), "turns": turns}, self.answer(asks)

    def answer(self, asks: list[Ask]) -> dict[str, Any]:
        """The right answer as text, and what a scorer must find in it."""
        names = list(dict.fromkeys(intent_name(ask.card) for ask in asks))
        said, values = [], []
        for ask in asks:
            value = self.card(ask.card)[ask.field]
            does = read("cards")[ask.card]["does"].format(s=self.typed(ask.subject))
            said.append(self.random.choice(read("asks")[ask.field]["answers"]).format(do=does, v=value))
            values += [value, *([self.typed(ask.subject)] if ask.subject and ask.field != "never" else [])]
        text = f"{' + '.join(names)}\n{' '.join(said)}"
        return {"text": text, "intents": names, "values": list(dict.fromkeys(values)), "hand_over": False}

    def typed(self, subject: str) -> str:
        """A product or order as the customer has typed it."""
        return subject.lower() if self.lower else subject

    def follow_up(self, voice: str) -> tuple[str, tuple[dict[str, Any], dict[str, Any]], list[Ask]]:
        """A conversation of two questions; the second leaves out what it is about."""
        group, opener, name, subject = self.opener()
        first, second = self.fields(name, "two questions")
        asked = ending(opener) + self.question(first, name)
        before = self.answer([Ask(name, subject, first)])["text"]
        turns = [
            {"role": "user", "content": self.sound(asked, voice)},
            {"role": "assistant", "content": before},
            {"role": "user", "content": self.question(second, name, "short_")},
        ]
        asks = [Ask(name, subject, second)]
        return group, ({"cards": self.shown([name], []), "turns": turns}, self.answer(asks)), asks


def ending(opener: str) -> str:
    """An opener closed so that a question can follow."""
    return opener + (" " if opener[-1] in "?!." else ". ")


def typos(random: Random, message: str, spared: str) -> str:
    """A message typed in haste: two letters swapped in some long words, never in what answers repeat."""
    words = message.split()
    for place, word in enumerate(words):
        if len(word) > 5 and word.isalpha() and word not in spared and random.random() < 0.25:
            at = random.randrange(1, len(word) - 2)
            words[place] = word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    return " ".join(words)
