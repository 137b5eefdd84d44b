"""From an example to what the model reads: plain at test, varied in training."""

import hashlib
import random
from collections.abc import Callable

from common.usecase import Example
from usecases.english_to_sql.prompt import PromptOptions, prompt
from usecases.english_to_sql.schema import (
    Schema,
    drop_components,
    remove_column,
    shuffle,
    with_distractors,
)
from usecases.english_to_sql.serialize import Style, compact

OPTIONS = PromptOptions(abstain=True)
LARGEST_SCHEMA = 620
WHOLE_SHARE = 0.5
DROPPED = {"descriptions": 0.06, "values": 0.2, "types": 0.15}
Message = dict[str, str]
Schemas = Callable[[str], Schema]


def messages(text: str) -> list[Message]:
    return [{"role": "user", "content": text}]


def shown(example: Example, schemas: Schemas) -> Schema:
    """The schema of an example: a column removed where nothing can answer, another order where asked."""
    found = schemas(example.inputs["schema_id"])
    if example.inputs.get("removed"):
        found = remove_column(found, *example.inputs["removed"].split("."))
    order = example.inputs.get("order")
    return shuffle(found, order) if order else found


def test_prompt(example: Example, schemas: Schemas, options: PromptOptions = OPTIONS) -> str:
    """The prompt at answering time: canonical order, all tables."""
    return prompt(shown(example, schemas), example.inputs["question"], options)


def training_prompt(example: Example, schemas: Schemas) -> str:
    """The same prompt with shuffled names, poorer parts, and at times fewer tables."""
    seed = int.from_bytes(hashlib.sha256(example.id.encode()).digest()[:6])
    generator = random.Random(seed)
    found = shown(example, schemas)
    tables = [t.name for t in found.tables if t.name in example.extra.get("tables", ())]
    if tables and generator.random() > WHOLE_SHARE:
        room = generator.randint(200, LARGEST_SCHEMA)
        found = with_distractors(found, tables, seed, lambda part: len(compact(part, Style())) <= room)
    found = drop_components(shuffle(found, seed), seed, **DROPPED)
    return prompt(found, example.inputs["question"], OPTIONS)
