"""A run as something to hand on: adapter, merged model, model card, and how to serve it elsewhere.

What is merged has answered the same test examples as the adapter first; where it did not, nothing is written.
"""

import json
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common import board, compare, export_template, methods, parity
from common import usecase as usecases
from common.embed_rivals import questions_alone
from common.errors import GalleryError
from common.job import Job
from common.models import TEXT_TUNERS
from common.record import RunRecord, write_text
from common.run import RUNS_FOLDER

TEMPLATE = Path(__file__).parent / "model_card.md.jinja"
EXPORTED_FORMS = ("as recorded by the run", "merged", "merged, stored, loaded again")
MOST_CONTEXT = 8192  # Ollama sets memory aside for all of it
LIBRARIES = {"embed": "sentence-transformers", "vision": "transformers", "classify": "transformers"}


@dataclass(frozen=True)
class Limits:
    """What the merged model may lose against the adapter: of the headline, and of equal answers."""

    loss: float = 0.01
    same: float = 1.0
    examples: int = 64


def run_folder(target: str, variant: str) -> Path:
    """The folder of a finished run, by its path or by the name of its use case."""
    folder = Path(target)
    if (folder / "record.json").is_file():
        return folder
    if target not in usecases.names() and len(folder.parts) > 1:
        raise GalleryError(f"{folder} holds no record.json: it is no finished run.")
    found = RUNS_FOLDER / f"{usecases.find(target).name}--{variant}"
    if not (found / "record.json").is_file():
        raise GalleryError(
            f"No finished run in {found}. Train one first: gallery run {target} --variant {variant}, "
            "or name the folder of a run."
        )
    return found


def opened(folder: Path) -> tuple[RunRecord, Job]:
    """The record of a finished run, and the job of its first seed."""
    row, job = compare.tuned_job(folder)
    if job.usecase.tuner == "preference" and job.config.loss == "reward":
        raise GalleryError(f"The run in {folder} trained a rating model, which writes no answers.")
    return row, job


def export(folder: Path, out: Path, limits: Limits = Limits()) -> str:
    """Writes everything to a folder that does not exist yet, whole or not at all; says what is in it."""
    if out.exists():
        raise GalleryError(f"{out} exists already; name a folder that does not with --out.")
    row, job = opened(folder)
    out.parent.mkdir(parents=True, exist_ok=True)
    place = Path(tempfile.mkdtemp(dir=out.parent, prefix=f".{out.name}."))
    try:
        shutil.copytree(job.adapter, place / "adapter")
        starts = sorted(folder.glob("start-0"))
        for start in starts:
            shutil.copytree(start, place / "start")
        reason = why_not_merged(job)
        table = "" if reason else merge(folder, job, place / "merged", limits)
        notes = "" if reason else serving_files(job, place)
        write_text(place / "README.md", card(row, job, reason, table, notes, bool(starts)))
        os.rename(place, out)
    except BaseException:
        shutil.rmtree(place, ignore_errors=True)
        raise
    return "\n".join(str(path) for path in sorted(out.iterdir()))


def why_not_merged(job: Job) -> str:
    """Why a run has no merged model; empty when it has one."""
    if job.usecase.tuner not in parity.LOADERS:
        return f"merged {job.usecase.tuner} models are not checked against their adapter"
    if job.config.method in parity.NOT_MERGED:
        return f"method {job.config.method!r} cannot be merged: {parity.NOT_MERGED[job.config.method]}"
    if job.usecase.tuner == "embed" and questions_alone(job.adapter):
        return "questions and documents go through two networks, which no single model folder can hold"
    if methods.learns_prompt(job.adapter):
        return f"method {job.config.method!r} learns a prompt, which no weight of the base can hold"
    return ""


def merge(folder: Path, job: Job, out: Path, limits: Limits) -> str:
    """Stores the merged model once it has answered as the adapter does; gives the table of that."""
    step = max(1, len(job.splits.test) // limits.examples)
    with tempfile.TemporaryDirectory(dir=folder) as place:
        merged = parity.beside(job, Path(place))
        found = parity.forms(job, merged, job.splits.test[::step][: limits.examples])
        table = parity.written(folder, found, limits.loss, job)
        told = [form for form in found if form.name in EXPORTED_FORMS]
        failed = [f.name for f in told if not f.passes(limits.loss)]
        failed += [f.name for f in told if f.name != EXPORTED_FORMS[0] and f.same < limits.same]
        if failed:
            raise GalleryError(
                f"{table}\n{', '.join(dict.fromkeys(failed))}: not the adapter's answers (headline within "
                f"{limits.loss:g}, {limits.same:.0%} of answers the same). Nothing is exported; "
                "`gallery serve` answers with the adapter itself."
            )
        shutil.copytree(merged.adapter, out)
    return table


def serving_files(job: Job, place: Path) -> str:
    """For a text model: the settled template, the run's decoding, and a Modelfile where one can be true."""
    if job.usecase.tuner not in TEXT_TUNERS:
        return ""
    from transformers import AutoConfig, AutoTokenizer, GenerationConfig

    tokenizer = AutoTokenizer.from_pretrained(str(place / "merged"))
    stops = [tokenizer.eos_token_id, GenerationConfig.from_pretrained(str(place / "merged")).eos_token_id]
    flat = sum(([s] if isinstance(s, int) else list(s or []) for s in stops), [])
    export_template.settle(tokenizer)
    tokenizer.save_pretrained(str(place / "merged"))
    GenerationConfig(
        do_sample=False,
        max_new_tokens=job.config.answer_length_tokens,
        eos_token_id=sorted(set(flat)),
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.bos_token_id,
    ).save_pretrained(str(place / "merged"))
    found = export_template.pieces(tokenizer)
    if found is None:
        return (
            "No Modelfile is written: this chat template cannot be said in Ollama's language such that it "
            "writes the same prompt. Servers that read the stored template itself are not concerned."
        )
    stop_texts = [tokenizer.convert_ids_to_tokens(stop) for stop in sorted(set(flat))]
    settings = AutoConfig.from_pretrained(str(place / "merged")).get_text_config()
    context = min(settings.max_position_embeddings, MOST_CONTEXT)
    write_text(place / "Modelfile", modelfile(job, found, stop_texts, context))
    return "The `Modelfile` writes the same prompt as the stored template; both were compared."


def modelfile(job: Job, found: export_template.Pieces, stops: list[str], context: int) -> str:
    """What `ollama create` reads: the stored template in Ollama's language, and the run's greedy decoding."""
    values = {"temperature": 0, "repeat_penalty": 1.0, "num_predict": job.config.answer_length_tokens}
    values["num_ctx"] = context
    lines = [f"PARAMETER {name} {value}" for name, value in values.items()]
    lines += [f'PARAMETER stop "{stop}"' for stop in stops]
    return "\n".join(["FROM ./merged", f'TEMPLATE """{found.go()}"""', *lines, ""])


def card(row: RunRecord, job: Job, reason: str, table: str, notes: str, starts: bool) -> str:
    """The model card: all of its numbers come from the run's record."""
    from jinja2 import Environment

    text = job.usecase.tuner in TEXT_TUNERS
    values: dict[str, Any] = {
        "row": row,
        "usecase": job.usecase,
        "text": text,
        "library": LIBRARIES.get(job.usecase.tuner, "transformers") if not reason else "finetune-gallery",
        "result": board.section(row),
        "reason": reason,
        "parity": table,
        "notes": notes,
        "modelfile": "`Modelfile`" in notes,
        "starts": starts,
        "example": example_of(job) if text else "",
        "name": row.usecase.replace("_", "-"),
        "tokens": job.config.answer_length_tokens,
    }
    return Environment(trim_blocks=True).from_string(TEMPLATE.read_text(encoding="utf-8")).render(values)


def example_of(job: Job) -> str:
    """A prompt as the run writes it, of the shipped data only: a person's own rows stay at home."""
    if job.config.data is not None or not job.splits.val:
        return ""
    return json.dumps(job.usecase.model_input(job.splits.val[0]), ensure_ascii=False, indent=2)
