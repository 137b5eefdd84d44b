"""Preference tuning of text models: a supervised start, saved, then the answers that people prefer.

Every loss stands behind the same calls. The reference is the model that the supervised stage saved:
before the first step the tuned model must rate every answer exactly as it does.
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from common import answering, cores, methods, rehearsal, reward_model, trainer, trl_adapter
from common.config import RunConfig
from common.contenders import timed
from common.errors import GalleryError
from common.evaluate_text import bits_per_byte
from common.generate import Sampling, replies
from common.job import Contender, Job, Output
from common.models import load_causal
from common.preference_checks import Guard, change_per_token, refuse_stale_reference
from common.preference_stage import (
    START_FILE,
    for_judge,
    pair_rows,
    start_folder,
    started,
    taught,
    trained_on_chosen,
)
from common.preferences import (
    Likelihoods,
    Pair,
    pairs_of,
    preference_measures,
    with_own_answers,
)
from common.progress import say
from common.rehearsal import Rehearsal
from common.usecase import Example, Splits

WATCHED_PAIRS = 64
SMALLEST_JUDGE_PAIRS = 40
JUDGE_EPOCHS = 4
SMALLEST_DRAW = 4


def fit(job: Job) -> dict[str, Any]:
    """Trains on preferences by the config's loss and writes the adapter; gives what it cost."""
    work = started(job)
    if job.config.loss == "reward":
        return reward_model.fit(work, training_pairs(work), watched_pairs(work))
    return fit_policy(work)


def fit_policy(work: Job) -> dict[str, Any]:
    """Trains the model that answers."""
    arguments = trainer.arguments(work, len(work.splits.train))
    pairs = training_pairs(work)
    model, tokenizer = load_causal(work.base, None)
    held = rehearsal.prepared(work, model, tokenizer)
    if cores.on_gpu():  # the model and its reference alike
        model = methods.learn_whole(model, work.config)
        methods.learn_whole(answering.load(work, None)[0], work.config)
    peft, model = adapter_of(model, work.config)
    watch, watched = trainer.Watch(), watched_pairs(work)
    before = Likelihoods.under(*answering.load(work, None), watched)
    engine = policy_trainer(work, model, peft, tokenizer, pairs, arguments, [watch], held)
    zero = refuse_stale_reference(work, engine.model, tokenizer, watched, before)
    guard = Guard(lambda: change_per_token(engine.model, tokenizer, watched, before.chosen), work.config)
    engine.add_callback(guard)
    best = trainer.KeepBest(lambda: answering.val_score(engine.model, tokenizer, work), work)
    if best.wanted:
        engine.add_callback(best)
    seconds = trainer.train(engine, watch, work, rows_of(engine))
    best.restore(engine.model)
    trainer.log_of(engine, work, [*best.history, *guard.history])
    save(work, engine.model, tokenizer)
    tokens = sum(len(p.encoded(side).input_ids) for p in pairs for side in ("chosen", "rejected"))
    return {
        **trainer.facts(engine.model, engine, watch, seconds, tokens * work.config.epochs, len(pairs), work),
        "loss": work.config.loss,
        "largest_reward_before_training": zero,
        "displacement": guard.history,
        "stopped_by_guard": guard.stopped,
        "start": json.loads((start_folder(work) / START_FILE).read_text(encoding="utf-8")),
    }


def rows_of(engine: Any) -> int:
    return len(engine.train_dataset)


def adapter_of(model: Any, config: RunConfig) -> tuple[Any, Any]:
    """The PEFT config that the trainer wraps the model with, or none and the model made ready."""
    method = methods.find(config.method, "preference")
    if config.method == "dora":  # not always: TRL keeps a copy of an adapter that it did not make
        return None, methods.apply(model, config, "preference", "CAUSAL_LM")
    if method.peft is not None:
        return method.peft(config, "CAUSAL_LM"), model
    return None, methods.apply(model, config, "preference", "CAUSAL_LM")


def policy_trainer(
    job: Job,
    model: Any,
    peft: Any,
    tokenizer: Any,
    pairs: list[Pair],
    arguments: dict[str, Any],
    callbacks: list[Any],
    held: Rehearsal | None,
) -> Any:
    """TRL's trainer for the config's loss."""
    config = job.config
    settings = {**arguments, **trainer.schedule(job, len(pairs)), "beta": config.beta}
    if config.loss == "kto":
        return trl_adapter.kto_trainer(model, peft, tokenizer, pairs, settings, callbacks, held)
    if config.loss in ("grpo", "rloo"):
        settings |= {
            "per_device_train_batch_size": config.rollouts * trainer.rows_at_once(job),
            "num_generations": config.rollouts,
            "max_completion_length": config.answer_length_tokens,
        }
        examples = [pair.row["example"] for pair in pairs]

        def reward(row: int, answer: str) -> float:
            return job.usecase.reward(examples[row], answer)

        prompts = [pair.row["prompt"] for pair in pairs]
        return trl_adapter.rollout_trainer(
            config.loss, model, peft, tokenizer, prompts, reward, settings, callbacks, held
        )
    losses = (
        {"sigmoid": 1.0, "sft": config.sft_weight} if config.loss == "sigmoid+sft" else {config.loss: 1.0}
    )
    reference = Likelihoods.under(*answering.load(job, None), pairs)
    return trl_adapter.dpo_trainer(
        model, peft, tokenizer, pairs, reference, losses, settings, callbacks, held
    )


def training_pairs(job: Job) -> list[Pair]:
    """The pairs of train; some rejected answers are the reference's own mistakes."""
    model, tokenizer = answering.load(job, None)
    pairs = pairs_of(tokenizer, pair_rows(job, taught(job)), job.config.train_length_tokens)
    if job.config.own_answers == 0 or job.config.loss in ("grpo", "rloo"):
        return pairs
    drawn = replies(
        model,
        tokenizer,
        [pair.prompt_ids for pair in pairs],
        job.config.answer_length_tokens,
        Sampling(1.0, job.seed),
    )
    wrong = [
        reply.text if job.usecase.reward(pair.row["example"], reply.text) < 1 else None
        for pair, reply in zip(pairs, drawn, strict=True)
    ]
    made = with_own_answers(tokenizer, pairs, wrong, job.config.own_answers)
    count = sum(new is not old for new, old in zip(made, pairs, strict=True))
    say(f"  preference pairs: {len(made)}, of which {count} reject an answer that the model wrote itself")
    return made


def watched_pairs(job: Job) -> list[Pair]:
    """Pairs of val that are looked at while training; of train where there is no val."""
    _, tokenizer = answering.load(job, None)
    examples = (job.splits.val or job.splits.train)[:WATCHED_PAIRS]
    return pairs_of(
        tokenizer, pair_rows(job, examples), answering.context_tokens(answering.load(job, None)[0])
    )


def save(job: Job, model: Any, tokenizer: Any) -> None:
    """The adapter, or the whole model, and the template it was trained with."""
    model.save_pretrained(str(job.adapter))
    tokenizer.save_pretrained(str(job.adapter))
    stamp = {"template_hash": answering.template_hash(job, tokenizer), "base": job.base.id}
    (job.adapter / answering.TEMPLATE_FILE).write_text(json.dumps(stamp), encoding="utf-8")


def contenders() -> list[Contender]:
    """What stands beside the tuned model, apart from the use case's floor."""
    return [
        Contender("untuned", "untuned model, hints in the prompt", "prompting", untuned),
        Contender("zero_shot", "supervised model before preferences", "light", reference),
        Contender("few_shot", "supervised model, hints in the prompt", "light", hinted),
        Contender("chosen_only", "supervised on chosen answers only", "light", chosen_only),
    ]


def hinted_prompts(job: Job, examples: Sequence[Example]) -> list[Any]:
    job.usecase.ready(examples)
    return [job.usecase.hinted_input(e, job.splits) for e in examples]


def untuned(job: Job, examples: tuple[Example, ...]) -> list[Output]:
    """The base as it came, with the hints that apply, such as glossary lines or a solved example."""
    return answering.answers(job, *answering.load(job, None), examples, hinted_prompts(job, examples))


def reference(job: Job, examples: tuple[Example, ...]) -> list[Output]:
    """The model that preferences start from. To train it is no part of what its answers cost."""
    return timed(answering.zero_shot, started(job), examples)


def hinted(job: Job, examples: tuple[Example, ...]) -> list[Output]:
    """The same model with the hints that apply."""

    def answer(work: Job, examples: tuple[Example, ...]) -> list[Output]:
        return answering.answers(work, *answering.load(work, None), examples, hinted_prompts(job, examples))

    return timed(answer, started(job), examples)


def chosen_only(job: Job, examples: tuple[Example, ...]) -> list[Output]:
    """The plain rival: the same start, trained on with the chosen answers and no rejected ones."""
    return timed(answering.zero_shot, trained_on_chosen(job), examples)


def predict(job: Job, examples: tuple[Example, ...]) -> list[Output]:
    """Answers of the tuned model; with a reward model, the best of several drawn answers."""
    work = started(job)
    if job.config.loss != "reward":
        return answering.predict(work, examples)
    drawing = work.config.model_copy(update={"samples": max(SMALLEST_DRAW, work.config.samples)})
    model, tokenizer = answering.load(work, None)
    work.shared[f"tuned-{job.seed}"] = (model, tokenizer)
    found = reward_model.best_answers(replace(work, config=drawing), model, tokenizer, examples)
    work.shared[f"answers-{job.seed}"] = [output.value for output in found]
    return found


def forgetting(job: Job, neutral: Splits | None) -> dict[str, Any]:
    """Bits per byte on neutral prose, before and after the preferences."""
    return answering.forgetting(started(job), neutral)


def ask_model(job: Job) -> Any:
    """The tuned model as a function from prompts to answers."""
    if job.config.loss == "reward":
        raise GalleryError("A rating model writes nothing; ask a run of another variant.")
    return answering.ask_model(started(job))


def models(job: Job) -> dict[str, Any]:
    """Answers by contender, of the trained ones to every probe too, and what became of the pairs."""
    work = started(job)
    found = answering.models(replace(work, shared={**job.shared, **work.shared}))
    for name, rival in (("zero_shot", work), ("chosen_only", trained_on_chosen(job))):
        for probe, examples in job.splits.probes.items():
            found[name][probe] = [output.value for output in answering.zero_shot(rival, examples)]
    measures = measured(work, work.shared[f"tuned-{job.seed}"][0])
    return {**found, "preferences": measures, "judge": judged(work, found), "general": general(job)}


def general(job: Job) -> dict[str, float]:
    """Bits per byte on neutral prose at every stage: what supervision and preferences each cost."""
    from common.embedded import neutral_text

    work, rival = started(job), trained_on_chosen(job)
    stages = {
        "untuned": answering.load(job, None),
        "zero_shot": answering.load(work, None),
        "chosen_only": answering.load(rival, None),
        "tuned": work.shared[f"tuned-{job.seed}"],
    }
    return {name: bits_per_byte(*found, neutral_text()) for name, found in stages.items()}


def judged(work: Job, answers: dict[str, Any]) -> dict[str, Any]:
    """What a rating model of pairs that trained nothing else says of the test answers."""
    _, tokenizer = answering.load(work, None)
    rows = pair_rows(work, [e for e in work.splits.train if for_judge(work, e)])
    pairs = pairs_of(tokenizer, rows, work.config.train_length_tokens) if rows else []
    if len(pairs) < SMALLEST_JUDGE_PAIRS:
        return {}
    changes = {"epochs": JUDGE_EPOCHS, "learning_rate": work.config.start_rate, "method": "full"}
    config = work.config.model_copy(update=changes)
    judge = replace(work, config=config, folder=work.folder / "judge")
    said = {name: answers[name]["test"] for name in ("tuned", "zero_shot", "chosen_only")}
    return reward_model.judged(judge, pairs, watched_pairs(work), said)


def measured(work: Job, tuned: Any) -> dict[str, dict[str, float]]:
    """Rewards, likelihoods and displacement on the test split and on every probe."""
    model, tokenizer = answering.load(work, None)
    found = {}
    for name, examples in {"test": work.splits.test, **work.splits.probes}.items():
        pairs = pairs_of(tokenizer, pair_rows(work, examples), answering.context_tokens(model))
        before, after = (Likelihoods.under(m, tokenizer, pairs) for m in (model, tuned))
        found[name] = preference_measures(pairs, before, after)
    return found
