"""Renames a training schema: other naming styles, other words first, borrowed columns and nouns.

A model that meets some sixty schemas only would learn their names by heart. Variants keep the shape of
a schema and change what it is called, so that names have to be read from the prompt.
"""

import random
import re
from collections.abc import Sequence
from dataclasses import replace
from functools import cache

from usecases.english_to_sql.content import Domain, Entity, Field, domains
from usecases.english_to_sql.serialize import KEYWORDS

RESERVED = KEYWORDS | {"CASE", "ISNULL", "NOTNULL", "NOTHING", "RETURNING", "DEFERRABLE", "IF", "TO"}
STYLES = ("snake", "camel", "pascal", "upper", "short", "joined")
MARK = "~"
LINKS = ("tied to", "linked to", "belonging to", "connected with", "attached to", "under", "of", "for")


class Namer:
    """Writes words as identifiers in one style."""

    def __init__(self, generator: random.Random) -> None:
        self.random = generator
        self.style = generator.choice(STYLES)
        self.prefix = generator.choice(("", "", "", "", "tbl", "t", "m"))
        self.key = generator.choice(("id", "id", "no", "code", "key", "nr"))
        self.plural = generator.random() < 0.4

    def write(self, text: str) -> str:
        """Words in this style; SQL keywords get a tail."""
        every = re.findall(r"\w+", text)
        words = [word for word in every if word not in ("of", "the", "a", "in", "to")] or every
        if self.style == "short":
            words = [shortened(word) for word in words]
        capital = [word.capitalize() for word in words]
        written = {
            "camel": words[0] + "".join(capital[1:]),
            "pascal": "".join(capital),
            "upper": "_".join(words).upper(),
            "joined": "".join(words),
        }.get(self.style, "_".join(words))
        return f"{written}_x" if written.upper() in RESERVED else written

    def table(self, entity: Entity) -> str:
        noun = entity.plural if self.plural else entity.noun
        written = self.write(f"{self.prefix} {noun}".strip())
        return f"{written}_x" if written.lower() in held_out_tables() else written


@cache
def held_out_tables() -> frozenset[str]:
    """The names of tables that training must not meet."""
    return frozenset(e.name.lower() for d in domains() if d.split != "train" for e in d.entities)


def shortened(word: str) -> str:
    """An abbreviation such as `qnt` or `dept`."""
    if len(word) < 5:
        return word
    kept = word[0] + "".join(letter for letter in word[1:] if letter not in "aeiou")
    return kept[:4] if len(kept) > 2 else word[:3]


def restyled(domain: Domain, number: int) -> Domain:
    """The variant of a domain with that number; 0 is the domain itself."""
    if number == 0:
        return domain
    generator = random.Random(f"{domain.name}/{number}")
    entities = domain.entities
    if number % 4:
        entities = tuple(borrow(entity, domain, generator) for entity in entities)
    if number % 2:
        entities = rename_nouns(entities, generator)
    entities = rename(entities, Namer(generator), generator)
    return Domain(f"{domain.name}{MARK}{number}", domain.split, entities)


def borrow(entity: Entity, domain: Domain, generator: random.Random) -> Entity:
    """Swaps columns for those of other training schemas."""
    others = [
        field
        for other in domains()
        if other.split == "train" and other.name != domain.name
        for each in other.entities
        for field in each.of("text", "int", "real", "date", "year", "flag")
        if not field.is_key
    ]
    fields: list[Field] = []
    for field in entity.fields:
        is_plain = field.says and not (field.is_key or field.is_label or field.parent)
        new = generator.choice(others) if is_plain and generator.random() < 0.6 else field
        met = {say for known in fields for say in known.says}
        fields.append(field if met & set(new.says) else new)
    return replace(entity, fields=tuple(fields))


def rename_nouns(entities: Sequence[Entity], generator: random.Random) -> tuple[Entity, ...]:
    """Gives every table the noun of a table of another training schema."""
    nouns = sorted({(e.noun, e.plural) for d in domains() if d.split == "train" for e in d.entities})
    chosen = generator.sample(nouns, len(entities))
    return tuple(
        replace(entity, noun=noun, plural=plural, fields=renoun(entity, noun, generator))
        for entity, (noun, plural) in zip(entities, chosen, strict=True)
    )


def renoun(entity: Entity, noun: str, generator: random.Random) -> tuple[Field, ...]:
    """Fields whose words name the new noun; links get words that fit any nouns."""
    fields = []
    for field in entity.fields:
        says = tuple(dict.fromkeys(say.replace(entity.noun, noun) for say in field.says))
        to_parent = generator.choice(LINKS) if field.parent else ""
        fields.append(replace(field, says=says, to_parent=to_parent))
    return tuple(fields)


def rename(entities: Sequence[Entity], namer: Namer, generator: random.Random) -> tuple[Entity, ...]:
    """New names for all tables and columns; foreign keys follow."""
    tables = {entity.name: namer.table(entity) for entity in entities}
    nouns = {entity.name: entity.noun for entity in entities}
    if len({name.lower() for name in tables.values()}) < len(tables):
        tables = {entity.name: f"{tables[entity.name]}_{i}" for i, entity in enumerate(entities)}
    return tuple(
        replace(
            entity,
            name=tables[entity.name],
            fields=tuple(rename_fields(entity, namer, nouns, tables, generator)),
        )
        for entity in entities
    )


def rename_fields(
    entity: Entity, namer: Namer, nouns: dict[str, str], tables: dict[str, str], generator: random.Random
) -> list[Field]:
    """Columns of one table under new names, all different."""
    met: set[str] = set()
    fields = []
    for field in entity.fields:
        says = field.says
        if field.parent:
            name = namer.write(f"{nouns[field.parent]} {namer.key}")
        elif not says:
            name = namer.write(f"{entity.noun} {namer.key}")
        else:
            says = tuple(generator.sample(says, len(says)))
            name = namer.write(generator.choice(says))
        while name.lower() in met:
            name += "2"
        met.add(name.lower())
        fields.append(replace(field, name=name, says=says, parent=tables.get(field.parent, "")))
    return fields
