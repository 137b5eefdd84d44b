"""Reads the hand-written schemas in `data/`: tables, keys, and how people say each of them.

One line per column, `name type | words; other words | values`:
    doc_no* int                          a primary key
    full_nm! | doctor name; name | ...   the label by which people call a row
    fee real? | charge; cost | 20..240   may be NULL; numbers from a range
    ward_no>ward | working on | employ   a foreign key: doctors working on a ward, wards employ doctors
"""

import random
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from common.errors import GalleryError
from usecases.english_to_sql.schema import Column, ForeignKey, Schema, Table

FOLDER = Path(__file__).parent / "data"
SPLITS = ("train", "val", "test")
LINE = re.compile(r"(\w+)([*!]?)(?:\s*(\w+)?(\?)?)?(\?)?(?:>(\w+))?$")
TYPES = {
    "int": "INTEGER",
    "real": "REAL",
    "date": "DATE",
    "year": "INTEGER",
    "flag": "BOOLEAN",
    "text": "TEXT",
}
PEOPLE = """Amal Haddad, Boris Lind, Carla Mota, Dev Patel, Esra Kaya, Finn Olsen, Greta Weiss, Hana Sato,
Ivan Petrov, Jana Novak, Karim Aziz, Lucia Rossi, Marek Nowak, Nia Okoye, Oskar Berg, Pia Lund""".replace(
    "\n", " "
)
TOWNS = "Ashby, Brookfield, Carlow, Dunmore, Elmstead, Fernhill, Grayport, Hollin"
COUNTRIES = "Norway, Kenya, Brazil, Japan, Canada, Italy, Poland, Chile"
POOLS = {"@people": PEOPLE, "@towns": TOWNS, "@countries": COUNTRIES}
DATES = tuple(
    f"{year}-{month:02d}-{day:02d}"
    for year in range(2020, 2025)
    for month, day in ((1, 9), (2, 17), (3, 28), (4, 6), (5, 14), (7, 22), (9, 3), (11, 30))
)[:-4]


@dataclass(frozen=True)
class Field:
    """A column and the ways in which people say it; `kind` is finer than its SQL type."""

    name: str
    kind: str
    says: tuple[str, ...]
    values: tuple[str | int | float, ...]
    nullable: bool = False
    is_key: bool = False
    is_label: bool = False
    parent: str = ""
    to_parent: str = ""
    to_child: str = ""


@dataclass(frozen=True)
class Entity:
    """A table and the nouns for its rows."""

    name: str
    noun: str
    plural: str
    fields: tuple[Field, ...]

    def field(self, name: str) -> Field:
        return next(field for field in self.fields if field.name == name)

    def of(self, *kinds: str) -> list[Field]:
        """The fields of these kinds that people ask about, so no keys."""
        return [f for f in self.fields if f.kind in kinds and f.says and not f.parent]

    @property
    def key(self) -> tuple[str, ...]:
        return tuple(field.name for field in self.fields if field.is_key)

    @property
    def label(self) -> Field | None:
        return next((field for field in self.fields if field.is_label), None)


@dataclass(frozen=True)
class Domain:
    """One schema with its words."""

    name: str
    split: str
    entities: tuple[Entity, ...]

    def entity(self, name: str) -> Entity:
        return next(entity for entity in self.entities if entity.name == name)

    def links(self) -> Iterator[tuple[Entity, Field, Entity]]:
        """Every foreign key as (child, its field, parent)."""
        for entity in self.entities:
            for field in entity.fields:
                if field.parent:
                    yield entity, field, self.entity(field.parent)


@cache
def domains() -> tuple[Domain, ...]:
    """All schemas that ship, by name."""
    return tuple(read_domain(path) for path in sorted(FOLDER.glob("*.toml")) if "-" not in path.stem)


def read_domain(path: Path) -> Domain:
    """One schema file."""
    found = tomllib.loads(path.read_text(encoding="utf-8"))
    split = found.pop("split")
    if split not in SPLITS:
        raise GalleryError(f"{path.name}: split {split!r} is none of {', '.join(SPLITS)}")
    entities = []
    for name, table in found.items():
        noun, plural = (part.strip() for part in table["noun"].split(","))
        lines = [line for line in table["columns"].splitlines() if line.strip()]
        entities.append(Entity(name, noun, plural, tuple(read_field(line, path.name) for line in lines)))
    return Domain(path.stem, split, tuple(entities))


def read_field(line: str, place: str) -> Field:
    """One column line."""
    head, *parts = (part.strip() for part in line.split("|"))
    head, _, parent = head.partition(">")
    match = re.fullmatch(r"(\w+)([*!]?)(\??)(?: (\w+)(\??))?", head.strip())
    if not match or (match[4] or "text") not in TYPES:
        raise GalleryError(f"{place}: cannot read the column line {line!r}")
    name, mark, nullable = match[1], match[2], bool(match[3] or match[5])
    if parent:
        return Field(name, "link", (), (), nullable, mark == "*", False, parent.strip(), *parts)
    kind = match[4] or "text"
    if kind == "text" and mark == "!":
        kind = "name"
    says = tuple(part.strip() for part in parts[0].split(";")) if parts else ()
    values = read_values(kind, parts[1] if len(parts) > 1 else "", f"{place}/{name}")
    return Field(name, kind, says, values, nullable, mark == "*", mark == "!")


def read_values(kind: str, text: str, seed: str) -> tuple[str | int | float, ...]:
    """Values of a column: a pool, a list, or numbers drawn from a range."""
    text = POOLS.get(text, text)
    if kind == "date":
        return DATES
    if kind == "year":
        return tuple(range(1962, 2022, 3))
    if kind == "flag":
        return (0, 1)
    if kind in ("int", "real") and text:
        low, high = (float(part) for part in text.split(".."))
        generator = random.Random(seed)
        drawn = (low + (high - low) * generator.random() ** 1.3 for _ in range(24))
        return tuple(dict.fromkeys(round(v, 1) if kind == "real" and high < 1000 else int(v) for v in drawn))
    return tuple(part.strip() for part in text.split(",")) if text else ()


def spoken(identifier: str) -> str:
    """An identifier as lower-case words."""
    return " ".join(word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", identifier))


def schema_of(domain: Domain) -> Schema:
    """The schema that prompts and databases use; a description stands where the name says too little."""
    tables, keys = [], []
    for entity in domain.entities:
        columns = tuple(column_of(field, entity, domain) for field in entity.fields)
        noun = "" if entity.noun in spoken(entity.name) else entity.noun
        tables.append(Table(entity.name, columns, entity.key, description=noun))
        keys += [
            ForeignKey(entity.name, (f.name,), f.parent, domain.entity(f.parent).key)
            for f in entity.fields
            if f.parent
        ]
    return Schema(domain.name, tuple(tables), tuple(keys))


def column_of(field: Field, entity: Entity, domain: Domain) -> Column:
    """One column; number keys count on, so they hold no values."""
    kind = TYPES.get(field.kind, "TEXT")
    if field.parent:
        parent = domain.entity(field.parent)
        kind = TYPES.get(parent.field(parent.key[0]).kind, "TEXT")
    says_too_little = bool(field.says) and spoken(field.name) != field.says[0]
    nullable = field.nullable and not field.is_key
    description = field.says[0] if says_too_little else ""
    return Column(field.name, kind, nullable, description=description, values=field.values)
