"""Writes a file of preference pairs without what length gives away, and says what was left out.

python -m usecases.industry_language.even pairs.jsonl
"""

import json
import sys
from pathlib import Path

from common.data import Row, share_of
from common.errors import FaultsError, GalleryError
from usecases.industry_language.folder import (
    LARGEST_LENGTH_SHARE,
    MEND,
    by_length,
    is_lopsided,
    read_rows,
)


def evened(rows: list[Row]) -> list[Row]:
    """Rows without lopsided pairs, and without some of those whose longer, or shorter, answer wins too often.

    Which of these go is a matter of their text alone, so the same file always gives the same rows.
    """
    kept = [(number, row) for number, row in rows if not is_lopsided(row)]
    for found in by_length(kept).values():
        others = len(kept) - len(found)
        most = int(LARGEST_LENGTH_SHARE * others / (1 - LARGEST_LENGTH_SHARE) + 1e-6)
        drawn = sorted(found, key=lambda pair: share_of(f"{pair[1]['chosen']} {pair[1]['rejected']}"))
        gone = {number for number, _ in drawn[most:]}
        kept = [(number, row) for number, row in kept if number not in gone]
    return kept


def write_even(path: Path) -> str:
    """Writes `NAME.even.jsonl` beside a file; says how many rows it has, and how many were left out."""
    faults: list[str] = []
    rows = read_rows(path, faults)
    if faults:
        raise FaultsError(f"The pairs in {path}", faults, MEND)
    kept, lopsided = evened(rows), sum(is_lopsided(row) for _, row in rows)
    target = path.with_suffix(".even.jsonl")
    target.write_text(
        "".join(json.dumps(row, ensure_ascii=False) + "\n" for _, row in kept), encoding="utf-8"
    )
    return (
        f"{target}: {len(kept)} of {len(rows)} pairs. Left out: {lopsided} with a far longer answer, "
        f"{len(rows) - lopsided - len(kept)} of those in which one length wins too often."
    )


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("Name one file of pairs: python -m usecases.industry_language.even pairs.jsonl")
    try:
        print(write_even(Path(sys.argv[1])))
    except GalleryError as error:
        sys.exit(f"error: {error}")
