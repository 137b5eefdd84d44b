"""What a run was made of, as hashes: its code, its data, its settings. A record older than those is stale.

Code is hashed as it is parsed, without comments and docstrings, over what a run of that tuner can
import; what only prints or draws is left out. So a new line of help makes no benchmark stale.
"""

import ast
import hashlib
import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from common import models
from common import usecase as usecases
from common.config import NOT_IN_IDENTITY, RunConfig
from common.usecase import ROOT, UseCase

ONLY_SHOWS = {"common.report", "common.board", "common.progress", "common.stamp", "common.errors"}
NOT_SETTINGS = NOT_IN_IDENTITY | {"about", "smoke"}


def of(usecase: UseCase, config: RunConfig) -> dict[str, str]:
    """Hashes of the code, the shipped data and the settings of a run."""
    named = {"id": config.model, "revision": config.revision}  # a hub model is not loaded to be named
    local = not models.is_hub_id(config.model)
    base = models.resolve(config.model, None, config.tuner).as_dict() if local else named
    settings = config.model_dump(mode="json", exclude=NOT_SETTINGS)
    return {
        "code": code_hash(config.tuner, usecases.folder(usecase)),
        "data": "given" if config.data else files_hash(usecases.folder(usecase) / "data"),
        "config": digest([json.dumps([settings, base], sort_keys=True)]),
    }


@cache
def code_hash(tuner: str, folder: Path) -> str:
    """Over the use case's files and every file of the core that a run of this tuner imports."""
    own = sorted(folder.rglob("*.py"))
    core = closure(["common.run", f"common.tuners.{tuner}", *(name for f in own for name in imported(f))])
    return digest(parsed(path) for path in [*own, *(module_path(name) for name in sorted(core))])


def closure(names: Iterable[str]) -> set[str]:
    """Modules of the core that these import, directly or not."""
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name in found or name in ONLY_SHOWS or not module_path(name).is_file():
            continue
        found.add(name)
        waiting += imported(module_path(name))
    return found


def module_path(name: str) -> Path:
    """The file of a module of the core."""
    path = ROOT.joinpath(*name.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


@cache
def imported(path: Path) -> tuple[str, ...]:
    """Names of the core's modules that a file imports anywhere."""
    found: list[str] = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return tuple(name for name in found if name.startswith("common."))


@cache
def parsed(path: Path) -> str:
    """A file as the parser sees it, without docstrings."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and isinstance(body[0], ast.Expr):
            if isinstance(body[0].value, ast.Constant) and isinstance(body[0].value.value, str):
                body[:1] = []
    return path.name + ast.dump(tree)


def files_hash(folder: Path) -> str:
    """Over the names and contents of a folder's files."""
    files = sorted(path for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else []
    return digest(
        f"{path.relative_to(folder)} {hashlib.sha256(path.read_bytes()).hexdigest()}" for path in files
    )


def digest(parts: Iterable[str]) -> str:
    """A short name for some text."""
    found = hashlib.sha256()
    for part in parts:
        found.update(part.encode() + b"\0")
    return found.hexdigest()[:16]
