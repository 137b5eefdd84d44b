"""Facts about Indic scripts that the script tools look up. Blocks of Unicode run in parallel."""

BLOCKS = {
    "Devanagari": 0x0900,
    "Bengali": 0x0980,
    "Gurmukhi": 0x0A00,
    "Gujarati": 0x0A80,
    "Oriya": 0x0B00,
    "Tamil": 0x0B80,
    "Telugu": 0x0C00,
    "Kannada": 0x0C80,
    "Malayalam": 0x0D00,
}

# Malayalam consonant, virama and joiner look like one letter and are stored as one today.
CHILLUS = {
    "\u0d23\u0d4d\u200d": "\u0d7a",
    "\u0d28\u0d4d\u200d": "\u0d7b",
    "\u0d30\u0d4d\u200d": "\u0d7c",
    "\u0d32\u0d4d\u200d": "\u0d7d",
    "\u0d33\u0d4d\u200d": "\u0d7e",
}

# An independent vowel with a sign after it, typed for the vowel that looks the same.
VOWEL_OF_SIGN = {
    "\u0905\u093e": "\u0906",
    "\u0905\u0949": "\u0911",
    "\u0905\u094b": "\u0913",
    "\u0905\u094c": "\u0914",
    "\u0906\u0947": "\u0913",
    "\u0906\u0948": "\u0914",
    "\u0906\u0945": "\u0911",
    "\u090f\u0947": "\u0910",
    "\u0985\u09be": "\u0986",
    "\u0a85\u0abe": "\u0a86",
    "\u0b05\u0b3e": "\u0b06",
}

# A nasal letter before a stop of its own class may be written as anusvara: हिन्दी, हिंदी.
NASALS = tuple(
    (f"{nasal}\u094d(?=[{stops}])", "\u0902")
    for nasal, stops in (
        ("\u0919", "\u0915-\u0918"),
        ("\u091e", "\u091a-\u091d"),
        ("\u0923", "\u091f-\u0922"),
        ("\u0928", "\u0924-\u0927"),
        ("\u092e", "\u092a-\u092d"),
    )
)

# Signs that have no place in the parallel blocks, written out before a text leaves their script.
OUT_OF = {
    "Bengali": {"\u09ce": "\u09a4\u09cd", "\u09f0": "\u09b0", "\u09f1": "\u09ac"},
    "Gurmukhi": {
        "\u0a70": "\u0a02",
        "\u0a71([\u0a15-\u0a39])": "\\1\u0a4d\\1",
        "\u0a72": "\u0a07",
        "\u0a73": "\u0a09",
    },
    "Oriya": {"\u0b5f": "\u0b2f\u0b3c", "\u0b71": "\u0b35"},
    "Malayalam": {
        "\u0d7a": "\u0d23\u0d4d",
        "\u0d7b": "\u0d28\u0d4d",
        "\u0d7c": "\u0d30\u0d4d",
        "\u0d7d": "\u0d32\u0d4d",
        "\u0d7e": "\u0d33\u0d4d",
    },
}

# Words of other languages that Hindi spells in its own way.
HINDI_WRITES = {"বাংলা": "बांग्ला", "বই": "बई", "தமிழ்": "तमिल", "বাংলাদেশ": "बांग्लादेश"}

# Gurmukhi writes a nasal as tippi after these and as bindi after the other vowels.
TIPPI_AFTER = "([\u0a05\u0a07\u0a15-\u0a39\u0a3c\u0a3f\u0a41\u0a42])\u0a02"

# Gurmukhi has a letter of its own for ड़.
GURMUKHI_RRA = ("\u0a21\u0a3c", "\u0a5c")

# By place in the block: what a script that lacks a letter writes for it, in Devanagari letters.
OTHER_CHARACTERS = {
    0x01: "\u0902",
    0x04: "\u0905",
    0x0C: "\u0932\u093f",
    0x44: "\u094d\u0930\u0940",
    0x0D: "\u090f",
    0x11: "\u0913",
    0x0E: "\u090f",
    0x12: "\u0913",
    0x16: "\u0915",
    0x17: "\u0915",
    0x18: "\u0915",
    0x1B: "\u091a",
    0x1D: "\u091c",
    0x20: "\u091f",
    0x21: "\u091f",
    0x22: "\u091f",
    0x25: "\u0924",
    0x26: "\u0924",
    0x27: "\u0924",
    0x2B: "\u092a",
    0x2C: "\u092a",
    0x2D: "\u092a",
    0x29: "\u0928",
    0x31: "\u0930",
    0x33: "\u0932",
    0x34: "\u0932",
    0x36: "\u0938",
    0x37: "\u0938",
    0x0B: "\u0930\u093f",
    0x43: "\u094d\u0930\u093f",
    0x45: "\u0947",
    0x46: "\u0947",
    0x49: "\u094b",
    0x4A: "\u094b",
    0x57: "\u094c",
}

# Where a counterpart exists but readers expect another letter.
INTO = {
    "Bengali": {0x35: "\u09ac"},
    "Gurmukhi": {0x37: "\u0a38\u0a3c", 0x36: "\u0a38\u0a3c", 0x33: "\u0a32\u0a3c"},
    "Tamil": {0x02: "\u0bae\u0bcd", 0x01: "\u0bae\u0bcd"},
    "Devanagari": {0x57: ""},
}
