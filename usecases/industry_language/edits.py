"""A rewrite as edits, `old words -> reader: new words`: a small model need not copy a note.

Who the words are for stands right before them: the reader, or the note where its word stays although
the reader would have another. So the choice is made in one word, and what follows is copied.
"""

import difflib
import re
from collections.abc import Sequence

ARROW, BETWEEN = " -> ", "; "
MARK = "\x00"
MOST_EDITS = 4
NOTE = "note"


def written(note: str, text: str, forms: Sequence[str], reader: str, may_stay: bool) -> str:
    """The edits that make `text` of `note`, the choice among `forms` first, also where it stays.

    The first of `forms` is the reader's. `may_stay` says that the word has other senses: else a word
    that stays by mistake is a mistake about the reader, and does not teach to mistrust the note.
    """
    standing, put = first_of(forms, note), first_of(forms, text)
    if standing is None or put is None:
        return BETWEEN.join(changes(note.split(), text.split()))
    left, right = place(standing).sub(MARK, note, count=1), place(put).sub(MARK, text, count=1)
    source = NOTE if may_stay and put == standing != forms[0] else reader
    return BETWEEN.join([f"{standing}{ARROW}{source}: {put}", *changes(left.split(), right.split())])


def applied(note: str, edits: str, reader: str) -> str:
    """The note after the edits; nothing when an edit is malformed or its old words are not there."""
    parts = edits.strip().split(BETWEEN)
    if len(parts) > MOST_EDITS:
        return ""
    for part in parts:
        old, arrow, new = part.partition(ARROW)
        new = new.removeprefix(f"{reader}: ").removeprefix(f"{NOTE}: ")
        if not arrow or not old.strip() or not place(old).search(note):
            return ""
        note = place(old).sub(lambda _, new=new: new, note, count=1)
    return note


def first_of(forms: Sequence[str], text: str) -> str | None:
    """The longest of some wordings that stands in a text."""
    return next((form for form in sorted(forms, key=len, reverse=True) if place(form).search(text)), None)


def place(words: str) -> re.Pattern[str]:
    """Finds the words exactly, and not inside others."""
    return re.compile(rf"(?<!\w){re.escape(words.strip())}(?!\w)")


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
