"""A model that rates answers: trained on pairs, checked on held-out ones, picks among drawn answers."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from common import chat, cores, methods, trainer, trl_adapter
from common.answering import draws
from common.chat import Encoded
from common.job import Job, Output
from common.models import load_classifier, load_tuned_classifier
from common.preferences import BATCH_ROWS, Pair, accuracy
from common.progress import say
from common.usecase import Example

SMALLEST_JUDGE_ACCURACY = 0.7


def fit(job: Job, pairs: list[Pair], held_out: Sequence[Pair]) -> dict[str, Any]:
    """Trains the rating model of a job on top of its base; gives what it cost and how often it is right."""
    arguments = trainer.arguments(job, len(pairs))
    model, tokenizer = load_classifier(job.base, ["rating"])
    model = methods.apply(model, job.config, "preference", "SEQ_CLS")
    watch = trainer.Watch()
    settings = {**arguments, **trainer.schedule(job, len(pairs))}
    engine = trl_adapter.reward_trainer(model, tokenizer, pairs, settings, [watch])
    seconds = trainer.train(engine, watch, job, len(pairs))
    trainer.log_of(engine, job, [])
    model.save_pretrained(str(job.adapter))
    right = held_out_accuracy(model, tokenizer, held_out)
    say(f"  the rating model prefers the chosen answer in {right:.3f} of {len(held_out)} held-out pairs")
    tokens = sum(len(p.encoded(side).input_ids) for p in pairs for side in ("chosen", "rejected"))
    return {
        **trainer.facts(model, engine, watch, seconds, tokens * job.config.epochs, len(pairs), job),
        "loss": "reward",
        "held_out_accuracy": right,
    }


def held_out_accuracy(model: Any, tokenizer: Any, pairs: Sequence[Pair]) -> float:
    """Share of pairs whose chosen answer is rated higher."""
    sides = [[pair.encoded(side) for pair in pairs] for side in ("chosen", "rejected")]
    chosen, rejected = (ratings(model, tokenizer, rows) for rows in sides)
    return accuracy(chosen - rejected)


def ratings(model: Any, tokenizer: Any, rows: Sequence[Encoded]) -> np.ndarray:
    """What the model gives each prompt with its answer."""
    import torch

    if cores.on_gpu():
        model = model.to("cuda")
    model.eval()
    found = []
    with torch.inference_mode():
        for start in range(0, len(rows), BATCH_ROWS):
            ids = [row.input_ids for row in rows[start : start + BATCH_ROWS]]
            batch = tokenizer.pad({"input_ids": ids}, padding_side="right", return_tensors="pt")
            found.append(model(**batch.to(model.device)).logits[:, 0].float().cpu().numpy())
    return np.concatenate(found)


def load(job: Job) -> tuple[Any, Any]:
    """The rating model that a job trained."""
    return load_tuned_classifier(job.base, ["rating"], job.adapter)


def best_answers(job: Job, writer: Any, tokenizer: Any, examples: Sequence[Example]) -> list[Output]:
    """Of several answers that the writing model draws, the one that the rating model likes best."""
    rater, _ = load(job)
    prompts = [job.usecase.model_input(e) for e in examples]
    ids = [chat.prompt_ids(tokenizer, prompt) for prompt in prompts]
    drawn = draws(job, writer, tokenizer, ids)
    found = []
    for place, (example, prompt) in enumerate(zip(examples, prompts, strict=True)):
        texts = list(dict.fromkeys(draw[place].text for draw in drawn))
        rows = [chat.encode(tokenizer, {"prompt": prompt, "completion": text}) for text in texts]
        best = texts[int(ratings(rater, tokenizer, rows).argmax())]
        tokens_out = sum(draw[place].tokens for draw in drawn)
        found.append(Output(example.id, best, len(ids[place]) * len(drawn), tokens_out))
    return found


def judged(
    job: Job, pairs: list[Pair], held_out: Sequence[Pair], answers: dict[str, Sequence[str]]
) -> dict[str, Any]:
    """How often a rating model of other pairs prefers the tuned answers to each rival's.

    A rating model that is seldom right on held-out pairs judges nothing, and is dropped.
    """
    facts = fit(job, pairs, held_out)
    found = {"pairs": len(pairs), "held_out_accuracy": facts["held_out_accuracy"]}
    if found["held_out_accuracy"] < SMALLEST_JUDGE_ACCURACY:
        return {**found, "wins": {}}
    rater, tokenizer = load(job)
    prompts = [job.usecase.model_input(e) for e in job.splits.test]
    rated = {}
    for name, texts in answers.items():
        rows = [
            chat.encode(tokenizer, {"prompt": prompt, "completion": text or " "})
            for prompt, text in zip(prompts, texts, strict=True)
        ]
        rated[name] = ratings(rater, tokenizer, rows)
    sizes = {name: np.array([len(text) for text in texts]) for name, texts in answers.items()}
    wins = {
        name: length_controlled(rated["tuned"] - rated[name], sizes["tuned"] - sizes[name])
        for name in answers
        if name != "tuned"
    }
    return {**found, "wins": wins}


def length_controlled(margins: np.ndarray, longer_by: np.ndarray) -> float:
    """The win rate at equal length: a logistic curve over the difference in length, read at 0."""
    from sklearn.linear_model import LogisticRegression

    # A tie is a win and a loss of half the weight.
    won = np.concatenate([margins >= 0, margins > 0])
    if won.all() or not won.any():
        return float(won.mean())
    scale = max(float(np.std(longer_by)), 1.0)
    curve = LogisticRegression(C=1e3).fit(np.tile(longer_by / scale, 2)[:, None], won)
    return float(curve.predict_proba([[0.0]])[0, 1])
