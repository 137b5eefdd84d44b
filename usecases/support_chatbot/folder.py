"""A person's own conversations: messages, prompt and completion, or text and label, one a line.

Every fault is named by row. Near-identical questions stay in one split.
"""

import tomllib
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from common.data import near_duplicates, normalise, read_jsonl, split_by_group, text_of
from common.errors import FaultsError, GalleryError
from common.usecase import Example, Source, Splits

ROLES = ("system", "user", "assistant")
SHAPES = {
    "messages": ("messages",),
    "prompt and completion": ("prompt", "completion"),
    "text and label": ("text", "label"),
}
SPLIT_NAMES = {"train": "train", "val": "val", "dev": "val", "test": "test"}
FEWEST_ROWS = 10
Message = dict[str, str]


def read_conversations(path: Path, rows_per_label: int = 0) -> Splits:
    """The splits of a file; with a limit per label, a fixed draw of that many rows of each."""
    if path.is_dir():
        raise GalleryError(f"--data {path}: expected a .jsonl file, found a folder.")
    faults: list[str] = []
    rows = read_jsonl(path, {}, faults)
    found = [(row.get("split"), example_of(row, number, path.name, faults)) for number, row in rows]
    named = sum(split is not None for split, _ in found)
    if 0 < named < len(found):
        faults.append(f"{path.name}: {named} of {len(found)} rows have a split; give all or none")
    if faults:
        raise FaultsError(f"The data in {path}", faults, "Nothing was run. Mend the rows and run again.")
    examples = [example for _, example in found if example is not None]
    if len(examples) < FEWEST_ROWS:
        raise GalleryError(f"{path} has {len(examples)} rows; {FEWEST_ROWS} are the least that can be split.")
    source = Source(path.stem, "as stated by its owner", "given by the user")
    if named:
        return by_column([split for split, _ in found], examples, source)
    return by_cluster(limited(examples, rows_per_label), source)


def example_of(row: Mapping[str, Any], number: int, name: str, faults: list[str]) -> Example | None:
    """One row as an example, or None with its faults noted."""
    place = f"{name} row {number}"
    shapes = [shape for shape, columns in SHAPES.items() if all(column in row for column in columns)]
    if len(shapes) != 1:
        faults.append(
            f"{place}: must have one of {', '.join(SHAPES)}; found columns {', '.join(sorted(row))}"
        )
        return None
    if row.get("split", "train") not in SPLIT_NAMES:
        faults.append(f"{place}: split {row['split']!r} is none of {', '.join(SPLIT_NAMES)}")
    if shapes[0] == "text and label":
        turns = [{"role": "user", "content": row["text"]}, {"role": "assistant", "content": row["label"]}]
    else:
        turns = row["messages"] if shapes[0] == "messages" else joined(row["prompt"], row["completion"])
    wrong = turn_faults(turns)
    faults += [f"{place}: {fault}" for fault in wrong]
    if wrong:
        return None
    intent = row.get("intent")
    text = turns[-1]["content"].strip()
    answer = {
        "text": f"{intent}\n{text}" if intent else text,
        "intents": [intent.lower()] if intent else [],
        "values": [],
        "hand_over": False,
        "free": True,
    }
    identity = str(row.get("id", f"row {number}"))
    # A single question stays plain text, so that texts and not their wrapping are compared for leaks.
    inputs = turns[0]["content"] if len(turns) == 2 else {"cards": [], "turns": turns[:-1]}
    return Example(identity, str(row.get("group", identity)), inputs, answer)


def joined(prompt: Any, completion: Any) -> Any:
    """Prompt and completion as one conversation, whether plain text or messages."""
    asked = [{"role": "user", "content": prompt}] if isinstance(prompt, str) else prompt
    said = [{"role": "assistant", "content": completion}] if isinstance(completion, str) else completion
    return [*asked, *said] if isinstance(asked, list) and isinstance(said, list) else None


def turn_faults(turns: Any) -> list[str]:
    """What is wrong with a conversation."""
    if not isinstance(turns, list) or not all(isinstance(turn, dict) for turn in turns):
        return ["a conversation must be a list of messages, or plain text"]
    faults = [
        f"message {number}: role must be one of {', '.join(ROLES)}, found {turn.get('role')!r}"
        for number, turn in enumerate(turns, start=1)
        if turn.get("role") not in ROLES
    ]
    faults += [
        f"message {number}: content must be text, found {turn.get('content')!r:.60}"
        for number, turn in enumerate(turns, start=1)
        if not isinstance(turn.get("content"), str) or not turn["content"].strip()
    ]
    if not faults and (len(turns) < 2 or turns[-1]["role"] != "assistant" or turns[-2]["role"] != "user"):
        faults.append("a conversation must end with a user message and the assistant's answer to it")
    return faults


def limited(examples: list[Example], rows_per_label: int) -> list[Example]:
    """At most so many rows of each answer, by a hash that is not the one that splits; 0 keeps all."""
    if not rows_per_label:
        return examples
    counts: dict[str, int] = {}
    kept = []
    for example in sorted(examples, key=lambda e: sha256(f"kept {e.id}".encode()).digest()):
        label = example.answer["text"]
        counts[label] = counts.get(label, 0) + 1
        if counts[label] <= rows_per_label:
            kept.append(example)
    return kept


def by_cluster(examples: list[Example], source: Source) -> Splits:
    """Splits in which near-identical questions stay together."""
    texts = [normalise(text_of(example)) for example in examples]
    links = [(left, right) for left, right, _ in near_duplicates(texts, texts) if left < right]
    made = split_by_group(examples, links)
    return Splits(made.train, made.val, made.test, source=source)


def by_column(names: list[Any], examples: list[Example], source: Source) -> Splits:
    """Splits as the rows name them."""
    chosen: dict[str, list[Example]] = {"train": [], "val": [], "test": []}
    for name, example in zip(names, examples, strict=True):
        chosen[SPLIT_NAMES[name]].append(example)
    return Splits(**{name: tuple(found) for name, found in chosen.items()}, source=source)


def read_card(path: Path | None) -> dict[str, str]:
    """One policy card from a TOML file: `intent`, and a value in words for every field."""
    if path is None:
        raise GalleryError('No policy card was named. Give one: --db card.toml "your question".')
    try:
        card = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise GalleryError(
            f"The policy card {path} cannot be read: {error}. Write lines such as fee = '4 euro'."
        ) from error
    wrong = [field for field, value in card.items() if not isinstance(value, str)]
    if wrong or "intent" not in card:
        found = f"{wrong[0]!r} is no text" if wrong else "`intent` is missing"
        raise GalleryError(
            f"The policy card {path}: {found}. Give every field as text, and the intent first."
        )
    return {"intent": card.pop("intent"), **card}
