"""A person's own conversations, one a row of a file, in the column names of public data sets.

Every fault is named by row. Near-identical questions stay in one split.
"""

import tomllib
from collections.abc import Mapping
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

from common import large
from common.data import near_duplicates, normalise, split_by_group, text_of
from common.errors import FaultsError, GalleryError
from common.examples import ENDINGS, SPLITS, apart, read_table
from common.usecase import Example, Source, Splits

ROLES = ("system", "user", "assistant")
OTHER_NAMES = {"human": "user", "customer": "user", "gpt": "assistant", "agent": "assistant"}
CHATS = (("messages",), ("conversations",))
PAIRS = (
    ("prompt", "completion"),
    ("instruction", "response"),
    ("instruction", "output"),
    ("question", "answer"),
)
LABELS = (("text", "label"), ("text", "intent"), ("text", "category"))
FEWEST_ROWS = 10
SHAPE = '{"messages": [{"role": "user", "content": "..."}, {"role": "assistant", "content": "..."}]}'
Message = dict[str, str]


def read_conversations(path: Path, rows_per_label: int = 0) -> Splits:
    """The splits of a file; with a limit per label, a fixed draw of that many rows of each."""
    if not path.is_dir() and path.suffix.lower() not in ENDINGS:
        raise GalleryError(
            f"--data {path}: expected a file that ends in {', '.join(ENDINGS)}, or a folder of such files, "
            f"found {path.suffix or 'no ending'}. Write one conversation a line: {SHAPE}"
        )
    source = Source(path.stem, "as stated by its owner", "given by the user")
    if path.suffix == ".jsonl" and large.is_large(path) and not rows_per_label:
        return large.read(path, partial(example_of, path.name), source)
    faults: list[str] = []
    rows = read_table(path, (), faults)
    found = [(row.get("split"), example_of(path.name, row, number, faults)) for number, row in rows]
    named = sum(split is not None for split, _ in found)
    if 0 < named < len(found):
        faults.append(f"{path.name}: {named} of {len(found)} rows have a split; give all or none")
    if faults:
        advice = f"Nothing was run. Mend the rows and run again; a row can always be written as {SHAPE}"
        raise FaultsError(f"The data in {path}", faults, advice)
    examples = [example for _, example in found if example is not None]
    if len(examples) < FEWEST_ROWS:
        raise GalleryError(f"{path} has {len(examples)} rows; {FEWEST_ROWS} are the least that can be split.")
    if named:
        splits = by_column([split for split, _ in found], examples, source)
        return apart(splits) if path.is_dir() else splits
    return by_cluster(limited(examples, rows_per_label), source)


def shape_of(row: Mapping[str, Any]) -> tuple[str, ...]:
    """The columns that hold the conversation; none where no shape fits, or more than one."""
    fits = [shape for shape in (*CHATS, *PAIRS) if all(column in row for column in shape)]
    fits = fits or [shape for shape in LABELS if all(column in row for column in shape)][:1]
    return fits[0] if len(fits) == 1 else ()


def turns_of(row: Mapping[str, Any], shape: tuple[str, ...]) -> Any:
    """The conversation of a row as it stands."""
    if shape in CHATS:
        return row[shape[0]]
    asked, said = (row[column] for column in shape)
    if shape[0] == "instruction" and isinstance(row.get("input"), str) and row["input"].strip():
        asked = f"{asked}\n{row['input']}"
    return joined(asked, said)


def example_of(name: str, row: Mapping[str, Any], number: int, faults: list[str]) -> Example | None:
    """One row as an example, or None with its faults noted."""
    place = f"{name} row {number}"
    shape = shape_of(row)
    if not shape:
        shapes = ", ".join(" and ".join(columns) for columns in (*CHATS, *PAIRS, *LABELS))
        faults.append(f"{place}: must have one of {shapes}; found columns {', '.join(sorted(row))}")
        return None
    if row.get("split", "train") not in SPLITS:
        faults.append(f"{place}: split {row['split']!r} is none of {', '.join(SPLITS)}")
    intent = None if shape in LABELS else row.get("intent")
    if intent is not None and (not isinstance(intent, str) or not intent.strip()):
        faults.append(f"{place}: intent must be a name as text, found {intent!r:.60}")
        return None
    turns = tidied(turns_of(row, shape))
    wrong = turn_faults(turns)
    faults += [f"{place}: {fault}" for fault in wrong]
    return None if wrong else made(row, str(row.get("id", f"row {number}")), turns, intent)


def made(row: Mapping[str, Any], identity: str, turns: list[Message], intent: str | None) -> Example:
    """A sound conversation as an example."""
    text = turns[-1]["content"].strip()
    answer = {
        "text": f"{intent.strip()}\n{text}" if intent else text,
        "intents": [intent.strip().lower()] if intent else [],
        "values": [],
        "hand_over": False,
        "free": True,
    }
    # A single question stays plain text, so that texts and not their wrapping are compared for leaks.
    inputs = turns[0]["content"] if len(turns) == 2 else {"cards": [], "turns": turns[:-1]}
    return Example(identity, str(row.get("group", identity)), inputs, answer)


def joined(prompt: Any, completion: Any) -> Any:
    """Prompt and completion as one conversation, whether plain text or messages."""
    asked = prompt if isinstance(prompt, list) else [{"role": "user", "content": prompt}]
    said = completion if isinstance(completion, list) else [{"role": "assistant", "content": completion}]
    return [*asked, *said]


def tidied(turns: Any) -> Any:
    """A chat as it is learnt: usual names of roles, one turn a side, nothing after the last answer."""
    if not isinstance(turns, list) or not all(isinstance(turn, dict) for turn in turns):
        return turns
    found: list[Message] = []
    for turn in turns:
        role, content = turn.get("role", turn.get("from")), turn.get("content", turn.get("value"))
        role = OTHER_NAMES.get(role, role) if isinstance(role, str) else role
        same = (
            found
            and found[-1]["role"] == role
            and isinstance(content, str)
            and isinstance(found[-1]["content"], str)
        )
        if same:
            found[-1] = {"role": role, "content": f"{found[-1]['content']}\n{content}"}
        else:
            found.append({"role": role, "content": content})
    answers = [place for place, turn in enumerate(found) if turn["role"] == "assistant"]
    return found[: answers[-1] + 1] if answers else found


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
        chosen[SPLITS[name]].append(example)
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
