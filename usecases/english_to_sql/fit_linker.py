"""Fits the models of `linker.py` on the training schemas, whose content says which words mean which column.

python -m usecases.english_to_sql.fit_linker
"""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import numpy as np

from common.embedded.short_sql import POINTER
from common.usecase import Example
from usecases.english_to_sql import data as own_data
from usecases.english_to_sql.linker import (
    EVIDENCE,
    KINDS,
    WEIGHTS,
    Link,
    Model,
    candidates,
    shares,
    targets,
)
from usecases.english_to_sql.linking import link_values
from usecases.english_to_sql.mentions import Mention, index_of, mentions
from usecases.english_to_sql.numbered import encode, places
from usecases.english_to_sql.prompting import SHORT, Prompter
from usecases.english_to_sql.reading import blanked
from usecases.english_to_sql.row_names import with_rows
from usecases.english_to_sql.schema import Schema
from usecases.english_to_sql.slots import slots
from usecases.english_to_sql.sql_text import tokens
from usecases.english_to_sql.values import Said, values_in

EXAMPLES, LINK_EXAMPLES = 8_000, 2_000
ROUNDS = 2  # of finding again where people mean what they do not name
LEAST_SETTLED = 0.05
GROUPS_OF_PLACES, GROUPS_OF_WORDS = 4, 7  # a feature of fewer training domains says too little of others
STRENGTH = 0.5
LEAST_WEIGHT = 0.05
UNKNOWN, SEVERAL = "none", "several"


@dataclass(frozen=True)
class Lesson:
    """A question with what is found in it, and the columns that its words truly mean."""

    group: str
    schema: Schema
    question: str
    said: tuple[Said, ...]
    found: tuple[Mention, ...]
    meant: dict[tuple[int, int], str]
    unsaid: frozenset[str]


def lesson(example: Example, schema: Schema) -> Lesson:
    """Reads one example; the words for a column are those of the domain that made the question."""
    asked = example.inputs["question"]
    said = values_in(asked, link_values(schema, asked), index_of(schema).using.keys())
    question = blanked(asked, said)
    found, where = tuple(mentions(schema, question)), meant(example, schema, question)
    by_hand = example.kind == "hand-written"
    unsaid = asked_for(example, schema, found) - set(where.values()) if by_hand else set()
    return Lesson(example.group, schema, question, tuple(said), found, where, frozenset(unsaid))


def asked_for(example: Example, schema: Schema, found: Sequence[Mention]) -> set[str]:
    """The columns that a query needs and that no name in the question says."""
    named = [pointer for mention in found for pointer in mention.pointers]
    short = with_rows(encode(example.answer, schema), schema, named)
    return {one for one in POINTER.findall(short) if one in places(schema).numbers.owner} - set(named)


def settled(one: Lesson, models: dict[str, Model]) -> Lesson:
    """A lesson in which the columns that nobody says by name stand where the models find them likeliest."""
    links = candidates(one.schema, one.question, one.said, one.found, models)[1] if one.unsaid else []
    where = dict(one.meant)
    for share, link in sorted(zip(shares(links, models["link"]), links, strict=True), key=lambda p: -p[0]):
        place = (link.start, link.end)
        is_free = all(link.end <= start or end <= link.start for start, end in where)
        if link.pointer in one.unsaid - set(where.values()) and share >= LEAST_SETTLED and is_free:
            where[place] = link.pointer
    return replace(one, meant=where)


def meant(example: Example, schema: Schema, question: str) -> dict[tuple[int, int], str]:
    """Where the question says a column that its query uses; a removed one is said and not there."""
    removed = example.inputs.get("removed", "")
    used = {token.name.lower() for token in tokens(example.answer) if token.name}
    numbers = places(schema).columns
    says: list[tuple[str, str]] = []
    for entity in own_data.domain_of(example.inputs["schema_id"]).entities:
        for field in entity.fields:
            pointer = numbers.get((entity.name.lower(), field.name.lower()))
            if f"{entity.name}.{field.name}" == removed:
                says += [(say, UNKNOWN) for say in field.says]
            elif pointer and (removed or field.name.lower() in used):
                says += [(say, pointer) for say in field.says]
    found: dict[tuple[int, int], str] = {}
    for say, pointer in sorted(says, key=lambda pair: -len(pair[0])):
        for match in re.finditer(rf"(?<!\w){re.escape(say)}(?:s|es)?(?!\w)", question, re.IGNORECASE):
            if found.get(match.span(), pointer) != pointer:
                found[match.span()] = SEVERAL
            elif all(match.end() <= start or end <= match.start() for start, end in found):
                found[match.span()] = pointer
    return found


def linear(rows: Sequence[Iterable[str]], right: Sequence[bool]) -> Model:
    """A sparse linear model over sets of features."""
    from sklearn.feature_extraction import DictVectorizer
    from sklearn.linear_model import LogisticRegression

    names = DictVectorizer()
    matrix = names.fit_transform([dict.fromkeys(row, 1) for row in rows])
    matrix.indices, matrix.indptr = matrix.indices.astype(np.int32), matrix.indptr.astype(np.int32)
    model = LogisticRegression(solver="liblinear", l1_ratio=1, C=STRENGTH, random_state=0).fit(matrix, right)
    pairs = zip(names.feature_names_, model.coef_[0], strict=True)
    kept = {name: round(float(weight), 3) for name, weight in pairs if abs(weight) >= LEAST_WEIGHT}
    return {"bias": round(float(model.intercept_[0]), 3), **kept}


def fit_slots(lessons: Sequence[Lesson]) -> dict[str, Model]:
    """Whether words name a column, and of what kind it is."""
    rows, right, context, kinds = [], [], [], []
    groups: dict[str, set[str]] = defaultdict(set)
    for one in lessons:
        kind = {target.pointer: target.kind for target in targets(one.schema)}
        tables = places(one.schema).tables.values()
        for slot in slots(one.question, one.said, one.found, tables):
            pointer = one.meant.get((slot.start, slot.end))
            for name in slot.features:
                groups[name].add(one.group)
            rows.append(slot.features)
            right.append(pointer is not None)
            if pointer in kind:
                context.append(slot.features)
                kinds.append(kind[pointer])
    enough = {
        name
        for name, found in groups.items()
        if len(found) >= (GROUPS_OF_PLACES if "=" in name else GROUPS_OF_WORDS)
    }
    models = {"slot": linear([row & enough for row in rows], right)}
    for kind in KINDS:
        models[kind] = linear([row & enough for row in context], [one == kind for one in kinds])
    return models


def fit_links(lessons: Sequence[Lesson], models: dict[str, Model]) -> Model:
    """Which column some words mean, or none: a choice among all of them."""
    rows: list[tuple[float, ...]] = []
    right: list[bool] = []
    starts: list[int] = []
    for one in lessons:
        every: list[Link] = candidates(one.schema, one.question, one.said, one.found, models)[1]
        for place, links in groupby(every, key=lambda link: (link.start, link.end)):
            pointer = one.meant.get(place)
            if pointer != SEVERAL:
                starts.append(len(rows))
                for link in links:
                    rows.append((1.0, *link.evidence))
                    right.append(pointer == link.pointer)
    matrix = np.array(rows)
    spread = matrix.std(axis=0) + (matrix.std(axis=0) == 0)
    found = chosen_among(matrix / spread, np.array(right), np.array(starts)) / spread
    return {name: round(float(value), 3) for name, value in zip(("bias", *EVIDENCE), found, strict=True)}


def chosen_among(matrix: np.ndarray, right: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """The weights of a choice among the rows of each group and none of them, which scores 0."""
    from scipy.optimize import minimize

    sizes = np.diff([*starts, len(matrix)])

    def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
        scores = matrix @ weights
        whole = np.logaddexp(np.logaddexp.reduceat(scores, starts), 0)
        shares = np.exp(scores - np.repeat(whole, sizes))
        value = whole.sum() - scores[right].sum() + 0.5 * weights @ weights
        return value, matrix.T @ (shares - right) + weights

    return minimize(loss, np.zeros(matrix.shape[1]), jac=True, method="L-BFGS-B").x


def fit() -> dict[str, Model]:
    """All models, from the prompts of training."""
    prompter = Prompter(SHORT, own_data.schema)
    examples = own_data.load().train[:EXAMPLES]
    # People's own words count twice, each time on the schema in another order.
    again = [replace(e, id=f"{e.id}-again") for e in examples if e.kind == "hand-written"]
    lessons = [lesson(example, prompter.training_schema([example])) for example in (*examples, *again)]
    models = fitted(lessons)
    for _ in range(ROUNDS):
        models = fitted([settled(one, models) for one in lessons])
    return models


def fitted(lessons: Sequence[Lesson]) -> dict[str, Model]:
    """The models of these lessons; links are sought in a part of them and wherever people wrote by hand."""
    models = fit_slots(lessons)
    some = [one for place, one in enumerate(lessons) if place < LINK_EXAMPLES or one.unsaid]
    return {**models, "link": fit_links(some, models)}


if __name__ == "__main__":
    from common.models import keep_quiet

    keep_quiet(online=False)
    WEIGHTS.write_text(
        json.dumps(fit(), indent=0, ensure_ascii=False, sort_keys=True) + "\n", encoding="utf-8"
    )
