"""What a model that learns by trying is shown and paid: the judge looks at its own answers.

The databases that pay are filled for that alone, from another seed: no score is taken on them.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from common.usecase import Example
from usecases.english_to_sql.floor import NearestQuestion
from usecases.english_to_sql.judge import ABSTAIN_MARKER, GoldError
from usecases.english_to_sql.populate import populate
from usecases.english_to_sql.prompting import Prompter, messages, said
from usecases.english_to_sql.schema import Schema
from usecases.english_to_sql.scoring import golds, verdict
from usecases.english_to_sql.serialize import quoted

PAYING_SEED, PAYING_HIDDEN = 1, 2


class Cashier:
    """Pays for answers to training questions, and finds solved questions that are alike."""

    def __init__(self, schemas: Callable[[str], Schema]) -> None:
        self.schemas = schemas
        self.databases: dict[str, tuple[bytes, ...]] = {}
        self.known: tuple[Sequence[Example], NearestQuestion] | None = None

    def pay(self, example: Example, sql: str) -> float:
        """1 for the right rows on all paying databases."""
        try:
            return float(verdict(sql, golds(example), self.databases_of(example)).correct)
        except GoldError:
            return 0.0  # training questions are not gated, and a query that does not run teaches nothing

    def databases_of(self, example: Example) -> tuple[bytes, ...]:
        """A few databases with rows near the values that the right query asks for."""
        if example.id not in self.databases:
            schema = self.schemas(example.inputs["schema_id"])
            made = populate(schema, golds(example), PAYING_SEED, hidden=PAYING_HIDDEN)
            self.databases[example.id] = tuple(made)
        return self.databases[example.id]

    def solved(self, train: Sequence[Example], question: str, schema: Schema) -> Example:
        """The training question that is most alike."""
        if self.known is None or self.known[0] is not train:
            self.known = train, NearestQuestion(train, self.schemas)
        nearest = self.known[1]
        return nearest.train[nearest.nearest(schema, question)[0]]


def pair(prompter: Prompter, example: Example) -> dict[str, Any]:
    """The right answer and a wrong one: a refusal, or a count of rows where a refusal is right."""
    asked = prompter.asked(example)
    table = quoted(asked.schema.tables[0].name)
    is_refused = example.answer == ABSTAIN_MARKER
    wrong = f"SELECT COUNT(*) FROM {table}" if is_refused else ABSTAIN_MARKER
    sides = {"chosen": example, "rejected": replace(example, answer=wrong)}
    written = {side: [said(prompter.answer(one, asked.schema))] for side, one in sides.items()}
    return {"prompt": messages(asked.text), **written}
