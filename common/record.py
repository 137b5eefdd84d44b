"""What is written down of a run. One JSON file per run is the only source of every table."""

import json
import os
import platform
import subprocess
import tempfile
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from common import cores, launch
from common.usecase import ROOT

LIBRARIES = (
    "torch transformers peft trl datasets accelerate sentence-transformers bm25s scikit-learn numpy sqlglot"
).split()


class RunRecord(BaseModel):
    """The record of one run. Names are fixed: boards, checks and scripts read them."""

    model_config = ConfigDict(extra="forbid")

    usecase: str
    variant: str
    method: str
    seeds: list[int]
    tier: Literal["published", "draft", "smoke"]
    status: Literal["ok", "no gain", "worse", "out of memory", "diverged", "cancelled", "failed"]
    reason: str = ""
    verdict: dict[str, str] = Field(default_factory=dict)
    headline: str
    contenders: dict[str, dict[str, Any]] = Field(default_factory=dict)
    difference: dict[str, dict[str, float]] = Field(default_factory=dict)
    training: dict[str, Any] = Field(default_factory=dict)
    forgetting: dict[str, Any] = Field(default_factory=dict)
    tables: list[dict[str, Any]] = Field(default_factory=list)
    data: dict[str, Any] = Field(default_factory=dict)
    base: dict[str, Any] = Field(default_factory=dict)
    config: dict[str, Any] = Field(default_factory=dict)
    environment: dict[str, Any] = Field(default_factory=dict)


def read(path: Path) -> RunRecord:
    """A record from its file."""
    return RunRecord.model_validate_json(path.read_text(encoding="utf-8"))


def environment(threads: int) -> dict[str, Any]:
    """Where a run happened: code, machine, library versions."""
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "git_commit": git("rev-parse", "HEAD"),
        "git_dirty": bool(uncommitted()),
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
        "device": device_name(),
        "cores": cores.available(),
        "threads": threads,
        "libraries": {name: metadata.version(name) for name in LIBRARIES},
    }


def uncommitted() -> str:
    """Changed files that could change a run; pages and records are what runs make themselves."""
    return git("status", "--porcelain", "--", ".", ":!benchmarks", ":!*.md")


def device_name() -> str:
    """The accelerator that torch would use, or cpu."""
    import torch

    return torch.cuda.get_device_name(0) if torch.cuda.is_available() else "cpu"


def threads_for(asked: int) -> int:
    """Torch threads of a run: as asked, else OMP_NUM_THREADS, else every core."""
    return asked or int(os.environ.get("OMP_NUM_THREADS", "0")) or cores.available()


def git(*arguments: str) -> str:
    """What git says of this checkout; empty outside one."""
    try:
        answer = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    return answer.stdout.strip()


def write_text(path: Path, text: str) -> None:
    """Writes a whole file or nothing: the name appears only when the content is complete."""
    if not launch.first():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def write_json(path: Path, value: Any) -> None:
    """Indented JSON, written atomically."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, default=str) + "\n")


def write_jsonl(path: Path, rows: list[dict[str, Any]]) -> None:
    """One JSON object a line, written atomically."""
    write_text(path, "".join(json.dumps(row, ensure_ascii=False, default=str) + "\n" for row in rows))


def read_rows(path: Path) -> list[dict[str, Any]]:
    """The rows of a JSONL file that this project wrote. Texts may hold U+2028 and the like."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]
