"""Reads a person's preference pairs: one file, beside it perhaps a glossary; every fault by row."""

import difflib
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

from common.data import Row, near_duplicates, normalise, split_by_group
from common.errors import FaultsError, GalleryError
from common.examples import read_table
from common.usecase import Example, Source, Splits
from usecases.industry_language import choices
from usecases.industry_language.matching import differing
from usecases.industry_language.own_lines import (
    GLOSSARY_FILE,
    SIDES,
    last_part,
    learnt_lines,
    read_lines,
    touching,
)

SPLITS = ("train", "val", "test")
SPEAKS = "\n\nAssistant:"
LARGEST_LENGTH_SHARE = 0.7
LARGEST_RATIO = 2.0
SMALLEST_FOR_SHARES = 20
MEND = "Nothing was run. Mend the rows and run again."
ADVICE = (
    f"{MEND} `python -m usecases.industry_language.even FILE` writes a file without what length gives away."
)
LEAST_ALIKE = 0.4  # of the words of a note and its small rewrite


def read_pairs(path: Path, choosing: bool = False) -> Splits:
    """The splits of a file, or every fault in it at once. `choosing`: the answers must be small rewrites."""
    if path.is_dir():
        path = path / "preferences.jsonl"
    if not path.is_file():
        raise GalleryError(f"--data {path}: no such file. Give a file of rows with prompt, chosen, rejected.")
    faults: list[str] = []
    rows = read_rows(path, faults)
    for number, row in rows:
        faults += row_faults(row, f"{path.name} row {number}")
    uneven = length_faults(rows, path.name)
    faults += swapped_faults(rows, path.name) + uneven
    named = sum("split" in row for _, row in rows)
    if 0 < named < len(rows):
        faults.append(f"{path.name}: {named} of {len(rows)} rows have a split; give all or none")
    if faults:
        raise FaultsError(f"The pairs in {path}", faults, ADVICE if uneven else MEND)
    splits = splits_of(rows, Source(path.stem, "as stated by its owner", "given by the user"))
    return with_lines(splits, path) if choosing else splits


def read_rows(path: Path, faults: list[str]) -> list[Row]:
    """The rows of a file, each with a prompt and two answers as text."""
    rows = read_table(path, dict.fromkeys(("chosen", "rejected"), object), faults)
    rows = [(number, with_prompt(row)) for number, row in rows]
    for number, row in rows:
        for side in ("chosen", "rejected"):
            row[side] = answer_of(row[side], f"{path.name} row {number}: {side}", faults)
    return rows


def with_prompt(row: dict[str, Any]) -> dict[str, Any]:
    """A row with its prompt apart, in the forms of public sets: a question with an instruction to the system,
    or two whole conversations that differ in their last message."""
    sides = [row["chosen"], row["rejected"]]
    if "prompt" in row:
        return row
    if isinstance(row.get("question"), str):
        system = [{"role": "system", "content": row["system"]}] if row.get("system") else []
        return {**row, "prompt": [*system, {"role": "user", "content": row["question"]}]}
    if all(isinstance(side, list) and len(side) > 1 for side in sides) and sides[0][:-1] == sides[1][:-1]:
        return {**row, "prompt": sides[0][:-1], "chosen": sides[0][-1:], "rejected": sides[1][-1:]}
    if all(isinstance(side, str) and SPEAKS in side for side in sides):
        heads, answers = zip(*(side.rsplit(SPEAKS, 1) for side in sides), strict=True)
        if heads[0] == heads[1]:
            return {
                **row,
                "prompt": turns(heads[0]),
                "chosen": answers[0].strip(),
                "rejected": answers[1].strip(),
            }
    return row


def turns(text: str) -> list[dict[str, str]]:
    """A conversation that marks who speaks, as messages."""
    parts = re.split(r"\n\n(Human|Assistant): ?", f"\n\n{text.strip()}")[1:]
    roles = {"Human": "user", "Assistant": "assistant"}
    return [
        {"role": roles[name], "content": said.strip()}
        for name, said in zip(parts[::2], parts[1::2], strict=True)
    ]


def answer_of(given: object, place: str, faults: list[str]) -> str:
    """An answer as text; TRL's form with one message of the assistant is taken too."""
    if isinstance(given, str):
        return given
    if isinstance(given, list) and len(given) == 1 and isinstance(given[0], dict):
        given = given[0].get("content")
    if isinstance(given, str):
        return given
    faults.append(f"{place} must be a text, or a list with one message; found {given!r:.60}")
    return ""


def with_lines(splits: Splits, path: Path) -> Splits:
    """The pairs with the glossary lines that they touch, or the rows that are no small rewrites."""
    faults: list[str] = []
    lines = lines_beside(path, splits, faults)
    if not lines and not faults:
        faults.append(
            f"{path.name}: no wording is chosen over another, so there is nothing to choose between"
        )
    found = {
        name: tuple(
            replace(e, inputs={**e.inputs, "lines": touching(e.inputs["prompt"], lines)}) for e in part
        )
        for name, part in splits.named().items()
    }
    faults += [fault for part in found.values() for e in part for fault in unsayable(e, path.name)]
    if faults:
        raise FaultsError(
            f"The pairs in {path}",
            faults,
            "Nothing was run. `choices = true` needs answers that rewrite the last part of their prompt; "
            "for other answers use the variant `pairs`.",
        )
    return replace(splits, **found)


def lines_beside(path: Path, splits: Splits, faults: list[str]) -> list[str]:
    """The lines of the glossary beside the pairs; without one, what the pairs of train choose between."""
    glossary = (path if path.is_dir() else path.parent) / GLOSSARY_FILE
    return read_lines(glossary, faults) if glossary.is_file() else learnt_lines(splits.train)


def unsayable(example: Example, name: str) -> list[str]:
    """What of a pair is no small rewrite of the note in its prompt."""
    note, lines = last_part(example.inputs["prompt"]), example.inputs["lines"]
    faults = []
    for side, text in (("chosen", example.answer["text"]), ("rejected", example.extra["rejected"])):
        said = choices.written(note, text, lines, SIDES)
        alike = difflib.SequenceMatcher(None, note.split(), text.split(), autojunk=False).ratio()
        if alike < LEAST_ALIKE or choices.applied(note, said, lines, SIDES) != text:
            row = f"{name} {example.id.replace('-', ' ')}"
            faults.append(f"{row}: {side} {text!r:.50} is no small rewrite of {note!r:.50}")
    return faults


def row_faults(row: dict[str, Any], place: str) -> list[str]:
    """What is wrong with one pair by itself."""
    faults = []
    if not is_prompt(row.get("prompt")):
        faults.append(f"{place}: prompt must be a text or a list of messages with role and content")
    for side in ("chosen", "rejected"):
        if not row[side].strip():
            faults.append(f"{place}: {side} is empty")
    if row["chosen"].strip() == row["rejected"].strip():
        faults.append(f"{place}: chosen and rejected are identical")
    if row.get("split", "train") not in SPLITS:
        faults.append(f"{place}: split {row['split']!r} is none of {', '.join(SPLITS)}")
    return faults


def is_prompt(prompt: object) -> bool:
    if isinstance(prompt, str):
        return bool(prompt.strip())
    return (
        isinstance(prompt, list)
        and bool(prompt)
        and all(isinstance(m, dict) and {"role", "content"} <= set(m) for m in prompt)
    )


def text_of(prompt: str | list[dict[str, str]]) -> str:
    return prompt if isinstance(prompt, str) else "\n".join(m["content"] for m in prompt)


def swapped_faults(rows: list[Row], name: str) -> list[str]:
    """Pairs that contradict the others: the same prompt judged the other way, or a lone reversal.

    A reversal counts when the same wording is preferred in at least three quarters of five or more
    pairs and none of its reversals shares its prompt's head: then the row is likely swapped.
    """
    first: dict[tuple[str, str, str], int] = {}
    faults = []
    for number, row in rows:
        prompt = text_of(row["prompt"]) if is_prompt(row.get("prompt")) else ""
        turned = first.get((prompt, row["rejected"], row["chosen"]))
        if turned is not None:
            faults.append(f"{name} row {number}: chosen and rejected are swapped against row {turned}")
        first.setdefault((prompt, row["chosen"], row["rejected"]), number)
    return faults + reversed_faults(rows, name)


def reversed_faults(rows: list[Row], name: str) -> list[str]:
    """Rows that prefer the other wording than nearly every row that has the choice."""
    changes = {number: changed(row) for number, row in rows}
    counts = Counter(change for change in changes.values() if change)
    faults = []
    for number, change in changes.items():
        if not change:
            continue
        usual, turned = counts[change[1], change[0]], counts[change]
        if usual >= 10 * turned:
            faults.append(
                f"{name} row {number}: prefers {change[0]!r} to {change[1]!r}, but {usual} rows prefer the "
                "opposite; if that is meant, say in `keep` why, else swap chosen and rejected"
            )
    return faults


def changed(row: dict[str, Any]) -> tuple[str, str] | None:
    """The one wording that a pair is about; rows with `keep` are meant as they are."""
    preferred, banned = differing(row["chosen"], row["rejected"])
    if "keep" in row or len(preferred) != 1 or len(banned) != 1:
        return None
    return preferred[0].lower(), banned[0].lower()


def length_faults(rows: list[Row], name: str) -> list[str]:
    """Pairs that length gives away: single ones by row, and a file whose longer answer always wins."""
    faults = [
        f"{name} row {number}: chosen has {chosen} words and rejected {rejected}; the shorter one must have "
        f"at least one in {LARGEST_RATIO:.0f} of the longer one's"
        for number, (chosen, rejected) in ((n, lengths(row)) for n, row in rows if is_lopsided(row))
    ]
    for said, found in by_length(rows).items():
        if len(rows) >= SMALLEST_FOR_SHARES and len(found) > LARGEST_LENGTH_SHARE * len(rows):
            shown = ", ".join(str(number) for number, _ in found[:8])
            faults.append(
                f"{name}: the {said} answer is preferred in {len(found)} of {len(rows)} rows ({shown} ...), "
                f"so a model would learn length; balance them to at most {LARGEST_LENGTH_SHARE:.0%}"
            )
    return faults


def lengths(row: dict[str, Any]) -> tuple[int, int]:
    """How many words the chosen and the rejected answer have."""
    return len(row["chosen"].split()), len(row["rejected"].split())


def is_lopsided(row: dict[str, Any]) -> bool:
    """Whether one answer is so much longer that nothing else needs to be learnt of the pair."""
    shorter, longer = sorted(lengths(row))
    return shorter > 0 and longer > LARGEST_RATIO * shorter + 2


def by_length(rows: list[Row]) -> dict[str, list[Row]]:
    """The pairs in which the longer, and those in which the shorter answer is preferred."""
    return {
        "longer": [(number, row) for number, row in rows if lengths(row)[0] > lengths(row)[1]],
        "shorter": [(number, row) for number, row in rows if lengths(row)[0] < lengths(row)[1]],
    }


def splits_of(rows: list[Row], source: Source) -> Splits:
    """Splits as the rows say, or by group, where near-identical prompts stay together."""
    examples = [example_of(number, row) for number, row in rows]
    if "split" not in rows[0][1]:
        texts = [normalise(text_of(e.inputs["prompt"])) for e in examples]
        links = [(a, b) for a, b, _ in near_duplicates(texts, texts) if a < b]
        found = split_by_group(examples, links)
        return Splits(found.train, found.val, found.test, source=source)
    named: dict[str, list[Example]] = {name: [] for name in SPLITS}
    for (_, row), example in zip(rows, examples, strict=True):
        named[row["split"]].append(example)
    return Splits(*(tuple(named[name]) for name in SPLITS), source=source)


def example_of(number: int, row: dict[str, Any]) -> Example:
    """A pair; the words that only one side has are what is preferred and what is banned."""
    preferred, banned = differing(row["chosen"], row["rejected"])
    answer = {"text": row["chosen"], "preferred": preferred, "banned": banned}
    extra = {"rejected": row["rejected"], "swapped": row["rejected"], "pair": "given"}
    group = str(row.get("group", f"row {number}"))
    return Example(f"row-{number}", group, {"prompt": row["prompt"]}, answer, "given", extra)
