"""One question to a tuned model: finds the run, loads what it trained, lets the use case answer."""

from pathlib import Path
from typing import Any

from common import contenders, models, record
from common.config import RunConfig
from common.errors import GalleryError
from common.job import Job
from common.usecase import UseCase


def ask(usecase: UseCase, folder: Path, question: str, source: Path | None) -> str:
    """What the use case says to a question, with the first seed's model of a finished run."""
    config = finished_config(usecase, folder)
    usecase = usecase.configured(config.task)
    return usecase.ask(question, source, tuned_model(usecase, config, folder))


def finished_config(usecase: UseCase, folder: Path) -> RunConfig:
    """The settings of a finished run."""
    if not (folder / "record.json").is_file():
        raise GalleryError(
            f"No finished run in {folder}. Train one first: gallery run {usecase.name}, or name another "
            "folder with --run."
        )
    return RunConfig(**record.read(folder / "record.json").config)


def tuned_model(usecase: UseCase, config: RunConfig, folder: Path) -> Any:
    """What the tuner of a finished run offers for single questions."""
    splits = usecase.load(config.data)
    base = models.resolve(config.model, config.revision, usecase.tuner)
    job = Job(usecase, splits, config, base, 0, folder / "seed-0")
    return contenders.tuner_of(usecase).ask_model(job)
