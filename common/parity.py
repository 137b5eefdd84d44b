"""Whether a model still answers as it did once it is merged, stored and loaded again, made int8 or ONNX.

The same test examples go through each form; what counts is how many answers stay the same and what
the headline loses. Past the limit nothing is exported.
"""

import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

from common import cells, compare, contenders, onnx_form
from common.encoder import Encoder
from common.errors import GalleryError
from common.evaluate import headline
from common.job import Job, Output
from common.record import read_rows, write_json
from common.usecase import Example, Table, UseCase

# Where each tuner loads what it trained; a form of the model is put in between loading and answering.
LOADERS = {
    "sft": ("common.answering", "load"),
    "preference": ("common.answering", "load"),
    "embed": ("common.tuners.embed", "load"),
    "classify": ("common.tuners.classify", "load_tuned"),
    "vision": ("common.tuners.vision", "load_tuned"),
}
COLUMNS = ("form", "same answers", "headline", "minus the adapter", "passes")
NOT_MERGED = {
    "head": "it has no network of its own",
    "bottleneck": "its layers cannot be folded into the weights",
    "qlora": "its base is held in 4 bits, and a merged model would be of another precision",
}
NOT_CHECKED = {
    "text": "Not checked: ONNX and GGUF of models that write text; their converters come with the servers.",
    "missing": f"Not checked: ONNX, whose converter is not installed here ({onnx_form.ADVICE}).",
}


@dataclass(frozen=True)
class Form:
    """How one form of the model did beside the adapter."""

    name: str
    same: float
    headline: float
    difference: float

    def passes(self, limit: float) -> bool:
        """A headline that moves either way is no parity."""
        return abs(self.difference) <= limit


def check(folder: Path, limit: float, count: int, out: Path | None) -> str:
    """The table as text, kept beside the run; refuses past the limit."""
    _, job = compare.tuned_job(folder)
    test = job.splits.test
    step = max(1, len(test) // count)
    with tempfile.TemporaryDirectory(dir=folder) as place:
        merged = beside(job, Path(place))
        found = forms(job, merged, test[::step][:count])
        said = written(folder, found, limit, job)
        failed = [form.name for form in found if not form.passes(limit)]
        if failed:
            raise GalleryError(
                f"{said}\n{', '.join(failed)}: past the limit of {limit:g}; nothing is exported."
            )
        if out is not None:
            export(merged.adapter, out)
    return said


def beside(job: Job, place: Path) -> Job:
    """A job that sees everything of the run but its adapter, whose place a merged model takes."""
    # What preferences start from lies beside the seeds of a run.
    for path in (*job.folder.iterdir(), *job.folder.parent.glob("start-*")):
        if path.name != "adapter":
            (place / path.name).symlink_to(path.resolve())
    return replace(job, folder=place, shared={})


def forms(job: Job, merged: Job, examples: Sequence[Example]) -> list[Form]:
    """Every form of the model on the same examples."""
    examples = tuple(examples)
    if job.config.method in NOT_MERGED:
        reason = NOT_MERGED[job.config.method]
        raise GalleryError(f"Method {job.config.method!r} cannot be merged, stored or quantised: {reason}.")
    adapter = answered(job, examples)
    chosen = {example.id for example in examples}
    kept = [Output(**o) for o in read_rows(job.folder / "tuned.jsonl") if o["id"] in chosen]
    judge = partial(beside_adapter, job.usecase, examples, adapter)
    found = [judge("as recorded by the run", kept), judge("adapter", adapter)]
    found.append(judge("merged", answered(job, examples, partial(merge_and_keep, job, merged.adapter))))
    found.append(judge("merged, stored, loaded again", answered(merged, examples)))
    found.append(judge("merged, int8 dynamic", answered(merged, examples, int8)))
    if not not_checked(job.usecase.tuner):
        found.append(judge("merged, ONNX", answered(merged, examples, onnx)))
    return found


def not_checked(tuner: str) -> str:
    """What is left out of the table and why; empty when nothing is."""
    if tuner not in onnx_form.TUNERS:
        return NOT_CHECKED["text"]
    return "" if onnx_form.installed() else NOT_CHECKED["missing"]


def onnx(loaded: Any) -> Any:
    """The network as a graph that onnxruntime answers."""
    return with_network(loaded, onnx_form.OnnxNetwork(network_of(loaded)))


def answered(
    job: Job, examples: tuple[Example, ...], form: Callable[[Any], Any] | None = None
) -> list[Output]:
    """Answers of the tuned model, put into a form between loading and answering."""
    fresh = replace(job, shared={})
    tuner = contenders.tuner_of(job.usecase)
    if form is None:
        return tuner.predict(fresh, examples)
    with loaded_as(job.usecase.tuner, form):
        return tuner.predict(fresh, examples)


@contextmanager
def loaded_as(tuner: str, form: Callable[[Any], Any]) -> Iterator[None]:
    """Within it, a tuner's trained model is given out in another form."""
    if tuner not in LOADERS:
        raise GalleryError(
            f"The forms of a {tuner} model cannot be compared; these can: {', '.join(LOADERS)}."
        )
    module, name = import_module(LOADERS[tuner][0]), LOADERS[tuner][1]
    real = getattr(module, name)

    def load(job: Job, *adapter: Path | None) -> Any:
        found = real(job, *adapter)
        return found if adapter == (None,) else form(found)

    setattr(module, name, load)
    try:
        yield
    finally:
        setattr(module, name, real)


def network_of(loaded: Any) -> Any:
    """The torch module in what a loader gives."""
    if isinstance(loaded, Encoder):
        return loaded.model[0].model
    return loaded[0] if isinstance(loaded, tuple) else loaded


def with_network(loaded: Any, network: Any) -> Any:
    """The same with another module inside."""
    if isinstance(loaded, Encoder):
        loaded.model[0].model = network  # `auto_model` can be read only; torch would take it without a word
        return loaded
    return (network, *loaded[1:]) if isinstance(loaded, tuple) else network


def layers_of(loaded: Any, kind: type) -> list[Any]:
    """Layers of a kind in what will answer, so that a form cannot pass by not being applied."""
    module = loaded.model if isinstance(loaded, Encoder) else network_of(loaded)
    return [layer for layer in module.modules() if isinstance(layer, kind)]


def merge_and_keep(job: Job, place: Path, loaded: Any) -> Any:
    """The model without its adapter layers, stored whole where the reloaded form will look for it."""
    from peft.tuners.tuners_utils import BaseTunerLayer

    merged = with_network(loaded, merged_network(job, network_of(loaded)))
    if left := layers_of(merged, BaseTunerLayer):
        raise GalleryError(f"{len(left)} adapter layers of {job.config.method!r} are left after merging.")
    if isinstance(merged, Encoder):
        merged.model.save(str(place), create_model_card=False)
        return merged
    network_of(merged).save_pretrained(str(place))
    if isinstance(merged, tuple):
        merged[1].save_pretrained(str(place))
    for path in job.adapter.glob("*.json"):
        if not (place / path.name).exists() and path.name != "adapter_config.json":
            shutil.copyfile(path, place / path.name)
    return merged


def merged_network(job: Job, network: Any) -> Any:
    """Adapter layers folded into the weights; a wholly trained model has none."""
    if not (job.adapter / "adapter_config.json").is_file():
        return network
    from peft import PeftModel

    if not isinstance(network, PeftModel):  # sentence-transformers puts the layers in without the wrapper
        untouched = network_of(contenders.tuner_of(job.usecase).load(replace(job, shared={}), None))
        network = PeftModel.from_pretrained(untouched, str(job.adapter))
    try:
        return network.merge_and_unload().eval()
    except (AttributeError, NotImplementedError) as error:
        raise GalleryError(
            f"Method {job.config.method!r} cannot be merged into the weights: {error}."
        ) from error


def int8(loaded: Any) -> Any:
    """Linear layers with int8 weights, and activations that are rounded as they come."""
    import torch

    network = network_of(loaded).to("cpu")
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore"
        )  # torch says that this will move to torchao; torchao is one more install
        quantised = torch.ao.quantization.quantize_dynamic(network, {torch.nn.Linear}, dtype=torch.qint8)
    made = with_network(loaded, quantised)
    if not layers_of(made, torch.ao.nn.quantized.dynamic.Linear):
        raise GalleryError(
            "The network has no linear layer that could be made int8; there is nothing to check."
        )
    return made


def beside_adapter(
    usecase: UseCase,
    examples: Sequence[Example],
    adapter: Sequence[Output],
    name: str,
    outputs: Sequence[Output],
) -> Form:
    """Agreement with the adapter's answers, and the headline of both."""
    before, after = (headline(usecase, examples, found) for found in (adapter, outputs))
    pairs = zip(adapter, outputs, strict=True)
    same = sum(answer(a.value) == answer(b.value) for a, b in pairs) / max(len(outputs), 1)
    return Form(name, same, after, after - before)


def answer(value: Any) -> Any:
    """What a person would see of an output: the text, the label, or the first thing found."""
    if isinstance(value, dict):
        return answer(next(iter(value.get(key) for key in ("label", "ids", "text") if key in value), value))
    return value[0] if isinstance(value, list | tuple) and value else value


def written(folder: Path, found: Sequence[Form], limit: float, job: Job) -> str:
    """The table, also in the run's folder, from where `gallery publish` takes it into the record."""
    rows = tuple(
        (
            f.name,
            f"{f.same:.3f}",
            f"{f.headline:.3f}",
            f"{f.difference:+.3f}",
            "yes" if f.passes(limit) else "NO",
        )
        for f in found
    )
    title = f"Parity of {job.config.method}: the same test examples in every form"
    table = Table(title, COLUMNS, rows, not_checked(job.usecase.tuner))
    write_json(folder / "parity.json", asdict(table))
    return f"{table.title}\n\n{cells.table(COLUMNS, rows)}\n\n{table.note}".rstrip()


def export(merged: Path, out: Path) -> None:
    """Keeps the merged model where it was asked for."""
    if out.exists():
        raise GalleryError(f"{out} exists already; name a folder that does not.")
    shutil.copytree(merged, out)
