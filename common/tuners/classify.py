"""Tuning of text classifiers: what to compare with, how to fit, how to answer."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from common import cores, launch, methods, pooled, trainer
from common.classify_rivals import as_outputs, contenders, features, fitted_head, texts_of
from common.job import Job, Output
from common.models import load_classifier, load_tuned_classifier
from common.usecase import Example, Splits

__all__ = ["ask_model", "contenders", "fit", "forgetting", "models", "predict"]

HEAD_FILE = "head.safetensors"
BATCH_TEXTS = 64


def fit(job: Job) -> dict[str, Any]:
    """Trains by the config's method and writes the adapter; gives what it cost."""
    if job.config.method == "head":
        return fit_head(job)
    from transformers import DataCollatorWithPadding, Trainer, TrainingArguments

    labels = job.labels
    trainer_arguments = trainer.arguments(job, len(job.splits.train))
    model, tokenizer = load_classifier(job.base, labels)
    if pooled.pools_by_mean(Path(job.base.path)):
        pooled.start_head(model, *fitted_head(job))
    model = methods.apply(model, job.config, "classify", "SEQ_CLS")
    rows = tokenised(job, tokenizer, labels)
    watch = trainer.Watch()
    best = trainer.KeepBest(lambda: val_accuracy(model, tokenizer, job, labels), job)
    engine = Trainer(
        model=model,
        args=TrainingArguments(**trainer_arguments),
        train_dataset=rows,
        data_collator=DataCollatorWithPadding(tokenizer),
        compute_loss_func=loss_function(job, labels),
        callbacks=[watch, best] if best.wanted else [watch],
    )
    seconds = trainer.train(engine, watch, job, len(rows))
    best.restore(model)
    trainer.log_of(engine, job, best.history)
    launch.once(lambda: model.save_pretrained(str(job.adapter)))
    tokens = sum(len(row["input_ids"]) for row in rows) * job.config.epochs
    return trainer.facts(model, engine, watch, seconds, tokens, len(rows), job)


def loss_function(job: Job, labels: list[str]) -> Any:
    """Cross-entropy, with rare labels weighed up where that was asked for."""
    import torch

    weights = None
    if job.config.classes_balanced:
        counts = [sum(str(e.answer) == label for e in job.splits.train) for label in labels]
        weights = torch.tensor([len(job.splits.train) / (len(labels) * count) for count in counts])
        if cores.on_gpu():
            weights = weights.to("cuda")

    def loss(outputs: Any, targets: Any, num_items_in_batch: Any = None) -> Any:
        return torch.nn.functional.cross_entropy(outputs["logits"].float(), targets, weight=weights)

    return loss


def tokenised(job: Job, tokenizer: Any, labels: list[str]) -> Any:
    """Training rows in the column names of transformers."""
    from datasets import Dataset

    rows = [row for e in job.splits.train for row in job.usecase.train_rows(e, job.splits)]
    texts = tokenizer(
        [row["text"] for row in rows], truncation=True, max_length=job.config.train_length_tokens
    )
    answers = [labels.index(str(row["label"])) for row in rows]
    return Dataset.from_dict(
        {
            "input_ids": texts["input_ids"],
            "attention_mask": texts["attention_mask"],
            "labels": answers,
        }
    )


def probabilities(model: Any, tokenizer: Any, texts: list[str], length: int) -> np.ndarray:
    """Label probabilities in the order of the texts; like lengths are batched together."""
    import torch

    order = np.argsort([-len(text) for text in texts], kind="stable")
    found: list[Any] = [None] * len(texts)
    training = model.training
    model.eval()
    with torch.inference_mode():
        for start in range(0, len(order), BATCH_TEXTS):
            chosen = order[start : start + BATCH_TEXTS]
            batch = tokenizer(
                [texts[i] for i in chosen],
                truncation=True,
                max_length=length,
                padding=True,
                return_tensors="pt",
            ).to(model.device)
            logits = model(**batch).logits.float().softmax(dim=-1).cpu().numpy()
            for place, row in zip(chosen, logits, strict=True):
                found[place] = row
    model.train(training)
    return np.stack(found)


def val_accuracy(model: Any, tokenizer: Any, job: Job, labels: list[str]) -> float:
    """Share of val texts with the right label."""
    texts = texts_of(job, job.splits.val)
    best = probabilities(model, tokenizer, texts, job.config.input_length_tokens).argmax(axis=1)
    return float(np.mean([labels[i] == str(e.answer) for i, e in zip(best, job.splits.val, strict=True)]))


def fit_head(job: Job) -> dict[str, Any]:
    """The logistic regression as the tuned contender itself."""
    from safetensors.numpy import save_file

    started = time.perf_counter()
    weights, bias = fitted_head(job)
    job.adapter.mkdir(parents=True, exist_ok=True)
    launch.once(lambda: save_file({"weights": weights, "bias": bias}, job.adapter / HEAD_FILE))
    total = sum(p.numel() for p in job.shared["encoder"].parameters())
    return trainer.head_facts(job, weights.size + bias.size, total, started)


def load_tuned(job: Job) -> tuple[Any, Any]:
    """The classifier that this job trained, from its folder."""
    return load_tuned_classifier(job.base, job.labels, job.adapter)


def predict(job: Job, examples: tuple[Example, ...]) -> list[Output]:
    """Labels of the tuned classifier."""
    return as_outputs(examples, job.labels, tuned_scores(job, texts_of(job, examples)))


def tuned_scores(job: Job, texts: list[str]) -> np.ndarray:
    """A score for every label and text, by what this job trained."""
    if head_stored_in(job.adapter):
        from safetensors.numpy import load_file

        head = load_file(job.adapter / HEAD_FILE)
        return features(job, texts) @ head["weights"].T + head["bias"]
    model, tokenizer = load_tuned(job)
    if cores.on_gpu():
        model = model.to("cuda")
    return probabilities(model, tokenizer, texts, job.config.input_length_tokens)


def head_stored_in(adapter: Path) -> bool:
    return (adapter / HEAD_FILE).is_file()


def forgetting(job: Job, neutral: Splits | None) -> dict[str, Any]:
    """A classifier answers nothing but its labels, so there is nothing general left to measure."""
    return {}


def ask_model(job: Job) -> Callable[[str], dict[str, float]]:
    """Gives the labels of a text and their scores, the best first."""

    def answer(text: str) -> dict[str, float]:
        found = zip(job.labels, tuned_scores(job, [text])[0].tolist(), strict=True)
        return dict(sorted(found, key=lambda item: -item[1]))

    return answer


def models(job: Job) -> dict[str, Any]:
    """A classifier offers no model to further tables."""
    return {}
