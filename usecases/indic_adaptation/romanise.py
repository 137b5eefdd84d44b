"""Devanagari in Roman letters as people type it: with the vowels that are not spoken left out.

`romanise` gives the plain spelling; `spellings` gives others that people use, by rules with a seed:
a long vowel doubled or not, v or w, ph or f, z or j, a dropped nasal, a double letter written once,
an unspoken vowel written all the same.
"""

import random

import regex

from usecases.indic_adaptation.scripts import DRAVIDIAN, canonical, shares, to_devanagari

CONSONANTS = dict(
    zip(
        "कखगघङचछजझञटठडढणतथदधनपफबभमयरलवशषसहळऩऱऴ",
        "k kh g gh n ch chh j jh n t th d dh n t th d dh n p ph b bh m y r l v sh sh s h l n r zh".split(),
        strict=True,
    )
)
NUKTAS = {"क": "q", "ख": "kh", "ग": "g", "ज": "z", "ड": "d", "ढ": "dh", "फ": "f", "य": "y"}
VOWELS = dict(zip("अआइईउऊऋऍऎएऐऑऒओऔ", "a a i i u u ri e e e ai o o o au".split(), strict=True))
SIGNS = dict(zip("ािीुूृॅॆेैॉॊोौ", "a i i u u ri e e e ai o o o au".split(), strict=True))
LONG = {"आ": "aa", "ा": "aa", "ई": "ee", "ी": "ee", "ऊ": "oo", "ू": "oo"}
NUKTA, VIRAMA, NASAL_SIGNS = "\u093c", "\u094d", "\u0902\u0901"
CLUSTERS = {"ज्ञ": "ग्य"}
DIGITS = str.maketrans("०१२३४५६७८९", "0123456789")
WORD = regex.compile(r"[\p{Devanagari}\u200c\u200d]+")
SPACED = regex.compile(r"(\s+)")
UNSPOKEN = "A"
# The spelling rules by which `spellings` departs from the plain one, with their shares.
HABITS = (
    (0.3, "v", "w"),
    (0.5, "ph", "f"),
    (0.35, "z", "j"),
    (0.4, "chh", "ch"),
    (0.25, r"(?<=[aeiou])n$", ""),
    (0.35, r"([bdgjklmnprst])\1", r"\1"),
    (0.2, "ai", "e"),
    (0.15, "au", "o"),
    (0.15, "ee$", "i"),
    (0.12, "iy", "y"),
    (0.1, "sh", "s"),
    (0.1, "q", "k"),
    (0.08, "(?<=[aeiou][bdgjklmnprstvyz])a(?=[bdgjklmnprstvy][aeiou])", ""),
)


def romanise(text: str) -> str:
    """The plain casual spelling of a text; letters of other Indic scripts go by way of Devanagari."""
    parts = [one_script(part) for part in SPACED.split(canonical(text))]
    return "".join(parts).replace("।", ".")


def one_script(part: str) -> str:
    """One word and what stands around it. Dravidian languages speak every vowel."""
    spoken = next(iter(shares(part)), "") in DRAVIDIAN
    text = to_devanagari(part).translate(DIGITS)
    return WORD.sub(lambda match: romanise_word(match.group(), all_spoken=spoken), text)


def romanise_word(
    word: str,
    long_share: float = 0.0,
    kept_share: float = 0.0,
    rng: random.Random | None = None,
    all_spoken: bool = False,
) -> str:
    """One Devanagari word; long vowels are doubled and unspoken ones kept at the given shares."""
    for written, spoken in CLUSTERS.items():
        word = word.replace(written, spoken)
    if all_spoken:
        word = regex.sub("\u0902$", "\u092e\u094d", word)
    sounds = delete_schwas(sounds_of(word, long_share, rng), 1.0 if all_spoken else kept_share, rng)
    return "".join(sounds).replace("chchh", "chh")


def sounds_of(word: str, long_share: float, rng: random.Random | None) -> list[str]:
    """Consonants and vowels in turn; the vowel that is not written stands as UNSPOKEN."""
    sounds: list[str] = []
    for place, sign in enumerate(word):
        after = word[place + 1 : place + 2]
        if sign in CONSONANTS:
            sounds.append(NUKTAS.get(sign, CONSONANTS[sign]) if after == NUKTA else CONSONANTS[sign])
            beyond = word[place + 2 : place + 3] if after == NUKTA else after
            if beyond not in SIGNS and beyond != VIRAMA:
                sounds.append(UNSPOKEN)
        elif sign in SIGNS or sign in VOWELS:
            doubled = rng is not None and sign in LONG and rng.random() < long_share
            sounds.append(LONG[sign] if doubled else SIGNS.get(sign) or VOWELS[sign])
        elif sign in NASAL_SIGNS:
            sounds.append("m" if after in tuple("पफबभम") else "n")
        elif sign == "\u0903":
            sounds.append("h")
    return sounds


def delete_schwas(sounds: list[str], kept_share: float, rng: random.Random | None) -> list[str]:
    """Leaves out vowels that nobody speaks: the last of a word, and one between VC and CV."""
    if kept_share >= 1.0:
        return ["a" if sound == UNSPOKEN else sound for sound in sounds]
    spoken = list(sounds)
    if len(spoken) > 2 and spoken[-1] == UNSPOKEN:
        spoken.pop()
    for place in range(len(spoken) - 3, 1, -1):
        if spoken[place] != UNSPOKEN or (rng is not None and rng.random() < kept_share):
            continue
        left, right = spoken[place - 2 : place], spoken[place + 1 : place + 3]
        if is_vowel(left[0]) and not is_vowel(left[1]) and not is_vowel(right[0]) and is_vowel(right[1]):
            spoken[place] = ""
            spoken = [sound for sound in spoken if sound]
    return ["a" if sound == UNSPOKEN else sound for sound in spoken]


def is_vowel(sound: str) -> bool:
    return sound[0] in "aeiouA"


def spellings(word: str, count: int, seed: str) -> list[str]:
    """Up to `count` different spellings of a word, the plain one first; the same for the same seed."""
    found = {romanise_word(word): None}
    rng = random.Random(f"{seed} {word}")
    for _ in range(8 * count):
        if len(found) >= count:
            break
        text = romanise_word(word, long_share=0.4, kept_share=0.1, rng=rng)
        for share, pattern, instead in HABITS:
            if rng.random() < share:
                text = regex.sub(pattern, instead, text)
        if len(text) > 1:
            found[text] = None
    return list(found)
