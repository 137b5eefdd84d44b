"""Links words of a question to the columns that mean the same in other words.

Three small linear models, fitted on the training schemas by `fit_linker.py`: whether a run of words names
a column at all, of what kind the column is, and whether it is this one, by the likeness of their vectors.
"""

import json
import math
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache

import numpy as np

from .content import FOLDER
from .mentions import Mention, index_of, is_sure, telling
from .numbered import places, words
from .other_words import Measure, measures
from .schema import Column, Schema
from .serialize import short_type
from .slots import Slot, slots
from .values import Said
from .word_vectors import vectors

WEIGHTS = FOLDER / "linker.json"
KINDS = ("date", "number", "text")
LEAST_SLOT = 0.03
LEAST_LINK, LEAST_UNKNOWN = 0.2, 0.5  # chosen on val
LARGEST_GAP = 0.3
SURE_OF_MEASURES = 0.45  # below what makes a question refused where no column fits
EVIDENCE = (
    "cosine",
    "gap",
    "within",
    "gap within",
    "slot",
    "kind",
    "table",
    "last table",
    "own table",
    "taken",
    "covered",
)
WITHIN = slice(2, 4)
Model = Mapping[str, float]


@dataclass(frozen=True)
class Link:
    """Words of a question, a column, and what speaks for it."""

    start: int
    end: int
    pointer: str
    evidence: tuple[float, ...]


@cache
def weights() -> Mapping[str, Model]:
    """The fitted models: feature -> weight."""
    return json.loads(WEIGHTS.read_text(encoding="utf-8"))


def share(model: Model, found: Collection[str]) -> float:
    """What a linear model makes of a set of features, between 0 and 1."""
    return chance(model["bias"] + sum(model.get(one, 0.0) for one in found))


def chance(total: float) -> float:
    return 1 / (1 + math.exp(-total))


def kind_of(column: Column) -> str:
    """Whether a column holds numbers, dates or text, by its declared type."""
    kind = short_type(column.type)
    return "date" if kind.startswith(("date", "time")) else "number" if kind else "text"


@lru_cache(maxsize=2_048)
def number_columns(schema: Schema) -> frozenset[str]:
    """The numbers of the columns that hold numbers: 2021 is a year there, and no span of days."""
    return of_kind(schema, "number")


@lru_cache(maxsize=2_048)
def date_columns(schema: Schema) -> frozenset[str]:
    """The numbers of the columns that hold dates."""
    return of_kind(schema, "date")


def of_kind(schema: Schema, kind: str) -> frozenset[str]:
    """The numbers of the columns of a kind."""
    found = places(schema).columns
    return frozenset(
        found[table.name.lower(), column.name.lower()]
        for table in schema.tables
        for column in table.columns
        if kind_of(column) == kind
    )


@dataclass(frozen=True)
class Target:
    """A column that words may mean."""

    pointer: str
    table: str
    kind: str
    about: str
    texts: tuple[str, ...]


@lru_cache(maxsize=2_048)
def targets(schema: Schema) -> tuple[Target, ...]:
    """The columns of a schema that are no keys."""
    found = places(schema)
    result = []
    for table in schema.tables:
        keys = schema.identifiers(table)
        for column in table.columns:
            said = (column.name, column.description, column.readable)
            texts = tuple(dict.fromkeys(words(text) for text in said if text.strip()))
            if column.name not in keys and texts:
                pointer = found.columns[table.name.lower(), column.name.lower()]
                owner = found.tables[table.name.lower()]
                about = words(table.readable or table.description or table.name)
                result.append(Target(pointer, owner, kind_of(column), about, texts))
    return tuple(result)


def likeness(texts: Sequence[str], known: Sequence[Target]) -> np.ndarray:
    """How alike each text and each column are, by the best of the column's texts."""
    flat = [text for one in known for text in one.texts]
    alike = vectors(texts) @ vectors(flat).T
    starts = np.cumsum([0, *(len(one.texts) for one in known[:-1])])
    return np.maximum.reduceat(alike, starts, axis=1)


@dataclass(frozen=True)
class Asking:
    """Words that may mean a column: as they stand, without a table in front, and of what kind it then is."""

    start: int
    end: int
    whole: str
    bare: str
    sure: float
    kinds: Mapping[str, float]
    told: frozenset[str] = frozenset()


def candidates(
    schema: Schema, question: str, said: Sequence[Said], found: Sequence[Mention], models: Mapping[str, Model]
) -> tuple[list[tuple[Slot, float]], list[Link]]:
    """The runs of words that may name a column, each with how sure that is; and every link of them, and of
    words that ask for a column without a name."""
    likely, asking = asked(schema, question, said, found, models)
    return likely, linked(schema, found, asking)


def linked(
    schema: Schema, found: Sequence[Mention], asking: Sequence["Asking"], model: Model | None = None
) -> list[Link]:
    """Every link of words that may name a column; with a model, of those whose links it may choose."""
    known = targets(schema)
    return links(asking, known, Place(schema, found), model) if asking and known else []


def asked(
    schema: Schema, question: str, said: Sequence[Said], found: Sequence[Mention], models: Mapping[str, Model]
) -> tuple[list[tuple[Slot, float]], list[Asking]]:
    """The runs of words that may name a column, and how they and words without a name ask for it."""
    tables = places(schema).tables.values()
    every = [(slot, share(models["slot"], slot.features)) for slot in slots(question, said, found, tables)]
    likely = [(slot, sure) for slot, sure in every if sure >= LEAST_SLOT]
    asking = [asking_of(slot, sure, question, found, tables, models) for slot, sure in likely]
    asking += [unnamed(measure) for measure in measures(question) if is_apart(measure, found)]
    return likely, asking


def texts_of(schema: Schema, asking: Sequence[Asking]) -> Iterator[str]:
    """Every text whose vector the links of a question need at first."""
    for one in asking:
        yield from (one.bare, one.whole)
    for target in targets(schema) if asking else ():
        yield from target.texts


def texts_within(schema: Schema, found: Sequence[Mention], asking: Sequence[Asking]) -> Iterator[str]:
    """The further texts that they need once the vectors of the first are there."""
    known, place = targets(schema), Place(schema, found)
    if not (asking and known):
        return
    bare = [asking[row].bare for row in hopeful(asking, evidence(asking, known, place), weights()["link"])]
    for target in known if bare else ():
        if target.table in place.named:
            yield from (f"{target.about} {text}" for text in (*target.texts, *bare))


def asking_of(
    slot: Slot,
    sure: float,
    question: str,
    found: Sequence[Mention],
    tables: Collection[str],
    models: Mapping[str, Model],
) -> Asking:
    """A run of words as it asks for a column; of `treatment price`, the price is what is asked."""
    in_front = (
        m.end for m in found if m.pointers[0] in tables and m.start == slot.start and m.end < slot.end
    )
    start = max(in_front, default=slot.start)
    whole = question[slot.start : slot.end]
    kinds = {kind: share(models[kind], slot.features) for kind in KINDS}
    bare = question[start : slot.end].strip().lower()
    return Asking(slot.start, slot.end, whole.lower(), bare, sure, kinds, telling(whole))


def unnamed(measure: Measure) -> Asking:
    """Words such as `heaviest`, as they ask for a weight."""
    kinds = {kind: float(kind in measure.kinds) for kind in KINDS}
    return Asking(measure.start, measure.end, measure.meant, measure.meant, SURE_OF_MEASURES, kinds)


def links(
    asking: Sequence[Asking], known: Sequence[Target], place: "Place", model: Model | None
) -> list[Link]:
    """Every pair of words and a column, with what speaks for it; with a model, where it has hope."""
    made = evidence(asking, known, place)
    rows = range(len(asking)) if model is None else hopeful(asking, made, model)
    if not rows:
        return []
    within = likeness_within([asking[row].bare for row in rows], known, place.named)
    made[list(rows), :, WITHIN] = np.stack(within, axis=-1)
    return [
        Link(asking[row].start, asking[row].end, one.pointer, tuple(made[row, column].tolist()))
        for row in rows
        for column, one in enumerate(known)
    ]


def evidence(asking: Sequence[Asking], known: Sequence[Target], place: "Place") -> np.ndarray:
    """What speaks for every pair of words and a column, but for their likeness as words about a table."""
    alike = np.maximum(
        likeness([one.whole for one in asking], known), likeness([one.bare for one in asking], known)
    )
    made = np.zeros((len(asking), len(known), len(EVIDENCE)))
    made[..., 0], made[..., 1] = alike, margins(alike)
    for row, words_of in enumerate(asking):
        covered, last, inside = place.covered(words_of.told), place.last(words_of), place.inside(words_of)
        sure = math.log(words_of.sure / (1 - words_of.sure))
        for column, one in enumerate(known):
            named = (one.table in place.named, one.table in last, one.table in inside)
            known_of = (one.pointer in place.taken, covered.get(one.pointer, 0.0))
            made[row, column, WITHIN.stop :] = (
                sure,
                math.log(words_of.kinds[one.kind] + 0.02),
                *named,
                *known_of,
            )
    return made


def hopeful(asking: Sequence[Asking], made: np.ndarray, model: Model) -> list[int]:
    """The words of which some link may still be chosen, whatever their likeness as words about a table.

    For all others that likeness, which takes most of the time, need not be known.
    """
    gap = model["gap within"]
    most = abs(model["within"]) + max(LARGEST_GAP * gap, -2 * gap)
    factors = np.array([model[name] for name in EVIDENCE])
    best = (made @ factors).max(axis=1) + model["bias"] + most
    spans = {(a.start, a.end) for a, total in zip(asking, best, strict=True) if chance(total) >= LEAST_LINK}
    return [row for row, a in enumerate(asking) if (a.start, a.end) in spans]


def likeness_within(
    texts: Sequence[str], known: Sequence[Target], tables: Collection[str]
) -> tuple[np.ndarray, np.ndarray]:
    """How alike texts and columns are as words about a table, `treatment price` and `treatment bill`, and by
    how much more than any other column of it."""
    found = np.zeros((len(texts), len(known)), dtype=np.float32)
    gaps = np.zeros_like(found)
    for table in tables:
        own = [number for number, one in enumerate(known) if one.table == table]
        if own:
            about = known[own[0]].about
            columns = [
                replace(known[n], texts=tuple(f"{about} {text}" for text in known[n].texts)) for n in own
            ]
            alike = likeness([f"{about} {text}" for text in texts], columns)
            found[:, own], gaps[:, own] = alike, margins(alike)
    return found, gaps


def margins(alike: np.ndarray) -> np.ndarray:
    """By how much each column is more alike than the best of the others."""
    if alike.shape[1] < 2:
        return np.full_like(alike, LARGEST_GAP)
    order = np.sort(alike, axis=1)
    best, second = order[:, -1:], order[:, -2:-1]
    return np.minimum(alike - np.where(alike == best, second, best), LARGEST_GAP)


class Place:
    """What else the question names, and where."""

    def __init__(self, schema: Schema, found: Sequence[Mention]) -> None:
        self.index, owner = index_of(schema), places(schema).numbers.owner
        self.tables = [mention for mention in found if mention.pointers[0] not in owner]
        sure = [mention.pointers[0] for mention in found if is_sure(mention)]
        self.taken = {pointer for pointer in sure if pointer in owner}
        self.named = {p for m in self.tables for p in m.pointers} | {owner[p] for p in self.taken}

    def covered(self, told: frozenset[str]) -> dict[str, float]:
        """By column, the share of its words that are told, at best."""
        weights, items = self.index.weights, self.index.items
        found: dict[str, float] = {}
        for number in {number for stem in told for number in self.index.using.get(stem, ())}:
            stems = items[number].stems
            part = sum(weights[stem] for stem in told & stems) / sum(weights[stem] for stem in stems)
            found[items[number].pointer] = max(part, found.get(items[number].pointer, 0.0))
        return found

    def inside(self, words_of: Asking) -> set[str]:
        """The tables named within a run of words."""
        inner = [m for m in self.tables if words_of.start <= m.start and m.end <= words_of.end]
        return {pointer for mention in inner for pointer in mention.pointers}

    def last(self, words_of: Asking) -> tuple[str, ...]:
        """The table named last before a run of words."""
        before = [mention for mention in self.tables if mention.end <= words_of.start]
        return max(before, key=lambda mention: mention.end).pointers if before else ()


def shares(every: Sequence[Link], model: Model) -> list[float]:
    """How likely each link is, when the columns and none of them compete for a run of words."""
    if not every:
        return []
    factors = np.array([model[name] for name in EVIDENCE])
    strength = [math.exp(model["bias"] + float(factors @ np.array(one.evidence))) for one in every]
    whole: dict[tuple[int, int], float] = defaultdict(lambda: 1.0)
    for one, value in zip(every, strength, strict=True):
        whole[one.start, one.end] += value
    return [value / whole[one.start, one.end] for one, value in zip(every, strength, strict=True)]


def link(
    schema: Schema,
    found: Sequence[Mention],
    likely: Sequence[tuple[Slot, float]],
    asking: Sequence[Asking],
) -> tuple[list[Mention], list[Slot], list[Slot]]:
    """Columns meant in other words, words that may name any, and those that name one which is not there."""
    every = linked(schema, found, asking, weights()["link"])
    chosen: list[Mention] = []
    for sure, one in sorted(
        zip(shares(every, weights()["link"]), every, strict=True), key=lambda pair: -pair[0]
    ):
        if sure >= LEAST_LINK and is_apart(one, chosen):
            chosen.append(Mention(one.start, one.end, 1, sure, (one.pointer,)))
    unknown: list[Slot] = []
    for slot, sure in sorted(likely, key=lambda pair: -pair[1]):
        if sure >= LEAST_UNKNOWN and is_apart(slot, [*chosen, *unknown, *found]):
            unknown.append(slot)
    return chosen, [slot for slot, _ in likely], unknown


def is_apart(one: Link | Slot | Measure | Mention, others: Sequence[Mention | Slot | Said]) -> bool:
    return all(one.end <= other.start or other.end <= one.start for other in others)
