"""Rows of the benchmark take over what does not depend on how they differ, and nothing else."""

from pathlib import Path

import pytest

from common import lending
from common.config import RunConfig

PREFERS = RunConfig(tuner="preference", loss="ipo", method="lora", learning_rate=1e-3)
EVERYTHING = ["baselines", "chosen-0-0.001", "start-0", "start-1"]


@pytest.fixture
def there(tmp_path: Path) -> Path:
    for name in (*EVERYTHING, "seed-0"):
        (tmp_path / "there" / name).mkdir(parents=True)
        (tmp_path / "there" / name / "file").write_text(name)
    return tmp_path / "there"


@pytest.mark.parametrize(
    ("changes", "lent"),
    [
        ({"loss": "kto", "beta": 0.3, "variant": "offline-kto"}, EVERYTHING),
        ({"method": "full"}, EVERYTHING),
        ({"method": "full", "learning_rate": None}, ["start-0", "start-1"]),
        ({"epochs": 3}, ["start-0", "start-1"]),
        ({"samples": 8, "loss": "reward"}, ["start-0", "start-1"]),
        ({"judge_share": 0.5}, ["start-0", "start-1"]),
        ({"start_rate": 2e-3}, []),
        ({"start_epochs": 1}, []),
        ({"rehearsal": 10}, []),
        ({"train_share": 0.5}, []),
        ({"task": {"choices": True}}, []),
        ({"model": "embedded-random"}, []),
        ({"data": Path("mine.jsonl")}, []),
        ({"method": "qlora"}, []),
        ({"usecase": "another"}, []),
        ({"tuner": "sft"}, []),
    ],
)
def test_preferences_share_their_start_and_its_rivals(
    there: Path, tmp_path: Path, changes: dict[str, object], lent: list[str]
) -> None:
    here = tmp_path / "here"
    wanted = lending.shared(PREFERS, PREFERS.model_copy(update=changes), here)
    assert sorted(lending.lend(wanted, there, here)) == lent
    assert sorted(path.name for path in here.glob("*")) == lent
    assert all((here / name / "file").read_text() == name for name in lent)


def test_elsewhere_untuned_answers_are_shared_by_methods_of_one_variant(tmp_path: Path) -> None:
    config = RunConfig(tuner="embed", method="lora")
    for number, (changes, lent) in enumerate(
        [({"method": "full"}, ["baselines"]), ({"variant": "offline-full"}, []), ({"epochs": 2}, [])]
    ):
        here = tmp_path / str(number)
        assert lending.shared(config, config.model_copy(update=changes), here) == lent


def test_what_a_row_has_is_kept(tmp_path: Path) -> None:
    (tmp_path / "start-0").mkdir()
    assert lending.shared(PREFERS, PREFERS, tmp_path) == ["chosen-*", "baselines"]
