"""Tuning of sentence encoders for retrieval: what to rank with, how to fit, how to answer."""

import time
from typing import Any

import numpy as np

from common import launch, methods, question_tuning, trainer
from common.embed_rivals import (
    base_vectors,
    contenders,
    linear_seconds,
    load,
    questions,
    ranked,
    trained_linear,
)
from common.encoder import Encoder
from common.job import Job, Output
from common.metrics import ndcg
from common.models import load_encoder
from common.progress import say
from common.retrieval import rank
from common.searcher import Searcher, model_hash, open_searcher
from common.usecase import Example, Splits

__all__ = ["ask_model", "contenders", "fit", "forgetting", "load", "models", "predict"]

VAL_POOL_DOCUMENTS = 600
HARD_NEGATIVE_MARGIN = 0.95
HARD_NEGATIVE_DEPTH = 30


def training_rows(job: Job) -> list[dict[str, str]]:
    """The rows to learn from, with mined negatives where they were asked for."""
    rows = [row for e in job.splits.train for row in job.usecase.train_rows(e, job.splits)]
    if job.config.hard_negatives:
        rows = with_hard_negatives(job, rows)
    return rows


def with_hard_negatives(job: Job, rows: list[dict[str, str]]) -> list[dict[str, str]]:
    """Adds passages that the base model ranks high and that are no positive of the question.

    A passage nearly as close as the positive is left out: it is likely right but not labelled.
    """
    documents = job.splits.documents
    positives: dict[str, set[str]] = {}
    for row in rows:
        positives.setdefault(row["anchor"], set()).add(row["positive"])
    anchors = list(positives)
    vectors = load(job, None).queries(anchors)
    ranked = rank(vectors, base_vectors(job), list(documents), HARD_NEGATIVE_DEPTH)
    mined = {}
    for anchor, ranking in zip(anchors, ranked, strict=True):
        right = [
            s for i, s in zip(ranking.ids, ranking.scores, strict=True) if documents[i] in positives[anchor]
        ]
        limit = HARD_NEGATIVE_MARGIN * (max(right) if right else 1.0)
        mined[anchor] = [
            documents[i]
            for i, score in zip(ranking.ids, ranking.scores, strict=True)
            if documents[i] not in positives[anchor] and score <= limit
        ][: job.config.hard_negatives]
    count = job.config.hard_negatives
    kept = [row for row in rows if len(mined[row["anchor"]]) == count]
    say(f"  hard negatives: {count} each for {len(kept)} of {len(rows)} training rows")
    return [
        {**row, **{f"negative_{n + 1}": text for n, text in enumerate(mined[row["anchor"]])}} for row in kept
    ]


def fit(job: Job) -> dict[str, Any]:
    """Trains by the config's method and writes the adapter; gives what it cost."""
    if job.config.method == "head":
        return fit_head(job)
    if job.config.from_linear:
        return question_tuning.fit(job)
    rows = training_rows(job)
    arguments = trainer.arguments(job, len(rows))  # seeds what `prepare` draws
    arguments["dataloader_drop_last"] = launch.count() > 1  # gathered negatives need batches of one size
    model = load_encoder(job.base, None, job.config.train_length_tokens)
    prepare(model, job)
    engine, watch, best = engine_for(model, job, rows, arguments)
    seconds = trainer.train(engine, watch, job, len(rows))
    best.restore(model)
    trainer.log_of(engine, job, best.history)
    launch.once(lambda: save(model, job))
    tokens = count_tokens(model, rows) * job.config.epochs
    return trainer.facts(model, engine, watch, seconds, tokens, len(rows), job)


def prepare(model: Any, job: Job) -> None:
    """Makes the method's share of the weights trainable."""
    method = methods.find(job.config.method, "embed")
    if method.peft is not None:
        model.add_adapter(method.peft(job.config, "FEATURE_EXTRACTION"))
    if method.name == "freeze":
        methods.freeze_lowest(model[0].auto_model, job.config.frozen_layers)


def engine_for(
    model: Any, job: Job, rows: list[dict[str, str]], arguments: dict[str, Any]
) -> tuple[Any, Any, Any]:
    """The trainer, and the two callbacks that watch it."""
    from datasets import Dataset
    from sentence_transformers import (
        SentenceTransformerTrainer,
        SentenceTransformerTrainingArguments,
    )
    from sentence_transformers.sentence_transformer.losses import (
        CachedMultipleNegativesRankingLoss,
        MatryoshkaLoss,
        MultipleNegativesRankingLoss,
    )

    across = {"gather_across_devices": launch.count() > 1}
    loss = MultipleNegativesRankingLoss(model, **across)
    if job.pieces > 1:  # negatives come from the whole step, so it is this loss that takes it in parts
        at_once = trainer.rows_at_once(job)
        loss = CachedMultipleNegativesRankingLoss(model, mini_batch_size=at_once, **across)
        whole = {"per_device_train_batch_size": at_once * job.pieces, "gradient_accumulation_steps": 1}
        arguments = {**arguments, **whole}
    if job.config.matryoshka:
        full = model.get_embedding_dimension()
        loss = MatryoshkaLoss(model, loss, matryoshka_dims=[full, *job.config.matryoshka])
    watch, best = trainer.Watch(), trainer.KeepBest(lambda: val_score(model, job), job)
    engine = SentenceTransformerTrainer(
        model=model,
        args=SentenceTransformerTrainingArguments(**arguments, batch_sampler="no_duplicates"),
        train_dataset=Dataset.from_list(rows),
        loss=loss,
        callbacks=[watch, best] if best.wanted else [watch],
    )
    return engine, watch, best


def val_score(model: Any, job: Job) -> float:
    """nDCG@10 on val over its own passages and a fixed share of the others."""
    documents, val = job.splits.documents, job.splits.val
    wanted = dict.fromkeys(i for example in val for i in example.answer)
    others = [i for i in documents if i not in wanted]
    pool = [*wanted, *others[:: max(1, len(others) // VAL_POOL_DOCUMENTS)]]
    training = model.training
    encoder = Encoder(model.eval())
    vectors = encoder.documents([documents[i] for i in pool])
    rankings = rank(encoder.queries(questions(job, val)), vectors, pool)
    model.train(training)
    return float(np.mean([ndcg(r.ids, e.answer) for r, e in zip(rankings, val, strict=True)]))


def save(model: Any, job: Job) -> None:
    """The adapter alone where the method has one, else the whole model."""
    if methods.REGISTRY[job.config.method].peft is not None:
        model[0].auto_model.save_pretrained(str(job.adapter))
    else:
        model.save(str(job.adapter), create_model_card=False)


def count_tokens(model: Any, rows: list[dict[str, str]]) -> int:
    """Tokens of one pass over the rows, as cut for training."""
    texts = [text for row in rows for text in row.values()]
    return sum(Encoder(model).tokens(texts))


def fit_head(job: Job) -> dict[str, Any]:
    """The linear map as the tuned contender itself."""
    found = trained_linear(job)
    started = time.perf_counter() - linear_seconds(job)
    launch.once(lambda: found.save(job.adapter))
    base = load(job, None)
    facts = trainer.head_facts(
        job, found.parameters(), sum(p.numel() for p in base.model.parameters()), started
    )
    tokens = sum(base.tokens(questions(job, job.splits.train)))
    speed = round(tokens / max(facts["seconds"], 0.01), 1)
    return {**facts, "tokens": tokens, "steps": found.steps, "tokens_per_second": speed}


def predict(job: Job, examples: tuple[Example, ...]) -> list[Output]:
    """Rankings of the tuned encoder."""
    encoder = load(job, job.adapter)
    vectors = encoder.documents(list(job.splits.documents.values()))
    job.shared[f"tuned-{job.seed}"] = (encoder, vectors)
    return ranked(job, encoder, vectors, examples)


def forgetting(job: Job, neutral: Splits | None) -> dict[str, Any]:
    """nDCG@10 on neutral material before and after tuning."""
    if neutral is None:
        return {}
    encoder = job.shared[f"tuned-{job.seed}"][0]
    before, after = (mean_ndcg(e, neutral) for e in (load(job, None), encoder))
    return {"before": before, "after": after, "loss": before - after, "unit": "ndcg@10"}


def mean_ndcg(encoder: Encoder, splits: Splits) -> float:
    vectors = encoder.documents(list(splits.documents.values()))
    queries = encoder.queries([example.inputs for example in splits.test])
    rankings = rank(queries, vectors, list(splits.documents))
    return float(np.mean([ndcg(r.ids, e.answer) for r, e in zip(rankings, splits.test, strict=True)]))


def ask_model(job: Job) -> Searcher:
    """The tuned encoder over its index in the run folder."""
    found = model_hash(job.base.file_hash, job.adapter)
    return open_searcher(job.folder / "index", load(job, job.adapter), found, job.splits.documents)


def models(job: Job) -> dict[str, tuple[Encoder, np.ndarray]]:
    """Encoders with their document vectors, for the use case's further tables; call after predict."""
    return {
        "zero_shot": (load(job, None), base_vectors(job)),
        "tuned": job.shared[f"tuned-{job.seed}"],
    }
