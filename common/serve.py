"""A tuned text model over the OpenAI protocol, on 127.0.0.1 alone, through the server inside transformers."""

import socket
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from common import answering, models
from common.errors import GalleryError
from common.export import opened, run_folder
from common.job import Job
from common.models import TEXT_TUNERS
from common.preference_stage import started

HOST = "127.0.0.1"
NEEDED = ("fastapi", "uvicorn", "openai")
MOST_AT_ONCE = 32


@dataclass(frozen=True)
class Served:
    """A model, by which name it is asked for, and how long its answers may be."""

    model: Any
    tokenizer: Any
    name: str
    most_tokens: int


def refuse_missing() -> None:
    """Says what to install, before anything is loaded."""
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise GalleryError(
            f"`gallery serve` needs {', '.join(missing)}, which this environment lacks. "
            "Install the extra: pip install -c constraints.txt -e '.[serve]'"
        )


def load(target: str, variant: str, answer_tokens: int | None) -> Served:
    """What `target` names: a model folder without a run, the embedded base, a run, or a use case."""
    folder = Path(target)
    if target == "embedded" or (folder / "config.json").is_file():
        model, tokenizer = models.load_causal(models.resolve(target, None, "sft"), None)
        most = model.generation_config.max_new_tokens or 256
        return Served(model, tokenizer, named(folder.resolve().name), answer_tokens or most)
    _, job = opened(run_folder(target, variant))
    if job.usecase.tuner not in TEXT_TUNERS:
        raise GalleryError(
            f"{job.usecase.name} tunes a {job.usecase.tuner} model, only models that write can be served. "
            f'Ask it with: gallery ask {job.usecase.name} "..."; or hand it on with gallery export.'
        )
    most = answer_tokens or job.config.answer_length_tokens
    return Served(*tuned_text(job), named(job.usecase.name), most)


def named(name: str) -> str:
    """A name that transformers' server does not read as a revision or a file."""
    return name.replace("@", "-").replace(":", "-")


def tuned_text(job: Job) -> tuple[Any, Any]:
    """The text model that a job tuned, and its tokenizer."""
    work = started(job) if job.usecase.tuner == "preference" else job
    return answering.load(work, work.adapter)


def bound(port: int) -> socket.socket:
    """A socket on this machine's own address; 0 takes any free port."""
    found = socket.socket()
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((HOST, port))
        found.listen()  # who asks while the model loads waits for it
    except OSError as error:
        found.close()
        raise GalleryError(f"Port {port} cannot be used: {error.strerror}. Give another --port.") from error
    return found


def server(served: Served) -> Any:
    """The server, ready to be run on a socket."""
    import uvicorn

    from common.serve_limits import application

    app = application(served.model, served.tokenizer, served.name, served.most_tokens)
    return uvicorn.Server(
        uvicorn.Config(app, log_level="warning", limit_concurrency=MOST_AT_ONCE, lifespan="off")
    )
