"""Look-ups: answers that stand in the prompt under names the model has never seen."""

import json
from random import Random

from . import words

Message = tuple[str, str]
UNKNOWN = ("not stated", "unknown", "It is not stated.", "The text does not say.")


def _ask(random: Random, context: str, question: str, answer: str) -> list[Message]:
    """One turn, with the question after or, at times, before the context."""
    form = random.choice(
        (
            "{c}\n{q}",
            "{c}\n{q}",
            "{c}\n\nQuestion: {q}",
            "{q}\n{c}",
            "{c}\nQ: {q}\nA:",
            "Read this:\n{c}\n{q}",
        )
    )
    return [("user", form.format(c=context, q=question)), ("assistant", answer)]


def _missing(random: Random, questions: tuple[str, ...], known: list[str], context: str) -> list[Message]:
    """A question on a name that the context lacks."""
    name = words.any_name(random)
    while name in known:
        name = words.any_name(random)
    notice = random.choice(UNKNOWN)
    asked = random.choice(questions).format(name)
    return _ask(random, f"If it is not there, say: {notice}\n{context}", asked, notice)


def key_value(random: Random) -> list[Message]:
    """Pairs of a key and a value; several questions on them."""
    count = random.randint(3, 14)
    keys = words.distinct(random, random.choice((words.any_name, words.pseudo_word, words.noun)), count)
    make = random.choice(
        (words.any_name, words.pseudo_word, words.code, lambda r: str(words.number(r)), words.date)
    )
    pairs = {key: make(random) for key in keys}
    join = random.choice((": ", " = ", " -> ", " - ", "\t", " is "))
    context = random.choice(("\n", "\n", "; ", ", ")).join(
        f"{key}{join}{value}" for key, value in pairs.items()
    )
    asks = (
        "What is {}?",
        "Give the value of {}.",
        "{}?",
        "Look up {}.",
        "What does {} have?",
        "Which value belongs to {}?",
    )
    if random.random() < 0.1:
        return _missing(random, asks, keys, context)
    turns: list[Message] = []
    back = len(set(pairs.values())) == count
    for index, key in enumerate(random.sample(keys, min(count, random.choice((1, 2, 3))))):
        question, answer = random.choice(asks).format(key), pairs[key]
        if back and random.random() < 0.25:
            question = random.choice(
                ("Which key has the value {}?", "What is {} the value of?", "Who or what has {}?")
            ).format(answer)
            answer = key
        turns += (
            [("user", question), ("assistant", answer)] if index else _ask(random, context, question, answer)
        )
    return turns


def listing(random: Random) -> list[Message]:
    """Lists: copy, first, last, nth, after, count, sort, reverse, contains, drop."""
    items = words.distinct(
        random,
        random.choice((words.any_name, words.pseudo_word, words.noun, words.code)),
        random.randint(3, 9),
    )
    style = random.choice((", ", "\n", "\n- ", "; "))
    context = ("- " if style == "\n- " else "") + style.join(items)
    place = random.randrange(len(items) - 1)
    ordinal = ("first second third fourth fifth sixth seventh eighth ninth".split())[place]
    drop = random.choice(items)
    tasks = {
        "Repeat the list.": ", ".join(items),
        "Copy the items one per line.": "\n".join(items),
        "What is the first item?": items[0],
        "What is the last item?": items[-1],
        f"What is the {ordinal} item?": items[place],
        f"What comes after {items[place]}?": items[place + 1],
        f"What comes before {items[place + 1]}?": items[place],
        "How many items are there?": str(len(items)),
        "Sort the items by the alphabet.": ", ".join(sorted(items, key=str.lower)),
        "List them in reverse order.": ", ".join(reversed(items)),
        f"Is {drop} in the list?": "yes",
        f"Is {words.pseudo_word(random)}x in the list?": "no",
        f"Leave out {drop}.": ", ".join(item for item in items if item != drop),
        "Write the items as a JSON list.": json.dumps(items, ensure_ascii=False),
    }
    chosen = random.sample(list(tasks.items()), random.choice((1, 2, 3)))
    turns = _ask(random, context, *chosen[0])
    for question, answer in chosen[1:]:
        turns += [("user", question), ("assistant", answer)]
    return turns


def _rows(random: Random) -> tuple[list[str], list[dict[str, str]]]:
    """Column names and rows, the first column unique."""
    text = random.sample(words.TEXT_ATTRIBUTES, random.choice((1, 1, 2)))
    numbers = random.sample(words.NUMBER_ATTRIBUTES, random.choice((1, 1, 2)))
    first = random.choice(("name", "title", "id", words.noun(random)))
    make = (
        words.code
        if first == "id"
        else random.choice((words.pseudo_word, words.title, words.person_name, words.noun))
    )
    names = words.distinct(random, make, random.randint(3, 8))
    columns = [first, *text, *numbers]
    few = {column: words.distinct(random, lambda r, c=column: words.value_of(r, c), 3) for column in text}
    rows = [
        {
            first: name,
            **{c: random.choice(few[c]) for c in text},
            **{c: str(words.number(random)) for c in numbers},
        }
        for name in names
    ]
    return columns, rows


def _write(random: Random, columns: list[str], rows: list[dict[str, str]]) -> str:
    style = random.choice(("pipe", "pipe", "markdown", "csv", "json", "tab", "lines"))
    if style == "json":
        return "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    if style == "lines":
        return "\n".join("; ".join(f"{key}: {value}" for key, value in row.items()) for row in rows)
    gap = {"pipe": " | ", "csv": ",", "tab": "\t", "markdown": " | "}[style]
    lines = [gap.join(columns), *(gap.join(row[column] for column in columns) for row in rows)]
    if style == "markdown":
        lines = [f"| {line} |" for line in lines]
        lines.insert(1, "|" + "---|" * len(columns))
    return "\n".join(lines)


def table(random: Random) -> list[Message]:
    """A table in one of many notations, and questions on it."""
    columns, rows = _rows(random)
    context = _write(random, columns, rows)
    turns: list[Message] = []
    for index in range(random.choice((1, 2, 3))):
        question, answer = _table_question(random, columns, rows)
        turns += (
            [("user", question), ("assistant", answer)] if index else _ask(random, context, question, answer)
        )
    return turns


def _table_question(random: Random, columns: list[str], rows: list[dict[str, str]]) -> tuple[str, str]:
    first, row = columns[0], random.choice(rows)
    text, number = columns[1], columns[-1]
    pick = random.random()
    if pick < 0.45:
        column = random.choice(columns[1:])
        form = random.choice(
            (
                "What is the {c} of {n}?",
                "{c} of {n}?",
                "Give the {c} for {n}.",
                "Which {c} does {n} have?",
                "Find {n} and tell me its {c}.",
            )
        )
        return form.format(c=words.spoken(column), n=row[first]), row[column]
    if pick < 0.6:
        names = [each[first] for each in rows if each[text] == row[text]]
        form = random.choice(
            ("Which ones have {c} {v}?", "List every {f} with {c} {v}.", "Whose {c} is {v}?")
        )
        return form.format(c=words.spoken(text), v=row[text], f=words.spoken(first)), ", ".join(names)
    if pick < 0.72:
        form = random.choice(
            ("How many have {c} {v}?", "Count the rows with {c} {v}.", "How often is the {c} {v}?")
        )
        return form.format(c=words.spoken(text), v=row[text]), str(
            sum(each[text] == row[text] for each in rows)
        )
    if pick < 0.86:
        high = random.random() < 0.6
        best = (max if high else min)(rows, key=lambda each: int(each[number]))
        word = random.choice(("highest", "largest", "greatest") if high else ("lowest", "smallest"))
        return f"Which {words.spoken(first)} has the {word} {words.spoken(number)}?", best[first]
    if pick < 0.93:
        return random.choice(("Write the row of {} as JSON.", "Show the record of {} as JSON.")).format(
            row[first]
        ), json.dumps(row, ensure_ascii=False)
    return random.choice(("What columns are there?", "Name the columns.")), ", ".join(columns)


FACT_FORMS = (
    "The {a} of {n} is {v}.",
    "{n} has a {a} of {v}.",
    "For {n}, the {a} is {v}.",
    "{n}'s {a} is {v}.",
    "As for {n}: {a} {v}.",
    "We noted {v} as the {a} of {n}.",
    "{v} is the {a} of {n}.",
)


def extraction(random: Random) -> list[Message]:
    """A sentence or two, and a JSON record of asked-for fields, null where nothing is said."""
    name = words.any_name(random)
    attributes = random.sample(
        words.TEXT_ATTRIBUTES + words.NUMBER_ATTRIBUTES + words.DATE_ATTRIBUTES,
        random.randint(2, 5),
    )
    record = {}
    for attribute in attributes:
        is_number, is_date = (
            attribute in words.NUMBER_ATTRIBUTES,
            attribute in words.DATE_ATTRIBUTES,
        )
        record[attribute] = (
            words.number(random)
            if is_number
            else words.date(random)
            if is_date
            else words.value_of(random, attribute)
        )
    said = [
        random.choice(FACT_FORMS).format(a=words.spoken(key), n=name, v=value)
        for key, value in record.items()
    ]
    if random.random() < 0.25:
        record[attributes[-1]] = None
        said.pop()
    random.shuffle(said)
    subject = random.choice(("name", "subject", "item"))
    result = {subject: name, **record}
    fields = ", ".join(result)
    form = random.choice(
        (
            "{t}\nExtract as JSON: {f}",
            "Fields: {f}\n{t}",
            "{t}\nJSON with {f}:",
            "Turn this into JSON with the keys {f}.\n{t}",
        )
    )
    return [
        ("user", form.format(t=" ".join(said), f=fields)),
        ("assistant", json.dumps(result, ensure_ascii=False)),
    ]


def facts(random: Random) -> list[Message]:
    """Sentences of facts; questions, yes or no, and what is not said."""
    names = words.distinct(random, words.any_name, random.randint(2, 5))
    attributes = random.sample(words.TEXT_ATTRIBUTES + words.NUMBER_ATTRIBUTES, random.randint(1, 3))
    known = {
        (name, attribute): str(words.number(random))
        if attribute in words.NUMBER_ATTRIBUTES
        else words.value_of(random, attribute)
        for name in names
        for attribute in attributes
    }
    told = list(known.items())
    random.shuffle(told)
    context = " ".join(
        random.choice(FACT_FORMS).format(a=words.spoken(key[1]), n=key[0], v=value) for key, value in told
    )
    (name, attribute), value = random.choice(told)
    phrase, pick = words.spoken(attribute), random.random()
    if pick < 0.55:
        form = random.choice(
            ("What is the {a} of {n}?", "Tell me the {a} of {n}.", "Which {a} does {n} have?")
        )
        answer = random.choice((value, value, f"The {phrase} of {name} is {value}."))
        return _ask(random, context, form.format(a=phrase, n=name), answer)
    if pick < 0.8:
        right = random.random() < 0.5
        other = value if right else random.choice([one for one in known.values() if one != value] or ["none"])
        return _ask(
            random,
            context,
            f"Is the {phrase} of {name} {other}? Answer yes or no.",
            "yes" if right else "no",
        )
    notice = random.choice(UNKNOWN)
    missing = random.choice([one for one in words.TEXT_ATTRIBUTES if one not in attributes])
    return _ask(
        random,
        f"Say '{notice}' for what is not given.\n{context}",
        f"What is the {words.spoken(missing)} of {name}?",
        notice,
    )
