"""Generated tables: fresh, and every number in a README comes from a record or a generated block."""

import re
from pathlib import Path

import pytest

from common import board, record, usecase
from common.record import RunRecord

READMES = [usecase.ROOT / "README.md", *sorted((usecase.ROOT / "usecases").glob("*/README.md"))]
SCORE = re.compile(r"\b0\.\d{2,}\b")


def test_no_generated_table_is_stale() -> None:
    for path, text in board.pages(board.published()).items():
        assert path.read_text(encoding="utf-8") == text, f"{path} is stale: run `gallery tables`"


@pytest.mark.parametrize("path", READMES, ids=lambda p: p.parent.name)
def test_readme_numbers_come_from_records(path: Path) -> None:
    free = board.BLOCK.sub("", path.read_text(encoding="utf-8"))
    assert board.BEGIN not in free and path.read_text(encoding="utf-8").count(board.BEGIN) == 1
    assert SCORE.findall(free) == [], f"{path}: a score outside the generated block"


def test_every_published_record_is_evidence() -> None:
    for path in board.RESULTS.glob("*.json"):
        made = record.read(path)
        assert path.stem.startswith(f"{made.usecase}--{made.variant}")
        assert made.tier == "published" and len(made.seeds) >= 3
        assert not made.environment["git_dirty"] and made.environment["git_commit"]
        assert made.usecase in usecase.names()


def test_a_hand_edited_number_makes_the_page_stale(tmp_path: Path) -> None:
    for name in ("README.md", "benchmarks/README.md"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(f"text\n{board.BEGIN}\nold 0.999\n{board.END}\n")
    (tmp_path / "benchmarks" / "results").mkdir()
    assert len(board.regenerate(tmp_path)) == 2
    assert board.regenerate(tmp_path) == []
    page = tmp_path / "README.md"
    page.write_text(page.read_text().replace("No run is published yet.", "0.999"))
    assert board.regenerate(tmp_path) == [page]
    assert "0.999" not in page.read_text()


def test_a_record_refuses_unknown_names() -> None:
    with pytest.raises(ValueError, match="extra"):
        RunRecord(
            usecase="a", variant="b", method="c", seeds=[0], tier="draft", status="ok", headline="h", x=1
        )
