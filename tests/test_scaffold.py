"""`gallery new` and `gallery check`: what is written holds the contract, what is broken is named."""

import csv
import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import pyarrow.parquet
import pytest
from datasets import ClassLabel, Dataset, Features, Value
from typer.testing import CliRunner

from common import check, config, contract, data, parts, record, run, scaffold, usecase
from common.cli import app
from common.errors import FaultsError, GalleryError
from common.examples import read_examples
from common.floors import character_label, nearest_answer
from common.usecase import Example, Splits
from tests import toy


@pytest.mark.parametrize("kind", scaffold.kinds())
def test_every_template_holds_the_contract_under_its_new_name(kind: str, tmp_path: Path) -> None:
    made = scaffold.create("invoice_routing", kind, tmp_path)
    assert len(made) <= 5
    text = "".join(path.read_text(encoding="utf-8") for path in made)
    assert "InvoiceRouting" in text and "Invoice routing" in text
    assert "my_usecase" not in text.lower().replace(" ", "_") and "MyUsecase" not in text
    assert contract.check(tmp_path / "invoice_routing") == []


def test_the_template_follows_the_tuner_of_the_case_that_is_named() -> None:
    assert scaffold.template_for("knowledge_search").name == "embed"
    assert scaffold.template_for("support_chatbot").name == "sft"
    with pytest.raises(GalleryError, match="vision tuner, which has no template"):
        scaffold.template_for("surface_defects")
    with pytest.raises(GalleryError, match="Unknown use case"):
        scaffold.template_for("nowhere")


@pytest.mark.parametrize("name", ["", "Bad", "two words", "9lives", "a__b", "class", "../up", "x" * 41])
def test_a_name_that_is_no_module_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(GalleryError, match="cannot name a use case"):
        scaffold.create(name, "classify", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    scaffold.create("twice", "classify", tmp_path)
    with pytest.raises(GalleryError, match="exists already"):
        scaffold.create("twice", "classify", tmp_path)


def test_check_names_the_rule_the_fault_and_the_mend(tmp_path: Path) -> None:
    folder = toy.write(tmp_path, ('return {"label": example.answer}', 'return {"label": "tool"}'))
    found = {finding.rule: finding for finding in check.check(folder, smoke=False)}
    broken = found["gold scores 1.0, blank does not"]
    assert not broken.passed and "gold of test" in broken.faults[0]
    lines = check.lines_of(broken)
    assert lines[0].startswith("FAIL") and "mend: mend score()" in lines[-1]
    assert found["imports"].passed and found["same data everywhere"].passed
    said = json.loads(check.as_json("toy", list(found.values())))
    assert said["passed"] is False and {"rule", "passed", "faults", "mend"} <= said["rules"][0].keys()


def test_check_stops_before_the_data_of_a_class_that_cannot_be_loaded(tmp_path: Path) -> None:
    folder = toy.write(tmp_path, ("class Toy(UseCase):", "class Toy(UseCase:"))
    first, *_, last = check.check(folder, smoke=False)
    assert "usecase.py line" in first.faults[0] and "is not Python" in first.faults[0]
    assert last.rule == "loads" and not last.passed
    folder = toy.write(tmp_path, ("from collections import Counter", "from nowhere import Counter"))
    found = check.check(folder, smoke=False)
    assert found[-1].rule == "loads" and "No module named 'nowhere'" in found[-1].faults[0]


def test_an_untouched_sentence_of_the_template_is_noted(tmp_path: Path) -> None:
    scaffold.create("fresh", "classify", tmp_path)
    assert len(check.left_of_template(tmp_path / "fresh")) == 2
    assert check.left_of_template(toy.write(tmp_path)) == []


class Packs:
    """Ten examples that stand in one row, where all of them are there."""

    def configured(self, task: object) -> "Packs":
        return self

    def training_set(self, splits: Splits) -> list[str]:
        return list({example.group for example in splits.train})


def test_a_whole_run_is_foretold_by_rows_where_examples_share_them() -> None:
    train = tuple(Example(str(n), str(n // 10), f"text {n}", "a") for n in range(1000))
    made = SimpleNamespace(config={"task": {}}, training={"seconds": 60.0}, contenders={})
    rows = Packs().training_set(parts.smoke_sample(Splits(train, (), ())))
    foretold = check.predicted_minutes(Packs(), made, Splits(train, (), ()), 0.5)
    assert len(rows) > 20 and foretold == pytest.approx(0.5 * 100 / len(rows))


def test_a_smoke_run_learns_and_its_weights_are_the_ones_that_were_scored(tmp_path: Path) -> None:
    folder = toy.write(tmp_path, variant='method = "head"\n')
    found = usecase.load_class(folder / "usecase.py")()
    settings = config.build(found, "offline", {"smoke": True})
    made = run.execute(found, settings, tmp_path / "out")
    splits = found.load(None)
    assert check.learning_faults(found, splits, made, tmp_path / "out") == []
    assert 0 < check.predicted_minutes(found, made, splits, 1.0) < 1
    assert "accuracy" in check.standing(made) and "tuned" in check.standing(made)
    assert check.reload_faults(found, settings, tmp_path / "out") == []
    tuned = made.contenders["tuned"]["scores"]["accuracy"]
    silent = made.model_copy(
        update={"contenders": {"tuned": {"scores": {"accuracy": {**tuned, "mean": 0.0}}}}}
    )
    assert "no more than the blank" in check.learning_faults(found, splits, silent, tmp_path / "out")[0]
    record.write_jsonl(tmp_path / "out" / "seed-0" / "train.jsonl", [{"loss": n} for n in (1.0, 1.0, 1.5)])
    assert "loss did not fall" in check.learning_faults(found, splits, made, tmp_path / "out")[0]
    turn_round(tmp_path / "out" / "seed-0" / "adapter" / "head.safetensors")
    assert "the stored weights score otherwise" in check.reload_faults(found, settings, tmp_path / "out")[0]


def turn_round(path: Path) -> None:
    """Spoils stored weights as a wrong adapter would."""
    from safetensors.numpy import load_file, save_file

    save_file({name: -value for name, value in load_file(path).items()}, path)


ROWS = [("red light", "stop", "train"), ("green light", "go", "test"), ("amber, blinking", "wait", "dev")]


def table_of(folder: Path, ending: str, rows: list[dict[str, str]]) -> Path:
    """Rows in a file of that kind."""
    path = folder / f"rows.{ending}"
    if ending == "parquet":
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), path)
    elif ending == "json":
        path.write_text(json.dumps(rows), encoding="utf-8")
    elif ending == "jsonl":
        path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    else:
        with path.open("w", newline="", encoding="utf-8-sig") as file:
            writer = csv.DictWriter(file, rows[0], delimiter="\t" if ending == "tsv" else ",")
            writer.writeheader()
            writer.writerows(rows)
    return path


@pytest.mark.parametrize("ending", ["jsonl", "csv", "tsv", "json", "parquet"])
def test_rows_are_read_alike_from_every_kind_of_file(tmp_path: Path, ending: str) -> None:
    path = table_of(tmp_path, ending, [{"text": t, "label": a, "split": s} for t, a, s in ROWS])
    found = read_examples(path, "text", "label")
    answers = {name: [(e.inputs, e.answer) for e in part] for name, part in found.named().items()}
    assert answers["train"] == [("red light", "stop")] and answers["test"] == [("green light", "go")]
    assert answers["val"] == [("amber, blinking", "wait")] and data.leaks(found) == []


def test_labels_that_datasets_stores_as_numbers_get_their_names(tmp_path: Path) -> None:
    features = Features({"text": Value("string"), "label": ClassLabel(names=["stop", "go", "wait"])})
    lines = {"text": [text for text, _, _ in ROWS], "label": [label for _, label, _ in ROWS]}
    lines["text"].append("no label here")
    lines["label"].append(-1)
    Dataset.from_dict(lines, features).to_parquet(tmp_path / "rows.parquet")
    with pytest.raises(FaultsError) as caught:
        read_examples(tmp_path / "rows.parquet", "text", "label")
    assert caught.value.faults == ["rows.parquet row 4: column 'label' must be str, found -1"]
    Dataset.from_dict({k: v[:3] for k, v in lines.items()}, features).to_parquet(tmp_path / "rows.parquet")
    found = read_examples(tmp_path / "rows.parquet", "text", "label")
    answers = {e.inputs: e.answer for part in found.named().values() for e in part}
    assert answers == {text: label for text, label, _ in ROWS}


def test_a_folder_of_published_files_keeps_their_splits_and_drops_what_repeats(tmp_path: Path) -> None:
    things = "kettle lantern anchor saddle violin compass ladder anvil barrel candle".split()
    rows = [{"text": f"where is the {thing}", "label": thing[0]} for thing in things]
    table_of(tmp_path, "csv", [*rows[:6], {"text": "Where is the ladder?", "label": "l"}]).rename(
        tmp_path / "train.csv"
    )
    table_of(tmp_path, "parquet", rows[8:]).rename(tmp_path / "validation-00000-of-00001.parquet")
    table_of(tmp_path, "json", rows[6:8]).rename(tmp_path / "things_test.json")
    found = read_examples(tmp_path, "text", "label")
    assert [len(part) for part in found.named().values()] == [6, 2, 2] and data.leaks(found) == []
    assert found.test[0].id == "row-1 of things_test.json"
    assert found.dropped == ("1 of 7 train rows left out, since they nearly stand in a later split",)


@pytest.mark.parametrize("other", ["test", "dev"])
def test_without_a_file_for_it_some_training_rows_choose(tmp_path: Path, other: str) -> None:
    names = [f"{a}{b}{a * 3}{b * 4}" for a in "abcdefgh" for b in "klmnopqr"][:62]
    rows = [{"text": f"{name} {name[::-1]}", "label": name} for name in names]
    table_of(tmp_path, "jsonl", rows[:60]).rename(tmp_path / "train.jsonl")
    table_of(tmp_path, "jsonl", rows[60:]).rename(tmp_path / f"{other}.jsonl")
    found = read_examples(tmp_path, "text", "label")
    assert {e.answer for e in found.test} == set(names[60:])
    assert [len(part) for part in found.named().values()] == [54, 6, 2]


@pytest.mark.parametrize("names", [[], ["train.csv"], ["test.csv"], ["rows.csv", "more.csv"]])
def test_a_folder_without_files_for_the_splits_says_what_it_should_hold(
    tmp_path: Path, names: list[str]
) -> None:
    for name in names:
        (tmp_path / name).write_text("text,label\na,b\n")
    shown = ", ".join(sorted(names)) or "nothing"
    with pytest.raises(
        FaultsError, match=f"expected files such as train.jsonl and test.jsonl, found {shown}"
    ):
        read_examples(tmp_path, "text", "label")


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.json", "{", "a.json: cannot be read as JSON"),
        ("a.json", "{}", "expected a list of rows, found dict"),
        ("a.json", '[1, {"text": "a", "label": "b"}]', "a.json row 1: expected a JSON object, found int"),
        ("a.json", '[{"text": "a"}]', "a.json row 1: column 'label' is missing"),
        ("a.json", "[]", "the file is empty"),
        ("a.parquet", "no table", "a.parquet: cannot be read as PARQUET"),
        ("a.tsv", "text\tlabel\na\n", "a.tsv row 2: column 'label' must be str, found None"),
        ("a.csv", "text,label\nb\xfc,c\n", "a.csv: cannot be read as CSV, in UTF-8"),
    ],
)
def test_a_file_that_is_not_what_its_name_says_is_named(
    tmp_path: Path, name: str, text: str, message: str
) -> None:
    (tmp_path / name).write_bytes(text.encode("latin-1"))
    with pytest.raises(FaultsError) as caught:
        read_examples(tmp_path / name, "text", "label")
    assert message in str(caught.value)


def test_faults_of_a_table_carry_rows_and_come_at_once(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("id,text,label,split\n1,a,x,train\n1,b,,train\n3,c,z,later\n4,d,x,\n", encoding="utf-8")
    with pytest.raises(FaultsError) as caught:
        read_examples(path, "text", "label", answers=("x", "y"))
    said = " | ".join(caught.value.faults)
    for part in (
        "row 3: column 'label'",
        "row 3: id '1'",
        "row 4: split 'later'",
        "3 of 4 rows",
        "'z' is none of",
    ):
        assert part in said, said


def test_floors_learn_and_survive_one_label() -> None:
    def made(split: str, texts: dict[str, str]) -> tuple[Example, ...]:
        return tuple(Example(f"{split}-{t}", t, t, label) for t, label in texts.items())

    train = made(
        "train", {"red apples": "fruit", "ripe apple": "fruit", "steel hammer": "tool", "hammers": "tool"}
    )
    test = made("test", {"an apple": "fruit", "one hammer": "tool"})
    splits = Splits(train, (), test)
    labels = [answer["label"] for answer in character_label(splits, lambda e: e.inputs)(test)]
    assert labels == ["fruit", "tool"]
    only = character_label(Splits(train[:2], (), test), lambda e: e.inputs)(test)
    assert [answer["label"] for answer in only] == ["fruit", "fruit"]
    assert nearest_answer(splits, lambda e: e.inputs)(test)[1].answer == "tool"


def test_a_contributor_edits_no_other_file(tmp_path: Path) -> None:
    scaffold.create("elsewhere", "classify", tmp_path)
    assert usecase.names(tmp_path) == ["elsewhere"]
    assert usecase.find("elsewhere", tmp_path).title == "Elsewhere"
    shutil.rmtree(tmp_path / "elsewhere")
    assert usecase.names(tmp_path) == []


def test_the_command_gives_findings_for_machines_and_an_exit_code(tmp_path: Path) -> None:
    folder = toy.write(tmp_path)
    done = CliRunner().invoke(app, ["check", str(folder), "--json", "--no-smoke"])
    assert done.exit_code == 0 and json.loads(done.output)["passed"] is True
    (folder / "README.md").unlink()
    done = CliRunner().invoke(app, ["check", str(folder), "--no-smoke"])
    assert done.exit_code == 2 and "FAIL  README headings" in done.output
    assert "2 rule(s) broken" in done.output
