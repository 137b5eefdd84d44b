"""Supervised fine-tuning of text models: prompt and completion, loss on the completion only."""

import json
from typing import Any

from common import bottleneck, cores, launch, lessons, methods, milder, muon, rehearsal, trainer, trl_adapter
from common.answering import (
    TEMPLATE_FILE,
    answers,
    ask_model,
    few_shot,
    forgetting,
    load,
    models,
    predict,
    start,
    template_hash,
    val_score,
    zero_shot,
)
from common.job import Contender, Job
from common.vocabulary import extend

__all__ = ["answers", "ask_model", "contenders", "fit", "forgetting", "load", "models", "predict"]


def contenders() -> list[Contender]:
    """What stands beside the tuned model, apart from the use case's floor."""
    return [
        Contender("zero_shot", "untuned model", "prompting", zero_shot),
        Contender("few_shot", "untuned model, similar examples first", "prompting", few_shot),
    ]


def fit(job: Job) -> dict[str, Any]:
    """Trains by the config's method and writes the adapter; gives what it cost."""
    arguments = trainer.arguments(job, job.config.batch_size)
    model, tokenizer = start(job)
    new_rows = extend(model, tokenizer, job.usecase.new_pieces(job.splits))
    rows = lessons.of_training(job, tokenizer)
    held = rehearsal.prepared(job, model, tokenizer)
    arguments = {**arguments, **trainer.schedule(job, len(rows))}
    model = methods.apply(model, job.config, "sft", "CAUSAL_LM", new_rows)
    if cores.on_gpu():
        model = methods.learn_whole(model, job.config)
    before = milder.snapshot(model) if job.config.milder and job.splits.val else None
    if job.config.flash_attention:
        if str(model.dtype) != "torch.float32":  # it knows 16 bits only
            model.set_attn_implementation("flash_attention_2")
    if job.config.compiled:
        arguments = {**arguments, "torch_compile": True}
    if job.config.checkpointing:
        model.gradient_checkpointing_enable({"use_reentrant": False})
    watch = trainer.Watch()
    best = trainer.KeepBest(lambda: val_score(model, tokenizer, job), job)
    callbacks = [watch, best] if best.wanted else [watch]
    engine = trl_adapter.sft_trainer(model, tokenizer, rows, arguments, callbacks, held)
    if job.config.optimizer == "muon":
        engine.optimizer = muon.for_model(model, methods.learning_rate(job.config), job.config.weight_decay)
    seconds = trainer.train(engine, watch, job, len(rows))
    best.restore(model)
    mild = milder.settle(model, before, lambda: milder.val_scores(model, tokenizer, job)) if before else {}
    trainer.log_of(engine, job, best.history)
    weights = trainer.whole_weights(engine)
    launch.once(lambda: save(job, model, tokenizer, weights))
    tokens = sum(lessons.lengths_of(rows)) * job.config.epochs
    return {**trainer.facts(model, engine, watch, seconds, tokens, len(rows), job), **mild}


def save(job: Job, model: Any, tokenizer: Any, weights: dict[str, Any] | None) -> None:
    """The adapter, or the whole model, and the template it was trained with."""
    if job.config.method == "bottleneck":
        bottleneck.save(model, job.adapter)
    else:
        # New rows are saved by themselves; PEFT would add the whole table of a resized vocabulary.
        whole = {"save_embedding_layers": False} if hasattr(model, "peft_config") else {}
        model.save_pretrained(str(job.adapter), state_dict=weights, **whole)
    tokenizer.save_pretrained(str(job.adapter))
    stamp = json.dumps({"template_hash": template_hash(job, tokenizer), "base": job.base.id})
    (job.adapter / TEMPLATE_FILE).write_text(stamp, encoding="utf-8")
