"""Answers one question about a person's own SQLite file: the query, its rows, the schema lines used."""

from collections.abc import Callable, Sequence
from pathlib import Path

from common.errors import GalleryError
from usecases.english_to_sql.folder import shown_schema
from usecases.english_to_sql.judge import ABSTAIN_MARKER, QueryResult, run_query
from usecases.english_to_sql.load_schema import from_sqlite, snapshot
from usecases.english_to_sql.numbered import called, places
from usecases.english_to_sql.prompt import Prompt, PromptOptions
from usecases.english_to_sql.prompting import Message, as_sql, messages, prompt_of
from usecases.english_to_sql.sandbox import Value
from usecases.english_to_sql.schema import Schema, SchemaError, Table
from usecases.english_to_sql.sql_text import is_abstention, tokens

SHOWN_ROWS = 20
SHOWN_CHARACTERS = 40


def answer_question(
    database: Path, question: str, generate: Callable[[list[Message]], str], options: PromptOptions
) -> str:
    """A text report; the file is opened for reading only and the query runs on a copy of it."""
    if not question.strip():
        raise GalleryError("The question is empty. Write what you want to know about the database.")
    try:
        copy = snapshot(database)
        schema = shown_schema(from_sqlite(database), copy)
        made = prompt_of(schema, question, options)
    except SchemaError as error:
        raise GalleryError(str(error)) from error
    answer = generate(messages(made.text))
    query = as_sql(answer, question, made.schema, options) if options.is_numbered else answer
    if is_abstention(query, ABSTAIN_MARKER):
        head = ["The model says that these tables cannot answer the question."]
        return "\n".join([*head, "", "Schema that it was shown:", *made.schema_text.splitlines()])
    result = run_query(query, copy)
    parts = ["SQL:", f"  {result.sql or answer.strip() or '(nothing)'}", "", *shown_result(result), ""]
    parts += ["Schema lines used:", *(f"  {line}" for line in used_lines(made, result.sql))]
    if made.truncated:
        parts.append(f"The schema was too long for the prompt; left out: {made.dropped}.")
    return "\n".join(parts)


def shown_result(result: QueryResult) -> list[str]:
    """The rows as a small table, or why there are none."""
    if result.label:
        hint = f" ({result.hint})" if result.hint else ""
        return [f"It did not run: {result.label}: {result.detail}{hint}"]
    if not result.rows:
        return ["No rows."]
    cells = [list(result.names), *([shown_cell(cell) for cell in row] for row in result.rows[:SHOWN_ROWS])]
    widths = [max(len(row[place]) for row in cells) for place in range(len(result.names))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in cells]
    lines.insert(1, "  ".join("-" * width for width in widths))
    more = len(result.rows) - SHOWN_ROWS
    return [line.rstrip() for line in lines] + ([f"... and {more:,} more rows"] if more > 0 else [])


def shown_cell(value: Value) -> str:
    """One value on one line; control characters do not reach the terminal."""
    text = "NULL" if value is None else f"x'{value.hex()}'" if isinstance(value, bytes) else str(value)
    text = "".join(letter if letter.isprintable() else " " for letter in text)
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[: SHOWN_CHARACTERS - 1]}…"


def used_lines(made: Prompt, sql: str) -> Sequence[str]:
    """The schema lines whose table the query names, and the values that were matched there."""
    named = {token.name.lower() for token in tokens(sql) if token.name}
    used = [table for table in made.schema.tables if table.name.lower() in named]
    starts = [start for table in used for start in line_starts(made.schema, table)]
    lines = [line for line in made.schema_text.splitlines() if line.startswith(tuple(starts))]
    return lines or ["(none of the tables that were shown)"]


def line_starts(schema: Schema, table: Table) -> list[str]:
    """How the lines on a table begin, in the plain and in the numbered form."""
    found = places(schema)
    columns = [found.columns[table.name.lower(), column.name.lower()] for column in table.columns]
    numbered = [f"{called(table.name, table.description, table.readable)}{found.tables[table.name.lower()]}:"]
    numbered += [f"match: {column} =" for column in columns]
    return [f"{table.name}(", f'"{table.name}"(', f"match: {table.name}.", *numbered]
