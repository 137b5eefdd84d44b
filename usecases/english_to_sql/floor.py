"""The best answer without a model: the nearest training question, its names put over.

Each table and column of the nearest query is replaced by one of the asked schema that the question
names most, of the same kind and linked in the same way; each value by one that the question quotes.
"""

import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain

import numpy as np

from common.usecase import Example
from usecases.english_to_sql.judge import ABSTAIN_MARKER
from usecases.english_to_sql.linking import COMMON, Match, column_scores, link_values, stems, table_scores
from usecases.english_to_sql.schema import Schema, Table
from usecases.english_to_sql.serialize import literal, quoted, short_type
from usecases.english_to_sql.sql_text import tokens

TABLE = re.compile(r"\b(FROM|JOIN) (\"[^\"]+\"|\w+)(?: AS (\w+))?", re.IGNORECASE)
NAME = re.compile(r"'(?:[^']|'')*'|(?:(\w+)\.)?(\"[^\"]+\"|[A-Za-z_]\w*)(?!\w*\()")
QUOTED = re.compile(r"'([^']+)'|\"([^\"]+)\"")
NUMBER = re.compile(r"\d{4}-\d{2}-\d{2}|\d+(?:\.\d+)?")
VALUE = re.compile(r"'(?:[^']|'')*'|(?<![\w.])\d+(?:\.\d+)?(?![\w.])")
NEAREST = 12
RANK_COST = 0.15
WEAK_COLUMN = 0.75
SIGNATURE_COST = 0.3
# Above this a carried query fits so badly that refusing is right more often; chosen on val.
MOST_LOSS = 0.5
Schemas = Callable[[str], Schema]


def signature(question: str) -> tuple[int, int, int]:
    """How many texts in quotes, numbers and dates a question holds."""
    found = NUMBER.findall(QUOTED.sub(" ", question))
    days = sum("-" in value for value in found)
    return len(QUOTED.findall(question)), len(found) - days, days


def masked(question: str, schema: Schema) -> str:
    """The question without its values and without words of its schema, so that its form is compared."""
    text = NUMBER.sub(" valuenumber ", QUOTED.sub(" valuetext ", question.lower()))
    known = schema_stems(schema)
    words = [("name" if set(stems(word)) & known else word) for word in re.findall(r"[\w']+|[,:?.]", text)]
    return " ".join(
        word for word, last in zip(words, ["", *words], strict=False) if word != last or word != "name"
    )


@lru_cache(maxsize=1024)
def schema_stems(schema: Schema) -> frozenset[str]:
    """The words of all tables and columns."""
    texts = [t.name for t in schema.tables]
    texts += [text for t in schema.tables for c in t.columns for text in (c.name, c.description, c.readable)]
    return frozenset(stem for text in texts for stem in stems(text)) - COMMON


class NearestQuestion:
    """Looks up training questions by their form and carries their queries over."""

    def __init__(self, train: Sequence[Example], schemas: Schemas) -> None:
        from sklearn.feature_extraction.text import TfidfVectorizer

        self.train, self.schemas = [e for e in train if e.answer != ABSTAIN_MARKER], schemas
        self.may_refuse = len(self.train) < len(train)
        self.vectorizer = TfidfVectorizer(ngram_range=(1, 3), sublinear_tf=True, dtype=np.float32)
        texts = [masked(e.inputs["question"], schemas(e.inputs["schema_id"])) for e in self.train]
        self.matrix = self.vectorizer.fit_transform(texts)
        self.signatures = np.array([signature(e.inputs["question"]) for e in self.train])

    def answer(self, examples: Sequence[Example], shown: Callable[[Example], Schema]) -> list[str]:
        """One query per example; questions with as many values of each sort come first."""
        found = []
        for example in examples:
            schema, question = shown(example), example.inputs["question"]
            found.append(self.best(schema, question, self.nearest(schema, question)))
        return found

    def nearest(self, schema: Schema, question: str) -> list[int]:
        """The places of the training questions that are most alike, the best first."""
        near = (self.vectorizer.transform([masked(question, schema)]) @ self.matrix.T).toarray()[0]
        near -= SIGNATURE_COST * np.abs(self.signatures - signature(question)).sum(axis=1)
        order = np.argpartition(-near, min(NEAREST, len(near) - 1))[:NEAREST]
        return sorted(order.tolist(), key=lambda place: -near[place])

    def best(self, schema: Schema, question: str, places: Sequence[int]) -> str:
        """Of the nearest queries, the one that takes up the question's values and names best."""
        asked = Asked(
            question,
            table_scores(schema, question),
            column_scores(schema, question),
            tuple(link_values(schema, question)),
        )
        found: list[tuple[float, str]] = []
        for rank, place in enumerate(places):
            example = self.train[place]
            moved = Transplant(self.schemas(example.inputs["schema_id"]), schema, asked)
            sql = moved.move(example.answer)
            found += [(moved.loss + RANK_COST * rank, sql)] if sql else []
        loss, sql = min(found, default=(math.inf, ""))
        if self.may_refuse and loss > MOST_LOSS:
            return ABSTAIN_MARKER
        if sql:
            return sql
        table = max(schema.tables, key=lambda t: asked.tables[t.name])
        return f"SELECT {quoted(table.columns[0].name)} FROM {quoted(table.name)}"


@dataclass
class Used:
    """A table of the nearest query, under its alias."""

    name: str
    alias: str


@dataclass(frozen=True)
class Asked:
    """A question, and how much it says of each part of its schema."""

    question: str
    tables: dict[str, float]
    columns: dict[tuple[str, str], float]
    links: tuple[Match, ...]


def spelt(sql: str, schema: Schema) -> str:
    """A query with names as its schema spells them: SQL does not tell capitals from small letters."""
    names = schema.names()
    known = {name.lower(): name for name in (*chain.from_iterable(names.values()), *names)}
    for token in reversed(tokens(sql)):
        name = known.get(token.text.lower(), token.text) if token.kind == "word" else token.text
        sql = sql[: token.start] + name + sql[token.end :]
    return sql


class Transplant:
    """Puts one query over to another schema."""

    def __init__(self, source: Schema, target: Schema, asked: Asked) -> None:
        self.source, self.target, self.question = source, target, asked.question
        self.tables, self.columns, self.links = asked.tables, asked.columns, asked.links
        self.loss = 0.0

    def move(self, sql: str) -> str:
        """The query with names and values of the target, or nothing where its joins do not fit."""
        sql = spelt(sql, self.source)
        used = [Used(m[2].strip('"'), m[3] or "") for m in TABLE.finditer(sql)]
        chosen = self.choose_tables(list(dict.fromkeys(item.name for item in used)))
        if not chosen:
            return ""
        aliases = {item.alias: item.name for item in used if item.alias}
        columns = dict(self.choose_columns(sql, aliases, chosen))
        try:
            return self.with_values(NAME.sub(lambda m: self.renamed(m, aliases, chosen, columns), sql))
        except KeyError:
            return ""

    def choose_tables(self, names: Sequence[str]) -> dict[str, Table]:
        """The best tables of the target that are linked as these are."""
        best: tuple[float, dict[str, Table]] = (-1.0, {})
        for found in self.assignments(names, {}):
            score = sum(self.tables[table.name] for table in found.values())
            if score > best[0]:
                best = (score, found)
        return best[1]

    def assignments(self, names: Sequence[str], found: dict[str, Table]) -> Iterator[dict[str, Table]]:
        """Every way to choose a table for each name, with the same links between them."""
        if len(found) == len(names):
            yield dict(found)
            return
        name = names[len(found)]
        for table in self.target.tables:
            taken = table.name in [other.name for other in found.values()]
            if not taken and all(self.fits(name, table, old, new) for old, new in found.items()):
                yield from self.assignments(names, {**found, name: table})

    def fits(self, name: str, table: Table, other: str, new: Table) -> bool:
        """Whether two source tables are linked as two target tables are."""

        def ways(schema: Schema, one: str, two: str) -> tuple[bool, bool]:
            pairs = {(key.table, key.parent) for key in schema.foreign_keys}
            return (one, two) in pairs, (two, one) in pairs

        wanted = ways(self.source, name, other)
        return not any(wanted) or ways(self.target, table.name, new.name) == wanted

    def choose_columns(
        self, sql: str, aliases: dict[str, str], chosen: dict[str, Table]
    ) -> Iterator[tuple[tuple[str, str], str]]:
        """A target column for every source column: keys by role, others by the words of the question."""
        taken: set[tuple[str, str]] = set()
        for match in NAME.finditer(sql):
            for name in [aliases.get(match[1], "")] if match[1] else list(chosen):
                text = (match[2] or "").strip('"')
                if name not in chosen or text not in self.source.names().get(name, ()):
                    continue
                new = self.key_for(name, text, chosen) or self.column_for(name, text, chosen[name], taken)
                taken.add((chosen[name].name, new))
                yield (name, text), new

    def key_for(self, name: str, text: str, chosen: dict[str, Table]) -> str:
        """The key that plays the same part in the target."""
        for key in self.source.foreign_keys:
            if key.table == name and key.columns[0] == text and key.parent in chosen:
                wanted = (chosen[name].name, chosen[key.parent].name)
                same = [k for k in self.target.foreign_keys if (k.table, k.parent) == wanted]
                return same[0].columns[0] if same else ""
        is_key = self.source.table(name).primary_key == (text,)
        return chosen[name].primary_key[0] if is_key and chosen[name].primary_key else ""

    def column_for(self, name: str, text: str, table: Table, taken: set[tuple[str, str]]) -> str:
        """The column of this kind that the question names most."""
        kind = short_type(self.source.table(name).column(text).type)
        keys = self.target.key_columns(table)
        linked = {(match.table, match.column) for match in self.links}

        def rank(column: str) -> float:
            same = short_type(table.column(column).type) == kind
            met = (table.name, column) in taken
            place = (table.name, column)
            return self.columns[place] + 4 * same + 0.5 * (place in linked) - met - 2 * (column in keys)

        best = max((column.name for column in table.columns), key=rank)
        self.loss += self.columns[table.name, best] < WEAK_COLUMN
        return best

    def renamed(
        self,
        match: re.Match[str],
        aliases: dict[str, str],
        chosen: dict[str, Table],
        columns: dict[tuple[str, str], str],
    ) -> str:
        """One name of the query in the words of the target."""
        if match[2] is None:
            return match[0]
        text, owner = match[2].strip('"'), match[1]
        if owner:
            return f"{owner}.{quoted(columns[aliases.get(owner, owner), text])}"
        if text in chosen:
            return quoted(chosen[text].name)
        new = next((columns[name, text] for name in chosen if (name, text) in columns), "")
        return quoted(new) if new else match[0]

    def with_values(self, sql: str) -> str:
        """Values that the question names in the place of the old ones, in order."""
        texts = [match.value for match in self.links]
        texts += [a or b for a, b in QUOTED.findall(self.question) if (a or b) not in texts]
        found = NUMBER.findall(QUOTED.sub(" ", self.question))
        days, numbers = [v for v in found if "-" in v], [v for v in found if "-" not in v]

        def change(match: re.Match[str]) -> str:
            old = match[0]
            is_day = bool(NUMBER.fullmatch(old.strip("'")))
            waiting = numbers if old[0] != "'" else days if is_day else texts
            if not waiting:
                self.loss += 1
                return old
            new = waiting.pop(0)
            return new if old[0] != "'" else literal(new)

        moved = VALUE.sub(change, sql)
        self.loss += len(texts) + len(numbers) + len(days)
        return moved
