"""From an example to what the model reads: plain at test, varied in training; and the answer back."""

import hashlib
import random
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from common.cores import in_processes
from common.embedded.short_sql import POINTER
from common.progress import task
from common.usecase import Example
from usecases.english_to_sql.judge import ABSTAIN_MARKER
from usecases.english_to_sql.linker import number_columns
from usecases.english_to_sql.narrow import Scores, asked_scores, is_wide, narrowed
from usecases.english_to_sql.numbered import NotShownError, decode, encode, places
from usecases.english_to_sql.prompt import (
    NUMBERED,
    Prompt,
    PromptOptions,
    build_prompt,
    further_turn,
    reading,
    warmed,
)
from usecases.english_to_sql.repair import is_misplaced, repaired
from usecases.english_to_sql.row_names import with_columns, with_rows
from usecases.english_to_sql.schema import (
    Schema,
    drop_components,
    remove_column,
    shuffle,
    with_distractors,
)
from usecases.english_to_sql.serialize import Style, compact
from usecases.english_to_sql.sql_text import tokens
from usecases.english_to_sql.values import Said, pointed, unpointed
from usecases.english_to_sql.word_vectors import encoder

PLAIN = PromptOptions(abstain=True)
# A small model of 1,024 tokens reads at most about 2,400 characters beside its answer.
SHORT = PromptOptions(serializer=NUMBERED, abstain=True, budget=2_400)
LARGEST_SCHEMA = 620
WHOLE_SHARE = 0.5
DROPPED = {"descriptions": 0.06, "values": 0.2, "types": 0.15}
QUESTIONS_PER_ROW = 8
READ_AT_ONCE = 25
USED = 100.0
Message = dict[str, str]
Schemas = Callable[[str], Schema]


def messages(text: str) -> list[Message]:
    return [{"role": "user", "content": text}]


def said(text: str) -> Message:
    return {"role": "assistant", "content": text}


def seed_of(example: Example) -> int:
    return int.from_bytes(hashlib.sha256(example.id.encode()).digest()[:6])


def shown(example: Example, schemas: Schemas) -> Schema:
    """The schema of an example: a column removed where nothing can answer, another order where asked."""
    found = schemas(example.inputs["schema_id"])
    if example.inputs.get("removed"):
        found = remove_column(found, *example.inputs["removed"].split("."))
    order = example.inputs.get("order")
    return shuffle(found, order) if order else found


def part_of(schema: Schema, question: str, options: PromptOptions) -> Schema:
    """What a prompt for one question shows: a numbered schema in part where it is too wide."""
    is_whole = not (options.is_numbered and is_wide(schema))
    return schema if is_whole else narrowed(schema, asked_scores(schema, question))


def prompt_of(schema: Schema, question: str, options: PromptOptions) -> Prompt:
    """The prompt for one question."""
    return build_prompt(part_of(schema, question, options), question, options)


def as_sql(output: str, question: str, schema: Schema, options: PromptOptions) -> str:
    """Short SQL as SQL, kept to what the schema and the question allow; a refusal where a column lacks."""
    found = reading(schema, question, options)
    answer = repaired(with_values(output, found.said, schema), schema, found.named)
    return ABSTAIN_MARKER if found.is_lacking or is_misplaced(answer, schema) else decode(answer, schema)


def used_scores(schema: Schema, examples: Sequence[Example]) -> Scores:
    """How much some questions say of each column; what their answers use comes first."""
    scores = asked_scores(schema, " ".join(example.inputs["question"] for example in examples))
    used = {token.name.lower() for e in examples for token in tokens(e.answer) if token.name}
    return {
        (table, column): score + USED * (table.lower() in used) * (1 + (column.lower() in used))
        for (table, column), score in scores.items()
    }


def with_values(answer: str, said: Sequence[Said], schema: Schema) -> str:
    """Short SQL with values in the places of their numbers, and columns in those of tables."""
    return with_columns(unpointed(answer, said, number_columns(schema)), schema)


@dataclass(frozen=True)
class Prompter:
    """Writes prompts and answers in one form, and reads answers back as SQL.

    `draw` gives training schemas another order and other parts.
    """

    options: PromptOptions
    schemas: Schemas
    draw: int = 0

    def asked(self, example: Example) -> Prompt:
        """The prompt at answering time: canonical order, all tables that there is room for."""
        return prompt_of(shown(example, self.schemas), example.inputs["question"], self.options)

    def ready(self, examples: Sequence[Example], learnt: bool) -> None:
        """Encodes at once what prompts, or training rows of one question each, need."""
        if not self.options.is_numbered:
            return
        asked = [(example, example.inputs["question"]) for example in examples]
        if learnt:
            warmed(((self.training_schema([one], shot=True), text) for one, text in asked), self.options)
        else:
            seen = ((shown(one, self.schemas), text) for one, text in asked)
            warmed(((part_of(*one, self.options), one[1]) for one in seen), self.options)

    def sql(self, example: Example, output: str) -> str:
        """An answer as SQL."""
        if not self.options.is_numbered or "@" not in output:
            return output
        question = example.inputs["question"]
        schema = _prompted_schema(self, question, shown(example, self.schemas))
        return as_sql(output, question, schema, self.options)

    def answer(self, example: Example, schema: Schema) -> str:
        """The right answer in the form that the prompt asks for."""
        if not self.options.is_numbered or example.answer == ABSTAIN_MARKER:
            return example.answer
        try:
            found = reading(schema, example.inputs["question"], self.options)
            short = with_rows(encode(example.answer, schema), schema, POINTER.findall(found.text))
            return pointed(short, found.said)
        except NotShownError:
            return ABSTAIN_MARKER  # what it needs was cut from a schema too long for the prompt
        except ValueError:
            return example.answer

    def training_schema(self, examples: Sequence[Example], shot: bool = False) -> Schema:
        """The schema in another order, with poorer parts, and at times with fewer tables.

        A shot, which stands before a question that is asked, has only the tables of its answer.
        """
        seed = seed_of(examples[0]) + self.draw
        generator = random.Random(seed)
        removed = [example for example in examples if example.inputs.get("removed")]
        found = shown((removed or examples)[0], self.schemas)
        names = {name for e in examples for name in e.extra.get("tables", ())}
        if self.options.is_numbered and is_wide(found):
            found = narrowed(found, used_scores(found, examples))
        tables = [table.name for table in found.tables if table.name in names]
        if tables and (shot or generator.random() > WHOLE_SHARE):
            room = 0 if shot else generator.randint(200, LARGEST_SCHEMA)
            found = with_distractors(found, tables, seed, lambda part: len(compact(part, Style())) <= room)
        return drop_components(shuffle(found, seed), seed, **DROPPED)

    def is_told(self, example: Example, schema: Schema) -> bool:
        """Whether a question marks every column that its answer needs; one that does not teaches to guess."""
        if not self.options.is_numbered:
            return True
        marked = POINTER.findall(reading(schema, example.inputs["question"], self.options).text)
        names = places(schema).names
        needed = [names.get(one, ()) for one in {*POINTER.findall(self.answer(example, schema))} - {*marked}]
        columns = [name for name in needed if len(name) > 1]
        return all(name in schema.identifiers(schema.table(table)) for table, name in columns)

    def training_row(self, examples: Sequence[Example], shot: bool = False) -> dict[str, Any]:
        """One conversation: the schema once, then a question and its answer after the other."""
        schema = self.training_schema(examples, shot)
        told = [example for example in examples if self.is_told(example, schema)]
        first, *further = told or examples
        made = build_prompt(schema, first.inputs["question"], self.options)
        completion = [said(self.answer(first, made.schema))]
        for example in further:
            turn = further_turn(made.schema, example.inputs["question"], self.options)
            completion += [*messages(turn), said(self.answer(example, made.schema))]
        return {"prompt": messages(made.text), "completion": completion}

    def training_set(self, examples: Sequence[Example]) -> list[dict[str, Any]]:
        """The rows of all questions, grouped anew with every draw."""
        if self.draw:
            examples = random.Random(self.draw).sample(examples, len(examples))
        # Like schemas go to one process, which then encodes what they share once.
        groups = list(enumerate(conversations(examples)))
        alike = sorted(groups, key=lambda numbered: numbered[1][0].inputs["schema_id"])
        parts = [alike[at : at + READ_AT_ONCE] for at in range(0, len(alike), READ_AT_ONCE)]
        given = [[group for _, group in part] for part in parts]
        if self.options.is_numbered:
            encoder()  # once for all processes
        written: dict[int, list[dict[str, Any]]] = {}
        with task(f"writing rows, draw {self.draw + 1}", len(parts), "batches") as work:
            made = in_processes(rows_of, [(self.without_others(part), part) for part in given])
            for part, rows in zip(parts, made, strict=True):
                written.update(zip((place for place, _ in part), rows, strict=True))
                work.advance()
        return [row for place in range(len(groups)) for row in written[place]]

    def without_others(self, groups: Sequence[Sequence[Example]]) -> "Prompter":
        """The same for these examples alone, which is little to hand to another process."""
        names = {example.inputs["schema_id"] for group in groups for example in group}
        return replace(self, schemas={name: self.schemas(name) for name in names}.__getitem__)

    def training_rows(self, examples: Sequence[Example]) -> list[dict[str, Any]]:
        """One conversation, or its halves where a prompt has no room for all that its answers need."""
        row = self.training_row(examples)
        contents = [message["content"] for message in (*row["prompt"], *row["completion"])]
        fits = sum(map(len, contents)) <= self.options.budget
        if is_wide(self.schemas(examples[0].inputs["schema_id"])):
            fits &= contents.count(ABSTAIN_MARKER) == sum(e.answer == ABSTAIN_MARKER for e in examples)
        if fits or len(examples) == 1:
            return [row]
        middle = len(examples) // 2
        return [*self.training_rows(examples[:middle]), *self.training_rows(examples[middle:])]


def rows_of(given: tuple[Prompter, Sequence[Sequence[Example]]]) -> list[list[dict[str, Any]]]:
    """The training rows of each of some groups of questions."""
    prompter, groups = given
    if prompter.options.is_numbered:
        shown_to = [(prompter.training_schema(group), group) for group in groups]
        warmed(((s, e.inputs["question"]) for s, group in shown_to for e in group), prompter.options)
    return [prompter.training_rows(group) for group in groups]


@lru_cache(maxsize=4_096)
def _prompted_schema(prompter: Prompter, question: str, schema: Schema) -> Schema:
    """What the prompt showed of a schema, which is less where it was too long."""
    return prompt_of(schema, question, prompter.options).schema


def conversations(examples: Sequence[Example]) -> Iterator[list[Example]]:
    """Examples that share a schema, a few at a time, at most one of them from a schema that lost a column."""
    waiting: dict[str, list[Example]] = defaultdict(list)
    for example in examples:
        group = waiting[example.inputs["schema_id"]]
        if example.inputs.get("removed") and any(other.inputs.get("removed") for other in group):
            yield list(group)
            group.clear()
        group.append(example)
        if len(group) == QUESTIONS_PER_ROW:
            yield list(group)
            group.clear()
    yield from (group for group in waiting.values() if group)
