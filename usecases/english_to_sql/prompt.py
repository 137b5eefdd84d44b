"""The one place that builds prompts, for training and for answering."""

import bisect
import hashlib
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from .judge import ABSTAIN_MARKER
from .linker import WEIGHTS
from .linking import Match, column_scores, link_values, table_scores
from .numbered import numbered, places
from .reading import Reading, read, warm
from .schema import Column, ForeignKey, Schema, SchemaError, Table, keep_columns, keep_tables
from .serialize import Style, arrow, literal, one_line, quoted, serialize

QUESTION_MARKER = "Q: "
ANSWER_MARKER = "SQL:"
NUMBERED = "numbered"
KEY_PLACES = ("inline", "block", "none")
Measure = Callable[[str], int]
Version = tuple[Schema, Style]


@dataclass(frozen=True)
class PromptOptions:
    """How a prompt looks; `budget` counts what the measure counts, characters by default."""

    serializer: str = "compact"
    keys: str = "inline"
    types: bool = True
    descriptions: bool = True
    samples: int = 0
    link_values: bool = True
    schema_only: bool = False
    abstain: bool = False
    clock: str = ""
    budget: int = 6_000

    def __post_init__(self) -> None:
        if self.keys not in KEY_PLACES:
            raise ValueError(f"keys {self.keys!r} is unknown; known: {', '.join(KEY_PLACES)}")
        if self.is_numbered and self.keys == "block":
            raise ValueError("a numbered schema shows keys inline or not at all, not as a block")

    @property
    def is_numbered(self) -> bool:
        """Whether names are shown as numbers, which answers then use."""
        return self.serializer == NUMBERED


DEFAULT_OPTIONS = PromptOptions()


@dataclass(frozen=True)
class Prompt:
    """A finished prompt, what it shows of the schema, and what had to go."""

    text: str
    schema_text: str
    schema: Schema
    truncated: bool
    dropped: str = ""


def prompt(
    schema: Schema,
    question: str,
    options: PromptOptions = DEFAULT_OPTIONS,
    measure: Measure = len,
) -> str:
    """Returns the text that stands before the answer."""
    return build_prompt(schema, question, options, measure).text


def build_prompt(
    schema: Schema,
    question: str,
    options: PromptOptions = DEFAULT_OPTIONS,
    measure: Measure = len,
) -> Prompt:
    """Builds a prompt; over budget, whole parts of the schema go in a fixed order."""
    style = Style(
        foreign_keys=options.keys == "inline",
        types=options.types,
        descriptions=options.descriptions,
        samples=0 if options.schema_only else options.samples,
    )
    matches = _stored(schema, question, options)
    full = _render(schema, style, question, options, matches)
    if measure(full[0]) <= options.budget:
        return Prompt(full[0], full[1], schema, truncated=False)
    shrinker = _Shrinker(schema, style, question)

    def rendered(step: int) -> tuple[str, str]:
        return _render(*shrinker.version(step), question, options, matches)

    steps = range(shrinker.count)
    step = bisect.bisect_left(steps, True, key=lambda number: measure(rendered(number)[0]) <= options.budget)
    if step == len(steps):
        least = measure(rendered(step - 1)[0])
        raise SchemaError(
            f"schema {schema.name}: the smallest prompt measures {least:,}, the budget is "
            f"{options.budget:,}; raise the budget or shorten the question"
        )
    text, schema_text = rendered(step)
    kept = shrinker.version(step)[0]
    return Prompt(text, schema_text, kept, True, shrinker.describe(step))


@lru_cache(maxsize=16_384)
def _matches(schema: Schema, question: str, options: PromptOptions) -> tuple[Match, ...]:
    return tuple(link_values(schema, question)) if options.link_values else ()


@lru_cache(maxsize=8_192)
def reading(schema: Schema, question: str, options: PromptOptions) -> Reading:
    """What a question says of a schema, once for its prompt and for the answer to it."""
    return read(schema, one_line(question), _stored(schema, question, options))


def warmed(asked: Iterable[tuple[Schema, str]], options: PromptOptions) -> None:
    """Makes ready what reading several questions needs."""
    warm((schema, one_line(one), _stored(schema, one, options)) for schema, one in asked)


def _stored(schema: Schema, question: str, options: PromptOptions) -> tuple[Match, ...]:
    return () if options.schema_only else _matches(schema, question, options)


def _render(
    schema: Schema, style: Style, question: str, options: PromptOptions, matches: Sequence[Match]
) -> tuple[str, str]:
    """Fills the slots in their fixed order; returns the prompt and its schema part."""
    shown = schema.names()
    lines = [numbered(schema, style) if options.is_numbered else serialize(schema, options.serializer, style)]
    if options.keys == "block":
        lines += [arrow(key) for key in schema.foreign_keys]
    lines += [f"note: {one_line(note)}" for note in schema.glossary]
    kept = [match for match in matches if match.column in shown.get(match.table, ())]
    if options.is_numbered:
        found = reading(schema, question, options)
        question, kept = found.text, list(found.left)
    lines += [match_line(schema, match, options) for match in kept]
    schema_text = "\n".join(lines)
    head = [f"SQLite, now {options.clock}"] if options.clock else []
    tail = [f"If the tables cannot answer, write {ABSTAIN_MARKER}."] if options.abstain else []
    tail += [QUESTION_MARKER + one_line(question), ANSWER_MARKER]
    return "\n".join([*head, schema_text, *tail]), schema_text


def match_line(schema: Schema, match: Match, options: PromptOptions) -> str:
    """Says in which column a value of the question was found."""
    place = f"{quoted(match.table)}.{quoted(match.column)}"
    if options.is_numbered:
        place = places(schema).columns[match.table.lower(), match.column.lower()]
    return f"match: {place} = {literal(match.value)}"


def further_turn(schema: Schema, question: str, options: PromptOptions) -> str:
    """A question after another one on the same schema."""
    question, matches = one_line(question), _matches(schema, question, options)
    if options.is_numbered:
        found = reading(schema, question, options)
        question, matches = found.text, found.left
    lines = [match_line(schema, match, options) for match in matches]
    return "\n".join([*lines, QUESTION_MARKER + question, ANSWER_MARKER])


class _Shrinker:
    """Ever smaller versions of a schema: samples go first, whole tables last."""

    def __init__(self, schema: Schema, style: Style, question: str) -> None:
        self.schema = schema
        self.style = style
        columns = column_scores(schema, question)
        tables = table_scores(schema, question)
        self.tables = sorted((t.name for t in schema.tables), key=lambda name: tables[name])
        self.columns = sorted(
            (
                (table.name, column.name)
                for table in schema.tables
                for column in table.columns
                if column.name not in schema.key_columns(table)
            ),
            key=lambda place: columns[place],
        )
        # A table without a key keeps its best column, so that dropping columns drops no table.
        lone = {t.name for t in schema.tables if not schema.key_columns(t)}
        best = {place[0]: place for place in self.columns if place[0] in lone}
        self.columns = [place for place in self.columns if place not in best.values()]
        self.count = 4 + len(self.columns) + len(self.tables) - 1

    def version(self, step: int) -> Version:
        style = Style(
            self.style.foreign_keys,
            types=self.style.types and step < 3,
            descriptions=self.style.descriptions and step < 2,
            samples=self.style.samples if step < 1 else 0,
        )
        gone, lost = self._lost(step)
        dropped = set(self.columns[:gone])
        names = {
            table.name: [c.name for c in table.columns if (table.name, c.name) not in dropped]
            for table in self.schema.tables
        }
        schema = keep_columns(self.schema, names) if dropped else self.schema
        return (keep_tables(schema, self.tables[lost:]) if lost else schema), style

    def _lost(self, step: int) -> tuple[int, int]:
        """Returns how many columns and how many tables are gone at a step."""
        beyond = max(0, step - 3)
        return min(beyond, len(self.columns)), max(0, beyond - len(self.columns))

    def describe(self, step: int) -> str:
        gone, lost = self._lost(step)
        parts = ["samples", "descriptions", "types"][: min(step, 3)]
        parts += [f"{gone:,} columns"] if gone else []
        return ", ".join(parts + ([f"{lost:,} tables"] if lost else []))


def gold_column_recall(shown: Schema, gold_columns: Collection[tuple[str, str]]) -> float:
    """Share of the (table, column) pairs of a gold query that a prompt still shows."""
    known = {
        (table.lower(), column.lower()) for table, columns in shown.names().items() for column in columns
    }
    found = sum((table.lower(), column.lower()) in known for table, column in gold_columns)
    return found / len(gold_columns) if gold_columns else 1.0


PROBE = Schema(
    "probe",
    (
        Table("parent", (Column("id", "INTEGER"), Column("a b", description="d")), ("id",)),
        Table("child", (Column("x", "INTEGER"), Column("y", "REAL", values=("v w",))), ("x", "y")),
    ),
    (ForeignKey("child", ("x",), "parent", ("id",)),),
    ("a note",),
)


def template_hash(options: PromptOptions) -> str:
    """Names the template: a change of an option or of the code that renders changes it."""
    wide = _render(
        PROBE,
        Style(options.keys == "inline", options.types, options.descriptions, options.samples),
        "Which v w?",
        options,
        _matches(PROBE, "Which v w?", options),
    )
    linked = WEIGHTS.read_text(encoding="utf-8") if options.is_numbered else ""
    return hashlib.sha256(f"{options}\n{wide[0]}{linked}".encode()).hexdigest()[:16]
