"""Words for a plan: nouns, conditions and asks are phrased one by one and put together."""

from collections.abc import Sequence
from random import Random

from usecases.english_to_sql.content import Entity, Field
from usecases.english_to_sql.phrases import TRAIN, draw
from usecases.english_to_sql.plans import Condition, Plan, Ref, Scalar

MONTHS = """January February March April May June July August September October November
December""".split()
BARE_LINKS = ("of", "for", "in", "on", "at", "under", "during", "inside", "from")
QUESTION_STARTS = ("What", "Which", "How", "Are", "Can", "Could", "Do", "Is", "Would", "For how")
OPENINGS = ("So, ", "Quick one: ", "For the report: ", "Next: ")


class Wording:
    """Says one plan; the same plan with another generator is a paraphrase."""

    def __init__(self, plan: Plan, generator: Random, use: str = "seen") -> None:
        self.plan, self.random, self.use = plan, generator, use
        self.says: dict[str, str] = {}

    def question(self) -> str:
        """The finished question."""
        text = self.core() + self.clauses()
        wants_mark = text.startswith(QUESTION_STARTS)
        text += self.random.choice(("?", "?", "?", "") if wants_mark else (".", ".", ""))
        pick = self.random.random()
        if pick < 0.1:
            return text[0].lower() + text[1:]
        return self.random.choice(OPENINGS) + text[0].lower() + text[1:] if pick < 0.16 else text

    def form(self, section: str, kind: str) -> str:
        if self.use == TRAIN:
            return draw(self.random, section, kind, TRAIN)
        # A held-out question has a held-out ask; its parts mix held-out and known phrasings.
        held = self.use != "seen" and (section == "asks" or self.random.random() < 0.5)
        return draw(self.random, section, kind, self.use if held else "seen")

    def say(self, field: Field) -> str:
        """The words for a column, the same throughout a question."""
        if field.name not in self.says:
            self.says[field.name] = self.random.choice(field.says)
        return self.says[field.name]

    # parts ---------------------------------------------------------------------------------

    def things(self, place: int, conditions: Sequence[Condition], plural: bool = True) -> str:
        """Rows of a table with conditions, and those of its parents along the path."""
        entity = self.plan.tables[place]
        text = entity.plural if plural else entity.noun
        joint = " or " if self.plan.either else " and "
        own = [self.condition(c, entity) for c in conditions if c.ref.place == place]
        text += f" {joint.join(own)}" if own else ""
        step = next((s for s in self.plan.steps if s.start == place and s.up), None)
        if step is None or not any(c.ref.place > place for c in conditions):
            return text
        end = self.things(step.end, conditions, plural=False)
        return f"{text} {step.link.to_parent} {article(end)}"

    def condition(self, condition: Condition, entity: Entity) -> str:
        """One condition in words."""
        kind, values = self.condition_kind(condition)
        shown = [self.value(value) for value in values]
        first, second = (*shown, "", "")[:2]
        return self.form("conditions", kind).format(p=self.say(condition.ref.field), v=first, w=second)

    def condition_kind(self, condition: Condition) -> tuple[str, tuple[Scalar, ...]]:
        """The table of phrasings for a condition, and what it says of the values."""
        operator, field, values = condition.operator, condition.ref.field, condition.values
        if field.kind == "flag":
            return ("is" if values[0] else "is_not"), ()
        if operator in ("year", "month"):
            year, month, _ = str(values[0]).split("-")
            return "within", (int(year),) if operator == "year" else (f"{MONTHS[int(month) - 1]} {year}",)
        if field.kind in ("date", "year"):
            operator = {">": "after", "<": "before", ">=": "since"}.get(operator, operator)
        return ("name" if operator == "=" and field.kind == "name" else operator), values

    def value(self, value: Scalar) -> str:
        """A value as people write it: text mostly in quotes, numbers and dates bare."""
        is_plain = not isinstance(value, str) or value[:1].isdigit() or value.split()[0] in MONTHS
        if is_plain:
            return str(value)
        return self.random.choices((f"'{value}'", f'"{value}"', value), (0.55, 0.15, 0.3))[0]

    def shown(self) -> str:
        says = [self.say(ref.field) for ref in self.plan.shown if ref.place == 0]
        return " and ".join([", ".join(says[:-1]), says[-1]] if len(says) > 1 else says)

    def aggregate(self) -> str:
        """Such as `the number` or `the average fee`."""
        if self.plan.number is None:
            return self.form("clauses", "COUNT")
        return self.form("clauses", self.plan.aggregate).format(o=self.say(self.plan.number.field))

    def quantity(self) -> str:
        having = self.plan.having
        assert having is not None
        return self.form("clauses", f"quantity {having.operator}").format(v=having.value)

    def extreme(self, ref: Ref | None) -> str:
        dated = ref is not None and ref.field.kind in ("date", "year")
        words = ("latest", "earliest") if dated else ("most", "least")
        return self.form("clauses", words[0] if self.plan.down else words[1])

    def children(self) -> str:
        """The rows that are grouped by a parent above them."""
        plan = self.plan
        text = self.things(len(plan.tables) - 1, plan.conditions)
        for place in range(len(plan.tables) - 2, 0, -1):
            owner = "their " if place == 1 else ""
            text += f" {plan.steps[place].link.to_parent} {owner}{plan.tables[place].plural}"
        return text

    # questions -----------------------------------------------------------------------------

    def core(self) -> str:
        """The ask without sorting and bounds on groups."""
        plan = self.plan
        special = getattr(self, f"say_{plan.kind}", None)
        if special:
            return special()
        things = self.things(0, plan.conditions)
        names = {"n": things, "c": self.shown() if plan.shown else "", "a": ""}
        if plan.kind == "number":
            names["a"] = self.aggregate()
        return self.form("asks", plan.kind).format(**names)

    def say_distinct(self) -> str:
        things = self.things(0, self.plan.conditions)
        return self.form("asks", "distinct").format(c=several(self.shown()), n=things)

    def say_count_distinct(self) -> str:
        assert self.plan.number is not None
        things = self.things(0, self.plan.conditions)
        said = several(self.say(self.plan.number.field))
        return self.form("asks", "count_distinct").format(c=said, n=things)

    def say_top(self) -> str:
        plan = self.plan
        assert plan.order is not None
        many = plan.limit > 1
        numbered = f"{plan.limit} {self.things(0, plan.conditions)}"
        return self.form("asks", "top").format(
            c=self.shown(),
            n=self.things(0, plan.conditions),
            kn=numbered if many else self.things(0, plan.conditions, plural=False),
            k=plan.limit if many else "one",
            m=self.extreme(plan.order),
            o=self.say(plan.order.field),
        )

    def say_side(self) -> str:
        plan = self.plan
        end = plan.tables[-1]
        said, link = self.say(plan.shown[-1].field), plan.steps[0].link
        if len(plan.steps) == 2:
            beside = f"{said} of the {end.noun} behind their {plan.tables[1].noun}"
        elif link.to_parent in BARE_LINKS or (end is not plan.tables[0] and self.random.random() < 0.4):
            beside = f"{said} of their {end.noun}"
        else:
            beside = f"{said} of the {end.noun} they are {link.to_parent}"
        things = self.things(0, plan.conditions)
        return self.form("asks", "side").format(c=self.shown(), n=things, d=beside)

    def say_beside(self) -> str:
        plan = self.plan
        assert plan.beside is not None
        ref, operator, aggregate = plan.beside
        bound = self.form("clauses", f"beside {operator if aggregate == 'AVG' else aggregate}")
        return self.form("asks", "beside").format(
            c=self.shown(),
            n=self.things(0, plan.conditions),
            o=self.say(ref.field),
            b=bound.format(n=plan.tables[0].plural),
        )

    def say_per_value(self) -> str:
        plan, names = self.plan, {"g": self.shown(), "n": self.things(0, self.plan.conditions)}
        if plan.having and not plan.shows_aggregate:
            text = self.quantity() + (" rows" if plan.number is None else f" as {self.aggregate()}")
            return self.form("asks", "value_having").format(h=text, **names)
        return self.form("asks", "per_value").format(a=self.aggregate(), **names)

    def say_value_top(self) -> str:
        often = "most" if self.plan.down else "least"
        things = self.things(0, self.plan.conditions)
        return self.form("asks", "value_top").format(g=self.shown(), m=often, n=things)

    def parents(self) -> dict[str, object]:
        parent = self.plan.tables[0]
        return {"p": parent.noun, "P": parent.plural, "l": self.shown(), "n": self.children()}

    def say_per_parent(self) -> str:
        return self.form("asks", "per_parent").format(a=self.aggregate(), **self.parents())

    def say_parent_having(self) -> str:
        far = len(self.plan.steps) > 1
        verb = "account for" if far else self.plan.steps[0].link.to_child
        return self.form("asks", "parent_having").format(v=verb, q=self.quantity(), **self.parents())

    def say_parent_top(self) -> str:
        names = self.parents()
        many = self.plan.limit > 1
        names["kP"] = f"{self.plan.limit} {names['P']}" if many else names["p"]
        names["k"] = self.plan.limit if many else "one"
        most = self.extreme(None)
        said = self.aggregate().removeprefix("the ")
        return self.form("asks", "parent_top").format(m=most, a=said, **names)

    def say_has_child(self) -> str:
        plan = self.plan
        names = {"P": plan.tables[0].plural, "l": self.shown(), "v": plan.steps[0].link.to_child}
        return self.form("asks", "has_child").format(n=self.things(1, plan.conditions), **names)

    def say_missing(self) -> str:
        plan = self.plan
        assert plan.missing is not None
        child, link, inner = plan.missing
        said = " and ".join(self.condition(c, child) for c in inner)
        names = {
            "p": self.things(0, plan.conditions),
            "v": link.to_child,
            "n": f"{child.plural} {said}".strip(),
        }
        if not plan.shown:
            return self.form("asks", "count_missing").format(**names)
        return self.form("asks", "missing").format(l=self.shown(), **names)

    def say_set(self) -> str:
        plan = self.plan
        first, second = (self.things(0, part) for part in (plan.conditions, plan.other_conditions))
        said = several(self.shown())
        return self.form("asks", plan.set_operator).format(c=said, n=first, x=second)

    def clauses(self) -> str:
        """Bounds on groups and sorting."""
        plan, text = self.plan, ""
        is_said = plan.kind == "parent_having" or (plan.kind == "per_value" and not plan.shows_aggregate)
        if plan.having and not is_said:
            text += self.form("clauses", "having").format(q=self.quantity())
        if plan.limit:
            return text
        way = "down" if plan.down else "up"
        if plan.orders_groups:
            text += self.form("clauses", f"groups {way}")
        elif plan.order:
            kind = {"date": "dates", "year": "dates", "name": "names"}.get(plan.order.field.kind, "rows")
            text += self.form("clauses", f"{kind} {way}").format(o=self.say(plan.order.field))
        return text


def article(text: str) -> str:
    """`a` or `an` before a noun."""
    return f"{'an' if text[0].lower() in 'aeio' else 'a'} {text}"


def several(said: str) -> str:
    """A plural of column words where that is simple, else a paraphrase."""
    if " of " in said or " in " in said or " and " in said or said.endswith(("ed", "way")):
        return f"values of the {said}"
    if said.endswith("y") and said[-2:-1] not in "aeiou":
        return said[:-1] + "ies"
    return said + ("es" if said.endswith(("s", "x", "ch", "sh")) else "s")
