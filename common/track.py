"""Where losses and scores are shown while a run goes on: in the terminal, and in a tracker if asked for."""

import os
from importlib.util import find_spec
from typing import Any

from common.errors import GalleryError
from common.job import Job

PACKAGES = {
    "tensorboard": ("tensorboardX", "tensorboard"),
    "trackio": ("trackio",),
    "wandb": ("wandb",),
}


def refuse_missing(tracker: str) -> None:
    """Says before the work which package a tracker needs."""
    packages = PACKAGES.get(tracker, ())
    if packages and not any(find_spec(name) for name in packages):
        raise GalleryError(
            f"--track {tracker} needs the package {packages[0]}, which is not installed. Install it with "
            f"`pip install {packages[0]}`, or run without --track."
        )


def arguments(job: Job) -> dict[str, Any]:
    """What the Trainer is told; files go into the run's folder, and only W&B has a server of its own."""
    if job.config.track == "none":
        return {"report_to": "none"}
    place = str(job.folder / "track")
    os.environ["TENSORBOARD_LOGGING_DIR"] = place
    for name, value in (("TRACKIO_DIR", place), ("WANDB_DIR", place)):
        os.environ.setdefault(name, value)
    job.folder.joinpath("track").mkdir(parents=True, exist_ok=True)
    name = f"{job.usecase.name}--{job.config.variant}--{job.config.method}--seed-{job.seed}"
    return {"report_to": job.config.track, "project": "finetune-gallery", "run_name": name}
