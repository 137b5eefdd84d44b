"""Small skills: rewriting by a rule in the prompt, spelling, characters, numbers, order."""

from random import Random

from . import words

Message = tuple[str, str]

SENTENCES = (
    "the {a} {n} stood near the {m}",
    "we moved the {n} to the {a} {m}",
    "every {n} needs a {a} {m}",
    "she asked for a {n} and got a {m}",
    "there is no {n} left in the {m}",
    "my {n} is {a} today",
    "they will repair the {n} before the {m} opens",
    "please bring the {a} {n} to the {m}",
    "a {n} like this costs more than a {m}",
    "he found the {a} {n} under the {m}",
    "the {n} and the {m} are both {a}",
    "nobody saw the {n} that fell on the {m}",
)
SCRIPTS = {
    "Devanagari": (0x0905, 0x0939),
    "Bengali": (0x0985, 0x09B9),
    "Tamil": (0x0B85, 0x0BB9),
    "Telugu": (0x0C05, 0x0C39),
    "Gujarati": (0x0A85, 0x0AB9),
    "Kannada": (0x0C85, 0x0CB9),
}
HINDI = """नमस्ते पानी घर किताब समय काम दिन रात लोग देश भाषा नाम शहर सड़क नदी पेड़ फल दूध
चाय रोटी कल आज अच्छा बड़ा छोटा नया पुराना लाल नीला""".split()
LATIN = """namaste paani ghar kitaab samay kaam din raat log desh bhasha naam shahar sadak nadi ped
phal doodh chai roti kal aaj achchha bada chhota naya purana laal neela""".split()


def sentence(random: Random) -> str:
    """One plain sentence without its full stop."""
    form = random.choice(SENTENCES)
    return form.format(
        a=random.choice(words.ADJECTIVES),
        n=words.spoken(words.noun(random)),
        m=words.spoken(words.noun(random)),
    )


def _turn(question: str, answer: str) -> list[Message]:
    return [("user", question), ("assistant", answer)]


def swap(random: Random) -> list[Message]:
    """Replace words by the glossary lines of the prompt; other lines do not apply."""
    text = sentence(random)
    telling = [word for word in dict.fromkeys(text.split()) if len(word) > 3]
    used = random.sample(telling, min(len(telling), 1 + (random.random() < 0.4)))
    glossary = {
        word: random.choice((words.pseudo_word(random), words.noun(random), random.choice(words.ADJECTIVES)))
        for word in used
    }
    lines = list(glossary.items())
    lines += [(words.pseudo_word(random), words.pseudo_word(random)) for _ in range(random.randint(0, 3))]
    random.shuffle(lines)
    arrow = random.choice((" -> ", " = ", ": ", " becomes "))
    result = " ".join(glossary.get(word, word) for word in text.split())
    form = random.choice(
        (
            "Glossary:\n{g}\nRewrite: {t}",
            "Use these terms:\n{g}\n{t}",
            "{t}\nApply the glossary:\n{g}",
        )
    )
    return _turn(form.format(g="\n".join(f"{old}{arrow}{new}" for old, new in lines), t=text), result)


def spelling(random: Random) -> list[Message]:
    """Repair a sentence in which letters were swapped, dropped or doubled."""
    text = sentence(random)
    parts = text.split()
    for index in random.sample(range(len(parts)), min(len(parts), random.choice((1, 2)))):
        word = parts[index]
        if len(word) > 3:
            place = random.randrange(1, len(word) - 1)
            parts[index] = random.choice(
                (
                    word[:place] + word[place + 1] + word[place] + word[place + 2 :],
                    word[:place] + word[place + 1 :],
                    word[:place] + word[place] + word[place:],
                )
            )
    form = random.choice(("Correct the spelling: {}", "Fix the typos.\n{}", "Spell this right: {}"))
    return _turn(form.format(" ".join(parts)), text)


def characters(random: Random) -> list[Message]:
    """Copy, spell out, reverse, change case: work on single characters."""
    word = random.choice((words.pseudo_word, words.noun, words.code))(random)
    phrase = words.spoken(word)
    tasks = (
        (f"Spell {word} letter by letter.", " ".join(word)),
        (f"Write {word} in capitals.", word.upper()),
        (f"Write {word} backwards.", word[::-1]),
        (f"How many letters has {word}?", str(len(word))),
        (f"Join with underscores: {words.spoken(words.title(random))}", ""),
        (f"Repeat exactly: {word}", word),
        (f"Put it together: {' '.join(word)}", word),
        (f"Write as snake_case: {phrase}", phrase.lower().replace(" ", "_")),
    )
    question, answer = random.choice(tasks)
    if not answer:
        answer = question.split(": ", 1)[1].replace(" ", "_")
    return _turn(question, answer)


def script(random: Random) -> list[Message]:
    """Indic characters: copying made-up words, and a few real words in two scripts."""
    if random.random() < 0.5:
        chosen = random.sample(range(len(HINDI)), random.choice((1, 2, 3)))
        there, here = " ".join(HINDI[i] for i in chosen), " ".join(LATIN[i] for i in chosen)
        if random.random() < 0.5:
            return _turn(f"Write in Devanagari: {here}", there)
        return _turn(f"Write in Latin letters: {there}", here)
    low, high = SCRIPTS[random.choice(list(SCRIPTS))]
    made = ["".join(chr(random.randint(low, high)) for _ in range(random.choice((2, 3)))) for _ in range(3)]
    question, answer = random.choice(
        (
            (f"Repeat: {' '.join(made)}", " ".join(made)),
            (f"First word of: {' '.join(made)}", made[0]),
            (f"Last word of: {' '.join(made)}", made[-1]),
        )
    )
    return _turn(question, answer)


def arithmetic(random: Random) -> list[Message]:
    """Several small sums in one conversation."""
    turns: list[Message] = []
    for _ in range(random.choice((2, 3, 4))):
        one, two = random.randint(0, 60), random.randint(0, 40)
        name, thing = (
            random.choice(words.FIRST_NAMES),
            words.plural(words.spoken(words.noun(random))),
        )
        tasks = (
            (f"{one} + {two} =", one + two),
            (f"{one + two} - {two} =", one),
            (f"{one % 13} x {two % 13} =", (one % 13) * (two % 13)),
            (f"{name} has {one} {thing} and gets {two} more. How many {thing} now?", one + two),
            (f"{name} had {one + two} {thing} and gave away {two}. How many {thing} are left?", one),
            (f"What is {one} plus {two}?", one + two),
            (f"What is {one + two} minus {two}?", one),
        )
        question, answer = random.choice(tasks)
        turns += _turn(question, str(answer))
    return turns


def comparison(random: Random) -> list[Message]:
    """Which is larger or earlier; put numbers or dates in order."""
    names = words.distinct(random, words.any_name, random.choice((2, 2, 3, 4)))
    values = words.distinct(random, lambda r: str(words.number(r)), len(names))
    attribute = words.spoken(random.choice(words.NUMBER_ATTRIBUTES))
    told = (
        ". ".join(f"{name} has {attribute} {value}" for name, value in zip(names, values, strict=True)) + "."
    )
    ranked = [name for _, name in sorted(zip(map(int, values), names, strict=True))]
    tasks = (
        (f"{told} Which has more {attribute}?", ranked[-1]),
        (f"{told} Which has the least {attribute}?", ranked[0]),
        (f"{told} Order them from low to high.", ", ".join(ranked)),
        (f"Larger: {values[0]} or {values[1]}?", max(values[:2], key=int)),
        (f"Sort: {' '.join(values)}", " ".join(sorted(values, key=int))),
        (f"Smaller: {values[0]} or {values[1]}?", min(values[:2], key=int)),
        (
            f"{told} Does {names[0]} have more {attribute} than {names[1]}?",
            "yes" if int(values[0]) > int(values[1]) else "no",
        ),
    )
    return _turn(*random.choice(tasks))


def _meaning(random: Random) -> str:
    """What an invented term stands for."""
    thing = f"{random.choice(words.ADJECTIVES)} {words.spoken(words.noun(random))}"
    return f"a {thing} for {words.plural(words.spoken(words.noun(random)))}"


def definition(random: Random) -> list[Message]:
    """Invented terms with a meaning each; name the term or the meaning."""
    terms = words.distinct(random, words.pseudo_word, random.randint(2, 5))
    meanings = words.distinct(random, _meaning, len(terms))
    told = (
        ". ".join(
            random.choice(("A {t} is {m}", "{t} means {m}", "{m} is called {t}")).format(t=t, m=m)
            for t, m in zip(terms, meanings, strict=True)
        )
        + "."
    )
    index = random.randrange(len(terms))
    if random.random() < 0.5:
        return _turn(f"{told}\nWhat is a {terms[index]}?", meanings[index])
    return _turn(f"{told}\nWhat is the word for {meanings[index]}?", terms[index])
