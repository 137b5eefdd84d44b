"""Words that ask for a column without naming it: `the oldest boat`, `how heavy`, `when did it sail`.

English knows what they measure, whatever the database; which column holds that, the linker decides.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

# What the words measure, of what kind it is, and the words.
MEASURED = (
    ("age", "number date", "how old|oldest|older|youngest|younger"),
    (
        "date",
        "date",
        r"\Awhen(?= (?:is|are|was|were|do|does|did)\b)|since when|until when|what day|which day"
        "|newest|newer|latest|most recent(?:ly)?|earliest",
    ),
    ("year of founding", "number date", "founded|established|opened|launched"),
    ("date of birth", "date number", "born"),
    ("weight", "number", "how heavy|heaviest|heavier|lightest|lighter|weighs?|weighed|weighing"),
    ("length or duration", "number", "how long|longest|longer|shortest|shorter|lasts?|lasted|lasting"),
    ("height", "number", "how tall|how high|tallest|taller"),
    ("size or capacity", "number", "how big|how large|biggest|bigger|roomiest"),
    ("depth", "number", "how deep|deepest|deeper"),
    ("width", "number", "how wide|widest|wider"),
    ("distance", "number", "how far|farthest|furthest|farther|further"),
    ("speed", "number", "how fast|fastest|faster|slowest|slower"),
    ("strength", "number", "how strong|strongest|stronger|weakest|weaker"),
    (
        "price or cost",
        "number",
        "how expensive|how cheap|cheapest|cheaper|priciest|pricier|dearest|(?:most |more |less )?expensive"
        "|costs?|costing|charged?|charges|paid|pays?|billed",
    ),
    ("salary or pay", "number", "earns?|earned|earning|best-paid|best paid"),
    ("rating or score", "number", "how good|best-rated|best rated|top-rated|rated|scored?|scores"),
    ("place or town", "text", r"\Awhere(?= (?:does|did)\b)|located"),
    ("town of residence", "text", "lives?|lived|living in"),
    ("country or nationality", "text", "comes? from|came from|which country|what country"),
    ("kind or type", "text", "what kind|which kind|what type|which type|what sort|which sort"),
)
KINDS = ("date", "number", "text")
SORTED = " (?:first|on top|to|number|count|total|sum|average|value|figure)"  # of a column that is named
PATTERNS = tuple(
    (
        meant,
        frozenset(kinds.split()),
        re.compile(rf"(?<![\w-])(?<!\bto )(?:{words})(?![\w-]|{SORTED})", re.IGNORECASE),
    )
    for meant, kinds, words in MEASURED
)


@dataclass(frozen=True)
class Measure:
    """Words of a question, what they measure, and of what kind that is."""

    start: int
    end: int
    meant: str
    kinds: frozenset[str]


def measures(question: str) -> Iterator[Measure]:
    """The words of a question that ask for something without a name."""
    for meant, kinds, pattern in PATTERNS:
        for match in pattern.finditer(question):
            yield Measure(match.start(), match.end(), meant, kinds)
