"""Keeps what is expensive to make, in `.cache/`, under a hash of everything that makes it."""

import hashlib
import json
import os
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from common.usecase import ROOT, Example
from usecases.english_to_sql.content import FOLDER

CACHE = ROOT / ".cache"
MAKERS = """build compare content data drawer fillers gold gold_gate judge load_schema numbered phrases
planner plans populate predicates restyle sandbox schema serialize sql_text wording worker""".split()
CONTENTS = "examples.json"


@dataclass(frozen=True)
class Stored:
    """Examples by name of their set, databases by schema, and what was dropped."""

    sets: Mapping[str, tuple[Example, ...]]
    databases: Mapping[str, tuple[bytes, ...]]
    dropped: tuple[str, ...]


def key() -> str:
    """A hash of the generator's source and content."""
    files = [FOLDER.parent / f"{name}.py" for name in MAKERS] + sorted(FOLDER.glob("*.toml"))
    parts = [f"{path.name}\n".encode() + path.read_bytes() for path in files]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]


def kept(make: Callable[[], Stored]) -> Stored:
    """What was made before by the same source, or what is made now."""
    path = CACHE / f"english_to_sql-{key()}.zip"
    if path.is_file():
        try:
            return read(path)
        except (zipfile.BadZipFile, KeyError, ValueError):
            path.unlink(missing_ok=True)
    made = make()
    write(path, made)
    return made


def write(path: Path, made: Stored) -> None:
    """Writes the file in one move; older ones of the use case go. A full disk only costs time."""
    temporary = path.with_name(f"{path.stem}-{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            sets = {name: [asdict(example) for example in found] for name, found in made.sets.items()}
            counts = {name: len(found) for name, found in made.databases.items()}
            text = json.dumps({"sets": sets, "databases": counts, "dropped": made.dropped})
            archive.writestr(CONTENTS, text)
            for name, databases in made.databases.items():
                for number, database in enumerate(databases):
                    archive.writestr(f"{name}/{number}", database)
        for old in path.parent.glob("english_to_sql-*.zip"):
            old.unlink(missing_ok=True)
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)


def read(path: Path) -> Stored:
    """What a file holds."""
    with zipfile.ZipFile(path) as archive:
        found = json.loads(archive.read(CONTENTS))
        databases = {
            name: tuple(archive.read(f"{name}/{number}") for number in range(count))
            for name, count in found["databases"].items()
        }
    sets = {name: tuple(as_example(row) for row in rows) for name, rows in found["sets"].items()}
    return Stored(sets, databases, tuple(found["dropped"]))


def as_example(row: Mapping[str, Any]) -> Example:
    extra = {**row["extra"], "alternatives": tuple(row["extra"].get("alternatives", ()))}
    return Example(**{**row, "extra": extra})
