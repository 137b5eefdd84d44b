"""Clauses of made-up contracts: each contract has parties, a place and one wording per category."""

import random
import tomllib
from collections.abc import Iterator
from pathlib import Path

from common.usecase import Example, Source, Splits

CLAUSES = Path(__file__).parent / "data" / "clauses.toml"
SOURCE = Source("Made-up contracts", "Apache-2.0", "written and filled by this use case")
CONTRACTS = {"train": 40, "val": 8, "test": 24}
LEFT_OUT = 3  # categories that a contract lacks
FIRMS = "Aldwin Borea Castell Dorrin Elmora Fenwick Garrow Hollis Ivento Jarrold Kestra Lundby".split()
FORMS = ("Ltd", "GmbH", "Inc.", "S.A.", "LLP")
ROLES = (("the Supplier", "the Customer"), ("the Licensor", "the Licensee"), ("the Owner", "the Contractor"))
PLACES = ("England and Wales", "Bavaria", "New York", "Singapore", "Kerala", "Ontario", "Zurich", "Tasmania")
DAYS = ("ten (10)", "30", "forty-five (45)", "60", "90")
MONEY = ("EUR 50,000", "USD 250,000", "one million pounds", "INR 20 lakh", "the sum of CHF 100,000")


def load() -> Splits:
    """Splits that share no contract and no wording."""
    clauses = tomllib.loads(CLAUSES.read_text(encoding="utf-8"))
    return Splits(
        **{split: tuple(contracts(clauses, split, count)) for split, count in CONTRACTS.items()},
        source=SOURCE,
    )


def contracts(clauses: dict[str, dict[str, list[str]]], split: str, count: int) -> Iterator[Example]:
    """The clauses of some contracts; a contract is a group."""
    draw = random.Random(f"contracts-{split}")
    for number in range(count):
        fills = drawn_fills(draw)
        for category in draw.sample(sorted(clauses), len(clauses) - LEFT_OUT):
            wording = draw.choice(clauses[category][split])
            text = f"{draw.randint(2, 24)}.{draw.randint(1, 9)} {wording.format(**fills)}"
            identifier = f"{split}-{number}-{category}"
            yield Example(identifier, f"{split}-{number}", text, category, category)


def drawn_fills(draw: random.Random) -> dict[str, str]:
    """Parties, place and figures of one contract."""
    firms = [f"{firm} {draw.choice(FORMS)}" for firm in draw.sample(FIRMS, 2)]
    a, b = draw.choice([*ROLES, (firms[0], firms[1])])
    return {
        "a": a,
        "b": b,
        "place": draw.choice(PLACES),
        "days": draw.choice(DAYS),
        "years": draw.choice(("two", "3", "five (5)")),
        "money": draw.choice(MONEY),
    }
