"""Glossary lines for a person's own pairs: from their `glossary.txt`, or learnt from the pairs of train.

With them a small model need not write an answer: for each line it says `term` or `plain`, and fixed
code puts those words into the note, which is the last part of the prompt.
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from common.usecase import Example
from usecases.industry_language.terms import ONLY_HERE, PROFESSIONAL, PUBLIC, places

GLOSSARY_FILE = "glossary.txt"
SIDES = {PROFESSIONAL: "term", PUBLIC: "plain"}
EQUALS = " = "
SEPARATORS = ("\n", ": ")


def last_part(prompt: str | list[dict[str, str]]) -> str:
    """What a prompt wants rewritten: its text after the last line break or colon."""
    text = prompt if isinstance(prompt, str) else prompt[-1]["content"]
    for separator in SEPARATORS:
        text = text.strip().rsplit(separator, 1)[-1]
    return text


def read_lines(path: Path, faults: list[str]) -> list[str]:
    """The lines of a glossary, `term = plain words`; whatever is wrong is added to `faults`."""
    lines: list[str] = []
    first: dict[str, int] = {}
    for number, text in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        line = text.strip()
        if not line or line.startswith("#"):
            continue
        sides = [side.strip() for side in line.removesuffix(ONLY_HERE).split(EQUALS)]
        if len(sides) != 2 or not all(sides) or sides[0].lower() == sides[1].lower():
            faults.append(f"{path.name} line {number}: expected `term = plain words`, found {line!r:.60}")
            continue
        for side in sides:
            if side.lower() in first:
                faults.append(f"{path.name} line {number}: {side!r} stands in line {first[side.lower()]} too")
            first.setdefault(side.lower(), number)
        lines.append(line)
    return lines


def learnt_lines(examples: Sequence[Example]) -> list[str]:
    """What some pairs choose between, a line for every two wordings, the one preferred more often first."""
    counts: Counter[tuple[str, str]] = Counter()
    for example in examples:
        preferred, banned = example.answer["preferred"], example.answer["banned"]
        if len(preferred) == len(banned):
            counts.update(zip(preferred, banned, strict=True))
    lines = {
        (new, old): count
        for (new, old), count in counts.items()
        if count > counts[old, new] or (count == counts[old, new] and new < old)
    }
    taken: set[str] = set()
    found = []
    for new, old in sorted(lines, key=lambda pair: (-lines[pair], pair)):
        # One wording with two others would leave open what it stands for.
        if not {new.lower(), old.lower()} & taken and EQUALS not in new + old and new.lower() != old.lower():
            taken |= {new.lower(), old.lower()}
            found.append(f"{new}{EQUALS}{old}")
    return found


def touching(prompt: str | list[dict[str, str]], lines: Sequence[str]) -> list[str]:
    """The lines whose words stand in what a prompt wants rewritten, in its order."""
    return list(dict.fromkeys(place.line for place in places(last_part(prompt), lines)))
