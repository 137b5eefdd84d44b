"""A person's own conversations: which shapes are read, what is refused by row, how they are scored."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from common import usecase
from common.errors import FaultsError, GalleryError
from usecases.support_chatbot.folder import read_conversations


def written(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def messages(question: str, answer: str, *before: str) -> list[dict[str, str]]:
    texts = [*before, question, answer]
    roles = ["user", "assistant"] * len(texts)
    return [{"role": role, "content": text} for role, text in zip(roles, texts, strict=False)]


MORE = "saddle marble feather lantern barrel pillow ladder copper velvet ribbon".split()
WORDS = "stone river cloud horse paper candle window garden bottle hammer".split()
SHAPES = [
    [{"messages": messages(f"where is my {w}?", f"Your {w} is in box {n}.")} for n, w in enumerate(WORDS)],
    [{"prompt": f"where is my {w}?", "completion": f"Your {w} is in box {n}."} for n, w in enumerate(WORDS)],
    [
        {"prompt": messages(f"where is my {w}?", "")[:1], "completion": messages("", f"In box {n}.")[1:]}
        for n, w in enumerate(WORDS)
    ],
    [{"text": f"where is my {w}?", "label": f"place_{n % 3}"} for n, w in enumerate(WORDS)],
]


@pytest.mark.parametrize("rows", SHAPES)
def test_every_shape_is_read_scored_and_learnt_from(rows: list[dict[str, Any]], tmp_path: Path) -> None:
    found = usecase.find("support_chatbot")
    splits = found.load(written(tmp_path / "my.jsonl", rows))
    every = [example for part in splits.named().values() for example in part]
    assert len(every) == len(rows) and splits.source.name == "my"
    for example in every:
        assert found.score(example, found.gold(example))["resolved"] == 1
        assert found.score(example, found.blank())["resolved"] == 0
        row = found.train_rows(example, splits)[0]
        assert row["completion"][-1]["content"] == found.gold(example)
    assert len(found.floor(splits)(every)) == len(every)


def test_an_intent_is_the_first_line_and_numbers_must_be_those_of_the_reference(tmp_path: Path) -> None:
    text = "Your parcel 4711 will be with you on Monday at the latest."
    rows = [{"messages": messages(f"{w}?", text), "intent": "Tracking", "split": "train"} for w in WORDS]
    found = usecase.find("support_chatbot")
    example = found.load(written(tmp_path / "my.jsonl", rows)).train[0]
    assert found.gold(example) == f"Tracking\n{text}"
    assert found.score(example, f"tracking\n{text}")["intent"] == 1
    row = found.score(example, f"tracking\n{text.replace('4711', '4712')}")
    assert row["resolved"] == row["values_right"] == 0 and row["invented"] == 1


def test_earlier_answers_are_learnt_and_splits_are_kept(tmp_path: Path) -> None:
    rows = [
        {"messages": messages(f"and {w}?", f"Later {w}.", "hello", "Good day."), "split": split}
        for w, split in zip(WORDS, ["train"] * 8 + ["dev", "test"], strict=True)
    ]
    found = usecase.find("support_chatbot")
    splits = found.load(written(tmp_path / "my.jsonl", rows))
    assert [len(part) for part in splits.named().values()] == [8, 1, 1]
    row = found.train_rows(splits.train[0], splits)[0]
    assert len(row["prompt"]) == 1 and len(row["completion"]) == 3


PUBLIC = [
    {
        "flags": "BQZ",
        "category": "ORDER",
        "instruction": "cancel {w}",
        "response": "Sure.",
        "intent": "cancel",
    },
    {"instruction": "Cancel it.", "input": "{w}", "output": "Sure."},
    {"question": "cancel {w}", "answer": "Sure."},
    {"text": "cancel {w}", "category": "cancel"},
    {"text": "cancel {w}", "intent": "cancel", "label": "cancel"},
    {"conversations": [{"from": "human", "value": "cancel {w}"}, {"from": "gpt", "value": "Sure."}]},
]


@pytest.mark.parametrize("row", PUBLIC)
@pytest.mark.parametrize("ending", ["jsonl", "csv"])
def test_rows_in_the_columns_of_public_sets_are_read(
    row: dict[str, Any], ending: str, tmp_path: Path
) -> None:
    rows = [json.loads(json.dumps(row).replace("{w}", word)) for word in WORDS]
    path = written(tmp_path / "my.jsonl", rows)
    if ending == "csv":
        if "conversations" in row:
            pytest.skip("a cell holds no list")
        path = tmp_path / "my.csv"
        with path.open("w", newline="", encoding="utf-8") as file:
            table = csv.DictWriter(file, list(row))
            table.writeheader()
            table.writerows(rows)
    splits = read_conversations(path)
    found = {example.id: example for part in splits.named().values() for example in part}
    first = found["row 2" if ending == "csv" else "row 1"]
    assert len(found) == 10 and WORDS[0] in first.inputs
    wanted = {"instruction": "Sure.", "question": "Sure.", "conversations": "Sure."}
    text = wanted.get(next(iter(row)), "cancel") if "flags" not in row else "cancel\nSure."
    assert first.answer["text"] == text and first.answer["intents"] == (["cancel"] if "flags" in row else [])


def test_a_chat_as_people_write_it_is_tidied(tmp_path: Path) -> None:
    said = [
        ("agent", "Hi, how can I help?"),
        ("customer", "it is about"),
        ("customer", "my {w}"),
        ("agent", "Which one?"),
        ("customer", "the red one"),
        ("agent", "It is in box 7."),
        ("customer", "thanks, bye"),
    ]
    rows = [
        {"messages": [{"role": role, "content": text.replace("{w}", word)} for role, text in said]}
        for word in WORDS
    ]
    found = usecase.find("support_chatbot")
    splits = found.load(written(tmp_path / "my.jsonl", rows))
    [example, *_] = splits.train
    assert example.answer["text"] == "It is in box 7."
    row = found.train_rows(example, splits)[0]
    roles = [message["role"] for message in (*row["prompt"], *row["completion"])]
    assert roles == ["assistant", "user", "assistant", "user", "assistant"] and len(row["prompt"]) == 2
    assert row["prompt"][1]["content"].startswith("it is about\nmy ")


BROKEN = [
    ({"messages": messages("a", "b"), "prompt": "c", "completion": "d"}, "must have one of messages"),
    ({"question": "a"}, "must have one of messages"),
    ({"messages": "hello"}, "must be a list of messages"),
    ({"messages": messages("a", "b")[:1]}, "must end with a user message and the assistant's answer"),
    ({"messages": [{"role": "bot", "content": "a"}]}, "message 1: role must be one of"),
    ({"messages": messages("a", " ")}, "message 2: content must be text"),
    ({"prompt": "a", "completion": 3}, "message 2: content must be text, found 3"),
    ({"text": "a", "label": 3}, "message 2: content must be text, found 3"),
    ({"prompt": "a", "completion": "b", "intent": 3}, "intent must be a name as text, found 3"),
    ({"prompt": "a", "completion": "b", "question": "a", "answer": "b"}, "must have one of messages"),
    ({"prompt": "a", "completion": "b", "split": "exam"}, "split 'exam' is none of"),
]


@pytest.mark.parametrize(("row", "message"), BROKEN)
def test_faults_are_named_by_row(row: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(FaultsError, match=rf"my.jsonl row 2.*{message}"):
        read_conversations(written(tmp_path / "my.jsonl", [SHAPES[1][0], row]))


def test_too_few_rows_and_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(GalleryError, match="10 are the least"):
        read_conversations(written(tmp_path / "my.jsonl", SHAPES[1][:3]))
    with pytest.raises(
        FaultsError, match=r"expected files such as train.jsonl and test.jsonl, found my.jsonl"
    ):
        read_conversations(tmp_path)
    with pytest.raises(GalleryError, match=r"ends in .jsonl, .*, or a folder of such files, found .txt"):
        read_conversations(tmp_path / "my.txt")


def test_a_folder_of_published_files_keeps_their_splits(tmp_path: Path) -> None:
    rows = [{"question": f"where is my {word}", "answer": f"The {word} is there."} for word in WORDS]
    written(tmp_path / "train.jsonl", rows[:7])
    written(tmp_path / "validation.jsonl", rows[7:8])
    written(tmp_path / "test.jsonl", [*rows[8:], rows[0]])
    splits = read_conversations(tmp_path)
    assert [len(part) for part in splits.named().values()] == [6, 1, 3]
    assert splits.test[0].id == "row 1 of test.jsonl"
    assert splits.dropped == ("1 of 7 train rows left out, since they nearly stand in a later split",)


def test_rows_per_label_are_limited_and_near_duplicates_stay_together(tmp_path: Path) -> None:
    rows = [{"text": f"{word} number {n}", "label": word} for word in (*WORDS, *MORE) for n in range(5)]
    splits = read_conversations(written(tmp_path / "my.jsonl", rows), rows_per_label=3)
    every = [example for part in splits.named().values() for example in part]
    assert len(every) == 60 and all(len(part) > 0 for part in splits.named().values())
    homes = {(e.answer["text"], name) for name, part in splits.named().items() for e in part}
    assert len(homes) == len(WORDS) + len(MORE)


def test_one_question_is_put_beside_a_card_from_a_file(tmp_path: Path) -> None:
    found = usecase.find("support_chatbot")
    card = tmp_path / "card.toml"
    card.write_text('intent = "return item"\ndeadline = "30 days"\n', encoding="utf-8")
    said = found.ask("how long?", card, lambda prompts: [prompts[0][0]["content"].splitlines()[-1]])
    assert said == "return item; deadline 30 days"
    card.write_text("deadline = 30\n", encoding="utf-8")
    for path, message in (
        (card, "is no text"),
        (None, "No policy card"),
        (tmp_path / "none", "cannot be read"),
    ):
        with pytest.raises(GalleryError, match=message):
            found.ask("how long?", path, lambda prompts: [""])
