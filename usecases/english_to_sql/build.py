"""Makes the examples of one schema: plans by tier, words, SQL, and questions without an answer."""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from common.usecase import Example
from usecases.english_to_sql.content import Domain, schema_of
from usecases.english_to_sql.drawer import Values
from usecases.english_to_sql.gold_gate import Dropped, gate
from usecases.english_to_sql.judge import ABSTAIN_MARKER
from usecases.english_to_sql.load_schema import with_values
from usecases.english_to_sql.phrases import TRAIN
from usecases.english_to_sql.planner import Planner
from usecases.english_to_sql.plans import TIERS, Plan, alternatives, sql, tier
from usecases.english_to_sql.populate import populate
from usecases.english_to_sql.schema import Column, Schema, Table, map_columns
from usecases.english_to_sql.wording import Wording

KINDS = {
    "list": 14, "names": 8, "count": 9, "number": 9, "distinct": 4, "count_distinct": 5, "top": 9, "side": 5,
    "beside": 7, "per_value": 9, "value_top": 4, "per_parent": 9, "parent_having": 6, "parent_top": 6,
    "has_child": 6, "missing": 6, "set": 6,
}  # fmt: skip
# Which kinds can be so easy or so hard; the others would be drawn in vain.
TIER_KINDS = {
    "easy": "list names count number distinct count_distinct top side per_value has_child",
    "medium": " ".join(KINDS),
    "hard": "list names count number top beside per_value value_top per_parent parent_having parent_top set",
    "extra": "beside per_value per_parent parent_having parent_top set",
}
TIER_SHARES = {"easy": 0.30, "medium": 0.35, "hard": 0.20, "extra": 0.15}
UNANSWERABLE = "unanswerable"
UNANSWERABLE_SHARE = 0.1
SPARE = 1.8
ATTEMPTS = 400
MOST_SHOWN_VALUES = 12
HELD_SHARE = 0.5


@dataclass(frozen=True)
class Draft:
    """A plan with its words, before the gate."""

    plan: Plan
    question: str
    sql: str
    tier: str
    held: bool


def shown_schema(domain: Domain, visible: bytes) -> Schema:
    """The schema with the text values of the visible database, which alone are linked."""

    def change(table: Table, column: Column) -> Column:
        known = {value for value in originals[table.name, column.name] if isinstance(value, str)}
        kept = [value for value in column.values if value in known and not str(value)[:4].isdigit()]
        return replace(column, values=tuple(kept[:MOST_SHOWN_VALUES]))

    plain = schema_of(domain)
    originals = {(t.name, c.name): c.values for t in plain.tables for c in t.columns}
    return map_columns(with_values(plain, visible), change)


def visible_values(domain: Domain, visible: bytes) -> Values:
    """What questions may quote: values of the visible database as they were written by hand."""
    schema = schema_of(domain)
    written = {(t.name, c.name): set(c.values) for t in schema.tables for c in t.columns}
    return {
        (table.name, column.name): [v for v in column.values if v in written[table.name, column.name]]
        for table in with_values(schema, visible).tables
        for column in table.columns
    }


def visible_database(domain: Domain) -> bytes:
    """The database that prompts may quote."""
    return populate(schema_of(domain), hidden=0)[0]


class Drafter:
    """Draws different drafts over one domain."""

    def __init__(self, domain: Domain, visible: bytes, generator: random.Random, use: str) -> None:
        self.domain, self.random, self.use = domain, generator, use
        values = visible_values(domain, visible)
        self.planners = {rich: Planner(domain, values, generator, rich) for rich in (False, True)}
        self.met: set[str] = set()

    def draft(self, tiers: Sequence[str]) -> Draft | None:
        """The next draft of one of the tiers."""
        planner = self.planners[tiers[0] in ("hard", "extra")]
        kinds = TIER_KINDS[tiers[0]].split() if len(tiers) == 1 else list(KINDS)
        for _ in range(ATTEMPTS):
            plan = planner.plan(self.random.choices(kinds, [KINDS[kind] for kind in kinds])[0])
            if plan is None or tier(plan) not in tiers or plan.is_trivial():
                continue
            text = sql(plan)
            if text in self.met:
                continue
            self.met.add(text)
            use = self.use if self.use == TRAIN or self.random.random() < HELD_SHARE else "seen"
            question = Wording(plan, self.random, use).question()
            return Draft(plan, question, text, tier(plan), use not in ("seen", TRAIN))
        return None

    def drafts(self, count: int) -> Iterable[Draft]:
        """Drafts in the shares of the tiers."""
        for name, share in TIER_SHARES.items():
            for _ in range(round(count * share)):
                draft = self.draft((name,))
                if draft:
                    yield draft

    def without_answer(self) -> tuple[Draft, str] | None:
        """A draft and the column whose removal leaves it without an answer."""
        for _ in range(50):
            draft = self.draft(("easy", "medium", *TIERS[2:]))
            if draft is None:
                return None
            removable = [place for place in sorted(draft.plan.names()) if self.is_needed(draft, *place)]
            if removable:
                return draft, ".".join(self.random.choice(removable))
        return None

    def is_needed(self, draft: Draft, table: str, column: str) -> bool:
        """Whether the question says this column and no other of its table goes by the same word."""
        entity = self.domain.entity(table)
        field = entity.field(column)
        words = {say.split()[-1] for say in field.says}
        others = {say.split()[-1] for other in entity.fields if other is not field for say in other.says}
        is_said = any(say in draft.question for say in field.says)
        return is_said and not field.is_key and not words & others


def tables_of(plan: Plan) -> set[str]:
    """The tables that the query reads."""
    return {entity.name for entity in plan.tables} | ({plan.missing[0].name} if plan.missing else set())


def example(domain: Domain, number: int, draft: Draft, removed: str = "") -> Example:
    """One example; `removed` names the column that the shown schema lacks."""
    inputs = {"schema_id": domain.name, "question": draft.question}
    inputs |= {"removed": removed} if removed else {}
    return Example(
        id=f"{domain.name}-{number:03d}",
        group=domain.name.partition("~")[0],
        inputs=inputs,
        answer=ABSTAIN_MARKER if removed else draft.sql,
        kind=UNANSWERABLE if removed else draft.tier,
        extra={
            "sort": draft.plan.kind,
            "phrasing": "held out" if draft.held else "seen",
            "alternatives": () if removed else alternatives(draft.plan),
            "tables": sorted(tables_of(draft.plan)),
        },
    )


@dataclass(frozen=True)
class Made:
    """Everything made for one schema."""

    examples: tuple[Example, ...]
    databases: tuple[bytes, ...]
    dropped: tuple[Dropped, ...] = ()
    paraphrases: tuple[Example, ...] = ()


def make_training(domain: Domain, count: int) -> Made:
    """Examples of one variant; their SQL is right by construction, a sample of it is gated."""
    generator = random.Random(f"train/{domain.name}")
    visible = visible_database(domain)
    drafter = Drafter(domain, visible, generator, TRAIN)
    missing = round(count * UNANSWERABLE_SHARE)
    found = [example(domain, i, draft) for i, draft in enumerate(drafter.drafts(count - missing))]
    for _ in range(missing):
        draft = drafter.without_answer()
        if draft:
            found.append(example(domain, len(found), *draft))
    return Made(tuple(found), (visible,))


def make_held_out(domain: Domain, count: int, use: str, extra_queries: Sequence[str]) -> Made:
    """Gated examples of a val or test schema with all its databases, and paraphrases."""
    generator = random.Random(f"held out/{domain.name}")
    visible = visible_database(domain)
    drafter = Drafter(domain, visible, generator, use)
    missing = round(count * UNANSWERABLE_SHARE)
    drafts = list(drafter.drafts(round((count - missing) * SPARE)))
    queries = [*(draft.sql for draft in drafts), *extra_queries]
    databases = (visible, *populate(schema_of(domain), queries, seed=1)[1:])
    kept, dropped = gated(domain, drafts, databases, count - missing)
    found = [example(domain, i, draft) for i, draft in enumerate(kept)]
    while len(found) < count:
        draft = drafter.without_answer()
        if draft:
            found.append(example(domain, len(found), *draft))
    return Made(tuple(found), databases, dropped, tuple(paraphrases(domain, kept, found)))


def gated(
    domain: Domain, drafts: Sequence[Draft], databases: Sequence[bytes], count: int
) -> tuple[list[Draft], tuple[Dropped, ...]]:
    """Drafts that pass the gate, in the shares of the tiers, topped up from the other tiers."""
    kept: list[Draft] = []
    spare: list[Draft] = []
    dropped: list[Dropped] = []
    room = {name: round(count * share) for name, share in TIER_SHARES.items()}
    for draft in drafts:
        if room[draft.tier] == 0:
            spare.append(draft)
            continue
        reason = next((r for s in (draft.sql, *alternatives(draft.plan)) if (r := gate(s, databases))), "")
        if reason:
            dropped.append(Dropped(domain.name, draft.sql, reason))
        else:
            kept.append(draft)
            room[draft.tier] -= 1
    for draft in spare:
        if len(kept) < count and not gate(draft.sql, databases):
            kept.append(draft)
    return kept[:count], tuple(dropped)


def paraphrases(domain: Domain, drafts: Sequence[Draft], examples: Sequence[Example]) -> Iterable[Example]:
    """Three more ways to ask some of the questions."""
    for draft, first in list(zip(drafts, examples, strict=False))[::18]:
        for number in range(1, 4):
            use = "held" if number == 3 else "seen"
            words = Wording(draft.plan, random.Random(f"{first.id}/{number}"), use)
            inputs = {**first.inputs, "question": words.question()}
            extra = {**first.extra, "paraphrase_of": first.id}
            yield replace(first, id=f"{first.id}-p{number}", inputs=inputs, extra=extra)
