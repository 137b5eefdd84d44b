"""Conversations about random schemas: a schema, questions, and the queries that answer them."""

import re
from random import Random

from . import words
from .corpus_conditions import condition
from .corpus_groups import GroupAsker
from .corpus_numbered import link_to_itself, write_numbered
from .corpus_schema import Schema, make_schema, write_schema
from .corpus_short import phrasing
from .corpus_short_nested import ShortSpeaker
from .corpus_sql import ASK_LIST, MOST, Pair

Message = tuple[str, str]

SENDS = (
    "{s}\nQ: {q}\nSQL:",
    "{s}\nQ: {q}\nSQL:",
    "{s}\nQ: {q}\nSQL:",
    "{s}\nQ: {q}\nSQL:",
    "{s}\n{q}",
    "{s}\n\n{q}",
    "Schema:\n{s}\nQuestion: {q}",
    "{s}\nQuestion: {q}\nSQL:",
    "Database:\n{s}\n\n{q}",
    "Write SQL for the question.\n{s}\n{q}",
    "{s}\n-- {q}",
    "dialect: sqlite\n{s}\nquestion: {q}",
    "Tables:\n{s}\n\nRequest: {q}\nQuery:",
)
# Short SQL leads: it is what the model is tuned to answer in where it has to be small.
NUMBERED_SHARE = 0.75
LACKING_SHARE = 0.1
REFUSALS = ("NOT ANSWERABLE", "cannot answer", "no such data", "UNANSWERABLE")

KINDS = {
    "columns": 14,
    "named": 8,
    "everything": 2,
    "count": 10,
    "aggregate": 8,
    "different": 5,
    "top": 10,
    "by_parent": 14,
    "side_by_side": 6,
    "has_child": 7,
    "per_parent": 9,
    "two_hops": 7,
    "per_value": 9,
    "nested": 5,
}


def question_and_query(asker: GroupAsker) -> Pair:
    """One question of a random kind with its query."""
    while True:
        kind = asker.random.choices(list(KINDS), list(KINDS.values()))[0]
        pair = getattr(asker, kind)()
        if pair:
            return pair


def _unanswerable(asker: GroupAsker) -> str | None:
    """A question on a column that no table has."""
    table = asker.table()
    known = {column.phrase for each in asker.schema.tables for column in each.columns}
    phrase = words.spoken(asker.random.choice(words.TEXT_ATTRIBUTES + words.NUMBER_ATTRIBUTES))
    if any(phrase in one or one in phrase for one in known):
        return None
    form = asker.random.choice(
        (
            "{a} {p} of the {n}",
            "Which {n} have the {w} {p}",
            "How many {n} have a {p} above 20",
            "{a} {p} of all {n} by {p}",
        )
    )
    return form.format(
        a=asker.random.choice(ASK_LIST),
        p=phrase,
        n=asker.plural(table),
        w=asker.random.choice(MOST),
    )


def _finish(random: Random, question: str) -> str:
    """End mark, and at times lower case or a polite start, as people write."""
    wants_mark = question.split()[0] in ("What", "Which", "How", "Who")
    question += random.choice(("?", "?", "?", "") if wants_mark else (".", ".", ""))
    pick = random.random()
    if pick < 0.12:
        return question[0].lower() + question[1:]
    if pick < 0.2:
        return random.choice(("Please: ", "Hi, ", "Now ", "ok, ")) + question[0].lower() + question[1:]
    return question


def _refusal(random: Random, text: str) -> tuple[str, str]:
    """At times the word for questions that have no answer, and the text with that rule."""
    if random.random() > 0.35:
        return "", text
    refusal = random.choice((*REFUSALS, "UNANSWERABLE"))
    notice = random.choice(
        ("Say {} if the schema lacks what is asked.", "If the tables cannot answer, write {}.")
    ).format(refusal)
    return refusal, f"{notice}\n{text}" if random.random() < 0.4 else f"{text}\n{notice}"


def sql_turns(random: Random) -> list[Message]:
    """One schema and some questions with their queries, most of the time in short SQL."""
    schema = make_schema(random)
    if random.random() > NUMBERED_SHARE:
        return _turns(random, GroupAsker(random, schema), write_schema(schema, random))
    return _short_turns(random, schema)


def _short_turns(random: Random, schema: Schema) -> list[Message]:
    link_to_itself(random, schema)
    text = f"{write_numbered(schema, random)}\nIf the tables cannot answer, write UNANSWERABLE."
    count = sum(1 + len(table.columns) for table in schema.tables)
    turns: list[Message] = []
    for _ in range(random.choice((2, 3, 4, 5, 6, 7, 8))):
        lacking = random.random() < LACKING_SHARE
        question, answer = asked(random, schema, count, lacking)
        turns.append(("user", f"{text}\nQ: {question}\nSQL:" if not turns else f"Q: {question}\nSQL:"))
        turns.append(("assistant", "UNANSWERABLE" if lacking else answer))
    return turns


def asked(random: Random, schema: Schema, first: int, is_lacking: bool = False) -> Pair:
    """One question in words and numbers, and its short SQL; values are numbered from `first` on."""
    while True:
        pair = ShortSpeaker(random, schema, first, is_lacking).ask()
        if pair:
            question = pair[0] if random.random() > 0.15 else phrasing(random, "opener") + pair[0]
            return _finish(random, question[0].upper() + question[1:]), pair[1]


def _turns(random: Random, asker: GroupAsker, text: str) -> list[Message]:
    send = random.choice(SENDS)
    ending = random.choice(("", "", "", "", "", ";"))
    refusal, text = _refusal(random, text)
    turns: list[Message] = []
    for index in range(random.choice((1, 2, 3, 4, 5, 6))):
        missing = _unanswerable(asker) if refusal and random.random() < 0.3 else None
        question, answer = (missing, refusal) if missing else question_and_query(asker)
        match = _match(answer) if random.random() < 0.4 else ""
        question = _finish(random, question)
        if index:
            turns.append(("user", question))
        else:
            turns.append(("user", send.format(s=text + ("\n" + match if match else ""), q=question)))
        turns.append(("assistant", answer + ("" if missing else ending)))
    return turns


def _match(query: str) -> str:
    """The line by which a value of the question is found in the database."""
    found = re.search(r"([\w.]+) = ('[^']*')", query)
    if not found or re.match(r"T\d\.", found[1]) or (" JOIN " in query and "." not in found[1]):
        return ""
    table = re.search(r"FROM (\w+)", query)
    name = found[1] if "." in found[1] else f"{table[1]}.{found[1]}" if table else found[1]
    return f"match: {name} = {found[2]}"


def schema_turns(random: Random) -> list[Message]:
    """Small questions about the schema itself: finding, listing and joining names."""
    schema = make_schema(random)
    asker, text = GroupAsker(random, schema), write_schema(schema, random)
    turns: list[Message] = []
    for index in range(random.choice((2, 3, 4))):
        question, answer = _schema_question(random, asker)
        turns.append(("user", question if index else f"{text}\n{question}"))
        turns.append(("assistant", answer))
    return turns


JOINED = (
    "How are {a} and {b} joined?",
    "Join condition of {a} and {b}:",
    "Which columns link {a} to {b}?",
)
COLUMNS_OF = ("List the columns of {}.", "What columns does {} have?")
TABLES = ("List the tables.", "What tables are there?")
OWNERS = ("Which tables have a column {}?", "Where is {} found?")
HOLDS = (
    "Which column holds the {p} of a {t}?",
    "Where is the {p} of {n} stored?",
    "Column for the {t}'s {p}:",
)


def _schema_question(random: Random, asker: GroupAsker) -> Pair:
    table = asker.table()
    column = random.choice(table.columns)
    found = asker.linked()
    pick = random.random()
    if found and pick < 0.3:
        child, link, parent = found
        question = random.choice(JOINED).format(a=child.name, b=parent.name)
        return question, f"{child.name}.{link.name} = {parent.name}.{parent.key.name}"
    if pick < 0.5:
        question = random.choice(COLUMNS_OF).format(table.name)
        return question, ", ".join(each.name for each in table.columns)
    if pick < 0.6:
        return random.choice(TABLES), ", ".join(each.name for each in asker.schema.tables)
    if pick < 0.75:
        having = [
            each.name for each in asker.schema.tables if column.name in [one.name for one in each.columns]
        ]
        return random.choice(OWNERS).format(column.name), ", ".join(having)
    if pick < 0.9 and not column.target:
        question = random.choice(HOLDS).format(p=column.phrase, t=table.noun, n=asker.plural(table))
        return question, f"{table.name}.{column.name}"
    said, sql = condition(random, table.label, table.label.name)
    return f"Write only the condition: {asker.plural(table)} {said}", f"{table.name} WHERE {sql}"
