"""Settings: what wins, and what is refused."""

from pathlib import Path

import pytest

from common import config, methods, usecase
from common.errors import FaultsError, GalleryError
from common.usecase import UseCase
from tests import toy


@pytest.fixture
def found(tmp_path: Path) -> UseCase:
    return usecase.load_class(toy.write(tmp_path, variant='method = "lora"\nepochs = 3\n') / "usecase.py")()


def test_command_line_wins_over_variant_wins_over_default(found: UseCase) -> None:
    built = config.build(found, "offline", {"method": "full", "seeds": None})
    assert (built.method, built.epochs, built.batch_size, built.seeds) == ("full", 3, 32, 1)


def test_a_variant_may_set_other_lengths_for_a_persons_own_data(tmp_path: Path) -> None:
    text = 'method = "lora"\nepochs = 3\n[own_data]\nepochs = 5\n'
    found = usecase.load_class(toy.write(tmp_path, variant=text) / "usecase.py")()
    assert config.build(found, "offline", {}).epochs == 3
    own = config.build(found, "offline", {"data": "my.jsonl"})
    assert (own.epochs, own.method) == (5, "lora")
    assert config.build(found, "offline", {"data": "my.jsonl", "epochs": 7}).epochs == 7


def test_every_fault_is_told_at_once(found: UseCase) -> None:
    with pytest.raises(FaultsError) as caught:
        config.build(found, "offline", {"epocs": 1, "batch_size": 0, "rank": "wide"})
    assert len(caught.value.faults) == 3
    assert "did you mean 'epochs'" in str(caught.value)


def test_unknown_variant_and_method_name_the_nearest(found: UseCase) -> None:
    with pytest.raises(GalleryError, match="Did you mean 'offline'"):
        config.build(found, "ofline", {})
    with pytest.raises(GalleryError, match="Did you mean 'lora'"):
        methods.find("loraa", "embed")


def test_a_config_cannot_be_changed(found: UseCase) -> None:
    with pytest.raises(ValueError, match="frozen"):
        config.build(found, "offline", {}).epochs = 9


def test_a_variant_that_needs_data_says_which(tmp_path: Path) -> None:
    folder = toy.write(tmp_path, variant='needs_data = "a folder of shelves"\n')
    with pytest.raises(GalleryError, match="a folder of shelves"):
        config.build(usecase.load_class(folder / "usecase.py")(), "offline", {})


def test_every_field_has_help_and_is_read_somewhere() -> None:
    code = "\n".join(p.read_text() for p in (usecase.ROOT / "common").rglob("*.py"))
    for name, field in config.RunConfig.model_fields.items():
        assert field.description, name
        assert f".{name}" in code or f'"{name}"' in code, f"no code reads {name}"


def test_every_method_that_cannot_apply_says_why() -> None:
    for method in methods.REGISTRY.values():
        for tuner, reason in method.refused:
            with pytest.raises(GalleryError, match=reason[:30]):
                methods.find(method.name, tuner)
