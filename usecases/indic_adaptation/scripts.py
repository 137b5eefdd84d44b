"""Script tools: normal spelling, which script a text is in, and one Indic script in another.

Signs are written as code points where an editor would hide or join them. Words are never cut with
`\\w`: vowel signs are marks, not letters, and would break every word.
"""

import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache

import regex
from rich.markup import escape

from common.progress import say
from usecases.indic_adaptation.tables import (
    BLOCKS,
    CHILLUS,
    GURMUKHI_RRA,
    HINDI_WRITES,
    INTO,
    NASALS,
    OTHER_CHARACTERS,
    OUT_OF,
    TIPPI_AFTER,
    VOWEL_OF_SIGN,
)

WORD = regex.compile(r"[\p{L}\p{M}\p{N}]+(?:[\u200c\u200d][\p{L}\p{M}\p{N}]+)*")
INVISIBLE = regex.compile("[\u200b\u2060\ufeff\u00ad]")
JOINERS = "\u200c\u200d"
HIDDEN = regex.compile("[\u200b-\u200d\u2060\ufeff\u00ad]")
VIRAMAS = "".join(chr(start + 0x4D) for start in BLOCKS.values())
JOINER_KEPT = regex.compile(rf"(?<=\p{{L}}\p{{M}}*[{VIRAMAS}])[{JOINERS}](?=\p{{L}})")
NOT_INDIC = "not Indic"
MIXED = "mixed"
DRAVIDIAN = ("Tamil", "Telugu", "Kannada", "Malayalam")
LARGEST_MINORITY = 0.2
ROWS_SHOWN = 3


def words(text: str) -> list[str]:
    """Words whole with their vowel signs and joiners."""
    return WORD.findall(text)


def canonical(
    text: str, keep_joiners: bool = True, remove_nuktas: bool = False, anusvara_for_nasals: bool = False
) -> str:
    """One spelling for what looks the same. Words never change, unless a switch asks for it.

    Nukta letters become letter and nukta (Unicode's own normal form). A joiner stays between a
    virama and a letter, where it changes the word, and goes everywhere else. Invisible spaces and
    byte order marks go without splitting a word. `|`, `:` and candra vowels stay what they are.
    """
    text = INVISIBLE.sub("", unicodedata.normalize("NFC", text))
    for joined, chillu in CHILLUS.items():
        text = text.replace(joined, chillu)
    for written, vowel in VOWEL_OF_SIGN.items():
        text = text.replace(written, vowel)
    kept = {match.start() for match in JOINER_KEPT.finditer(text)} if keep_joiners else set()
    text = "".join(c for place, c in enumerate(text) if c not in JOINERS or place in kept)
    if remove_nuktas:
        text = "".join(c for c in text if not is_nukta(c))
    if anusvara_for_nasals:
        for pattern, sign in NASALS:
            text = regex.sub(pattern, sign, text)
    return text.strip()


def is_nukta(character: str) -> bool:
    return any(ord(character) == start + 0x3C for start in BLOCKS.values())


def script_of(character: str) -> str:
    """The Indic script of one letter or sign, `other` for other letters, empty for the rest."""
    code = ord(character)
    for name, start in BLOCKS.items():
        if start <= code < start + 0x80 and code not in (0x964, 0x965):
            return name
    return "other" if unicodedata.category(character)[0] == "L" else ""


def shares(text: str) -> dict[str, float]:
    """The share of each script among the letters and signs of a text."""
    counts = Counter(script for script in map(script_of, text) if script)
    total = sum(counts.values())
    return {script: count / total for script, count in counts.most_common()}


def detect(text: str) -> str:
    """The Indic script of a text; `not Indic` where there is none; `mixed` where one is not enough."""
    found = shares(text)
    main = next(iter(found), "other")
    if main == "other" and found.get("other", 1.0) >= 1 - LARGEST_MINORITY:
        return NOT_INDIC
    return main if main != "other" and found[main] >= 1 - LARGEST_MINORITY else MIXED


def script_name(text: str) -> str:
    """The script of a text; one that is not Indic goes by Unicode's name of its first letter."""
    script = detect(text)
    letters = (c for c in text if unicodedata.category(c)[0] == "L")
    named = (unicodedata.name(letter).split()[0].title() for letter in letters)
    return next(named, script) if script == NOT_INDIC else script


def main_script(texts: Iterable[str]) -> str:
    """The script that most of some texts are in."""
    return Counter(map(script_name, texts)).most_common(1)[0][0]


def convert(text: str, source: str, target: str) -> str:
    """Text of one Indic script in another, sign by sign; no character of the source script remains."""
    text = canonical(text)
    for written, plain in OUT_OF.get(source, {}).items():
        text = regex.sub(written, plain, text)
    start, end = BLOCKS[source], BLOCKS[target]
    moved = "".join(moved_character(c, end - start, target) if script_of(c) == source else c for c in text)
    if target == "Gurmukhi":
        moved = regex.sub(TIPPI_AFTER, "\\1\u0a70", moved).replace(*GURMUKHI_RRA)
    return unicodedata.normalize("NFC", moved)


def moved_character(character: str, offset: int, target: str) -> str:
    """A character's counterpart, or what stands for it where the target script has none."""
    moved = ord(character) + offset
    plain = moved - BLOCKS[target]
    if plain in INTO.get(target, {}):
        return INTO[target][plain]
    if unicodedata.category(chr(moved)) != "Cn":
        return chr(moved)
    return OTHER_CHARACTERS.get(plain, "") if target == "Devanagari" else fallback(plain, target)


def fallback(plain: int, target: str) -> str:
    """What is nearest to a letter of no counterpart: the same letter without what the script lacks."""
    nearest = OTHER_CHARACTERS.get(plain, "")
    return "".join(chr(ord(c) - BLOCKS["Devanagari"] + BLOCKS[target]) for c in nearest)


def leftovers(text: str, source: str) -> list[str]:
    """Characters of the source script that a conversion has left behind."""
    return sorted({c for c in text if script_of(c) == source})


def to_devanagari(text: str, hindi_spelling: bool = False) -> str:
    """Every Indic letter of a text in Devanagari, the rest as it is.

    Sign by sign, so the way back is open; Hindi writes some words of its neighbours in its own way.
    """
    if hindi_spelling:
        text = regex.sub(WORD, lambda match: HINDI_WRITES.get(match.group(), match.group()), canonical(text))
    for script in shares(text):
        if script not in ("other", "Devanagari"):
            text = convert(text, script, "Devanagari")
    return text


def has_rules(script: str) -> bool:
    """Whether indic-transliteration writes a script."""
    from indic_transliteration import sanscript

    return hasattr(sanscript, script.upper())


@cache
def rules_to_native(word: str, script: str = "Devanagari") -> str:
    """The rules of indic-transliteration (ITRANS) on a casual spelling, as they come but for the end.

    The scheme ends a word without a vowel in a virama, which only Dravidian languages write.
    """
    from indic_transliteration import sanscript

    found = canonical(
        sanscript.transliterate(word.lower(), sanscript.ITRANS, getattr(sanscript, script.upper()))
    )
    return found if script in DRAVIDIAN else found.rstrip(VIRAMAS)


def word_warnings(place: str, rows: Sequence[tuple[int, str, str]], script: str) -> list[str]:
    """What is odd in (row number, Roman word, native word) rows of a column in one script."""
    return warnings(
        place, [(number, native, word_faults(roman, native, script)) for number, roman, native in rows]
    )


def roman_warnings(place: str, rows: Sequence[tuple[int, str]]) -> list[str]:
    """What is odd in (row number, text) rows that should be in Roman letters."""
    return warnings(place, [(number, text, roman_faults(text)) for number, text in rows])


def warnings(place: str, rows: Sequence[tuple[int, str, list[str]]]) -> list[str]:
    """Faults of rows, said with how many and with examples; nothing is dropped."""
    odd: dict[str, list[str]] = {}
    for number, text, faults in rows:
        for fault in faults:
            odd.setdefault(fault, []).append(f"row {number} {text!r:.60}")
    lines = [
        f"{place}: {len(found)} rows with {fault}, such as {', '.join(found[:ROWS_SHOWN])}"
        for fault, found in odd.items()
    ]
    for line in lines:
        say(f"  [yellow]warning[/yellow] {escape(line)}")
    return lines


def word_faults(roman: str, native: str, script: str) -> list[str]:
    """What is odd about one word and its romanisation."""
    found = script_name(native)
    other = [f"a native word in {found} script where the column is in {script}"] if found != script else []
    return [*other, *roman_faults(roman), *form_faults(native)]


def roman_faults(text: str) -> list[str]:
    """What is odd about text in Roman letters."""
    indic = [] if detect(text) == NOT_INDIC else ["Indic letters in a column of Roman ones"]
    return [*indic, *form_faults(text)]


def form_faults(text: str) -> list[str]:
    """What is odd about how a text is stored."""
    if HIDDEN.search(text):
        return ["zero-width characters (kept only where they change the word)"]
    return (
        [] if canonical(text) == text.strip() else ["spelling that is not in normal form (normalised here)"]
    )
