"""Prompts: slots, budgets, value linking, and the hash that ties a prompt to its adapter."""

from dataclasses import replace

import pytest

from usecases.english_to_sql import prompt as prompt_module
from usecases.english_to_sql.linking import column_scores, link_values
from usecases.english_to_sql.load_schema import with_values
from usecases.english_to_sql.prompt import (
    PromptOptions,
    build_prompt,
    gold_column_recall,
    prompt,
    template_hash,
)
from usecases.english_to_sql.schema import (
    Column,
    ForeignKey,
    Schema,
    SchemaError,
    Table,
    map_columns,
    shuffle,
)
from usecases.english_to_sql.serialize import SERIALIZERS

QUESTION = "Which makers in Havenport finished pieces of oak?"


@pytest.fixture(scope="module")
def shop() -> Schema:
    tables = (
        Table(
            "client",
            (
                Column("id", "INTEGER", description="key of the client"),
                Column("city", readable="home town", values=("New York", "Oslo", "1999", "in")),
            ),
            ("id",),
        ),
        Table(
            "sale",
            (
                Column("client_id", "INTEGER"),
                Column("amount", "REAL", description="money paid", values=(1.5,)),
                Column("goods", values=("Green Tea", "tea")),
            ),
        ),
    )
    keys = (ForeignKey("sale", ("client_id",), "client", ("id",)),)
    return Schema("shop", tables, keys, ("a big sale is above 100",))


def test_the_default_prompt_is_short(shop: Schema) -> None:
    assert prompt(shop, "Who bought\ngreen tea?") == (
        "client(id* int [key of the client], city [home town])\n"
        "sale(client_id int>client, amount real [money paid], goods)\n"
        "note: a big sale is above 100\n"
        "match: sale.goods = 'Green Tea'\n"
        "match: sale.goods = 'tea'\n"
        "Q: Who bought green tea?\n"
        "SQL:"
    )


def test_all_slots_stand_in_their_order(shop: Schema) -> None:
    options = PromptOptions("ddl", "block", abstain=True, clock="2024-06-15 12:00:00")
    text = prompt(shop, "green tea", options)
    marks = ["SQLite, now 2024", "CREATE TABLE client", "sale.client_id -> client.id", "note: ",
             "match: ", "write UNANSWERABLE", "Q: green tea", "SQL:"]  # fmt: skip
    places = [text.index(mark) for mark in marks]
    assert places == sorted(places) and text.endswith("SQL:") and "FOREIGN KEY" not in text
    assert "->" not in prompt(shop, "x", replace(options, keys="none"))
    with pytest.raises(ValueError, match="keys 'x' is unknown"):
        PromptOptions(keys="x")


def test_schema_only_shows_no_value(shop: Schema) -> None:
    for serializer in SERIALIZERS:
        options = PromptOptions(serializer, samples=3, schema_only=True)
        text = prompt(shop, "Who in Oslo bought green tea?", options)
        assert "Green Tea" not in text and "match" not in text
        assert "Green Tea" in prompt(shop, "x", replace(options, schema_only=False)) or (serializer == "ddl")


def test_values_are_linked(shop: Schema) -> None:
    def linked(question: str) -> list[str]:
        return [match.value for match in link_values(shop, question)]

    assert linked("clients in new york") == ["New York"]
    assert linked("clients in new-yrok?") == ["New York"]
    assert linked("clients in York, new") == []
    assert linked("sales in 1999") == []
    assert link_values(shop, "green tea", limit=1)[0].column == "goods"


def test_scores_follow_the_question(shop: Schema) -> None:
    scores = column_scores(shop, "What is the home town of each client?")
    assert max(scores, key=lambda place: scores[place]) == ("client", "city")


def test_budgets_drop_in_order_and_never_cut_a_line(
    workshop: Schema, workshop_instances: list[bytes]
) -> None:
    described = map_columns(workshop, lambda _, c: replace(c, description=f"a {c.name} of it"))
    schema = with_values(described, workshop_instances[0])
    full = PromptOptions(samples=2, link_values=False)
    whole = build_prompt(schema, QUESTION, full)
    assert not whole.truncated and whole.schema == schema
    stages: list[int] = []
    for budget in range(len(whole.text) - 1, 110, -20):
        built = build_prompt(schema, QUESTION, replace(full, budget=budget))
        assert len(built.text) <= budget and built.truncated
        assert built.text.endswith(f"Q: {QUESTION}\nSQL:")
        assert all(line.endswith(")") for line in built.schema_text.splitlines())
        assert ("[a " in built.text) == ("descriptions" not in built.dropped)
        assert (" int" in built.text) == ("types" not in built.dropped)
        stages.append(built.dropped.count(",") + 1)
    assert stages == sorted(stages) and set(stages) == {1, 2, 3, 4, 5}
    assert "tables" in built.dropped and "piece" in built.schema.names()


def test_keys_outlive_other_columns(workshop: Schema) -> None:
    built = build_prompt(workshop, "price?", PromptOptions(budget=235))
    assert "columns" in built.dropped and "tables" not in built.dropped, built.dropped
    assert set(built.schema.foreign_keys) == set(workshop.foreign_keys)
    assert "price" in built.schema.names()["piece"]


def test_3000_columns_fit_any_budget_with_the_asked_ones_kept() -> None:
    tables = tuple(
        Table(f"ward{i}", tuple(Column(f"reading{i}x{j}", "REAL") for j in range(100))) for i in range(30)
    )
    tables += (Table("nurse", (Column("nurse_id"), Column("shift_hours"), Column("badge"))),)
    wide = Schema("clinic", tables)
    built = build_prompt(wide, "How many shift hours has each nurse?", PromptOptions(budget=2000))
    assert built.truncated and len(built.text) <= 2000
    gold = [("nurse", "shift_hours"), ("NURSE", "Badge")]
    assert gold_column_recall(built.schema, gold) == 1.0
    assert gold_column_recall(built.schema, [*gold, ("ward1", "reading1x1")]) < 1.0
    assert gold_column_recall(built.schema, []) == 1.0
    with pytest.raises(SchemaError, match="schema clinic: the smallest prompt measures .* budget"):
        build_prompt(wide, "why? " * 30, PromptOptions(budget=100))


def test_the_measure_may_count_tokens(workshop: Schema) -> None:
    built = build_prompt(workshop, "price?", PromptOptions(budget=40), lambda t: len(t.split()))
    assert len(built.text.split()) <= 40 < len(prompt(workshop, "price?").split())


def test_shuffled_schemas_use_the_same_prompt_code(workshop: Schema) -> None:
    lines = prompt(workshop, "q").splitlines()
    other = prompt(shuffle(workshop, 5), "q").splitlines()
    assert other != lines and len(other) == len(lines)


def test_template_hash_follows_options_and_code(monkeypatch: pytest.MonkeyPatch) -> None:
    before = template_hash(PromptOptions())
    assert before == template_hash(PromptOptions())
    others = {
        template_hash(PromptOptions(**change))
        for change in (
            {"serializer": "ddl"}, {"keys": "none"}, {"types": False}, {"descriptions": False},
            {"samples": 1}, {"link_values": False}, {"schema_only": True}, {"abstain": True},
            {"clock": "2024-01-01"}, {"budget": 99},
        )
    }  # fmt: skip
    assert len(others) == 10 and before not in others
    monkeypatch.setattr(prompt_module, "ANSWER_MARKER", "SQL: ")
    assert template_hash(PromptOptions()) != before
