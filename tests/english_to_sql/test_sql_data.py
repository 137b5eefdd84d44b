"""The shipped data: schemas kept apart, right answers, held-out words, the same every time."""

import random
import re
import sqlite3
from collections import Counter
from collections.abc import Iterable
from itertools import product
from pathlib import Path

import pytest

from common.usecase import Example, Splits
from usecases.english_to_sql import data
from usecases.english_to_sql.build import UNANSWERABLE, make_held_out, make_training
from usecases.english_to_sql.content import domains, read_field, schema_of
from usecases.english_to_sql.judge import ABSTAIN_MARKER
from usecases.english_to_sql.load_schema import database_from_script
from usecases.english_to_sql.phrases import phrasings
from usecases.english_to_sql.restyle import restyled
from usecases.english_to_sql.schema import remove_column
from usecases.english_to_sql.serialize import create_script
from usecases.english_to_sql.store import Stored, as_example, kept, key, read, write

EMPTY_WORDS = set("a an the all of for please me".split())
NAMES = re.compile(r"\b(?:FROM|JOIN) (\w+)")
WORD = re.compile(r"'(?:[^']|'')*'|\b\d+(?:\.\d+)?\b|\b[a-zA-Z_]\w*\b")
SQL_WORDS = set(
    """SELECT DISTINCT FROM JOIN ON AS WHERE AND OR NOT IN IS NULL LIKE BETWEEN GROUP BY HAVING ORDER DESC
    LIMIT COUNT SUM AVG MIN MAX INTERSECT EXCEPT UNION""".split()
)


@pytest.fixture(scope="module")
def splits() -> Splits:
    return data.load()


def test_counts_and_schemas(splits: Splits) -> None:
    assert 6000 <= len(splits.train) <= 10_000
    by_hand = [e for e in splits.val if e.kind == "hand-written"]
    assert (len(splits.val) - len(by_hand), len(splits.test)) == (400, 800)
    assert len(by_hand) >= 50
    assert Counter(domain.split for domain in domains()) == {"train": 62, "val": 4, "test": 8}
    assert all(4 <= len(domain.entities) <= 7 for domain in domains())
    assert len(splits.probes["hand_written"]) >= 98  # of 100; what says too little is dropped in plain sight
    assert [len(splits.probes[f"order_{n}"]) for n in range(1, 6)] == [80] * 5
    assert len(splits.probes["paraphrases"]) >= 100


def test_half_of_the_schemas_have_a_bridge_or_a_self_reference() -> None:
    special = [
        domain
        for domain in domains()
        if any(len(entity.key) > 1 for entity in domain.entities)
        or any(child is parent for child, _, parent in domain.links())
    ]
    assert len(special) >= len(domains()) / 2


def test_no_schema_stands_in_two_splits(splits: Splits) -> None:
    groups = {name: {example.group for example in part} for name, part in splits.named().items()}
    assert not groups["train"] & groups["val"]
    assert not (groups["train"] | groups["val"]) & groups["test"]
    assert not data.overlaps(domains())


def test_the_overlap_check_finds_a_copied_schema() -> None:
    train, test = data.of_split("train")[0], data.of_split("test")[0]
    copied = type(test)("copied", "test", train.entities)
    assert "copied share 1.00" in data.overlaps([train, copied])[0]


def skeletons(examples: tuple[Example, ...]) -> set[tuple[str, str]]:
    """(query without names and values, table) of every example."""

    def folded(match: re.Match[str]) -> str:
        return match[0] if match[0] in SQL_WORDS else "x"

    return {
        (WORD.sub(folded, e.answer), table.lower()) for e in examples for table in NAMES.findall(e.answer)
    }


def test_no_skeleton_and_table_are_shared(splits: Splits) -> None:
    held_out = skeletons(splits.val), skeletons(splits.test)
    assert not skeletons(splits.train) & (held_out[0] | held_out[1])
    assert not held_out[0] & held_out[1]


def test_tiers_and_the_share_without_an_answer(splits: Splits) -> None:
    for part in splits.named().values():
        made = [example for example in part if example.kind != "hand-written"]
        share = {kind: count / len(made) for kind, count in Counter(e.kind for e in made).items()}
        assert share[UNANSWERABLE] == pytest.approx(0.1, abs=0.02)
        assert share["easy"] == pytest.approx(0.28, abs=0.05)
        assert share["medium"] == pytest.approx(0.32, abs=0.05)
        assert share["hard"] == pytest.approx(0.18, abs=0.04)
        assert share["extra"] >= 0.09


def test_unanswerable_questions_lack_a_column_that_they_name(splits: Splits) -> None:
    missing = [e for e in splits.test if e.kind == UNANSWERABLE]
    assert all(e.answer == ABSTAIN_MARKER for e in missing)
    for example in missing:
        table, column = example.inputs["removed"].split(".")
        field = data.domain_of(example.group).entity(table).field(column)
        assert any(say.lower() in example.inputs["question"].lower() for say in field.says)
        shown = remove_column(data.schema(example.group), table, column)
        assert column not in shown.names().get(table, [])


def worded(forms: Iterable[str]) -> set[str]:
    """Every way to draw the phrasings, without case, marks and words that say nothing."""
    drawn = set()
    for form in forms:
        parts = re.split(r"\[([^\]]*)\]", form)
        choices = [part.split("|") if place % 2 else [part] for place, part in enumerate(parts)]
        for one in product(*choices):
            words = re.findall(r"[a-z{}<>=]+", "".join(one).lower())
            drawn.add(" ".join(word for word in words if word not in EMPTY_WORDS))
    return drawn


def test_every_kind_has_many_phrasings_and_some_that_are_held_out() -> None:
    for section, kinds in phrasings().items():
        for kind, uses in kinds.items():
            seen, train, val, held = (worded(uses[use]) for use in ("seen", "train", "val", "held"))
            assert min(len(seen), len(train)) >= (16 if section != "clauses" else 6), kind
            fewest = 1 if section == "clauses" else 2
            assert min(len(held), len(val)) >= fewest, kind
            assert not held & (seen | train | val) and not val & (seen | train) and not train & seen, kind


def holes(form: str) -> set[str]:
    """What a phrasing is filled with; "3 boats" and "3" are one."""
    return {"k" if name in ("kP", "kn") else name for name in re.findall(r"{(\w+)}", form)}


def test_every_phrasing_has_the_holes_of_its_kind() -> None:
    for kinds in phrasings().values():
        for kind, uses in kinds.items():
            needed = set.intersection(*(holes(form) for form in uses["held"])) - {"l"}
            for form in (*uses["seen"], *uses["train"], *uses["val"]):
                assert form.count("[") == form.count("]"), form
                assert needed <= holes(form), (kind, form)


def test_held_out_phrasings_stand_in_val_or_in_test_only(splits: Splits) -> None:
    uses = {name: Counter(e.extra["phrasing"] for e in part) for name, part in splits.named().items()}
    assert not uses["train"]["held out"]
    assert uses["val"]["held out"] >= 0.4 * len(splits.val)
    assert uses["test"]["held out"] >= 0.4 * len(splits.test)
    starts = ("Tally the", "Pair the")
    assert [e for e in splits.test if e.inputs["question"].startswith(starts)]
    assert not [e for e in (*splits.train, *splits.val) if e.inputs["question"].startswith(starts)]


def test_training_alone_has_the_phrasings_of_its_own(splits: Splits) -> None:
    start = "Mind "  # of a phrasing that only training has
    assert any(form.startswith(start) for uses in phrasings()["asks"].values() for form in uses["train"])
    assert [e for e in splits.train if e.inputs["question"].startswith(start)]
    assert not [e for e in (*splits.val, *splits.test) if e.inputs["question"].startswith(start)]


def test_training_queries_run_on_their_own_schema(splits: Splits) -> None:
    chosen = random.Random(3).sample([e for e in splits.train if e.kind != UNANSWERABLE], 250)
    for example in chosen:
        schema = data.schema(example.inputs["schema_id"])
        connection = sqlite3.connect(":memory:")
        connection.deserialize(database_from_script(create_script(schema), schema.name))
        try:
            connection.execute(example.answer)
        except sqlite3.Error as error:
            pytest.fail(f"{example.id}: {example.answer}: {error}")


def test_training_answers_have_one_style(splits: Splits) -> None:
    for example in splits.train:
        assert '"' not in example.answer and ";" not in example.answer
        assert (" JOIN " in example.answer) == (" AS T1" in example.answer)


def test_the_same_seed_makes_the_same_data() -> None:
    domain = restyled(data.of_split("train")[0], 3)
    assert make_training(domain, 12) == make_training(domain, 12)
    test = data.of_split("test")[0]
    first = make_held_out(test, 12, "held", ())
    assert first == make_held_out(test, 12, "held", ())
    assert len(first.databases) == 9


def test_variants_keep_the_shape_and_change_the_names() -> None:
    domain = data.of_split("train")[0]
    changed = restyled(domain, 5)
    assert [len(e.fields) for e in changed.entities] == [len(e.fields) for e in domain.entities]
    assert [e.name for e in changed.entities] != [e.name for e in domain.entities]
    assert schema_of(changed).foreign_keys


def test_a_broken_column_line_is_named() -> None:
    with pytest.raises(Exception, match="clinic.toml: cannot read the column line"):
        read_field("one two three four", "clinic.toml")


def test_the_cache_gives_back_what_was_put_in(tmp_path: Path, splits: Splits) -> None:
    made = Stored({"test": splits.test[:5]}, {"energy": data.databases("energy")[:2]}, ("one",))
    write(tmp_path / "english_to_sql-x.zip", made)
    assert read(tmp_path / "english_to_sql-x.zip") == made
    assert re.fullmatch(r"[0-9a-f]{16}", key())
    assert as_example({**vars(splits.test[0])}) == splits.test[0]


def test_a_broken_cache_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("usecases.english_to_sql.store.CACHE", tmp_path)
    (tmp_path / f"english_to_sql-{key()}.zip").write_bytes(b"not a zip")
    made = Stored({}, {}, ("fresh",))
    assert kept(lambda: made) == made
    assert kept(lambda: Stored({}, {}, ("again",))).dropped == ("fresh",)
