"""Draws what every plan is made of: a path of tables through a schema, and conditions on it."""

import random
from collections.abc import Mapping, Sequence

from usecases.english_to_sql.content import Domain, Entity, Field
from usecases.english_to_sql.plans import Condition, Ref, Scalar, Step

Values = Mapping[tuple[str, str], Sequence[Scalar]]
NUMBERS = ("int", "real")
ASKABLE = ("name", "text", "int", "real", "date", "year")
CONDITIONAL = (*ASKABLE, "flag")
BOUNDS = (">", ">=", "<", "<=")
MONTH_DAYS = {1: 31, 2: 28, 3: 31, 4: 30, 5: 31, 6: 30, 7: 31, 8: 31, 9: 30, 10: 31, 11: 30, 12: 31}


def tidy(value: Scalar) -> Scalar:
    """Whole numbers without a decimal point."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


class Drawer:
    """Draws paths and conditions in one domain with values of its visible database; rich ones are longer."""

    def __init__(self, domain: Domain, values: Values, generator: random.Random, rich: bool = False) -> None:
        self.domain, self.values, self.random, self.rich = domain, values, generator, rich
        self.links = list(domain.links())

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def size(self, *choices: int) -> int:
        """How many joins or conditions; rich plans draw from the upper half."""
        ordered = sorted(choices)
        return self.random.choice(ordered[len(ordered) // 2 :] if self.rich else ordered)

    def often(self, share: float) -> bool:
        """A chance that rich plans take more often."""
        return self.chance(min(0.85, 2.2 * share) if self.rich else share)

    def pick(self, entity: Entity, *kinds: str) -> Field | None:
        found = entity.of(*kinds)
        return self.random.choice(found) if found else None

    def upwards(self, hops: int) -> tuple[tuple[Entity, ...], tuple[Step, ...]] | None:
        """A path of `hops` joins from a child to its parents."""
        tables = [self.random.choice(self.domain.entities)]
        steps: list[Step] = []
        for place in range(hops):
            met = [table.name for table in (tables[1:] if hops == 1 else tables)]
            ways = [f for f in tables[-1].fields if f.parent and f.parent not in met]
            if not ways:
                return None
            link = self.random.choice(ways)
            tables.append(self.domain.entity(link.parent))
            steps.append(Step(place, place + 1, link, up=True))
        return tuple(tables), tuple(steps)

    def downwards(self, hops: int) -> tuple[tuple[Entity, ...], tuple[Step, ...]] | None:
        """A path of `hops` joins from a labelled parent to its children."""
        ways = [way for way in self.links if way[2].label and way[0].name != way[2].name]
        if not ways:
            return None
        child, link, parent = self.random.choice(ways)
        tables, steps = [parent, child], [Step(0, 1, link, up=False)]
        for place in range(1, hops):
            more = [w for w in self.links if w[2] is tables[-1] and w[0].name not in [t.name for t in tables]]
            if not more:
                return None
            child, link, _ = self.random.choice(more)
            tables.append(child)
            steps.append(Step(place, place + 1, link, up=False))
        return tuple(tables), tuple(steps)

    def conditions(self, tables: Sequence[Entity], first: int, count: int) -> tuple[Condition, ...] | None:
        """Conditions on different columns; the last table gets one if any table does."""
        places = [len(tables) - 1] if len(tables) - 1 > first or count else []
        places += [self.random.randrange(first, len(tables)) for _ in range(count - len(places))]
        made: dict[tuple[int, str], Condition] = {}
        for place in places:
            fields = [f for f in tables[place].of(*CONDITIONAL) if (place, f.name) not in made]
            if not fields:
                return None
            field = self.random.choice(fields)
            condition = self.condition(tables[place], Ref(place, field))
            if condition is None:
                return None
            made[place, field.name] = condition
        return tuple(sorted(made.values(), key=lambda c: c.ref.place))

    def condition(self, entity: Entity, ref: Ref) -> Condition | None:
        """A condition on one column with values from the visible database."""
        field = ref.field
        values = [tidy(value) for value in self.values.get((entity.name, field.name), ())]
        if field.kind == "flag":
            return Condition(ref, "=", (int(self.chance(0.6)),))
        if len(values) < 3:
            return None
        if field.nullable and self.chance(0.1):
            return Condition(ref, "null" if self.chance(0.65) else "present")
        if field.kind in ("name", "text"):
            return self.text_condition(ref, values)
        middle = sorted(values, key=float if field.kind != "date" else str)[len(values) // 6 :]
        middle = middle[: max(2, len(middle) * 4 // 5)]
        if field.kind == "date":
            return self.date_condition(ref, [str(value) for value in middle])
        if self.chance(0.13) and middle[0] != middle[-1]:
            low, high = sorted(self.random.sample(middle, 2), key=float)
            return Condition(ref, "between", (low, high)) if low != high else None
        operators = (*BOUNDS, "=") if field.kind == "int" else BOUNDS
        if field.kind == "year":
            operators = (">", "<", "=", ">=")
        return Condition(ref, self.random.choice(operators), (self.random.choice(middle),))

    def text_condition(self, ref: Ref, values: Sequence[Scalar]) -> Condition:
        """Equality mostly; at times unequal, one of two, or a part of the text."""
        value = str(self.random.choice(values))
        operators, shares = ("=", "<>", "in", "contains", "starts"), (0.66, 0.1, 0.1, 0.08, 0.06)
        operator = self.random.choices(operators, shares)[0]
        if operator == "in":
            return Condition(ref, "in", tuple(self.random.sample(list(values), 2)))
        if operator in ("contains", "starts"):
            words = value.split()
            value = (words[-1] if operator == "contains" else words[0])[:5]
        return Condition(ref, operator, (value,))

    def date_condition(self, ref: Ref, values: Sequence[str]) -> Condition:
        """After, before, between two days, or within a year or month."""
        day = self.random.choice(values)
        operator = self.random.choice((">", "<", ">=", "year", "year", "month", "between"))
        if operator == "year":
            return Condition(ref, "year", (f"{day[:4]}-01-01", f"{day[:4]}-12-31"))
        if operator == "month":
            last = MONTH_DAYS[int(day[5:7])] + (day[5:7] == "02" and int(day[:4]) % 4 == 0)
            return Condition(ref, "month", (f"{day[:7]}-01", f"{day[:7]}-{last}"))
        if operator == "between":
            low, high = sorted(self.random.sample(list(values), 2))
            return Condition(ref, "between", (low, high))
        return Condition(ref, operator, (day,))
