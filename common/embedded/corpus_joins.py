"""Questions over linked tables of a random schema."""

from .corpus_conditions import conditions
from .corpus_sql import AGGREGATES, ASK_COUNT, ASK_LIST, Asker, Pair

BELONGS = (
    "whose {t} is one {s}",
    "that belong to a {t} {s}",
    "of any {t} {s}",
    "linked to a {t} {s}",
    "where the {t} is one {s}",
)


class JoinAsker(Asker):
    """Adds the questions that need more than one table."""

    def linked(self) -> tuple | None:
        """A child, its link and the parent."""
        links = self.schema.links()
        return self.random.choice(links) if links else None

    def by_parent(self) -> Pair | None:
        """Rows of a child by a condition on the parent."""
        found = self.linked()
        if not found:
            return None
        child, link, parent = found
        source, child_ref, parent_ref = self.join(child, link, parent)
        said, sql = conditions(self.random, parent, parent_ref, 1)
        where = self.random.choice(BELONGS).format(t=parent.noun, s=said)
        both = self.random.random() < 0.3
        if both:
            more, more_sql = conditions(self.random, child, child_ref, 1)
            where, sql = f"{more} {where}", f"{more_sql} AND {sql}"
        tail = f" FROM {source} WHERE {sql}"
        pick = self.random.random()
        if pick < 0.25:
            question = self.random.choice(ASK_COUNT).format(n=self.plural(child))
            return f"{question} {where}", f"SELECT COUNT(*){tail}"
        number = self.pick("number", "real", table=child)
        if pick < 0.45 and number:
            name = self.random.choice(list(AGGREGATES))
            word = self.random.choice(AGGREGATES[name])
            question = f"What is the {word} {number.phrase} of the {self.plural(child)} {where}"
            return question, f"SELECT {name}({child_ref}{number.name}){tail}"
        shown = self.random.choice([column for column in child.columns if not column.target])
        question = f"{self.random.choice(ASK_LIST)} {shown.phrase} of the {self.plural(child)} {where}"
        return question, f"SELECT {child_ref}{shown.name}{tail}"

    def side_by_side(self) -> Pair | None:
        """A column of each of two joined tables."""
        found = self.linked()
        if not found:
            return None
        child, link, parent = found
        source, child_ref, parent_ref = self.join(child, link, parent)
        shown = self.random.choice([column for column in child.columns[1:] if not column.target])
        form = self.random.choice(
            (
                "{a} {c} of each {t} and the {p} of its {u}",
                "{a} {c} of every {t} together with the {p} of the {u}",
                "{a} {c} of all {n} with the {u} {p}",
                "For each {t} show the {c} and the {p} of its {u}",
            )
        )
        question = form.format(
            a=self.random.choice(ASK_LIST),
            c=shown.phrase,
            t=child.noun,
            p=parent.label.phrase,
            u=parent.noun,
            n=self.plural(child),
        )
        query = f"SELECT {child_ref}{shown.name}, {parent_ref}{parent.label.name} FROM {source}"
        if self.random.random() < 0.4:
            said, sql = conditions(self.random, child, child_ref, 1)
            return f"{question}, only for {self.plural(child)} {said}", f"{query} WHERE {sql}"
        return question, query

    def has_child(self) -> Pair | None:
        """Parents with, or without, a child that meets a condition."""
        found = self.linked()
        if not found:
            return None
        child, link, parent = found
        if self.random.random() < 0.5:
            negative = self.random.random() < 0.7
            forms = (
                (
                    "Which {n} have no {c}",
                    "List the {n} without any {c}",
                    "Find {n} that do not have a single {t}",
                )
                if negative
                else ("Which {n} have at least one {t}", "List the {n} that have any {c}")
            )
            question = self.random.choice(forms).format(
                n=self.plural(parent), c=self.plural(child), t=child.noun
            )
            sign = "NOT IN" if negative else "IN"
            return question, (
                f"SELECT {parent.label.name} FROM {parent.name} WHERE {parent.key.name} {sign} "
                f"(SELECT {link.name} FROM {child.name})"
            )
        source, child_ref, parent_ref = self.join(child, link, parent, flip=True)
        said, sql = conditions(self.random, child, child_ref, 1)
        form = self.random.choice(
            ("Which {n} have a {t} {s}", "List the {n} with any {t} {s}", "Find all {n} that have {c} {s}")
        )
        question = form.format(n=self.plural(parent), t=child.noun, c=self.plural(child), s=said)
        return (
            question,
            f"SELECT DISTINCT {parent_ref}{parent.label.name} FROM {source} WHERE {sql}",
        )

    def two_hops(self) -> Pair | None:
        """Three tables in a row, or two ends of a table that links both."""
        links = self.schema.links()
        chains = [
            (one, two)
            for one in links
            for two in links
            if one is not two and (one[2] is two[0] or one[0] is two[0])
        ]
        if not chains:
            return None
        (child, first, middle), (owner, second, end) = self.random.choice(chains)
        bridge = owner is child
        order = [middle, child, end] if bridge else [child, middle, end]
        items, refs = self.aliases(order)
        ref = dict(zip((id(table) for table in order), refs, strict=True))
        ons = [
            f"{ref[id(child)]}{first.name} = {ref[id(middle)]}{middle.key.name}",
            f"{ref[id(owner)]}{second.name} = {ref[id(end)]}{end.key.name}",
        ]
        source = f"{items[0]} JOIN {items[1]} ON {ons[0]} JOIN {items[2]} ON {ons[1]}"
        said, sql = conditions(self.random, end, ref[id(end)], 1)
        first_table = order[0]
        shown = self.random.choice([column for column in first_table.columns[1:] if not column.target])
        hop = (
            f"that have a {child.noun} for a {end.noun}"
            if bridge
            else f"whose {middle.noun} belongs to a {end.noun}"
        )
        where = f"{hop} {said}"
        if self.random.random() < 0.25:
            question = self.random.choice(ASK_COUNT).format(n=self.plural(first_table))
            return f"{question} {where}", f"SELECT COUNT(*) FROM {source} WHERE {sql}"
        question = f"{self.random.choice(ASK_LIST)} {shown.phrase} of the {self.plural(first_table)} {where}"
        return question, f"SELECT {ref[id(first_table)]}{shown.name} FROM {source} WHERE {sql}"
