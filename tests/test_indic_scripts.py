"""Script tools against the traps that libraries fall into: each with the right answer."""

import unicodedata

import pytest

from usecases.indic_adaptation.romanise import romanise, spellings
from usecases.indic_adaptation.scripts import (
    BLOCKS,
    canonical,
    convert,
    detect,
    leftovers,
    roman_warnings,
    rules_to_native,
    to_devanagari,
    word_warnings,
    words,
)
from usecases.indic_adaptation.typed import to_native

ZWJ, ZWNJ, ZERO_SPACE, MARK = "\u200d", "\u200c", "\u200b", "\ufeff"


@pytest.mark.parametrize(
    ("native", "roman"),
    [
        ("नमक", "namak"),
        ("सरकार", "sarkar"),
        ("भारत", "bharat"),
        ("समझना", "samajhna"),
        ("निकलना", "nikalna"),
        ("लड़कियाँ", "ladkiyan"),
        ("कॉलेज", "kolej"),
        ("विज्ञान", "vigyan"),
        ("मेरा नाम राम है।", "mera nam ram hai."),
        ("ನನಗೆ ಬೇಡ", "nanage beda"),
    ],
)
def test_casual_romanisation_leaves_out_what_nobody_speaks(native: str, roman: str) -> None:
    assert romanise(native) == roman


def test_candra_vowels_leave_no_devanagari_behind() -> None:
    for word in ("ऑफिस", "कॉलेज", "कॉफ़ी", "ऍप"):
        assert detect(romanise(word)) == "not Indic" and romanise(word).isascii()


@pytest.mark.parametrize(
    ("typed", "native"),
    [
        ("mera naam Ram hai", "मेरा नाम राम है"),
        ("main office ja raha hoon", "मैं ऑफिस जा रहा हूँ"),
        ("nhi", "नहीं"),
        ("kya kr rahe ho?", "क्या कर रहे हो?"),
    ],
)
def test_casual_sentences_come_back(typed: str, native: str) -> None:
    assert to_native(typed) == native


@pytest.mark.parametrize(
    ("text", "script", "devanagari"),
    [
        ("வணக்கம்", "Tamil", "वणक्कम्"),
        ("বাংলা", "Bengali", "बांला"),
        ("বই", "Bengali", "बइ"),
        ("ਪੰਜਾਬੀ", "Gurmukhi", "पंजाबी"),
        ("ਪੱਕਾ", "Gurmukhi", "पक्का"),
        ("ଓଡ଼ିଆ", "Oriya", "ओड़िआ"),
        ("മലയാളം", "Malayalam", "मलयाळं"),
        ("ગુજરાતી", "Gujarati", "गुजराती"),
        ("ಕನ್ನಡ", "Kannada", "कन्नड"),
        ("সৎ", "Bengali", "सत्"),
    ],
)
def test_script_to_script_leaves_no_source_character(text: str, script: str, devanagari: str) -> None:
    found = convert(text, script, "Devanagari")
    assert found == canonical(devanagari)
    assert leftovers(found, script) == []


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("ਪੰਜਾਬੀ", "Gurmukhi"),
        ("ਸਿੰਘ", "Gurmukhi"),
        ("ਲੜਕਾ", "Gurmukhi"),
        ("வணக்கம்", "Tamil"),
        ("বাংলা", "Bengali"),
        ("ଓଡ଼ିଆ", "Oriya"),
        ("తెలుగు", "Telugu"),
        ("ಕನ್ನಡ", "Kannada"),
        ("മലയാളം", "Malayalam"),
        ("ગુજરાતી", "Gujarati"),
    ],
)
def test_there_and_back_is_the_same(text: str, script: str) -> None:
    assert convert(convert(text, script, "Devanagari"), "Devanagari", script) == canonical(text)


@pytest.mark.parametrize("script", [name for name in BLOCKS if name != "Devanagari"])
def test_every_devanagari_letter_arrives_somewhere(script: str) -> None:
    for code in [*range(0x0904, 0x093A), *range(0x093E, 0x094D)]:
        found = convert(f"क{chr(code)}", "Devanagari", script)
        assert leftovers(found, "Devanagari") == [] and len(found) > 1
        assert all(unicodedata.category(c) != "Cn" for c in found)


def test_spelling_of_bengali_words_that_hindi_writes_its_own_way() -> None:
    assert to_devanagari("বাংলা", hindi_spelling=True) == "बांग्ला"
    assert to_devanagari("বই", hindi_spelling=True) == "बई"


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("", "not Indic"),
        ("123", "not Indic"),
        ("hello", "not Indic"),
        ("اردو", "not Indic"),
        ("नमस्ते", "Devanagari"),
        ("நன்றி", "Tamil"),
        ("hello दोस्त", "mixed"),
        ("ক और", "mixed"),
    ],
)
def test_detection_can_say_not_indic(text: str, script: str) -> None:
    assert detect(text) == script


def test_normal_form_keeps_the_nukta() -> None:
    assert canonical("\u0958") == "\u0915\u093c"
    assert canonical("सड़क") == canonical("स\u095cक") != canonical("सडक")
    assert canonical("सड़क", remove_nuktas=True) == "सडक"


@pytest.mark.parametrize("word", [f"गर्{ZWJ}यो", f"दर्{ZWJ}या", f"র{'্'}{ZWJ}য", f"क्{ZWNJ}ष"])
def test_joiners_that_change_a_word_stay(word: str) -> None:
    assert canonical(word) == unicodedata.normalize("NFC", word)
    assert ZWJ not in canonical(word, keep_joiners=False)
    assert ZWNJ not in canonical(word, keep_joiners=False)


def test_other_invisible_characters_go_without_splitting_a_word() -> None:
    assert canonical(f"हि{ZERO_SPACE}न्दी") == "हिन्दी"
    assert canonical(f"{MARK}राम") == "राम"
    assert canonical(f"रा{ZWJ}म{ZWNJ} है") == "राम है"


def test_malayalam_chillu_has_one_form() -> None:
    assert canonical(f"അവന്{ZWJ}") == "അവൻ"


def test_signs_that_only_look_like_others_stay() -> None:
    for text in ("राम | श्याम", "नाम: राम", "१०:३०", "ॲप"):
        assert canonical(text) == text


def test_vowel_and_sign_become_the_vowel() -> None:
    assert canonical("अाम") == "आम" and canonical("अौर") == "और"


def test_nasals_are_unified_only_when_asked() -> None:
    assert canonical("हिन्दी") == "हिन्दी"
    assert (
        canonical("हिन्दी", anusvara_for_nasals=True) == canonical("हिंदी", anusvara_for_nasals=True) == "हिंदी"
    )
    assert canonical("जन्म", anusvara_for_nasals=True) == "जन्म"


def test_vowel_signs_do_not_break_words() -> None:
    assert words("हिन्दी की किताब, ২টি বই") == ["हिन्दी", "की", "किताब", "২টি", "বই"]


def test_rules_of_the_library_are_the_weak_rival_they_are() -> None:
    assert rules_to_native("mera") == "मेर" and rules_to_native("kamal") == "कमल"
    assert rules_to_native("kamal", "Bengali") == "কমল" and rules_to_native("kamal", "Tamil").endswith("்")


def test_spellings_differ_and_repeat() -> None:
    found = spellings("ज़िंदगी", 4, "seed")
    assert found == spellings("ज़िंदगी", 4, "seed") and len(set(found)) == len(found) >= 3
    assert found[0] == "zindagi" and "jindagi" in spellings("ज़िंदगी", 30, "seed")


def test_odd_rows_are_warned_of_with_numbers() -> None:
    rows = [(1, "ram", "राम"), (2, "shyam", "shyam"), (3, "राधा", "राधा"), (4, "hindi", f"हि{ZERO_SPACE}न्दी")]
    found = word_warnings("words.jsonl", [*rows, (5, "aam", "अाम"), (6, "mix", "কমलकम")], "Devanagari")
    text = "\n".join(found)
    assert "row 2" in text and "row 3" in text and "row 4" in text and "row 5" in text and "row 6" in text
    assert "row 1" not in text and "zero-width" in text and "normal form" in text and "mixed" in text
    assert roman_warnings("t.jsonl", [(1, "kal milte hain"), (2, "कल milte")])[0].startswith(
        "t.jsonl: 1 rows"
    )
    assert "zero-width" in roman_warnings("t.jsonl", [(1, f"kal{ZERO_SPACE} milte")])[0]
    assert roman_warnings("t.jsonl", [(1, " kal milte ")]) == []
