"""Own word data: forms of hand-written Hindi words with the spellings that people give them.

`data/hindi_words.toml` holds the words by how they change; their forms are built here, and spelled
by the rules of `romanise.py`. Everyday words, loans and names have hand-written spellings. Words are
held out whole: no form of a test word stands in train.
"""

import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from common.data import share_of
from common.usecase import Example, Source, Splits
from usecases.indic_adaptation.dakshina import word_examples
from usecases.indic_adaptation.romanise import spellings
from usecases.indic_adaptation.scripts import canonical

SOURCE = Source(
    "Hindi words with casual spellings", "Apache-2.0", "hand-written, forms by rule, in this use case"
)
FILE = Path(__file__).parent / "data" / "hindi_words.toml"
ENDINGS = {
    "verb": "ना ने नी ता ते ती ा े ी ूँ ूँगा ूँगी ेगा ेगी ेंगे ो कर".split(),
    "verb_aa": "ाना ाने ानी ाता ाते ाती ाया ाए ाई ाऊँगा ाएगा ाएगी ाएँगे ाओ ाकर".split(),
    "masculine_aa": "ा े ों".split(),
    "masculine": ["", "ों"],
    "feminine_ii": "ी ियाँ ियों".split(),
    "feminine": ["", "ें", "ों"],
    "adjective_aa": "ा े ी".split(),
    "adjective": [""],
}
KINDS = {"verb": "verb", "verb_aa": "verb", "adjective_aa": "adjective", "adjective": "adjective"}
SPELLINGS = 3
PROBES = 200
SHARES = {"test": 0.2, "val": 0.06}
VOWEL_ENDS = tuple("ािीुूेैोौअआइईउऊएऐओऔ")
Row = dict[str, Any]


@cache
def content() -> dict[str, Any]:
    """The hand-written words."""
    return tomllib.loads(FILE.read_text(encoding="utf-8"))


def forms(word_class: str, word: str) -> list[str]:
    """Every form of a word; what ends in a vowel stays as it is, since other endings would be needed."""
    if word_class == "verb_aa":
        word = word.removesuffix("ा")
    if not ENDINGS[word_class][0] and word.endswith(VOWEL_ENDS):
        return [word]
    return [word + ending for ending in ENDINGS[word_class]]


@cache
def rows() -> tuple[Row, ...]:
    """Every spelling of every form, made once."""
    return tuple(made_rows())


def made_rows() -> Iterator[Row]:
    """Spellings with their word, the lemma that keeps its forms together, and its kind."""
    for word_class in ENDINGS:
        for lemma in dict.fromkeys(canonical(content()[word_class]).split()):
            for native in forms(word_class, lemma):
                for roman in spellings(native, SPELLINGS, "own"):
                    kind = KINDS.get(word_class, "noun")
                    yield {"roman": roman, "native": native, "group": lemma, "kind": kind}
    for kind, label in (("everyday", "everyday word"), ("loan", "loan word"), ("name", "name")):
        for native, written in content()[kind].items():
            for roman in written.split():
                yield {"roman": roman, "native": canonical(native), "group": canonical(native), "kind": label}


def families() -> dict[str, str]:
    """For every word the one that stands for all that share a form with it: खाना is a noun and a verb."""
    parent: dict[str, str] = {}

    def top(name: str) -> str:
        while parent.setdefault(name, name) != name:
            name = parent[name]
        return name

    for row in rows():
        parent[top(row["group"])] = top(f"form {row['native']}")
    return {row["group"]: top(row["group"]) for row in rows()}


def split_of(family: str) -> str:
    """The split of a family of words with all their forms, by a hash that never changes."""
    share = share_of(family)
    return "test" if share < SHARES["test"] else "val" if share < sum(SHARES.values()) else "train"


@cache
def own_words() -> Splits:
    """Splits by family; a spelling of a held-out word is taken out of the splits before it.

    The probe `new_spellings` holds words of train in spellings that train does not have.
    """
    family = families()
    parts: dict[str, list[Row]] = {"train": [], "val": [], "test": []}
    for row in rows():
        name = family[row["group"]]
        parts[split_of(name)].append({**row, "group": name})
    asked = {row["roman"] for row in parts["test"]}
    val = [row for row in parts["val"] if row["roman"] not in asked]
    asked |= {row["roman"] for row in val}
    train = [row for row in parts["train"] if row["roman"] not in asked]
    return Splits(
        train=word_examples("train", train),
        val=word_examples("val", val),
        test=word_examples("test", parts["test"]),
        probes={"new_spellings": new_spellings(train, asked)},
        dropped=(f"{len(parts['train']) - len(train)} train spellings that are one of a held-out word, too",),
        source=SOURCE,
    )


def new_spellings(train: list[Row], asked: set[str]) -> tuple[Example, ...]:
    """Words of train in other spellings, drawn by the same rules."""
    known = {row["roman"] for row in train} | asked
    natives = sorted({row["native"] for row in train}, key=share_of)
    found = []
    for native in natives:
        fresh = [roman for roman in spellings(native, SPELLINGS + 2, "probe") if roman not in known]
        found += [{"roman": roman, "native": native} for roman in fresh[:1]]
    return word_examples("probe", found[:PROBES])
