"""Questions over groups and nested queries of a random schema."""

from . import words
from .corpus_joins import JoinAsker
from .corpus_sql import AGGREGATES, LEAST, MOST, Pair

COUNT_CHILDREN = (
    "How many {c} does each {t} have? Show the {p}",
    "Show the {p} of each {t} and its number of {c}",
    "For every {t}, give the {p} and count the {c}",
)
PARENTS_HAVING = (
    "Which {n} have {w} {k} {c}",
    "List the {n} with {w} {k} {c}",
    "Find the {p} of {n} that have {w} {k} {c}",
)
PARENT_EXTREME = (
    "Which {t} has the {w} {c}",
    "What is the {p} of the {t} with the {w} {c}",
    "Find the {t} that has the {w} {c}",
)
CHILDREN_AGGREGATE = (
    "Show the {p} of each {t} and the {w} {x} of its {c}",
    "What is the {w} {x} of the {c} of each {t}? Show the {p}",
    "For each {t}, give the {p} and the {w} {x} of its {c}",
)
COUNT_VALUES = (
    "How many {n} are there for each {p}",
    "Count the {n} per {p}",
    "Show each {p} and the number of {n}",
    "Give the number of {n} by {p}",
)
VALUES_HAVING = (
    "Which {P} have {w} {k} {n}{s}",
    "List each {p} shared by {w} {k} {n}{s}",
    "Find the {P} with {w} {k} {n}{s}",
)
VALUES_AGGREGATE = (
    "What is the {w} {x} of {n}{s} for each {p}",
    "Show the {w} {x} of {n}{s} by {p}",
    "For each {p}, give the {w} {x} of the {n}{s}",
)
VALUE_EXTREME = (
    "Which {p} is the most common among {n}{s}",
    "What is the most frequent {p} of {n}{s}",
    "Find the {p} with the most {n}{s}",
)
BESIDE_AVERAGE = (
    "Which {n} have a {p} {w} the average",
    "List the {n} whose {p} is {w} the average {p}",
    "Find {n} with {p} {w} the mean of all {n}",
)
AT_EXTREME = ("Which {n} share the {w} {p}", "List all {n} whose {p} equals the {w} {p}")
MORE_OR_LESS = ((">", "more than"), (">=", "at least"), ("<", "fewer than"))


class GroupAsker(JoinAsker):
    """Adds the questions that group rows or compare them with a nested query."""

    def per_parent(self) -> Pair | None:
        """Counts of children per parent, with having, the largest, or an aggregate."""
        found = self.linked()
        if not found:
            return None
        child, link, parent = found
        source, child_ref, parent_ref = self.join(child, link, parent, flip=True)
        label = f"{parent_ref}{parent.label.name}"
        tail = f" FROM {source} GROUP BY {parent_ref}{parent.key.name}"
        names = {
            "n": self.plural(parent),
            "t": parent.noun,
            "c": self.plural(child),
            "p": parent.label.phrase,
        }
        pick = self.random.random()
        if pick < 0.35:
            question = self.random.choice(COUNT_CHILDREN).format(**names)
            return question, f"SELECT {label}, COUNT(*){tail}"
        if pick < 0.55:
            return self._having(PARENTS_HAVING, names, (*MORE_OR_LESS, ("=", "exactly")), 9, label, tail)
        if pick < 0.78:
            down = self.random.random() < 0.7
            question = self.random.choice(PARENT_EXTREME).format(w="most" if down else "fewest", **names)
            return question, f"SELECT {label}{tail} ORDER BY COUNT(*){' DESC' if down else ''} LIMIT 1"
        number = self.pick("number", "real", table=child)
        if not number:
            return None
        name = self.random.choice(list(AGGREGATES))
        form = self.random.choice(CHILDREN_AGGREGATE)
        question = form.format(w=self.random.choice(AGGREGATES[name]), x=number.phrase, **names)
        return question, f"SELECT {label}, {name}({child_ref}{number.name}){tail}"

    def _having(
        self,
        forms: tuple[str, ...],
        names: dict[str, str],
        signs: tuple[tuple[str, str], ...],
        most: int,
        shown: str,
        tail: str,
    ) -> Pair:
        """Groups with more or fewer rows than a number."""
        count = self.random.randint(1, most)
        sign, word = self.random.choice(signs)
        question = self.random.choice(forms).format(w=word, k=count, **names)
        return question, f"SELECT {shown}{tail} HAVING COUNT(*) {sign} {count}"

    def per_value(self) -> Pair | None:
        """Groups of one table."""
        table = self.table()
        column = self.pick("text", "year", "text", table=table)
        if not column:
            return None
        said, sql = self.where(table, 0.2)
        names = {"n": self.plural(table), "p": column.phrase, "P": words.plural(column.phrase), "s": said}
        head = f"SELECT {column.name}"
        tail = f" FROM {table.name}{sql} GROUP BY {column.name}"
        pick = self.random.random()
        if pick < 0.35:
            question = self.random.choice(COUNT_VALUES).format(**names)
            return question + (f", only those{said}" if said else ""), f"{head}, COUNT(*){tail}"
        if pick < 0.6:
            return self._having(VALUES_HAVING, names, MORE_OR_LESS, 12, column.name, tail)
        number = self.pick("number", "real", table=table)
        if pick < 0.8 and number:
            name = self.random.choice(list(AGGREGATES))
            form = self.random.choice(VALUES_AGGREGATE)
            question = form.format(w=self.random.choice(AGGREGATES[name]), x=number.phrase, **names)
            return question, f"{head}, {name}({number.name}){tail}"
        question = self.random.choice(VALUE_EXTREME).format(**names)
        return question, f"{head}{tail} ORDER BY COUNT(*) DESC LIMIT 1"

    def nested(self) -> Pair | None:
        """Rows above or below the average, or at the extreme."""
        table = self.table()
        number = self.pick("number", "real", table=table)
        if not number:
            return None
        if self.random.random() < 0.65:
            above = self.random.random() < 0.6
            more, less = ("above", "higher than", "greater than"), ("below", "lower than", "less than")
            word, form = self.random.choice(more if above else less), self.random.choice(BESIDE_AVERAGE)
            inner, sign = f"SELECT AVG({number.name}) FROM {table.name}", ">" if above else "<"
        else:
            high = self.random.random() < 0.6
            word, form = self.random.choice(MOST[:4] if high else LEAST[:2]), self.random.choice(AT_EXTREME)
            inner, sign = f"SELECT {'MAX' if high else 'MIN'}({number.name}) FROM {table.name}", "="
        query = f"SELECT {table.label.name} FROM {table.name} WHERE {number.name} {sign} ({inner})"
        return form.format(w=word, n=self.plural(table), p=number.phrase), query
