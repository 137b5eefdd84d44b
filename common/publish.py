"""Takes a run into the benchmark: what counts as evidence, where the rest goes, and the tables made anew."""

import json
from pathlib import Path

from common import board, record, results, stamp
from common import usecase as usecases
from common.config import RunConfig
from common.errors import GalleryError
from common.progress import say
from common.record import RunRecord

STAGES = ("data.json", "baselines/floor.jsonl", "seed-0/tuned.jsonl", "record.json", "report.html")
FEWEST_SEEDS = 3
FAILED = ("out of memory", "diverged", "failed")


def publish_run(folder: Path, contributed: bool = False, home: Path = results.BENCHMARKS) -> Path:
    """Copies the record to the tier it has earned, says why, and renews the tables."""
    made = finished_record(folder)
    faults = faults_of(made)
    tier = results.DRAFT if faults else results.CONTRIBUTED if contributed else results.VERIFIED
    path = home / results.FOLDERS[tier] / f"{folder.name}.json"
    made = with_parity(folder, public(made, "draft" if faults else "published"))
    record.write_json(path, made.model_dump())
    say(f"published {path}" if not faults else f"only a draft, {path}:")
    for fault in faults:
        say(f"  - {fault}")
    if not faults:
        (home / "drafts" / path.name).unlink(missing_ok=True)
        keep_examples(folder, home / "examples" / path.name)
    for page in board.regenerate(home.parent):
        say(f"renewed {page}")
    return path


def finished_record(folder: Path) -> RunRecord:
    """The record of a run that ended, well or not."""
    if not (folder / "record.json").is_file():
        raise GalleryError(f"{folder} is no finished run: record.json missing. Finish it with `gallery run`.")
    made = record.read(folder / "record.json")
    missing = [name for name in STAGES if not (folder / name).is_file()]
    if missing and made.status not in FAILED:
        raise GalleryError(
            f"{folder} is no finished run: {', '.join(missing)} missing. Finish it with `gallery run`."
        )
    if not folder.name.startswith(f"{made.usecase}--{made.variant}"):
        raise GalleryError(
            f"{folder} holds a run of {made.usecase}--{made.variant}; its folder must begin with that name, "
            "as `gallery run` does. Rename it."
        )
    return made


def with_parity(folder: Path, made: RunRecord) -> RunRecord:
    """The record with the table of `gallery parity`, where that was run."""
    path = folder / "parity.json"
    if not path.is_file():
        return made
    table = json.loads(path.read_text(encoding="utf-8"))
    return made.model_copy(update={"tables": [*made.tables, table]})


def keep_examples(folder: Path, path: Path) -> None:
    """Keeps the tuned scores per example beside the record; those of an earlier record must not stay."""
    path.unlink(missing_ok=True)
    if (folder / "examples.json").is_file():
        kept = json.loads((folder / "examples.json").read_text(encoding="utf-8"))
        kept["scores"] = {name: by_seed for name, by_seed in kept["scores"].items() if name == "tuned"}
        record.write_text(path, json.dumps(kept, ensure_ascii=False, separators=(",", ":")) + "\n")


def public(made: RunRecord, tier: str) -> RunRecord:
    """The record without the folders of the machine it was made on."""
    data, model = made.config.get("data"), made.config.get("model", "")
    config = {**made.config, "data": Path(data).name if data else None}
    base = made.base
    if Path(model).is_absolute():
        config, base = {**config, "model": Path(model).name}, {**base, "id": Path(model).name}
    return made.model_copy(update={"tier": tier, "config": config, "base": base})


def faults_of(made: RunRecord) -> list[str]:
    """Why a record is no evidence yet."""
    faults = []
    if made.status == "cancelled":
        faults.append("it was cancelled before there was a tuned model")
    if made.tier == "smoke":
        faults.append("it is a smoke run")
    if len(made.seeds) < FEWEST_SEEDS:
        faults.append(f"it has {len(made.seeds)} seed(s), {FEWEST_SEEDS} are needed (--seeds 3)")
    if made.environment["git_dirty"] or not made.environment["git_commit"]:
        faults.append("it was run on uncommitted code, so nobody could run it again")
    if made.base.get("on_hub") and made.config.get("revision") in (None, "", "main"):
        faults.append("its hub model is not pinned; set `revision` in the variant")
    return faults + changed_since(made)


def changed_since(made: RunRecord) -> list[str]:
    """A run that was begun with other code may mix the two: its early stages are not done again."""
    begun = made.data.get("stamp", {}).get("code")
    if not begun or made.usecase not in usecases.names():
        return []
    folder = usecases.USECASES_FOLDER / made.usecase
    now = stamp.code_hash(RunConfig(**made.config), folder, stamp.device_of(made))
    return [] if begun == now else ["its code changed since it was begun; run it again in a new folder"]
