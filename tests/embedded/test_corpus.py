"""The generated corpus: deterministic, sound, and apart from what use cases hold out."""

import sqlite3
from random import Random
from typing import Any

import pytest

from common import usecase
from common.embedded import corpus, overlap
from common.embedded.corpus_groups import GroupAsker
from common.embedded.corpus_prompts import question_and_query
from common.embedded.corpus_schema import TYPES, Schema, make_schema

FINGERPRINT = "249f4dcb3ddfea2700b457c94537a52b625c3320b3240465f993382ecafb926e"


def test_same_seed_same_documents() -> None:
    assert corpus.fingerprint(0, 2000) == FINGERPRINT
    assert corpus.fingerprint(1, 200) != corpus.fingerprint(2, 200)


def test_every_source_appears_and_ends_with_an_answer() -> None:
    found = list(corpus.documents(3, 1500))
    assert {document.source for document in found} == set(corpus.MIXTURE)
    for document in found:
        assert document.messages[-1][0] == "assistant"
        assert all(text for _, text in document.messages)


def database(schema: Schema) -> sqlite3.Connection:
    """An empty database with the schema's tables."""
    connection = sqlite3.connect(":memory:")
    for table in schema.tables:
        columns = ", ".join(f"{column.name} {TYPES[column.kind][0]}" for column in table.columns)
        connection.execute(f"CREATE TABLE {table.name} ({columns})")
    return connection


def test_generated_sql_runs_on_its_own_schema() -> None:
    random = Random(5)
    for _ in range(300):
        schema = make_schema(random)
        asker, connection = GroupAsker(random, schema), database(schema)
        for _ in range(3):
            question, query = question_and_query(asker)
            try:
                connection.execute(query)
            except sqlite3.Error as error:
                pytest.fail(f"{question!r} -> {query!r}: {error}")


def test_overlap_finds_a_shared_template_with_other_values() -> None:
    document = next(one for one in corpus.documents(0, 500) if one.source == "sql")
    known = overlap.runs_of([document])
    text = document.messages[0][1]
    assert overlap.shared([text.replace("1", "7")], known)
    assert not overlap.shared(["A plain sentence that nobody generated, about rain and " * 3], known)


def said(shown: Any) -> str:
    """The text of a prompt, given as text or as messages."""
    return shown if isinstance(shown, str) else "\n".join(message["content"] for message in shown)


def texts_of(found: usecase.UseCase, examples: tuple[usecase.Example, ...]) -> list[str]:
    """Prompts and right answers."""
    return [text for one in examples for text in (said(found.model_input(one)), str(found.gold(one)))]


def test_no_run_of_words_is_shared_with_held_out_text() -> None:
    known = overlap.corpus_runs(count=5000)
    for one in map(usecase.find, usecase.names()):
        if one.tuner in ("sft", "preference"):
            splits = one.load(None)
            held_out = texts_of(one, (*splits.val, *splits.test))
            assert not overlap.shared(held_out, known), one.name
