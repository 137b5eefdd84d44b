"""The benchmark runs what is stale and only that, keeps failures as rows, and goes on after a stop."""

import json
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from common import bench, board, models, parts, publish, record, results, run, stamp, usecase
from common.errors import GalleryError
from common.usecase import Example, Splits
from tests import made_up, toy


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with one use case of two variants, a clean tree, and its own run folder."""
    folder = toy.write(tmp_path / "usecases")
    (folder / "variants" / "offline-full.toml").write_text('method = "full"\n')
    (folder / "variants" / "hub.toml").write_text('model = "org/name"\n')
    (folder / "variants" / "theirs.toml").write_text('needs_data = "a file"\n')
    found = usecase.load_class(folder / "usecase.py")()
    monkeypatch.setattr(usecase, "find", lambda name: found)
    monkeypatch.setattr(usecase, "names", lambda root=None: ["toy"])
    monkeypatch.setattr(usecase, "USECASES_FOLDER", tmp_path / "usecases")
    monkeypatch.setattr(run, "RUNS_FOLDER", tmp_path / "runs")
    monkeypatch.setattr(record, "uncommitted", lambda: "")
    monkeypatch.setattr(board, "regenerate", lambda root: [])
    return tmp_path


def plan(place: Path, **wanted: object) -> list[bench.Task]:
    return bench.plan(["toy"], bench.Wanted(**wanted), place / "benchmarks")


def due(place: Path, **wanted: object) -> dict[str, str]:
    return {task.name: task.why for task in plan(place, **wanted) if task.why}


def finishes(task: bench.Task) -> tuple[int, str]:
    """What a run leaves, without the run."""
    from common import config

    folder, found = run.RUNS_FOLDER / task.name, usecase.find("toy")
    settings = config.build(found, task.variant, task.given)
    row = made_up.made(method=settings.method, variant=task.variant, config=settings.model_dump(mode="json"))
    row = row.model_copy(update={"data": {**row.data, "stamp": stamp.of(found, settings)}, "tier": "draft"})
    for name in publish.STAGES:
        record.write_text(folder / name, "{}")
    record.write_json(folder / "data.json", row.data)
    record.write_json(folder / "record.json", row.model_dump())
    return 0, ""


def carry_out(place: Path, runner: object = finishes, **wanted: object) -> list[str]:
    engine = partial(bench.one_by_one, runner=runner)
    return bench.carry_out(plan(place, **wanted), engine, place / "benchmarks")


def test_runs_what_is_missing_and_then_nothing(place: Path) -> None:
    assert due(place) == {"toy--offline": "no record", "toy--offline-full": "no record"}
    assert carry_out(place) == []
    assert due(place) == {}
    assert {e.tier for e in results.entries(place / "benchmarks")} == {results.VERIFIED}


def test_left_out_rows_say_why(place: Path) -> None:
    said = {task.name: task.left_out for task in plan(place) if task.left_out}
    assert "--hub" in said["toy--hub"] and "needs --data: a file" in said["toy--theirs"]
    assert "toy--hub" in due(place, hub=True)
    assert "left out: needs --data" in "\n".join(bench.lines(plan(place)))


def test_methods_and_curve_add_rows_that_no_variant_has(place: Path) -> None:
    names = set(due(place, methods=True, curve=True))
    assert {"toy--offline--lora", "toy--offline--share-0.0625", "toy--offline--share-0.5"} <= names
    assert "toy--offline--full" in names, (
        "the method of a variant is compared at a rate sought like the others"
    )
    assert "toy--offline--head" not in names and "toy--offline--prefix" not in names
    rates = {task.name: task.given.get("rates") for task in plan(place, methods=True)}
    assert rates["toy--offline--lora"] == bench.RATES and rates["toy--offline"] is None


def test_methods_can_be_compared_on_a_part_of_the_data(place: Path) -> None:
    found = {task.name: task.given for task in plan(place, methods=True, share=0.25)}
    part = found["toy--offline--lora--share-0.25"]
    assert part["train_share"] == 0.25 and part["rates"] == bench.RATES
    assert "train_share" not in found["toy--offline"] and "toy--offline--lora" not in found


def test_only_methods_with_an_adapter_are_compared_where_tuning_goes_on_from_a_linear_map(
    place: Path,
) -> None:
    path = place / "usecases" / "toy" / "variants" / "offline.toml"
    path.write_text("from_linear = true\n" + path.read_text())
    said = {task.name: task.left_out for task in plan(place, methods=True)}
    assert "with an adapter" in said["toy--offline--full"] and "toy--offline--full" not in due(
        place, methods=True
    )
    assert "with an adapter" not in said["toy--offline--dora"]


def test_stale_by_code_data_and_settings_but_not_by_comments(place: Path) -> None:
    carry_out(place)
    folder = place / "usecases" / "toy"
    source = (folder / "usecase.py").read_text()

    def changed(text: str) -> dict[str, str]:
        (folder / "usecase.py").write_text(text)
        return due(place)

    assert changed(source.replace('"""Toy: which shelf', '# a comment\n"""Toy, a shelf')) == {}
    assert set(changed(source.replace('"apple pear', '"apple fig')).values()) == {"code changed"}
    assert changed(source) == {}
    (folder / "data").mkdir()
    (folder / "data" / "rows.csv").write_text("a,b\n")
    assert set(due(place).values()) == {"data changed"}
    (folder / "data" / "rows.csv").unlink()
    (folder / "variants" / "offline-full.toml").write_text('method = "full"\nepochs = 3\n')
    assert due(place) == {"toy--offline-full": "config changed"}
    assert set(due(place, seeds=5).values()) == {"3 of 5 seeds", "config changed"}


def test_a_record_that_lacks_a_setting_is_stale_only_once_that_is_set(place: Path) -> None:
    carry_out(place)
    path = place / "benchmarks" / "results" / "toy--offline.json"
    kept = json.loads(path.read_text())
    del kept["config"]["weight_decay"]
    kept["base"] = models.resolve("embedded", None, "classify").as_dict()
    kept["data"]["stamp"]["config"] = "of other keys"
    record.write_json(path, kept)
    assert due(place) == {}
    kept["config"]["epochs"] = 7
    record.write_json(path, kept)
    assert due(place) == {"toy--offline": "config changed"}


@pytest.mark.parametrize("begun", [{"stamp": {"code": "old"}}, {"identity": "before stamps"}])
def test_an_earlier_folder_of_other_code_is_kept_and_not_taken_over(
    place: Path, begun: dict[str, object]
) -> None:
    record.write_json(place / "runs" / "toy--offline" / "data.json", begun)
    carry_out(place)
    assert (place / "runs" / "toy--offline.1" / "data.json").is_file()


def test_a_failed_run_becomes_a_row_and_the_rest_goes_on(place: Path) -> None:
    def half(task: bench.Task) -> tuple[int, str]:
        return (1, "Traceback\nout of luck") if task.variant == "offline" else finishes(task)

    assert carry_out(place, half) == ["toy--offline"]
    rows = {entry.name: entry for entry in results.entries(place / "benchmarks")}
    assert rows["toy--offline"].row.status == "failed" and "out of luck" in rows["toy--offline"].row.reason
    assert rows["toy--offline-full"].row.status == "ok"
    assert due(place) == {} and set(due(place, again=True)) == {"toy--offline"}
    assert "failed" in board.overview([rows["toy--offline"]])
    assert "out of luck" in board.negatives.page(list(rows.values()))


def test_methods_share_the_untuned_answers_that_are_the_same_for_all(place: Path) -> None:
    lent: dict[str, bool] = {}

    def runner(task: bench.Task) -> tuple[int, str]:
        kept = run.RUNS_FOLDER / task.name / "baselines" / "floor.jsonl"
        lent[task.name] = kept.is_file()
        record.write_text(kept, task.name)
        if task.name == "toy--offline--full":
            return 1, "no"
        return finishes(task)

    carry_out(place, runner, methods=True)
    compared = [name for name in lent if name not in ("toy--offline", "toy--offline-full")]
    assert len(compared) > 3 and compared[0] == "toy--offline--full"
    assert [lent[name] for name in compared] == [False, False, *[True] * (len(compared) - 2)]
    assert not lent["toy--offline"] and not lent["toy--offline-full"], "a variant is a row of its own"


def test_untuned_answers_of_other_code_are_not_lent(place: Path) -> None:
    lent: list[bool] = []

    def runner(task: bench.Task) -> tuple[int, str]:
        folder = run.RUNS_FOLDER / task.name
        lent.append((folder / "baselines").exists())
        record.write_text(folder / "baselines" / "floor.jsonl", task.name)
        done = finishes(task)
        described = json.loads((folder / "data.json").read_text())
        described["stamp"]["code"] = "another"
        record.write_json(folder / "data.json", described)
        return done

    carry_out(place, runner, methods=True)
    assert len(lent) > 3 and not any(lent)


def test_stopped_and_started_again_it_goes_on(place: Path) -> None:
    calls: list[str] = []

    def stops(task: bench.Task) -> tuple[int, str]:
        calls.append(task.name)
        return finishes(task) if len(calls) == 1 else (130, "")

    with pytest.raises(KeyboardInterrupt):
        carry_out(place, stops)
    assert list(due(place)) == [calls[1]]
    carry_out(place)
    assert due(place) == {}


def test_a_dirty_tree_makes_drafts_that_a_clean_one_runs_again(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dirty(task: bench.Task) -> tuple[int, str]:
        finishes(task)
        path = run.RUNS_FOLDER / task.name / "record.json"
        row = record.read(path)
        row.environment["git_dirty"] = True
        record.write_json(path, row.model_dump())
        return 0, ""

    monkeypatch.setattr(record, "uncommitted", lambda: " M common/run.py")
    carry_out(place, dirty)
    found = results.entries(place / "benchmarks")
    assert {e.tier for e in found} == {results.DRAFT} and results.evidence(found) == []
    assert due(place) == {}
    monkeypatch.setattr(record, "uncommitted", lambda: "")
    assert set(due(place).values()) == {"only a draft, and the tree is clean now"}
    carry_out(place)
    assert {e.tier for e in results.entries(place / "benchmarks")} == {results.VERIFIED}


def test_contributed_rows_are_a_tier_of_their_own_until_run_here(place: Path) -> None:
    carry_out(place)
    folder = place / "runs" / "toy--offline"
    (place / "benchmarks" / "results" / "toy--offline.json").unlink()
    path = publish.publish_run(folder, contributed=True, home=place / "benchmarks")
    assert path.parent.name == "contributed"
    assert due(place) == {"toy--offline": "contributed, not verified here yet"}


def test_commands_are_lines_that_another_engine_can_run(place: Path) -> None:
    lines = bench.commands(plan(place, curve=True))
    assert len(lines) == 6 and all(line.startswith("gallery run toy --variant ") for line in lines)
    assert any("--train-share 0.0625 --seeds 3" in line for line in lines)
    assert all(" && gallery publish " in line for line in lines)


def test_a_process_that_dies_gives_its_code_and_last_words(monkeypatch: pytest.MonkeyPatch) -> None:
    code = "import sys; print('last words'); sys.stdout.flush(); import os; os.kill(os.getpid(), 9)"
    real = subprocess.Popen
    monkeypatch.setattr(subprocess, "Popen", lambda command, **k: real([sys.executable, "-c", code], **k))
    returned, said = bench.in_process(bench.Task("toy", "offline", {}, "toy--offline"))
    assert returned == -9 and "last words" in said


def test_a_folder_under_another_name_is_refused(place: Path) -> None:
    carry_out(place)
    (place / "runs" / "toy--offline").rename(place / "runs" / "other")
    with pytest.raises(GalleryError, match="must begin with that name"):
        publish.publish_run(place / "runs" / "other", home=place / "benchmarks")


def test_smaller_shares_lie_within_larger_ones_by_whole_groups() -> None:
    examples = tuple(Example(f"{g}-{i}", f"g{g}", "x", "y") for g in range(16) for i in range(3))
    splits = Splits(examples, examples[:1], examples[:2])
    made = [parts.train_part(splits, share) for share in (*bench.SHARES, 1.0)]
    assert [len(part.train) for part in made] == [3, 6, 12, 24, 48]
    for small, large in zip(made, made[1:], strict=False):
        assert {e.id for e in small.train} < {e.id for e in large.train}
        assert small.test == splits.test and small.val == splits.val
    assert all(len({e.id for e in part.train if e.group == "g3"}) in (0, 3) for part in made)


def test_a_run_writes_its_stamp_its_share_and_its_scores_per_example(place: Path) -> None:
    from common import config

    found = usecase.find("toy")
    settings = config.build(found, "offline", {"train_share": 0.5})
    row = run.execute(found, settings, place / "out")
    assert row.data["counts"]["train"] == 16 and row.config["train_share"] == 0.5
    assert (
        row.data["stamp"] == stamp.of(found, settings) != stamp.of(found, config.build(found, "offline", {}))
    )
    kept = json.loads((place / "out" / "examples.json").read_text(encoding="utf-8"))
    assert kept["averages"] and set(kept["scores"]) == set(row.contenders)
    assert np.mean(kept["scores"]["tuned"]) == pytest.approx(
        row.contenders["tuned"]["scores"]["accuracy"]["mean"]
    )
    assert kept["asked"][0].startswith("can you store my") and len(kept["ids"]) == 8
