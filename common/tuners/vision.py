"""Tuning of image classifiers: what to compare with, how to fit, how to answer, where it looks."""

import shutil
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from common import methods, trainer, vision
from common.job import Job, Output
from common.pictures import Picture
from common.record import write_json
from common.usecase import Example, Splits
from common.vision_rivals import (
    contenders,
    features,
    fitted_linear,
    nearest,
    pictures_of,
    settled,
    untuned,
    view_of,
)

__all__ = ["ask_model", "contenders", "fit", "forgetting", "models", "predict"]

HEAD_FILE = "head.safetensors"
LARGEST_SHIFT = 16  # a picture is moved by at most one part in this many of its side
TIMED_PICTURES = 100


class Rows:
    """Training pictures in the model's size, with their label numbers, as a torch data set."""

    def __init__(self, job: Job) -> None:
        rows = [row for e in job.splits.train for row in job.usecase.train_rows(e, job.splits)]
        place = {label: number for number, label in enumerate(job.labels)}
        self.rows = [(row["image"], place[str(row["label"])]) for row in rows]
        self.view = view_of(job)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, number: int) -> tuple[np.ndarray, int]:
        picture, label = self.rows[number]
        return self.view.shrunk(picture), label


class Collate:
    """Pictures to a batch, mirrored, moved and lit anew each time from the run's own random numbers."""

    def __init__(self, view: vision.View) -> None:
        self.view = view

    def __call__(self, rows: list[tuple[np.ndarray, int]]) -> dict[str, Any]:
        import torch

        return {
            "pixel_values": self.view.tensor([self.varied(pixels) for pixels, _ in rows]),
            "labels": torch.tensor([label for _, label in rows]),
        }

    def varied(self, pixels: np.ndarray) -> np.ndarray:
        """One picture mirrored, moved by a few pixels, and a little brighter or darker."""
        import torch

        draw = torch.rand(5).numpy()
        pixels = pixels[:, ::-1] if draw[0] < 0.5 else pixels
        pixels = pixels[::-1] if draw[1] < 0.5 else pixels
        sides = np.array(pixels.shape[:2]) // LARGEST_SHIFT
        down, right = np.rint((2 * draw[2:4] - 1) * sides).astype(int)
        around = [(abs(down),) * 2, (abs(right),) * 2] + [(0, 0)] * (pixels.ndim - 2)
        wide = np.pad(pixels, around, mode="reflect")
        top, left = abs(down) + down, abs(right) + right
        moved = wide[top : top + pixels.shape[0], left : left + pixels.shape[1]]
        return np.clip(moved * (0.9 + 0.2 * draw[4]), 0, 255).astype(np.uint8)


def fit(job: Job) -> dict[str, Any]:
    """Trains by the config's method and writes the weights; gives what it cost."""
    if job.config.method == "head":
        return fit_head(job)
    from transformers import Trainer, TrainingArguments

    rows = Rows(job)
    arguments = {**trainer.arguments(job, len(rows)), "remove_unused_columns": False}
    model = prepared(job)
    watch = trainer.Watch()
    engine = Trainer(
        model=model,
        args=TrainingArguments(**arguments, label_names=["labels"]),
        train_dataset=rows,
        data_collator=Collate(rows.view),
        callbacks=[watch],
    )
    seconds = trainer.train(engine, watch, job, len(rows))
    trainer.log_of(engine, job, [])
    model.save_pretrained(str(job.adapter))
    return trainer.facts(model, engine, watch, seconds, 0, len(rows), job)


def prepared(job: Job) -> Any:
    """The base with a fresh head and the method's share of its weights trainable."""
    method = methods.find(job.config.method, "vision")
    model = vision.load_image_classifier(job.base, job.labels, method.name == "scratch")
    if method.peft is None:
        return model
    from peft import get_peft_model

    made = method.peft(job.config, None)
    made.target_modules = set(job.config.lora_targets or vision.light_targets(model))
    made.modules_to_save = vision.saved_beside(model)
    return get_peft_model(model, made)


def fit_head(job: Job) -> dict[str, Any]:
    """The logistic regression as the tuned contender itself."""
    from safetensors.numpy import save_file

    started = time.perf_counter()
    scaler, model = (step for _, step in fitted_linear(job).steps)
    parts = {"mean": scaler.mean_, "scale": scaler.scale_, "weights": model.coef_, "bias": model.intercept_}
    job.adapter.mkdir(parents=True, exist_ok=True)
    save_file({name: np.ascontiguousarray(part) for name, part in parts.items()}, job.adapter / HEAD_FILE)
    total = sum(p.numel() for p in untuned(job).parameters())
    return trainer.head_facts(job, model.coef_.size + model.intercept_.size, total, started)


def tuned_scores(job: Job, examples: Sequence[Example]) -> np.ndarray:
    """Label probabilities of the model that this job trained, from its folder."""
    if not examples:
        return np.zeros((0, len(job.labels)))
    if not (job.adapter / HEAD_FILE).is_file():
        return vision.probabilities(load_tuned(job), view_of(job), pictures_of(job, examples))
    from safetensors.numpy import load_file
    from scipy.special import softmax

    head = load_file(job.adapter / HEAD_FILE)
    rows = (features(job, examples) - head["mean"]) / head["scale"] @ head["weights"].T + head["bias"]
    return softmax(np.hstack([-rows, rows]) / 2 if rows.shape[1] == 1 else rows, axis=1)


def load_tuned(job: Job) -> Any:
    """The network that this job trained, from its folder."""
    key = f"network {job.adapter}"
    if key not in job.shared:
        if (job.adapter / "adapter_config.json").is_file():
            from peft import PeftModel

            base = vision.load_image_classifier(job.base, job.labels, False)
            job.shared[key] = PeftModel.from_pretrained(base, str(job.adapter)).eval()
        else:
            stored = replace(job.base, path=str(job.adapter), revision="", on_hub=False)
            job.shared[key] = vision.load_image_classifier(stored, job.labels, False).eval()
    return job.shared[key]


def predict(job: Job, examples: tuple[Example, ...]) -> list[Output]:
    """Answers of the tuned model."""
    return settled(job, examples, tuned_scores(job, job.splits.val), tuned_scores(job, examples))


def forgetting(job: Job, neutral: Splits | None) -> dict[str, Any]:
    """A classifier answers nothing but its labels, so there is nothing general left to measure."""
    return {}


def ask_model(job: Job) -> Any:
    """The tuned model as a function from pictures to answers."""

    def answer(pictures: Sequence[Picture]) -> list[Any]:
        examples = tuple(Example(str(n), str(n), p, "") for n, p in enumerate(pictures))
        return [output.value for output in predict(job, examples)]

    return answer


def models(job: Job) -> dict[str, Any]:
    """Answers by contender, and functions: what the base sees, where the tuned model looks, a new fit."""
    test = job.splits.test
    view, network = view_of(job), None if job.config.method == "head" else load_tuned(job)

    def trained_on(examples: Sequence[Example], method: str, epochs: int, rate: float | None) -> list[Any]:
        """Answers to test after tuning on other examples by another method."""
        config = job.config.model_copy(update={"method": method, "epochs": epochs, "learning_rate": rate})
        folder = job.folder / "curve" / f"{method}-{len(examples)}"
        part = replace(job, config=config, folder=folder, splits=replace(job.splits, train=tuple(examples)))
        part = replace(part, shared={k: v for k, v in job.shared.items() if k in ("view", "base", "vectors")})
        if method == "neighbours":
            return [output.value for output in nearest(part, test)]
        fit(part)
        found = predict(part, test)
        shutil.rmtree(folder)
        return [output.value for output in found]

    found = {
        "answers": {**job.shared["untuned"], "tuned": [output.value for output in predict(job, test)]},
        "val": [output.value for output in predict(job, job.splits.val)],
        "maps": lambda pictures: vision.maps(untuned(job), view, pictures),
        "heat": network and (lambda pictures, sound: vision.heat(network, view, pictures, sound)),
        "labels": job.labels,
        "trained_on": trained_on,
        "smoke": job.config.smoke,
        "embedded": job.config.model == "embedded",
        "milliseconds": milliseconds(job, test[:TIMED_PICTURES]),
    }
    write_json(job.folder / "pictures.json", job.usecase.pictures(job.splits, found))
    return found


def milliseconds(job: Job, examples: Sequence[Example]) -> np.ndarray:
    """How long single pictures take, one after the other, from pixels to probabilities."""
    taken = []
    for example in examples:
        job.shared.get("vectors", {}).pop(job.usecase.model_input(example).hash, None)
        started = time.perf_counter()
        tuned_scores(job, [example])
        taken.append(1000 * (time.perf_counter() - started))
    return np.array(taken)
