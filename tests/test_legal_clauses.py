"""Legal clauses: split by contract and by wording, and a loader for files in the form of CUAD."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from common import data, usecase
from common.errors import FaultsError
from common.honesty import mean_headline
from usecases.legal_clauses.folder import read_contracts

CASE = usecase.find("legal_clauses")
SPLITS = CASE.load(None)


def test_contracts_and_categories_are_spread_over_splits() -> None:
    assert data.leaks(SPLITS) == []
    for examples in SPLITS.named().values():
        assert len({example.answer for example in examples}) == 10
        per_contract = Counter(example.group for example in examples)
        assert set(per_contract.values()) == {7}
    assert not any("{" in example.inputs for example in SPLITS.test)


def test_words_alone_do_not_solve_it() -> None:
    reached = mean_headline(CASE, SPLITS, CASE.floor(SPLITS)(SPLITS.test))
    assert 0.15 < reached < 0.75


def cuad(*contracts: tuple[str, list[tuple[str, list[str]]]]) -> dict[str, Any]:
    return {
        "version": "aok_v1.0",
        "data": [
            {
                "title": title,
                "paragraphs": [
                    {
                        "context": " ".join(text for _, texts in found for text in texts),
                        "qas": [
                            {
                                "id": f"{title}__{category}",
                                "question": f"Highlight the parts related to {category!r}",
                                "answers": [{"text": text, "answer_start": 0} for text in texts],
                                "is_impossible": not texts,
                            }
                            for category, texts in found
                        ],
                    }
                ],
            }
            for title, found in contracts
        ],
    }


def test_cuad_is_read_by_contract_with_its_categories(tmp_path: Path) -> None:
    clause = "This Agreement is governed by the laws of Ruritania number {}."
    contracts = [
        (f"CONTRACT_{n}", [("Governing Law", [clause.format(n), "2019"]), ("Cap On Liability", [])])
        for n in range(60)
    ]
    path = tmp_path / "CUADv1.json"
    path.write_text(json.dumps(cuad(*contracts)), encoding="utf-8")
    splits = read_contracts(path)
    every = [e for part in splits.named().values() for e in part]
    assert len(every) == 60 and {e.answer for e in every} == {"governing_law"}
    assert splits.source.licence == "CC BY 4.0" and all(splits.named().values())
    groups = [{e.group for e in part} for part in splits.named().values()]
    assert not groups[0] & groups[1] and not groups[0] & groups[2]


def test_a_clause_marked_twice_counts_once(tmp_path: Path) -> None:
    text = "Neither party may assign this Agreement."
    path = tmp_path / "c.json"
    path.write_text(
        json.dumps(cuad(("A", [("Anti-Assignment", [text]), ("Parties", [text])]))), encoding="utf-8"
    )
    every = [e for part in read_contracts(path).named().values() for e in part]
    assert [(e.inputs, e.answer) for e in every] == [(text, "anti-assignment")]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{}", "not CUAD's JSON"),
        ("nothing", "not CUAD's JSON"),
        ('{"data": []}', "no answer with at least"),
        ('{"data": [{"title": "A"}]}', "contract 1: KeyError: 'paragraphs'"),
        ('{"data": ["A"]}', "contract 1: TypeError"),
    ],
)
def test_other_json_is_refused_in_words(content: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(FaultsError, match="fault") as caught:
        read_contracts(path)
    assert any(message in fault for fault in caught.value.faults), caught.value.faults


def test_rows_with_text_and_label_work_too(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    rows = [{"text": f"clause {n} about law", "label": "law", "group": f"contract {n}"} for n in range(40)]
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    assert sum(len(part) for part in CASE.load(path).named().values()) == 40
