"""A whole run on a small use case: what it writes, how it resumes, what it refuses."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock

from common import board, config, methods, publish, record, report, run, summary, usecase
from common.errors import FaultsError, GalleryError, TrainingFailed
from common.record import RunRecord
from tests import toy

SCRIPT = """
import sys
from pathlib import Path
from common.models import keep_quiet
keep_quiet(online=False)
from common import config, run, trainer, usecase
trainer.SECONDS_BETWEEN_CHECKPOINTS = trainer.LARGEST_SHARE_SAVING = 0.5
found = usecase.load_class(Path(sys.argv[1]) / "usecase.py")()
run.execute(found, config.build(found, "offline", {}), Path(sys.argv[2]))
"""
TRAINED = 'method = "lora"\nepochs = 4\nbatch_size = 2\n'


def make(folder: Path, out: Path, **given: object) -> RunRecord:
    found = usecase.load_class(folder / "usecase.py")()
    return run.execute(found, config.build(found, "offline", given), out)


def outputs(folder: Path) -> list[dict[str, object]]:
    rows = record.read_rows(folder / "seed-0" / "tuned.jsonl")
    return [row["value"] for row in rows]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, RunRecord]:
    root = tmp_path_factory.mktemp("finished")
    folder = toy.write(root, variant=TRAINED)
    return folder, root / "out", make(folder, root / "out")


def test_a_run_writes_every_stage_and_learns(finished: tuple[Path, Path, RunRecord]) -> None:
    _, out, made = finished
    for name in publish.STAGES:
        assert (out / name).is_file(), name
    assert made.status in ("ok", "no gain") and made.verdict["label"]
    losses = [row["loss"] for row in record.read_rows(out / "seed-0" / "train.jsonl") if "loss" in row]
    assert losses[-1] < losses[0] / 2
    scores = {name: row["scores"]["accuracy"]["mean"] for name, row in made.contenders.items()}
    assert scores["tuned"] > scores["floor"]
    assert set(scores) == {"floor", "zero_shot", "few_shot", "retrieval", "linear", "tuned"}


def test_the_report_is_one_file_and_escapes(finished: tuple[Path, Path, RunRecord]) -> None:
    _, out, made = finished
    html = (out / "report.html").read_text()
    assert made.verdict["label"] in html and "data:image/svg+xml" in html
    assert 'src="http' not in html and 'href="http' not in html


def test_what_of_given_data_was_not_taken_as_it_is_gets_said_and_reported(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    noted = "source=self.source, dropped=tuple(f'row {n} [b] <i>' for n in range(5)))"
    folder = toy.write(tmp_path, ("source=self.source)", noted))
    make(folder, tmp_path / "own")
    assert "not as given" not in capsys.readouterr().out
    make(folder, tmp_path / "given", data=tmp_path)
    said = capsys.readouterr().out
    assert "not as given: row 2 [b] <i>" in said and "row 3" not in said
    assert "not as given: 2 more, all named in the report" in said
    assert "<li>row 4 [b] &lt;i&gt;</li>" in (tmp_path / "given" / "report.html").read_text()


@pytest.mark.parametrize(
    ("value", "line", "cell"),
    [
        ("where\n is  it", "where is it", "where\n is  it"),
        (
            {"schema": "shop", "question": "how many hats"},
            "how many hats",
            "schema: shop\nquestion: how many hats",
        ),
        (
            {"cards": [{"fee": "2"}], "turns": ["my hat is late"]},
            "my hat is late",
            "cards: fee: 2\nturns: my hat is late",
        ),
        ([{"role": "user", "content": "where is it"}], "where is it", "user: where is it"),
        ((3, None), "", "3, None"),
        (Path("picture"), "", "picture"),
    ],
)
def test_what_was_asked_is_shown_in_a_persons_words(value: object, line: str, cell: str) -> None:
    assert summary.shorten(value) == line
    assert report.shorten(value) == cell
    assert report.shorten("a" * 200 + "b" * 200) == f"{'a' * 100} … {'b' * 200}"


def test_the_worst_examples_come_from_all_over_the_test_set() -> None:
    few = np.array([1.0, 0.0, np.nan, 0.5, 0.0])
    assert report.lowest(few, 3).tolist() == [1, 4, 3]
    many = np.zeros(100)
    many[:10] = 1.0
    assert report.lowest(many, 4).tolist() == [10, 40, 69, 99]


def test_rerun_of_a_finished_run_trains_nothing(finished: tuple[Path, Path, RunRecord]) -> None:
    folder, out, made = finished
    written = (out / "seed-0" / "training.json").stat().st_mtime_ns
    assert make(folder, out).contenders == made.contenders
    assert (out / "seed-0" / "training.json").stat().st_mtime_ns == written


def test_same_seed_same_result(finished: tuple[Path, Path, RunRecord], tmp_path: Path) -> None:
    folder, out, _ = finished
    make(folder, tmp_path / "again")
    assert outputs(tmp_path / "again") == outputs(out)


def test_killed_in_training_resumes_to_the_same_result(
    finished: tuple[Path, Path, RunRecord], tmp_path: Path
) -> None:
    folder, out, _ = finished
    killed = tmp_path / "killed"
    arguments = [sys.executable, "-c", SCRIPT, str(folder), str(killed)]
    process = subprocess.Popen(arguments, cwd=usecase.ROOT, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 250
    while not list(killed.glob("seed-0/checkpoints/checkpoint-*/trainer_state.json")):
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (killed / "seed-0" / "training.json").is_file()
    make(folder, killed)
    assert outputs(killed) == outputs(out)


def test_changed_settings_keep_the_earlier_run(
    finished: tuple[Path, Path, RunRecord], tmp_path: Path
) -> None:
    folder = toy.write(tmp_path)
    make(folder, tmp_path / "out")
    toy.write(tmp_path, variant='method = "head"\nclasses_balanced = true\n')
    make(folder, tmp_path / "out")
    kept = record.read(tmp_path / "out.1" / "record.json")
    assert not kept.config["classes_balanced"]
    assert record.read(tmp_path / "out" / "record.json").config["classes_balanced"]


def test_second_run_in_the_same_folder_is_refused(tmp_path: Path) -> None:
    folder = toy.write(tmp_path)
    (tmp_path / "out").mkdir()
    with FileLock(tmp_path / "out" / ".lock"), pytest.raises(GalleryError, match="Another run is working"):
        make(folder, tmp_path / "out")


def test_unwritable_folder_and_full_disk_fail_before_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = toy.write(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(GalleryError, match="cannot be written"):
        make(folder, tmp_path / "file" / "out")
    monkeypatch.setattr(run, "SMALLEST_FREE_BYTES", 1 << 60)
    with pytest.raises(GalleryError, match="MB free"):
        make(folder, tmp_path / "out")


def test_leaking_split_is_refused_before_anything_is_trained(tmp_path: Path) -> None:
    folder = toy.write(tmp_path, ('Example(f"{thing}-{number}", thing', 'Example(f"{thing}-{number}", "one"'))
    with pytest.raises(FaultsError, match="same group"):
        make(folder, tmp_path / "out")
    assert not (tmp_path / "out" / "seed-0").exists()


def test_divergence_becomes_a_record(tmp_path: Path) -> None:
    variant = 'method = "full"\nepochs = 6\nbatch_size = 2\nlearning_rate = 1e30\n'
    folder = toy.write(tmp_path, variant=variant)
    with pytest.raises(TrainingFailed, match="no number"):
        make(folder, tmp_path / "out")
    failed = record.read(tmp_path / "out" / "record.json")
    assert failed.status == "diverged" and "tuned" not in failed.contenders


def test_three_seeds_extend_one(tmp_path: Path) -> None:
    folder = toy.write(tmp_path)
    make(folder, tmp_path / "out")
    assert make(folder, tmp_path / "out", seeds=3).seeds == [0, 1, 2]
    assert len(record.read(tmp_path / "out" / "record.json").contenders["tuned"]["by_seed"]) == 3


@pytest.mark.parametrize(
    "method", [n for n, m in methods.REGISTRY.items() if "classify" not in dict(m.refused)]
)
def test_every_method_trains_saves_and_reloads(method: str, tmp_path: Path) -> None:
    variant = "epochs = 1\nbatch_size = 8\nvirtual_tokens = 4\n"
    made = make(toy.write(tmp_path, variant=variant), tmp_path / "out", method=method)
    assert made.training["trainable_parameters"] > 0
    assert made.training["adapter_bytes"] > 0


def test_publish_names_everything_that_speaks_against_it(finished: tuple[Path, Path, RunRecord]) -> None:
    _, out, made = finished
    changed = made.model_copy(
        update={"environment": {**made.environment, "git_dirty": True}, "tier": "smoke"}
    )
    faults = publish.faults_of(changed)
    assert len(faults) == 3
    sound = made.model_copy(
        update={"environment": {"git_dirty": False, "git_commit": "abc"}, "seeds": [0, 1, 2], "tier": "draft"}
    )
    assert publish.faults_of(sound) == []
    with pytest.raises(GalleryError, match="no finished run"):
        publish.publish_run(out / "seed-0")


def test_a_table_holds_the_numbers_of_its_record(finished: tuple[Path, Path, RunRecord]) -> None:
    _, _, made = finished
    score = made.contenders["tuned"]["scores"]["accuracy"]
    assert f"{score['mean']:.3f} [{score['low']:.3f}, {score['high']:.3f}]" in board.section(made)
    assert made.verdict["label"] in board.section(made)


def test_interrupt_says_how_to_go_on(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "common.cli",
            "run",
            "knowledge_search",
            "--smoke",
            "--out",
            str(tmp_path / "o"),
        ],
        cwd=usecase.ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    while "1 data" not in (line := process.stdout.readline()):
        assert line, process.stderr.read()
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130 and "the same command continues" in errors


def test_an_answer_may_hold_any_character(tmp_path: Path) -> None:
    rows = [{"value": "".join(map(chr, range(1, 0x3000)))}, {"value": "\u2028\u2029\x85\x1c"}]
    record.write_jsonl(tmp_path / "rows.jsonl", rows)
    assert record.read_rows(tmp_path / "rows.jsonl") == rows


def test_record_keeps_the_fixed_names(finished: tuple[Path, Path, RunRecord]) -> None:
    _, out, _ = finished
    raw = json.loads((out / "record.json").read_text())
    fixed = "usecase variant method seeds tier status verdict headline contenders difference training"
    assert set(fixed.split()) <= set(raw)
    costs = "trainable_parameters total_parameters tokens examples steps seconds tokens_per_second"
    assert set(costs.split()) | {"peak_memory_bytes", "adapter_bytes"} <= set(raw["training"])
    assert {"n", "scores", "tokens_in", "tokens_out", "seconds"} <= set(raw["contenders"]["tuned"])
