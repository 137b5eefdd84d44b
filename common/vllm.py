"""Answers from vLLM where it is found, in a process of its own; else those of `common.generate`.

Prompts go there as tokens and answers come back as tokens, so that what is asked, where an answer ends and
how readily it refuses are the same. vLLM brings its own torch, so it may live in another environment:
its command is looked for on PATH, or is what GALLERY_VLLM names.
"""

import atexit
import ctypes
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from common import bottleneck, generate, launch, methods, models
from common.errors import GalleryError
from common.generate import Reply, Sampling, leaning
from common.job import Job
from common.progress import say
from common.record import write_json

VARIABLE = "GALLERY_VLLM"
FILE = "vllm.json"  # in the folder of a job: which version answered
HOST = "127.0.0.1"
AT_ONCE = 512  # prompts in one request
START_SECONDS = 900
SECONDS_BETWEEN_LOOKS = 0.5
GPU_SHARE = 0.6  # of what is free on a GPU; the rest is for what this process computes there
LINES_SHOWN = 12
DIES_WITH_PARENT = 1  # PR_SET_PDEATHSIG of Linux
HERE = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # a proxy is for other machines


@dataclass
class Kept:
    """The one server of this process, the model that it holds, and what starting servers took so far."""

    process: Any = None
    model: Any = None
    url: str = ""
    starting_seconds: float = 0.0
    said: set[str] = field(default_factory=set)


KEPT = Kept()


def command() -> str:
    """Where vLLM's command is; empty where there is none."""
    return shutil.which(os.environ.get(VARIABLE, "vllm")) or ""


def replies(
    job: Job,
    model: Any,
    tokenizer: Any,
    prompts: Sequence[Sequence[int]],
    most_tokens: int,
    sampling: Sampling,
    on_batch: Callable[[int], None],
) -> list[Reply]:
    """Answers in the order of the prompts, as `generate.replies` gives them."""
    if reason := why_not(job, model, sampling):
        if reason not in KEPT.said:
            say(f"  answers come from the built-in generation: {reason}")
        KEPT.said.add(reason)
        return generate.replies(model, tokenizer, prompts, most_tokens, sampling, on_batch)
    serve(job, model)
    ends = generate.stop_ids(model, tokenizer)
    found: list[Reply] = []
    for start in range(0, len(prompts), AT_ONCE):
        part = [list(prompt) for prompt in prompts[start : start + AT_ONCE]]
        for pieces, lead in answered(part, most_tokens, sampling, ends, leaning(model)):
            found.append(generate.reply_of(tokenizer, pieces, ends, lead))
        on_batch(len(part))
    return found


def why_not(job: Job, model: Any, sampling: Sampling) -> str:
    """Why a model cannot answer there; empty when it can."""
    if model.training:
        return "a model that is still learning changes with every step"
    if launch.count() > 1:
        return "several processes share the work"
    if not command():
        return f"vLLM is not found (no command `{os.environ.get(VARIABLE, 'vllm')}`)"
    if sampling.temperature > 0 and leaning(model):
        return "answers are drawn under a bound on refusals"
    if job.config.method == "qlora":
        return "the base is held in 4 bits"
    if not job.base.file_hash:
        return "the base has random weights, which are in no folder"
    if not is_base(job, model) and (bottleneck.stored(job.adapter) or methods.learns_prompt(job.adapter)):
        return f"what method {job.config.method!r} adds cannot be folded into the weights"
    return ""


def is_base(job: Job, model: Any) -> bool:
    """Whether a model is the one that the job starts from."""
    return model is job.shared.get("base", (None,))[0]


def answered(
    prompts: list[list[int]],
    most_tokens: int,
    sampling: Sampling,
    ends: set[int],
    lean: tuple[int, float] | None,
) -> list[tuple[list[int], float]]:
    """The tokens of each answer, and by how much a refusal led before its bound."""
    if lean is None:
        return [(pieces, 0.0) for pieces in continued(prompts, most_tokens, sampling, ends)]
    firsts = [first_piece(choice, *lean) for choice in first_choices(prompts, lean[0])]
    begun = [prompt + [piece] for prompt, (piece, _) in zip(prompts, firsts, strict=True)]
    open_rows = [row for row, (piece, _) in enumerate(firsts) if piece not in ends and most_tokens > 1]
    rest = continued([begun[row] for row in open_rows], most_tokens - 1, sampling, ends)
    found = [([piece], lead) for piece, lead in firsts]
    for row, pieces in zip(open_rows, rest, strict=True):
        found[row] = (found[row][0] + pieces, found[row][1])
    return found


def continued(
    prompts: list[list[int]], most_tokens: int, sampling: Sampling, ends: set[int]
) -> list[list[int]]:
    """The tokens that follow each prompt, the end among them."""
    if not prompts:
        return []
    drawn = {"temperature": sampling.temperature, "seed": sampling.seed, "max_tokens": most_tokens}
    found = ask(prompt=prompts, stop_token_ids=sorted(ends), return_token_ids=True, **drawn)
    return [choice["token_ids"] for choice in found]


def first_choices(prompts: list[list[int]], piece: int) -> list[dict[str, float]]:
    """What the model says of a first piece and of the likeliest: the piece must be drawn, so it is told."""
    told = {"logprobs": 2, "return_tokens_as_token_ids": True, "temperature": 0.0, "max_tokens": 1}
    found = ask(prompt=prompts, allowed_token_ids=[piece], **told)
    return [choice["logprobs"]["top_logprobs"][0] for choice in found]


def first_piece(told: dict[str, float], piece: int, amount: float) -> tuple[int, float]:
    """How an answer starts once a piece is given an amount, and by how much the piece led before."""
    likely = {int(name.rpartition(":")[2]): value for name, value in told.items()}
    own = likely.pop(piece)
    other = max(likely, key=likely.__getitem__)
    lead = own - likely[other]
    return (piece if lead + amount > 0 else other), lead


def ask(**wanted: Any) -> list[dict[str, Any]]:
    """What the server says to some prompts, in their order."""
    body = json.dumps({"model": "model", **wanted}).encode()
    request = urllib.request.Request(f"{KEPT.url}/v1/completions", body, {"Content-Type": "application/json"})
    try:
        with HERE.open(request) as answer:
            found = json.load(answer)["choices"]
    except OSError as error:
        said = error.read().decode(errors="replace")[:600] if hasattr(error, "read") else ""
        raise GalleryError(f"vLLM did not answer: {error}. {said or last_lines()}\n{without()}") from error
    return sorted(found, key=lambda choice: choice["index"])


def serve(job: Job, model: Any) -> None:
    """Has the server hold this model; one that holds another is stopped first."""
    if KEPT.model is model and KEPT.process.poll() is None:
        return
    started = time.perf_counter()
    stop()
    say("  starting vLLM")
    job.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=job.folder) as place:
        folder = job.base.path if is_base(job, model) else merged(job, Path(place))
        KEPT.process, KEPT.model = begin(Path(folder), model), model
        wait_until_ready()
    atexit.register(stop)
    version = json.loads(get("/version"))["version"]
    write_json(job.folder / FILE, {"version": version})
    KEPT.starting_seconds += time.perf_counter() - started


def merged(job: Job, place: Path) -> str:
    """A folder with the tuned model as one network."""
    if not (job.adapter / "adapter_config.json").is_file():
        return str(job.adapter)
    model, tokenizer = models.load_causal(job.base, job.adapter)
    model.merge_and_unload().save_pretrained(str(place))
    tokenizer.save_pretrained(str(place))
    return str(place)


def begin(folder: Path, model: Any) -> Any:
    """Starts a server of a model folder."""
    import torch

    with socket.socket() as free:
        free.bind((HOST, 0))
        port = free.getsockname()[1]
    KEPT.url = f"http://{HOST}:{port}"
    options = {"host": HOST, "port": port, "served-model-name": "model", "generation-config": "vllm"}
    options |= {"dtype": str(model.dtype).removeprefix("torch."), "max-model-len": "auto"}
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
        free_bytes, all_bytes = torch.cuda.mem_get_info()
        options["gpu-memory-utilization"] = GPU_SHARE * free_bytes / all_bytes
    line = [command(), "serve", str(folder), "--enforce-eager"]
    line += [part for name, value in options.items() for part in (f"--{name}", str(value))]
    log = tempfile.TemporaryFile()  # noqa: SIM115 - the server writes to it as long as it lives
    process = subprocess.Popen(line, stdout=log, stderr=log, env=surroundings(), preexec_fn=end_with_parent)
    process.log = log
    return process


def surroundings() -> dict[str, str]:
    """The environment of a server: quiet, offline, and with the libraries of its own Python."""
    kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    quiet = {"VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1", "HF_HUB_OFFLINE": "1"}
    return {**kept, **quiet, "TRANSFORMERS_OFFLINE": "1"}


def end_with_parent() -> None:
    """A server whose run was killed ends as well."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(DIES_WITH_PARENT, signal.SIGTERM)


def wait_until_ready() -> None:
    """Until the server answers; fails with its last lines when it ends or takes too long."""
    until = time.monotonic() + START_SECONDS
    while KEPT.process.poll() is None and time.monotonic() < until:
        try:
            get("/health")
            return
        except OSError:
            time.sleep(SECONDS_BETWEEN_LOOKS)
    said = last_lines()
    stop()
    raise GalleryError(f"vLLM did not start. Its last lines:\n{said}\n{without()}")


def get(path: str) -> bytes:
    """What the server says under an address."""
    with HERE.open(f"{KEPT.url}{path}") as answer:
        return answer.read()


def last_lines() -> str:
    """What the server wrote last."""
    KEPT.process.log.seek(0)
    lines = KEPT.process.log.read().decode(errors="replace").splitlines()
    return "\n".join(lines[-LINES_SHOWN:])


def without() -> str:
    """How to go on without vLLM."""
    return f"Mend it, or run again with {VARIABLE}= (empty) to answer without it; what is done is kept."


def stop() -> None:
    """Ends the server, and gives its memory back."""
    if KEPT.process is not None:
        KEPT.process.terminate()
        try:
            KEPT.process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            KEPT.process.kill()
            KEPT.process.wait()
        KEPT.process.log.close()
    KEPT.process = KEPT.model = None


def worked_seconds() -> float:
    """A clock for what answers cost: it stands still while servers start."""
    return time.perf_counter() - KEPT.starting_seconds


def answered_by(folder: Path) -> str:
    """Which vLLM answered for the job of a folder, if one did."""
    path = folder / FILE
    return (
        json.loads(path.read_text(encoding="utf-8"))["version"] if path.is_file() else "built-in generation"
    )
