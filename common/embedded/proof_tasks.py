"""The four tasks of the proof, in wordings that the corpus does not use."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

from .textloop import Row
from .words import ADJECTIVES, FIRST_NAMES, pseudo_word

ROWS_PER_INTENT = 20
VALIDATION_ROWS, TEST_ROWS = 100, 300
GENERATED_ROWS = 300


@dataclass(frozen=True)
class Task:
    """Rows of one task; the budget is the same for every arm."""

    name: str
    train: list[Row]
    validation: list[Row]
    test: list[Row]
    epochs: int
    most_tokens: int


def _read(path: Path) -> list[dict[str, str]]:
    if not path.is_file():
        raise SystemExit(f"asked for {path}, which is not there: give --banking77 the folder with it")
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def banking77(folder: Path) -> Task:
    """Bank messages -> the intent, written out; twenty rows of each of the 77 intents."""
    random, groups = Random(77), {}
    for row in _read(folder / "banking77_train.jsonl"):
        groups.setdefault(row["label"], []).append(Row(row["text"], row["label"].replace("_", " ")))
    train, rest = [], []
    for rows in groups.values():
        random.shuffle(rows)
        train += rows[:ROWS_PER_INTENT]
        rest += rows[ROWS_PER_INTENT:]
    test = [
        Row(row["text"], row["label"].replace("_", " "))
        for row in random.sample(_read(folder / "banking77_test.jsonl"), TEST_ROWS)
    ]
    return Task("banking77", train, random.sample(rest, VALIDATION_ROWS), test, 4, 24)


def _register_row(random: Random) -> Row:
    """A ferry register in a notation of its own, and one cell asked for."""
    heads = random.sample(("cabin", "meal", "luggage", "port", "bunk", "tariff"), 3)
    people = list({pseudo_word(random).capitalize(): None for _ in range(random.randint(4, 7))})
    cells = {
        (person, head): random.choice(
            (pseudo_word(random), str(random.randint(1, 999)), random.choice(ADJECTIVES))
        )
        for person in people
        for head in heads
    }
    lines = ["passenger / " + " / ".join(heads)]
    lines += [" / ".join([person, *(cells[person, head] for head in heads)]) for person in people]
    person, head = random.choice(people), random.choice(heads)
    ask = random.choice(
        (
            f"Purser, what did we note under {head} against {person}?",
            f"{person} asks about the {head} entry. Read it out.",
            f"Under {head}, which entry stands in the line of {person}?",
        )
    )
    return Row("Ferry register\n" + "\n".join(lines) + f"\n{ask}", cells[person, head])


def _parcel_row(random: Random) -> Row:
    """A chatty parcel message, and the record that a depot would file."""
    sender = f"{random.choice(FIRST_NAMES)} {pseudo_word(random).capitalize()}"
    town, weight = pseudo_word(random).capitalize(), random.randint(1, 40)
    thing, bay = random.choice(ADJECTIVES) + " " + pseudo_word(random), random.randint(1, 99)
    parts = [
        random.choice((f"It goes to {town}", f"Destination {town}", f"Ship it over to {town}")),
        random.choice((f"scales said {weight} kilos", f"it weighs {weight} kilos")),
        random.choice((f"inside is one {thing}", f"I packed a {thing}")),
        random.choice((f"left in bay {bay}", f"bay {bay} has it")),
    ]
    random.shuffle(parts)
    text = f"{sender} here about a parcel! " + ", ".join(parts) + ". Cheers."
    record = {"from": sender, "to": town, "kilos": weight, "content": thing, "bay": bay}
    return Row(f"File this parcel message.\n{text}", json.dumps(record))


def _query_row(random: Random) -> Row:
    """A depot's sheets with numbered entries, and a request to be written as short SQL."""
    lines, sheets, count = [], [], 0
    for noun in dict.fromkeys(pseudo_word(random) for _ in range(random.randint(2, 4))):
        entries = list(dict.fromkeys(pseudo_word(random) for _ in range(random.randint(3, 6))))
        sheets.append((f"{noun}@{count}", [f"{entry}@{count + 2 + at}" for at, entry in enumerate(entries)]))
        lines.append(f"{noun}@{count}: *nr@{count + 1}, {', '.join(sheets[-1][1])}")
        count += 2 + len(entries)
    sheet, entries = random.choice(sheets)
    one, other = random.sample(entries, 2)
    amount, word = random.randint(2, 900), pseudo_word(random).capitalize()
    table, first, second = (text[text.index("@") :] for text in (sheet, one, other))
    ask, answer = random.choice(
        (
            (f"Tally {sheet} once {one} tops {amount}", f"SELECT COUNT({table}) WHERE {first} > {amount}"),
            (f"Tally {sheet} split by {one}", f"SELECT {first}, COUNT({table}) GROUP BY {first}"),
            (f"Read me the peak {one} in {sheet}", f"SELECT MAX({first})"),
            (f"{one} wanted, {sheet} with {other} spelt {word}", f"SELECT {first} WHERE {second} = '{word}'"),
            (f"{one} wanted, smallest {other} up front", f"SELECT {first} ORDER BY {second}"),
        )
    )
    return Row("Depot sheets\n" + "\n".join(lines) + f"\n{ask}", answer)


def _generated(name: str, make: Callable[[Random], Row], epochs: int, most: int) -> Task:
    random = Random(name)
    rows = [make(random) for _ in range(GENERATED_ROWS + VALIDATION_ROWS + TEST_ROWS)]
    first, second = GENERATED_ROWS, GENERATED_ROWS + VALIDATION_ROWS
    return Task(name, rows[:first], rows[first:second], rows[second:], epochs, most)


def tasks(banking77_folder: Path | None) -> list[Task]:
    """All tasks; without the folder, those that are generated."""
    made = [
        _generated("table_lookup", _register_row, 3, 12),
        _generated("json_record", _parcel_row, 3, 90),
        _generated("short_sql", _query_row, 3, 40),
    ]
    return ([banking77(banking77_folder)] if banking77_folder else []) + made
