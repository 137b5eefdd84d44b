"""Random database schemas for the corpus, and the ways to write one into a prompt."""

from dataclasses import dataclass, field
from random import Random

from . import words

TYPES = {
    "id": ("INTEGER", "int"),
    "link": ("INTEGER", "int"),
    "name": ("TEXT", "text"),
    "text": ("TEXT", "text"),
    "number": ("INTEGER", "int"),
    "real": ("REAL", "real"),
    "date": ("DATE", "date"),
    "year": ("INTEGER", "int"),
    "flag": ("INTEGER", "bool"),
}


@dataclass
class Column:
    """One column: its SQL name, what it holds, and how people call it."""

    name: str
    kind: str
    phrase: str
    attribute: str = ""
    target: "Table | None" = None


@dataclass
class Table:
    """One table, its columns, and the noun that people use for a row."""

    name: str
    noun: str
    columns: list[Column] = field(default_factory=list)

    def of(self, *kinds: str) -> list[Column]:
        """The columns of the given kinds."""
        return [column for column in self.columns if column.kind in kinds]

    @property
    def key(self) -> Column:
        """The primary key."""
        return self.columns[0]

    @property
    def label(self) -> Column:
        """The column that a row is called by."""
        return self.of("name")[0]


@dataclass
class Schema:
    """Tables and whether names are cryptic, so that descriptions are needed."""

    tables: list[Table]
    described: bool

    def links(self) -> list[tuple[Table, Column, Table]]:
        """Every foreign key as (table, column, target table)."""
        return [
            (table, column, column.target)
            for table in self.tables
            for column in table.columns
            if column.target
        ]


def _camel(parts: list[str]) -> str:
    return parts[0] + "".join(part.capitalize() for part in parts[1:])


def _short(word: str, random: Random) -> str:
    """An abbreviation such as `qnty` or `dep`."""
    if len(word) <= 3:
        return word
    if random.random() < 0.5:
        return word[: random.choice((3, 4))]
    return word[0] + "".join(letter for letter in word[1:] if letter not in "aeiou")[:4]


class Style:
    """One naming habit, kept through a whole schema."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.case = random.choice(("snake", "snake", "snake", "camel", "pascal", "upper"))
        self.short = random.random() < 0.12
        self.table_prefix = random.choice(("", "", "", "", "", "tbl", words.pseudo_word(random, 1)))
        self.column_prefix = random.random() < 0.08
        self.plural_tables = random.random() < 0.5
        self.long_key = random.random() < 0.6
        self.long_name = random.random() < 0.25

    def write(self, phrase: str) -> str:
        """An identifier for a phrase."""
        parts = phrase.lower().split()
        if self.short:
            parts = [_short(part, self.random) for part in parts]
        if self.case == "camel":
            return _camel(parts)
        if self.case == "pascal":
            return "".join(part.capitalize() for part in parts)
        joined = "_".join(parts)
        return joined.upper() if self.case == "upper" else joined

    def table(self, noun: str) -> str:
        """A table name."""
        phrase = words.plural(noun) if self.plural_tables else noun
        return self.write(f"{self.table_prefix} {phrase}".strip())

    def column(self, phrase: str, table_noun: str) -> str:
        """A column name."""
        return self.write(f"{table_noun[:2]} {phrase}" if self.column_prefix else phrase)


def _attributes(random: Random, count: int) -> list[tuple[str, str]]:
    """(attribute, kind) pairs, all different."""
    pools = (
        (0.34, words.TEXT_ATTRIBUTES, "text"),
        (0.40, words.NUMBER_ATTRIBUTES, "number"),
        (0.12, words.DATE_ATTRIBUTES, "date"),
        (0.07, words.YEAR_ATTRIBUTES, "year"),
        (0.07, words.FLAG_ATTRIBUTES, "flag"),
    )
    found: dict[str, str] = {}
    while len(found) < count:
        share, pool, kind = random.choices(pools, [pool[0] for pool in pools])[0]
        attribute = random.choice(pool)
        if random.random() < 0.08:
            attribute = words.pseudo_word(random)
        elif kind == "number" and random.random() < 0.15:
            attribute = f"{random.choice(('total', 'net', 'base', 'max', 'min'))}_{attribute}"
        if kind == "number" and random.random() < 0.2:
            kind = "real"
        found.setdefault(attribute, kind)
    return list(found.items())


def _table(random: Random, style: Style, noun: str, count: int) -> Table:
    table = Table(style.table(noun), noun)
    key = style.column(f"{noun} id" if style.long_key else "id", noun)
    table.columns.append(Column(key, "id", f"{noun} id"))
    label = random.choice(("name", "name", "name", "title", "label", "full name"))
    label_name = style.column(f"{noun} {label}" if style.long_name else label, noun)
    table.columns.append(Column(label_name, "name", label))
    for attribute, kind in _attributes(random, count):
        phrase = words.spoken(attribute)
        written = f"is {phrase}" if kind == "flag" and random.random() < 0.4 else phrase
        table.columns.append(Column(style.column(written, noun), kind, phrase, attribute))
    return table


def _unique(table: Table) -> None:
    """Make equal column names different (abbreviations collide)."""
    seen: set[str] = set()
    for column in table.columns:
        while column.name.lower() in seen:
            column.name += "2"
        seen.add(column.name.lower())


def _link(random: Random, style: Style, tables: list[Table]) -> None:
    for index, table in enumerate(tables[1:], 1):
        targets = random.sample(tables[:index], min(index, random.choice((1, 1, 1, 2))))
        for target in targets:
            name = style.column(f"{target.noun} id", table.noun)
            if random.random() < 0.1:
                name = style.column(target.noun, table.noun)
            column = Column(name, "link", f"{target.noun} id", target=target)
            table.columns.insert(random.randint(1, len(table.columns)), column)


def make_schema(random: Random, largest: int = 6) -> Schema:
    """A schema of 1 to `largest` linked tables."""
    style = Style(random)
    count = random.choices(range(1, largest + 1), [3, 5, 5, 4, 2, 2][:largest])[0]
    invented = random.random() < 0.15
    make = words.pseudo_word if invented else words.noun
    nouns = [words.spoken(word) for word in words.distinct(random, make, count)]
    if random.random() < 0.12:
        nouns[0] = f"{random.choice(words.ADJECTIVES)} {nouns[0]}"
    tables = [_table(random, style, noun, random.choice((1, 2, 3, 4, 5, 6))) for noun in nouns]
    _link(random, style, tables)
    names: set[str] = set()
    for table in tables:
        while table.name.lower() in names or table.name.lower() in ("order", "group", "table"):
            table.name += "s"
        names.add(table.name.lower())
        _unique(table)
    cryptic = random.random() < 0.18
    if cryptic:
        _make_cryptic(random, tables)
    random.shuffle(tables)
    return Schema(tables, style.short or cryptic or style.column_prefix or random.random() < 0.1)


def _make_cryptic(random: Random, tables: list[Table]) -> None:
    """Give columns names that say nothing, so that only the description helps."""
    for table in tables:
        for column in table.columns[1:]:
            if not column.target and random.random() < 0.7:
                column.name = words.pseudo_word(random, random.choice((1, 2)))
        _unique(table)


def _sample(random: Random, column: Column) -> str:
    makers = {"name": words.title, "date": words.date}
    if column.kind in makers:
        return makers[column.kind](random)
    if column.kind == "text":
        return words.value_of(random, column.attribute)
    return str(random.choice((0, 1)) if column.kind == "flag" else words.number(random))


def _compact(schema: Schema, random: Random) -> str:
    typed = random.random() < 0.6
    starred = random.random() < 0.8
    separator = random.choice(("\n", "\n", " ; "))
    lines = []
    for table in schema.tables:
        parts = []
        for column in table.columns:
            part = column.name + (f" {TYPES[column.kind][1]}" if typed else "")
            part += "*" if starred and column.kind == "id" else ""
            part += f" '{column.phrase}'" if schema.described and not column.target else ""
            parts.append(part)
        lines.append(f"{table.name}({', '.join(parts)})")
    lines += _links(schema, " -> ")
    return separator.join(lines)


def _links(schema: Schema, sign: str) -> list[str]:
    return [f"{t.name}.{c.name}{sign}{target.name}.{target.key.name}" for t, c, target in schema.links()]


def _inline(schema: Schema, random: Random) -> str:
    """`album(album_id* int, title [name], artist_id int>artist)`: keys stand with their column."""
    described = schema.described or random.random() < 0.3
    lines = []
    for table in schema.tables:
        parts = []
        for column in table.columns:
            kind = TYPES[column.kind][1]
            part = column.name + ("*" if column.kind == "id" else "")
            part += f" {kind}" if kind != "text" else ""
            part += f">{column.target.name}" if column.target else ""
            part += f" [{column.phrase}]" if described and not column.target else ""
            parts.append(part)
        lines.append(f"{table.name}({', '.join(parts)})")
    return "\n".join(lines)


def _ddl(schema: Schema, random: Random) -> str:
    commented = schema.described or random.random() < 0.15
    lines = []
    for table in schema.tables:
        rows = []
        for column in table.columns:
            row = f"  {column.name} {TYPES[column.kind][0]}"
            row += " PRIMARY KEY" if column.kind == "id" else ""
            if column.target:
                row += f" REFERENCES {column.target.name}({column.target.key.name})"
            last = column is table.columns[-1]
            rows.append(row + ("" if last else ",") + (f" -- {column.phrase}" if commented else ""))
        lines.append(f"CREATE TABLE {table.name} (\n" + "\n".join(rows) + "\n);")
    return "\n".join(lines)


def _sheet(schema: Schema, random: Random) -> str:
    examples = random.random() < 0.5
    lines = []
    for table in schema.tables:
        lines.append(f"# Table: {table.name}")
        for column in table.columns:
            row = f"({column.name}:{TYPES[column.kind][0]}"
            row += f", {column.phrase}" if schema.described else ""
            row += ", Primary Key" if column.kind == "id" else ""
            if examples and column.kind in ("name", "text"):
                row += f", Examples: [{_sample(random, column)}, {_sample(random, column)}]"
            lines.append(row + ")")
    lines += _links(schema, "=")
    return "\n".join(lines)


def write_schema(schema: Schema, random: Random) -> str:
    """The schema as prompt text: compact mostly, because prompts are short of room."""
    writer = random.choices((_inline, _compact, _ddl, _sheet), (0.5, 0.25, 0.17, 0.08))[0]
    return writer(schema, random)
