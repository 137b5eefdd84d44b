"""Questions in short SQL: each says what its answer needs, and each answer is a query that runs."""

import re
import sqlite3
import tomllib
from collections import Counter
from difflib import SequenceMatcher
from random import Random

import pytest

from common.embedded.corpus_numbered import link_to_itself, write_numbered
from common.embedded.corpus_prompts import asked, sql_turns
from common.embedded.corpus_schema import TYPES, Schema, make_schema
from common.embedded.corpus_short import UNKNOWN, asks, phrasing
from common.embedded.corpus_short_nested import KINDS, ShortSpeaker
from common.embedded.short_sql import POINTER
from usecases.english_to_sql.content import FOLDER
from usecases.english_to_sql.load_ddl import from_ddl
from usecases.english_to_sql.numbered import decode, places
from usecases.english_to_sql.row_names import with_columns

LIKE = re.compile(r"LIKE (%?)(@\d+)(%?)")
DURING = re.compile(r"(@\d+) BETWEEN (@\d+)(?! AND @)")


def ddl(schema: Schema) -> str:
    """The schema as statements that make its tables."""
    lines = []
    for table in schema.tables:
        parts = [
            f'"{column.name}" {TYPES[column.kind][0]}'
            + (" PRIMARY KEY" if column.kind == "id" else "")
            + (f' REFERENCES "{column.target.name}"("{column.target.key.name}")' if column.target else "")
            for column in table.columns
        ]
        lines.append(f'CREATE TABLE "{table.name}" ({", ".join(parts)});')
    return "\n".join(lines)


def as_query(answer: str, first: int) -> str:
    """Short SQL with some value in the places of the values' numbers."""
    answer = DURING.sub(r"\1 BETWEEN \2 AND \2", LIKE.sub(r"LIKE '\1x\3'", answer))
    return POINTER.sub(lambda match: match[0] if int(match[0][1:]) < first else "7", answer)


def test_every_answer_is_a_query_that_runs_on_its_schema() -> None:
    random = Random(5)
    for _ in range(150):
        schema = make_schema(random)
        link_to_itself(random, schema)
        text = ddl(schema)
        known = from_ddl(text, "made")
        connection = sqlite3.connect(":memory:")
        connection.executescript(text)
        write_numbered(schema, random)
        first = len(places(known).names)
        for _ in range(4):
            question, answer = asked(random, schema, first)
            query = decode(as_query(with_columns(answer, known), first), known)
            assert "@" not in query, answer
            try:
                connection.execute(query)
            except sqlite3.Error as error:
                pytest.fail(f"{question!r} -> {answer!r} -> {query!r}: {error}")


def test_the_numbers_of_values_stand_in_the_question_and_in_its_order() -> None:
    random = Random(6)
    for _ in range(300):
        schema = make_schema(random)
        write_numbered(schema, random)
        first = sum(1 + len(table.columns) for table in schema.tables)
        question, answer = asked(random, schema, first)
        values = [one for one in POINTER.findall(question) if int(one[1:]) >= first and one != UNKNOWN]
        assert list(dict.fromkeys(values)) == [f"@{first + place}" for place in range(len(set(values)))]
        assert {one for one in POINTER.findall(answer) if int(one[1:]) >= first} <= set(values)
        assert not re.search(r"[{}<>\[\]|](?!=? |>)", POINTER.sub("", question.replace(" > ", ""))), question


def test_a_question_on_what_is_not_there_has_a_name_for_it_and_is_refused() -> None:
    random, refused = Random(7), 0
    for _ in range(300):
        for (_, question), (_, answer) in zip(*[iter(sql_turns(random))] * 2, strict=True):
            refused += answer == "UNANSWERABLE"
            assert answer == "UNANSWERABLE" or UNKNOWN not in question
    assert refused > 50


def test_every_kind_is_asked_in_many_ways() -> None:
    random = Random(8)
    made: Counter[str] = Counter()
    for _ in range(400):
        schema = make_schema(random)
        link_to_itself(random, schema)
        write_numbered(schema, random)
        for kind in KINDS:
            made[kind] += getattr(ShortSpeaker(random, schema, 50), kind)() is not None
    assert min(made[kind] for kind in KINDS) > 20, made
    for kind in asks():
        assert len({phrasing(random, kind) for _ in range(200)}) >= 5, kind


def words_of(form: str) -> list[str]:
    """The words of a phrasing with its first choices made, a line in the place of what is filled in."""
    chosen = re.sub(r"[(\[]([^()\[\]]*)[)\]]", lambda match: match[1].split("|")[0], form)
    return re.findall(r"[a-z']+|_", re.sub(r"\{\w+\}", " _ ", chosen).lower())


def held_out_forms() -> list[list[str]]:
    """The phrasings that english_to_sql keeps from training, but for those of a word or two."""
    found = tomllib.loads((FOLDER / "words-phrases.toml").read_text(encoding="utf-8"))
    kinds = [kind for section in found.values() for kind in section.values()]
    forms = [words_of(form) for kind in kinds for split in ("val", "held") for form in kind.get(split, ())]
    return [form for form in forms if sum(word != "_" for word in form) >= 3]


def test_no_phrasing_is_near_one_that_is_held_out() -> None:
    held_out = held_out_forms()
    assert len(held_out) > 200
    for kind, forms in asks().items():
        for form in map(words_of, forms):
            if sum(word != "_" for word in form) >= 4:
                near = [other for other in held_out if is_near(form, other)]
                assert not near, (kind, form, near)


def is_near(one: list[str], other: list[str]) -> bool:
    """Whether two phrasings share more than 85 words in a hundred, in the same order."""
    match = SequenceMatcher(None, one, other, autojunk=False)
    quick = abs(len(one) - len(other)) <= 4 and match.real_quick_ratio() > 0.85 and match.quick_ratio() > 0.85
    return quick and match.ratio() > 0.85


def test_near_phrasings_are_told() -> None:
    assert is_near(
        words_of("Which {n} have the (most|least) {c}"), words_of("Which {n} have the most {c} now")
    )
    assert not is_near(words_of("Which {n} have the most {c}"), words_of("List every {n} without a {c}"))
