"""Every use case that has a folder holds the contract; no list of names anywhere."""

import ast
from pathlib import Path

import pytest

from common import contract, usecase

NAMES = usecase.names()
ORDER = (
    "errors launch cores pictures usecase nearby rows pages data parts examples floors labelling samples "
    "personal doctor templates embedded bottleneck hub pooled models hub_data config vision vocabulary job "
    "track metrics retrieval ranking methods progress beside large linear encoder searcher chat stored "
    "key_values generate evaluate_text preferences embed_rivals classify_rivals vision_rivals record cells "
    "evaluate results reach stamp rehearsal muon vllm trainer lessons trl_adapter question_tuning refusals "
    "answering milder contenders reward_model preference_stage preference_checks tuners attempts search "
    "rates summary verdicts methods_table curve negatives board report honesty contract compare onnx_form "
    "publish inspect scaffold check plan hub_sizes ask humans run lending bench cluster web parity "
    "export_template export serve_limits serve try_page notebook stopping cli_bench cli_export cli"
).split()


def test_every_folder_is_tested() -> None:
    folders = [path for path in usecase.USECASES_FOLDER.iterdir() if any(path.glob("*.py"))]
    assert sorted(NAMES) == sorted(path.name for path in folders)
    assert NAMES


@pytest.mark.parametrize("name", NAMES)
def test_holds_the_contract(name: str) -> None:
    assert contract.check(usecase.USECASES_FOLDER / name) == []


def test_common_imports_run_one_way() -> None:
    for path in sorted((usecase.ROOT / "common").rglob("*.py")):
        place = layer(path)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            for name in contract.imported(node):
                if name.startswith("usecases"):
                    pytest.fail(f"{path} imports {name}: the core knows no use case")
                target = name.removeprefix("common.").split(".")[0]
                if name.startswith("common.") and target in ORDER and target != ORDER[place]:
                    assert ORDER.index(target) < place, f"{path} imports {name}, which stands above it"


def layer(path: Path) -> int:
    """The place of a file in the order of the core."""
    parts = path.relative_to(usecase.ROOT / "common").with_suffix("").parts
    if parts[0] in ("embedded", "templates") and parts[-1] != "__init__":
        return len(ORDER) - 1  # the recipe of the base runs on its own
    return ORDER.index("contenders") - 1 if parts[0] == "__init__" else ORDER.index(parts[0])


def test_tuners_import_no_other_tuner() -> None:
    for path in (usecase.ROOT / "common" / "tuners").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            for name in contract.imported(node):
                assert not name.startswith("common.tuners"), path


def test_no_function_is_longer_than_sixty_lines_and_no_file_than_three_hundred() -> None:
    for path in sorted((usecase.ROOT / "common").rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        assert len(text.splitlines()) <= 300, path
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef):
                assert node.end_lineno - node.lineno < 60, f"{path}: {node.name}"
