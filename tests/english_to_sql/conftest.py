"""A small concert database, written by hand so that every trap is in it, and a generated one."""

import sqlite3

import pytest

from usecases.english_to_sql.bench_judge import DDL, GOLDS
from usecases.english_to_sql.load_ddl import from_ddl
from usecases.english_to_sql.populate import populate
from usecases.english_to_sql.sandbox import serialise
from usecases.english_to_sql.schema import Schema

TABLES = """
CREATE TABLE singer (id INTEGER PRIMARY KEY, name TEXT, age INTEGER, city TEXT, born TEXT);
CREATE TABLE song (id INTEGER PRIMARY KEY, singer_id INTEGER REFERENCES singer, title TEXT,
  sales REAL);
"""
SINGERS = [
    (1, "Ann", 30, "Rome", "1994-06-15"),
    (2, "Bob", 30, "Oslo", "2023-12-01"),
    (3, "Cy", 41, "Rome", "1983-01-31"),
    (4, "Dee", 25, None, "2024-06-15"),
    (5, "ann", 25, "Oslo", None),
]
SONGS = [
    (1, 1, "Up", 10.0),
    (2, 1, "Down", 20.0),
    (3, 2, "Up", 20.0),
    (4, 3, "Left", 0.1),
    (5, 3, "Right", 0.2),
    (6, 3, "Back", 0.3),
    (7, None, "Lost", 5.0),
]


def concert_database(skip_singer: int = 0, skip_song: int = 0) -> bytes:
    """Builds the concert database without one singer and one song."""

    def build(connection: sqlite3.Connection) -> None:
        connection.executescript(TABLES)
        singers = [row for row in SINGERS if row[0] != skip_singer]
        songs = [row for row in SONGS if row[0] != skip_song]
        connection.executemany("INSERT INTO singer VALUES (?, ?, ?, ?, ?)", singers)
        connection.executemany("INSERT INTO song VALUES (?, ?, ?, ?)", songs)

    return serialise(build)


@pytest.fixture(scope="session")
def concert() -> bytes:
    return concert_database()


@pytest.fixture(scope="session")
def concerts() -> list[bytes]:
    return [concert_database(), concert_database(5, 7), concert_database(2, 1)]


@pytest.fixture(scope="session")
def workshop() -> Schema:
    return from_ddl(DDL, "workshop")


@pytest.fixture(scope="session")
def workshop_instances(workshop: Schema) -> list[bytes]:
    return populate(workshop, GOLDS)
