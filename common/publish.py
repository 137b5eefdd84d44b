"""Takes a run into the benchmark: what counts, what does not, and the tables made anew."""

from pathlib import Path

from common import board, record
from common.errors import FaultsError, GalleryError
from common.progress import say
from common.record import RunRecord

STAGES = ("data.json", "baselines/floor.jsonl", "seed-0/tuned.jsonl", "record.json", "report.html")
FEWEST_SEEDS = 3


def publish_run(folder: Path) -> Path:
    """Copies the record and renews the tables, or says everything that speaks against it."""
    missing = [name for name in STAGES if not (folder / name).is_file()]
    if missing:
        raise GalleryError(
            f"{folder} is no finished run: {', '.join(missing)} missing. Finish it with `gallery run`."
        )
    made = record.read(folder / "record.json")
    faults = faults_of(made)
    if not folder.name.startswith(f"{made.usecase}--{made.variant}"):
        faults.append(f"its folder must be named {made.usecase}--{made.variant}, as `gallery run` does")
    if faults:
        raise FaultsError(f"{folder} cannot be published", faults, "Mend them and run again.")
    path = board.RESULTS / f"{folder.name}.json"
    record.write_json(path, public(made).model_dump())
    say(f"published {path}")
    for page in board.regenerate():
        say(f"renewed {page}")
    return path


def public(made: RunRecord) -> RunRecord:
    """The record without the folders of the machine it was made on."""
    data, model = made.config.get("data"), made.config["model"]
    config = {**made.config, "data": Path(data).name if data else None}
    base = made.base
    if Path(model).is_absolute():
        config, base = {**config, "model": Path(model).name}, {**base, "id": Path(model).name}
    return made.model_copy(update={"tier": "published", "config": config, "base": base})


def faults_of(made: RunRecord) -> list[str]:
    """Why a record is no evidence yet."""
    faults = []
    if made.status in ("out of memory", "diverged", "cancelled"):
        faults.append(f"it ended without a tuned model: {made.status}")
    if made.tier == "smoke":
        faults.append("it is a smoke run")
    if len(made.seeds) < FEWEST_SEEDS:
        faults.append(f"it has {len(made.seeds)} seed(s), {FEWEST_SEEDS} are needed (--seeds 3)")
    if made.environment["git_dirty"] or not made.environment["git_commit"]:
        faults.append("it was run on uncommitted code, so nobody could run it again")
    if made.base["on_hub"] and made.base["revision"] in ("", "main"):
        faults.append("its hub model is not pinned; set `revision` in the variant")
    return faults
