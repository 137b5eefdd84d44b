"""What a run was made of, as hashes: its code, its data, its settings. A record older than those is stale.

Code is hashed as it is parsed, without comments and docstrings, over the definitions that a run with these
settings can reach; what only prints, draws or orders the work is left out, as are defaults of the
environment. So neither a new line of help nor a change of the board makes a benchmark stale. A record's
hashes are taken anew on its own commit where git has it, since how they are taken changes too.
"""

import ast
import hashlib
import io
import json
import subprocess
import tarfile
import tempfile
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from common import models, reach, record
from common import usecase as usecases
from common.config import NOT_IN_IDENTITY, RunConfig
from common.record import RunRecord
from common.usecase import ROOT, UseCase

# What shows results, and what says when they are made, is no part of how they come about.
APART = tuple(f"common.{name}" for name in "report board progress stamp errors beside".split())
# Settings that are off in most runs, and that nothing sets on the way: what stands behind them does not count
# where they are off, nor does the module of that name.
OPTIONAL = ("search", "rates", "vllm", "checkpointing", "flash_attention", "compiled")
# Changes that no row can show, each as the definition before and what it is now: mends of what could only end
# in an error, and faster ways to the same bits. A run would come to the same end with either. A new
# definition that took over a piece of another has no name.
MENDED = {
    # Each text is taken apart once, where it was twice; test_data.py holds the two against each other.
    "a13a3d35f3cd03d8": "25d3b712121f47b0",  # data.near_duplicates
    # Helping processes let the garbage collector pass over what they begin with.
    "fca2207b45a68a15": "2743f60f3401b973",  # cores.settle_in
    # How little a smoke run takes, which is no evidence either way.
    "fd62ca4d1f1d2092": "5cda0b824f269d11",  # parts.smoke_sample
    # Dates that queries of others spell otherwise; the databases that ship are the same to the byte.
    "5cc399e131a72ac1": "be422c39c85b5769",  # fillers.YEAR_OR_MONTH
    "d0b9612db0df1706": "a9150790164e2f1b",  # fillers.value_pool
    "581b6d3a38f74773": "8591864cf8716e62",  # fillers._beside
    "d40d39d8f3ad8200": "4d4436f59880d3d3",  # fillers._fitting
    # Questions of others whose rows many questions crowd out get databases of their own.
    "a2eebb5be17be0ef": "03e8cb8f18515f05",  # usecase.EnglishToSql.databases_of
    # What comes from the hub may be a data set; a model comes as before.
    "1da6bb8d227ffb0f": "df099f160a714351",  # hub.fetched
    # How the number of a row is typed.
    "a83fb633434d4080": "a43aead81b250a46",  # data.Row
    # A text with U+2028 or the like in a JSONL file was cut there, and its row was no JSON any more.
    "dc807a7e0bc4bc98": "115fb7abcc848908",  # record.read_rows
    # PiSSA and VeRA have no place in convolutions, which PEFT said with an error.
    "9f6582ac836dc936": "0be0431b445e1c90",  # methods.REGISTRY
    # What is shown of a question beside its scores.
    "d226fd319505f634": "37279e380f1fbcdc",  # summary.shorten
    # How a short answer is read has a method of its own, so that people are shown the query.
    "d5170566df9dce0e": "8272cbbf4a1d702a",  # usecase.EnglishToSql.judged
    "e64d937b26f556ac": "",  # usecase.EnglishToSql.read
}
SETTINGS = "common.config"  # settings are held against each other by value, so what may be set does not count
NOT_SETTINGS = NOT_IN_IDENTITY | {"about", "smoke", "needs_data"}


def of(usecase: UseCase, config: RunConfig, device: str = "") -> dict[str, str]:
    """Hashes of the code, the shipped data and the settings of a run on a device; by default that at hand."""
    named = {"id": config.model, "revision": config.revision}  # a hub model is not loaded to be named
    local = not models.is_hub_id(config.model)
    base = models.resolve(config.model, None, config.tuner).as_dict() if local else named
    settings = config.model_dump(mode="json", exclude=NOT_SETTINGS)
    folder = usecases.folder(usecase)
    return {
        "code": code_hash(config, folder, device or record.device_name()),
        "data": "given" if config.data else files_hash(folder / "data"),
        "config": digest([json.dumps([settings, base], sort_keys=True)]),
    }


def changed(row: RunRecord, usecase: UseCase, config: RunConfig) -> list[str]:
    """Which of code, data and settings are others now than those that a record was made of."""
    now, kept = of(usecase, config, device_of(row)), dict(row.data.get("stamp", {}))
    found = [key for key in ("code", "data") if kept.get(key) != now[key]]
    if found and (then := at_commit(row, config)):
        found = [key for key in found if then[key] != now[key]]
    return found + (
        ["config"] if kept.get("config") != now["config"] and settings_differ(row, config) else []
    )


def device_of(row: RunRecord) -> str:
    """What a record was made on; one that does not say counts as made on a CPU."""
    return row.environment.get("device", "cpu")


def settings_differ(row: RunRecord, config: RunConfig) -> bool:
    """Whether a run would get other settings or another base; one that a record lacks counts once it is set.

    The code that reads a new setting is hashed, so a new one at its default needs no new run.
    """
    now = config.model_dump(mode="json", exclude={*NOT_SETTINGS, "model"})
    default = RunConfig().model_dump(mode="json")
    if any(row.config.get(key, default[key]) != value for key, value in now.items()):
        return True
    if models.is_hub_id(config.model):
        return row.base.get("id") != config.model
    return row.base.get("file_hash") != models.resolve(config.model, None, config.tuner).file_hash


def at_commit(row: RunRecord, config: RunConfig) -> dict[str, str] | None:
    """The hashes of code and data on the commit of a record, where it was run on exactly that."""
    if row.environment.get("git_dirty", True):
        return None
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        if not unpacked(row.environment.get("git_commit", ""), f"usecases/{row.usecase}", root):
            return None
        folder = root / "usecases" / row.usecase
        data = "given" if config.data else files_hash(folder / "data")
        return {"code": code_hash(config, folder, device_of(row), root), "data": data}


def unpacked(commit: str, folder: str, root: Path) -> bool:
    """Lays the core and a use case of a commit into a folder; false where git cannot."""
    command = ["git", "archive", commit, "--", "common", folder, ":!*.safetensors"]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    except FileNotFoundError:
        return False
    if done.returncode == 0:
        with tarfile.open(fileobj=io.BytesIO(done.stdout)) as packed:
            packed.extractall(root, filter="data")
    return done.returncode == 0


def code_hash(config: RunConfig, folder: Path, device: str, root: Path = ROOT) -> str:
    """Over every definition of the core and of the use case that such a run can reach."""
    names = (
        named(module, name, statements)
        for (module, name), statements in sorted(reached(config, folder, device, root).items())
        if statements and not (module == SETTINGS and (name.startswith("RunConfig") or name.isupper()))
    )
    return digest(filter(None, names))


def reached(
    config: RunConfig, folder: Path, device: str, root: Path = ROOT
) -> dict[reach.Key, list[ast.stmt]]:
    """What a run with these settings on a device can reach: its stages, its tuner, its use case."""
    off = [name for name in OPTIONAL if not getattr(config, name)]
    methods = frozenset((config.method, config.start_method))
    quiet = reach.Quiet(frozenset(off), methods, on_cpu=device == "cpu", own_data=config.data is None)
    found = reach.Reach(root, (*APART, *(f"common.{name}" for name in off)), quiet)
    found.start("common.run", "execute")
    found.start(f"common.tuners.{config.tuner}")
    found.place(f"usecases.{folder.name}", folder)
    found.start(f"usecases.{folder.name}.usecase")
    return found.found


def named(module: str, name: str, statements: Iterable[ast.stmt]) -> str:
    """A short name for a definition; the same for one before and after a mend."""
    found = digest([" ".join([module, name, *map(parsed, statements)])])
    return MENDED.get(found, found)


@cache
def parsed(statement: ast.stmt) -> str:
    """A statement as the parser sees it."""
    return ast.dump(statement)


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
