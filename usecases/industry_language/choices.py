"""A rewrite as choices among glossary lines: whose words go in, or `note` where the note's own stay.

The model says one name for each line; fixed code writes the words. So a term that nobody trained is no
harder to write than another, and the rest of a note cannot change unless an answer says so with
`old words -> new words`.
"""

import difflib
import re
from collections.abc import Mapping, Sequence

from usecases.industry_language.terms import (
    ONLY_HERE,
    PROFESSIONAL,
    PUBLIC,
    forms_of,
    other_style,
    places,
)

ARROW, BETWEEN = " -> ", "; "
MOST_EDITS = 4
NOTE = "note"
Names = Mapping[str, str]  # by style, what stands for its words: who reads them


def written(note: str, text: str, lines: Sequence[str], names: Names, reader: str = "") -> str:
    """The choices, and the edits beside them, that make `text` of `note`.

    Where a word that has other senses stays against the reader, the answer names the note.
    """
    chosen = []
    for line in lines:
        standing, put = (styles_of(part, line) for part in (note, text))
        wanted = style_named(names, reader) if reader else min(put or standing)
        if line.endswith(ONLY_HERE) and standing == put and (not reader or put != {wanted}):
            chosen.append(NOTE)
        else:
            chosen.append(names[wanted if wanted in put else other_style(wanted)])
    made = applied(note, BETWEEN.join(chosen or [NOTE]), lines, names)
    return BETWEEN.join([*(chosen or [NOTE]), *changes(made.split(), text.split())])


def styles_of(text: str, line: str) -> set[str]:
    """In whose words a text says what a line is about."""
    return {place.style for place in places(text, [line])}


def style_named(names: Names, reader: str) -> str:
    return PROFESSIONAL if names[PROFESSIONAL] == reader else PUBLIC


def applied(note: str, answer: str, lines: Sequence[str], names: Names) -> str:
    """The note after an answer; nothing when a choice is missing or an edit does not fit the note."""
    parts = answer.strip().split(BETWEEN)
    count = max(len(lines), 1)
    said, edits = parts[:count], parts[count:]
    if len(said) < count or len(edits) > MOST_EDITS or set(said) - {*names.values(), NOTE}:
        return ""
    chosen = {line: name for line, name in zip(lines, said, strict=False) if name != NOTE}
    return edited(put_in(note, chosen, names), edits)


def put_in(note: str, chosen: Mapping[str, str], names: Names) -> str:
    """The note with the words of whom each line names."""
    for place in reversed(places(note, list(chosen))):
        style = style_named(names, chosen[place.line])
        if place.style != style:
            words, stood = forms_of(place.line)[style], note[place.start : place.end]
            words = words[0].upper() + words[1:] if stood[0].isupper() else words
            note = note[: place.start] + words + note[place.end :]
    return note


def edited(note: str, edits: Sequence[str]) -> str:
    """The note after edits of the form `old words -> new words`; nothing when one does not fit."""
    for edit in edits:
        old, arrow, new = edit.partition(ARROW)
        where = re.compile(rf"(?<!\w){re.escape(old.strip())}(?!\w)")
        if not arrow or not old.strip() or not where.search(note):
            return ""
        note = where.sub(lambda _, new=new: new, note, count=1)
    return note


def changes(left: Sequence[str], right: Sequence[str]) -> list[str]:
    """What differs between two lists of words; what is put in or left out takes a neighbour along."""
    found = []
    for kind, a, b, c, d in difflib.SequenceMatcher(None, left, right, autojunk=False).get_opcodes():
        if kind == "equal":
            continue
        if a == b or c == d:
            a, c = max(a - 1, 0), max(c - 1, 0)
            b, d = (b, d) if a or c else (b + 1, d + 1)
        found.append(f"{' '.join(left[a:b])}{ARROW}{' '.join(right[c:d])}")
    return found
