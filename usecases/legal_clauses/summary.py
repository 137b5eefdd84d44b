"""What a clause means in plain words: a sentence for its category, and every figure that it names.

The sentence is fixed; figures and parties are taken from the clause word for word, so none can be invented.
"""

import re

PLAIN = {
    "assignment": "Who may hand this contract, or rights under it, to somebody else.",
    "confidentiality": "What has to be kept secret, from whom and for how long.",
    "dispute_resolution": "Where and how a dispute between the two sides is decided.",
    "governing_law": "Which country's or state's law applies to this contract.",
    "indemnity": "One side pays when others make claims or when fines are due.",
    "liability_cap": "How much one side can claim from the other at most.",
    "non_compete": "One side must stay out of the other's business for a time or in a place.",
    "renewal": "Whether and how the contract goes on after its term.",
    "termination_for_cause": "When a side may end the contract because something went wrong.",
    "termination_for_convenience": "A side may end the contract without giving a reason.",
}
UNKNOWN = "Filed under {category}; no plain sentence is written for that kind of clause yet."
NUMBER = (
    r"(?:\d[\d.,]*\d|\d|(?:twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)(?:-\w+)?|one|two|three|"
    r"four|five|six|seven|eight|nine|ten|eleven|twelve|fifteen|a hundred)(?: ?\(\d+\))?"
)
TIME = rf"\b{NUMBER} (?:further |business |calendar |working )?(?:day|week|month|year)s?\b"
SCALE = r"(?: ?(?:lakh|crore|thousand|million|billion))?"
MONEY = (
    rf"(?:\b[A-Z]{{3}}|[€£$₹]) ?\d[\d.,]*\d{SCALE}|\b{NUMBER}{SCALE} (?:pounds|dollars|euros|rupees|francs)\b"
)
FIGURE = re.compile(f"{MONEY}|{TIME}")


def figures(clause: str) -> list[str]:
    """Times and sums of money as the clause writes them, each once, in its order."""
    return list(dict.fromkeys(match[0] for match in FIGURE.finditer(clause)))


def summary(category: str, clause: str) -> str:
    """The plain sentence of a category, and the figures of this clause."""
    sentence = PLAIN.get(category) or UNKNOWN.format(category=category.replace("_", " "))
    found = figures(clause)
    return f"{sentence} It names: {'; '.join(found)}." if found else sentence
