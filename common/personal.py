"""Marks of personal data in a text: addresses, numbers of telephones, cards and Indian identity papers."""

import re

EMAIL = re.compile(r"\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+\b")
PHONE = re.compile(
    r"(?<![\w.,])(?:\+\d{1,3}[ -]?)?(?:\(\d{2,4}\)[ -]?)?\d{2,5}(?:[ -]\d{2,5}){1,4}(?![\w,.]\d)\b"
)
MOBILE = re.compile(r"(?<![\w.])(?:\+91[ -]?)?[6-9]\d{9}\b")
CARD = re.compile(r"(?<![\d.])\d(?:[ -]?\d){12,18}(?![\d.]\d)")
AADHAAR = re.compile(r"(?<![\d.])[2-9]\d{3}[ -]?\d{4}[ -]?\d{4}(?![\d.]\d)(?!\d)")
PAN = re.compile(r"\b[A-Z]{3}[ABCFGHLJPT][A-Z]\d{4}[A-Z]\b")
FEWEST_PHONE_DIGITS, MOST_PHONE_DIGITS = 9, 15
# Verhoeff's check digit, which every Aadhaar number ends with.
TURN = ((0, 1, 2, 3, 4, 5, 6, 7, 8, 9), (1, 2, 3, 4, 0, 6, 7, 8, 9, 5), (2, 3, 4, 0, 1, 7, 8, 9, 5, 6))
TURN += ((3, 4, 0, 1, 2, 8, 9, 5, 6, 7), (4, 0, 1, 2, 3, 9, 5, 6, 7, 8), (5, 9, 8, 7, 6, 0, 4, 3, 2, 1))
TURN += ((6, 5, 9, 8, 7, 1, 0, 4, 3, 2), (7, 6, 5, 9, 8, 2, 1, 0, 4, 3), (8, 7, 6, 5, 9, 3, 2, 1, 0, 4))
TURN += ((9, 8, 7, 6, 5, 4, 3, 2, 1, 0),)
MIX = ((0, 1, 2, 3, 4, 5, 6, 7, 8, 9), (1, 5, 7, 6, 2, 8, 3, 0, 9, 4), (5, 8, 0, 3, 7, 9, 6, 1, 4, 2))
MIX += ((8, 9, 1, 6, 0, 4, 3, 5, 2, 7), (9, 4, 5, 3, 1, 2, 6, 8, 7, 0), (4, 2, 8, 6, 5, 7, 3, 9, 0, 1))
MIX += ((2, 7, 9, 3, 8, 0, 6, 4, 1, 5), (7, 0, 4, 6, 9, 1, 3, 2, 5, 8))


def personal(text: str) -> list[tuple[str, str]]:
    """What looks personal: its kind, and the place with most of it covered."""
    found = [("e-mail", match) for match in EMAIL.findall(text)]
    if any(letter.isdigit() for letter in text):
        found += [("PAN", match) for match in PAN.findall(text)]
        cards = [match for match in CARD.findall(text) if luhn(digits(match))]
        found += [("card", match) for match in cards]
        papers = [match for match in AADHAAR.findall(text) if verhoeff(digits(match))]
        papers = [match for match in papers if not any(match in card for card in cards)]
        found += [("Aadhaar", match) for match in papers]
        taken = " ".join([*cards, *papers])
        found += [("telephone", match) for match in phones(text) if match not in taken]
    return [(kind, covered(match)) for kind, match in found]


def phones(text: str) -> list[str]:
    """Groups of digits that a person would dial."""
    matches = [*PHONE.findall(text), *MOBILE.findall(text)]
    return [m for m in dict.fromkeys(matches) if FEWEST_PHONE_DIGITS <= len(digits(m)) <= MOST_PHONE_DIGITS]


def digits(text: str) -> str:
    return "".join(letter for letter in text if letter.isdigit())


def luhn(number: str) -> bool:
    """The check digit of payment cards; a row of one digit passes it and is no card."""
    doubled = [sum(divmod(int(d) * (1 + place % 2), 10)) for place, d in enumerate(reversed(number))]
    return len(set(number)) > 1 and sum(doubled) % 10 == 0


def verhoeff(number: str) -> bool:
    """The check digit of Aadhaar numbers."""
    check = 0
    for place, digit in enumerate(reversed(number)):
        check = TURN[check][MIX[place % 8][int(digit)]]
    return check == 0


def covered(text: str) -> str:
    """The first two and the last letter; reports must not spread what they warn of."""
    return f"{text[:2]}{'*' * min(len(text) - 3, 8)}{text[-1:]}"
