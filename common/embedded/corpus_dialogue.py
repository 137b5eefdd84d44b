"""Conversations of a service desk: answers that copy their values from a policy in the prompt."""

from random import Random

from . import words

Message = tuple[str, str]

ACTIONS = """cancel change extend renew repair replace return reserve restore share sign split
swap track trade transfer unlock update upgrade verify move mend collect borrow book pause""".split()
UNITS = ("days", "hours", "weeks", "minutes", "points", "coins", "percent", "items", "pieces", "kg")
LIMITS = (
    "limit",
    "fee",
    "waiting time",
    "notice",
    "deadline",
    "maximum",
    "minimum",
    "deposit",
    "guarantee",
    "allowance",
)
NEEDS = (
    "a receipt",
    "the number on the label",
    "a photo",
    "a written note",
    "a second signature",
    "the old {n}",
    "a code",
    "the date of purchase",
    "proof of address",
    "the {n} in its box",
)
PLACES = (
    "at the front desk",
    "by post",
    "in the app",
    "on the web page",
    "by phone",
    "in person",
    "by message",
)
NEVER = (
    "a refund of the {l}",
    "an exception",
    "a faster {n}",
    "a free {n}",
    "a date without checking",
)
OPENINGS = (
    "hi, ",
    "hello. ",
    "",
    "",
    "",
    "good morning, ",
    "sorry to bother you, ",
    "quick question: ",
    "hey ",
)
CLOSINGS = ("", "", "", " thanks", " please help", " it is urgent", " thank you!")
HANDOVERS = (
    "I cannot help with that here. I am passing you to a colleague.",
    "That is outside what I may answer. A colleague will take over.",
    "I do not have that in my policy. Let me hand you over.",
)
OUTSIDE = (
    "who will win the {n} contest",
    "write me a poem about a {n}",
    "tell me a joke",
    "what is the meaning of {n}",
    "is my neighbour's {n} worth much",
    "can you guess my password",
    "give me the address of {p}",
    "what do you think of {p}",
)


class Card:
    """A policy for one intent: an action on a thing, with values to copy."""

    def __init__(self, random: Random) -> None:
        self.action, self.thing = random.choice(ACTIONS), words.spoken(words.noun(random))
        self.intent = f"{self.action}_{self.thing.replace(' ', '_')}"
        chosen = random.sample(LIMITS, random.choice((1, 2, 2, 3)))
        self.values = {name: f"{random.randint(1, 99)} {random.choice(UNITS)}" for name in chosen}
        self.need = random.choice(NEEDS).format(n=self.thing)
        self.where = random.choice(PLACES)
        self.never = random.choice(NEVER).format(l=chosen[0], n=self.thing)

    def write(self, random: Random) -> str:
        """The card as prompt text."""
        pairs = [
            ("intent", self.intent),
            *self.values.items(),
            ("needs", self.need),
            ("where", self.where),
        ]
        if random.random() < 0.5:
            pairs.append(("never promise", self.never))
        style = random.choice(("\n", "\n", "; "))
        return random.choice(("Policy:\n", "", "[policy] ")) + style.join(
            f"{key}: {value}" for key, value in pairs
        )

    def request(self, random: Random) -> str:
        """A customer's first message."""
        return random.choice(
            (
                "I want to {a} my {t}",
                "how do I {a} a {t}?",
                "can I {a} the {t}",
                "need to {a} {t}",
                "is it possible to {a} my {t}?",
                "my {t} - I would like to {a} it",
                "please {a} my {t}",
                "what must I do to {a} the {t}?",
            )
        ).format(a=self.action, t=self.thing)

    def reply(self, random: Random) -> str:
        """An answer that uses the values of the card."""
        name, value = random.choice(list(self.values.items()))
        return random.choice(
            (
                "You can {a} your {t} {w}. The {l} is {v}. Please bring {n}.",
                "Of course. To {a} a {t} we need {n}. The {l} is {v}.",
                "Yes, {w}. Note the {l} of {v}, and have {n} ready.",
                "We {a} the {t} {w}; the {l} is {v} and you need {n}.",
            )
        ).format(a=self.action, t=self.thing, w=self.where, l=name, v=value, n=self.need)

    def detail(self, random: Random) -> tuple[str, str]:
        """A question on one value, and its answer."""
        name, value = random.choice([*self.values.items(), ("needs", self.need), ("where", self.where)])
        if name == "needs":
            return random.choice(("what do I need for that?", "what should I bring?")), random.choice(
                ("You need {}.", "Please bring {}.")
            ).format(value)
        if name == "where":
            return random.choice(("where can I do this?", "how do I reach you for it?")), random.choice(
                ("You can do this {}.", "That is done {}.")
            ).format(value)
        ask = random.choice(
            ("what is the {}?", "and the {}?", "how much is the {}", "tell me the {}")
        ).format(name)
        return ask, random.choice(
            ("The {l} is {v}.", "It is {v}.", "{v}", "For this the {l} is {v}.")
        ).format(l=name, v=value)


def _spoken(random: Random, text: str) -> str:
    return random.choice(OPENINGS) + text + random.choice(CLOSINGS)


def grounded(random: Random) -> list[Message]:
    """A policy as system text or in the message, and one to three turns on it."""
    card = Card(random)
    others = [Card(random) for _ in range(random.choice((0, 0, 1, 2)))]
    cards = [card, *others]
    random.shuffle(cards)
    policy = "\n\n".join(each.write(random) for each in cards)
    first = _spoken(random, card.request(random))
    turns: list[Message] = [("user", first), ("assistant", card.reply(random))]
    for _ in range(random.choice((0, 1, 2))):
        question, answer = card.detail(random)
        turns += [("user", question), ("assistant", answer)]
    if random.random() < 0.25:
        question = random.choice((f"can you promise {card.never}?", f"I want {card.never}"))
        turns += [
            ("user", question),
            (
                "assistant",
                random.choice((f"I cannot promise {card.never}.", f"Sorry, {card.never} is not possible.")),
            ),
        ]
    if random.random() < 0.2:
        question = random.choice(OUTSIDE).format(n=card.thing, p=words.person_name(random))
        turns += [("user", question), ("assistant", random.choice(HANDOVERS))]
    if random.random() < 0.5:
        return [("system", policy), *turns]
    return [
        ("user", f"{policy}\n\n{random.choice(('Customer: ', '', 'Message: '))}{first}"),
        *turns[1:],
    ]


def labelled(random: Random) -> list[Message]:
    """Choose the label of a message from the list in the prompt."""
    cards = [Card(random) for _ in range(random.randint(3, 9))]
    labels = list(dict.fromkeys(card.intent for card in cards))
    card = random.choice(cards)
    message = _spoken(random, card.request(random))
    label = card.intent
    if random.random() < 0.12:
        labels.append("other")
        message, label = (
            random.choice(OUTSIDE).format(n=words.spoken(words.noun(random)), p=words.person_name(random)),
            "other",
        )
    random.shuffle(labels)
    form = random.choice(
        (
            "Labels: {l}\nMessage: {m}\nLabel:",
            "{m}\nChoose one: {l}",
            "Choose the intent.\n{l}\n\n{m}",
            "intents: {l}\n{m}",
        )
    )
    return [("user", form.format(l=", ".join(labels), m=message)), ("assistant", label)]


def by_example(random: Random) -> list[Message]:
    """Learn a mapping from a few shown pairs and apply it to a repeated input."""
    made = {words.spoken(words.noun(random)): words.pseudo_word(random) for _ in range(random.randint(3, 7))}
    arrow = random.choice((" -> ", " => ", ": ", " | "))
    shown = "\n".join(f"{key}{arrow}{value}" for key, value in made.items())
    key = random.choice(list(made))
    return [("user", f"{shown}\n{key}{arrow}".rstrip()), ("assistant", made[key])]


def notes(random: Random) -> list[Message]:
    """A short talk and the note that sums it up as fields."""
    name, thing, place = (
        words.person_name(random),
        words.spoken(words.noun(random)),
        words.place_name(random),
    )
    when, count = words.date(random), random.randint(2, 60)
    said = random.choice(
        (
            "{n} called from {p} about {c} {t} due on {d}.",
            "On {d} {n} asked us to send {c} {t} to {p}.",
            "{n} wants {c} {t}. Place: {p}. The day is {d}.",
            "Message from {n}, {p}: need {c} {t} by {d}!",
        )
    ).format(n=name, p=place, c=count, t=words.plural(thing), d=when)
    fields = {
        "name": name,
        "place": place,
        "count": str(count),
        "thing": words.plural(thing),
        "date": when,
    }
    chosen = random.sample(list(fields), random.randint(2, 5))
    question = random.choice(("Note with {f}:", "Sum up as {f}.", "Fill in: {f}")).format(f=", ".join(chosen))
    return [
        ("user", f"{said}\n{question}"),
        ("assistant", "\n".join(f"{key}: {fields[key]}" for key in chosen)),
    ]
