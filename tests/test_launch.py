"""Several processes on one run: the same loss and scores, one writer, and an end in words when one dies."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from common import cli, config, launch, models, record, run, trainer, usecase
from common.errors import GalleryError
from common.job import Job
from common.record import RunRecord
from tests import tiny_hub, toy_text

WORKER = str(Path(__file__).with_name("launch_worker.py"))
VARIANT = (
    "rank = 4\nepochs = 2\nbatch_size = 12\nlearning_rate = 1e-2\nanswer_length_tokens = 6\n"
    "train_length_tokens = 200\nshots = 1\n"
)
SHARDS = """
compute_environment: LOCAL_MACHINE
distributed_type: FSDP
fsdp_config:
  fsdp_version: 2
  fsdp_auto_wrap_policy: TRANSFORMER_BASED_WRAP
  fsdp_state_dict_type: FULL_STATE_DICT
num_machines: 1
num_processes: 2
mixed_precision: "no"
main_process_port: 0
use_cpu: false
"""
ZERO = """
compute_environment: LOCAL_MACHINE
distributed_type: DEEPSPEED
deepspeed_config:
  zero_stage: 2
  gradient_accumulation_steps: 1
num_machines: 1
num_processes: 2
mixed_precision: "no"
main_process_port: 0
use_cpu: true
"""
STAGES = ("baselines/floor.jsonl", "baselines/zero_shot.jsonl", "baselines/few_shot.jsonl")


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A use case whose last step of an epoch holds two rows of twelve, and a random model."""
    root = tmp_path_factory.mktemp("launch")
    return toy_text.write(root, VARIANT), tiny_hub.chat_model("smollm2", root / "model")


@pytest.fixture(scope="module")
def alone(toy: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run in one process."""
    out = tmp_path_factory.mktemp("alone") / "out"
    execute(*toy, out)
    return out


def execute(folder: Path, model: Path, out: Path) -> RunRecord:
    found = usecase.load_class(folder / "usecase.py")()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trainer, "LOGS_PER_RUN", 1000)
        return run.execute(found, config.build(found, "offline", {"model": str(model)}), out)


def losses(out: Path) -> list[float]:
    return [row["loss"] for row in record.read_rows(out / "seed-0" / "train.jsonl") if "loss" in row]


def answered(path: Path) -> list[tuple[Any, ...]]:
    return [(row["id"], row["value"], row["tokens_in"], row["tokens_out"]) for row in record.read_rows(path)]


def same_answers(left: Path, right: Path) -> None:
    for name in (*STAGES, "seed-0/tuned.jsonl"):
        assert answered(left / name) == answered(right / name), name


def test_two_processes_give_the_losses_and_answers_of_one(
    toy: tuple[Path, Path], alone: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    launch.start(2, [*map(str, (toy[0], out, toy[1]))], [WORKER])
    assert len(losses(alone)) == 10 and losses(alone)[-1] < losses(alone)[0]
    assert np.allclose(losses(alone), losses(out), rtol=0, atol=1e-5)
    same_answers(alone, out)
    one, two = (record.read(folder / "record.json") for folder in (alone, out))
    assert two.contenders["tuned"]["scores"] == one.contenders["tuned"]["scores"]
    assert two.training["processes"] == 2 and two.training["rows_at_once"] == 6
    names = [
        sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
        for folder in (alone, out)
    ]
    assert names[0] == names[1], "another process wrote files too"


def test_a_killed_process_ends_the_run_in_words_and_one_process_continues_it(
    toy: tuple[Path, Path], alone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    monkeypatch.setenv("DIE_AT", "6")
    with pytest.raises(GalleryError, match="Process 1 of 2 ended by SIGKILL.*the same command continues"):
        launch.start(2, [*map(str, (toy[0], out, toy[1]))], [WORKER])
    kept = list((out / "seed-0" / "checkpoints").glob("checkpoint-*/trainer_state.json"))
    assert kept and not (out / "seed-0" / "training.json").exists()
    made = execute(*toy, out)
    assert made.training["processes"] == 1
    assert np.allclose(losses(alone), losses(out), rtol=0, atol=1e-5)
    same_answers(alone, out)


def test_weights_in_shards_give_an_adapter_that_one_process_loads(
    toy: tuple[Path, Path], alone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: Any
) -> None:
    from safetensors.torch import load_file

    monkeypatch.setenv("SHARDED", "1")
    started_by_accelerate(SHARDS, toy, tmp_path)
    said = capfd.readouterr().out
    shares = [float(share) for share in re.findall(r"process \d holds (\S+) of the weights", said)]
    assert len(shares) == 2 and max(shares) < 0.6 and sum(shares) == pytest.approx(1, abs=0.02)
    assert np.allclose(losses(alone), losses(tmp_path / "out"), rtol=0, atol=1e-5)
    stored = "seed-0/adapter/adapter_model.safetensors"
    two = load_file(tmp_path / "out" / stored)
    assert two.keys() == load_file(alone / stored).keys()
    base = models.resolve(str(toy[1]), None, "sft")
    model, _ = models.load_causal(base, tmp_path / "out" / "seed-0" / "adapter")
    loaded = dict(model.named_parameters())
    for name, weight in two.items():
        assert np.allclose(loaded[name.replace(".weight", ".default.weight")].detach(), weight)
    assert all(float(weight.abs().max()) > 0 for weight in two.values())


def started_by_accelerate(settings: str, toy: tuple[Path, Path], folder: Path) -> None:
    """The run, started by accelerate with a file of settings."""
    from accelerate.commands.launch import launch_command, launch_command_parser

    (folder / "cluster.yaml").write_text(settings)
    own = [WORKER, *map(str, (toy[0], folder / "out", toy[1]))]
    arguments = ["--config_file", str(folder / "cluster.yaml"), *own]
    launch_command(launch_command_parser().parse_args(arguments))


def test_deepspeed_gives_the_losses_of_one_process(
    toy: tuple[Path, Path], alone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("deepspeed")
    monkeypatch.setenv("DS_ACCELERATOR", "cpu")
    started_by_accelerate(ZERO, toy, tmp_path)
    assert np.allclose(losses(alone), losses(tmp_path / "out"), rtol=0, atol=1e-5)
    assert record.read(tmp_path / "out" / "record.json").training["processes"] == 2


@pytest.mark.parametrize("processes", [1, 2, 3, 5])
def test_every_item_is_done_once_and_comes_back_in_its_place(
    processes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[int] = []

    def work(part: Any) -> list[int]:
        done.extend(part)
        return [10 * item for item in part]

    monkeypatch.setattr(launch, "count", lambda: processes)
    for items in ([], [1], [1, 2, 3, 4], list(range(11))):
        done.clear()
        parts = [work(items[rank::processes]) for rank in range(processes)]
        monkeypatch.setattr(launch, "gathered", lambda mine, parts=parts: parts)
        assert sorted(done) == items
        for rank in range(processes):
            monkeypatch.setattr(launch, "place", lambda rank=rank: rank)
            assert launch.dealt(items, lambda part: [10 * item for item in part]) == [10 * i for i in items]


def test_rows_that_cannot_be_dealt_evenly_and_tuners_of_one_process_are_refused(
    toy: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = usecase.load_class(toy[0] / "usecase.py")()
    settings = config.build(found, "offline", {"model": str(toy[1])})
    job = Job(found, found.load(None), settings, models.resolve(str(toy[1]), None, "sft"), 0, tmp_path)
    assert trainer.rows_at_once(job) == 12
    monkeypatch.setattr(launch, "count", lambda: 5)
    with pytest.raises(GalleryError, match="batch_size = 12 cannot be dealt evenly to 5 processes"):
        trainer.rows_at_once(job)
    monkeypatch.setattr(launch, "join", lambda: None)
    monkeypatch.setattr(type(found), "tuner", "preference")
    with pytest.raises(GalleryError, match="preference tuner works in one process"):
        run.execute(found, settings, tmp_path / "out")


def test_every_process_is_given_the_command_as_it_was_written(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[tuple[int, list[str]]] = []
    monkeypatch.setattr(launch, "start", lambda processes, command: started.append((processes, command)))
    monkeypatch.setattr(cli.signal, "signal", lambda *_: None)
    asked = ["run", "ticket_sentiment", "--smoke", "--train-share", "0.5", "--seeds", "2", "--launch", "3"]
    with pytest.raises(SystemExit) as ended:
        cli.main(asked)
    expected = ["run", "ticket_sentiment", "--seeds", "2", "--smoke", "--train-share", "0.5"]
    assert not ended.value.code and started == [(3, [*expected, "--variant", "offline"])]
