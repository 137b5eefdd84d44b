"""What supervised and preference tuning of text models share: rows, answers, rivals, forgetting."""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache, partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from common import chat, large, launch, refusals, vllm
from common.data import by_hash
from common.errors import GalleryError
from common.evaluate import headline
from common.evaluate_text import answer_bits, bits_per_byte, likeliest
from common.generate import Reply, Sampling, leaning, replies
from common.job import Job, Output
from common.models import CHARACTERS, load_causal
from common.progress import say, task
from common.usecase import Example, Splits
from common.vocabulary import character_model

VAL_EXAMPLES = 120
TEMPLATE_FILE = "template.json"
SPARE = 10


def load(job: Job, adapter: Path | None) -> tuple[Any, Any]:
    """The model and its tokenizer, as they came or as this job tuned them."""
    if adapter is not None:
        check_template(job, adapter)
        model, tokenizer = load_causal(job.base, adapter, four_bits(job))
        refusals.restore(model, adapter)
        return model, tokenizer
    return job.kept("base", lambda: start(job))


def start(job: Job) -> tuple[Any, Any]:
    """The base as training begins with it."""
    if job.config.model != CHARACTERS:
        return load_causal(job.base, None, four_bits(job))
    rows = [row for e in job.splits.train for row in job.usecase.train_rows(e, job.splits)]
    return character_model([text_of(r["prompt"]) + chat.completion_of(r) for r in rows], job.seed)


def four_bits(job: Job) -> bool:
    """Whether a job's base is held in 4 bits: the untuned model too, so that both sides are the same."""
    return job.config.method == "qlora"


def template_hash(job: Job, tokenizer: Any) -> str:
    """Names how this use case writes a prompt for this tokenizer."""
    example = job.splits.train[0]
    text = chat.render(tokenizer, job.usecase.model_input(example)).replace(str(example.inputs), "")
    return hashlib.sha256(f"{job.usecase.template()}{chat.TEMPLATE_SETTINGS}{text}".encode()).hexdigest()[:16]


def check_template(job: Job, adapter: Path) -> None:
    """Refuses an adapter that was trained on prompts of another shape."""
    stored = json.loads((adapter / TEMPLATE_FILE).read_text(encoding="utf-8"))["template_hash"]
    found = template_hash(job, load(job, None)[1])
    if stored != found:
        raise GalleryError(
            f"The adapter in {adapter} was trained with prompt template {stored}, but the code now "
            f"writes template {found}. Answers would be worthless: train again, or go back to that code."
        )


def answers(
    job: Job, model: Any, tokenizer: Any, examples: Sequence[Example], prompts: Sequence[chat.Prompt]
) -> list[Output]:
    """Greedy answers; with `samples` above one, the use case picks among drawn ones."""
    ids = [chat.prompt_ids(tokenizer, prompt) for prompt in prompts]
    longest = context_tokens(model) - job.config.answer_length_tokens
    cut = [i for i in ids if len(i) > longest]
    if cut:
        say(f"  {len(cut)} of {len(ids)} prompts exceed {longest} tokens and are cut at their start")
    ids = [row[-longest:] for row in ids]
    drawn = draws(job, model, tokenizer, ids)
    _, bound = leaning(model) or (0, refusals.NEVER)
    return [
        as_output(job, example, len(ids[row]), [found[row] for found in drawn], bound)
        for row, example in enumerate(examples)
    ]


def draws(job: Job, model: Any, tokenizer: Any, ids: Sequence[Sequence[int]]) -> list[list[Reply]]:
    """The greedy answers to every prompt, then as many drawn ones as `samples` asks for beside them."""
    found = []
    for number in range(job.config.samples):
        sampling = Sampling(job.config.sampling_temperature if number else 0.0, job.seed + number)
        with task("answering", len(ids), "prompts") as work:
            length, done = job.config.answer_length_tokens, work.advance
            answer = partial(
                partial(vllm.replies, job) if job.config.vllm else replies,
                model,
                tokenizer,
                most_tokens=length,
                sampling=sampling,
                on_batch=done,
            )
            found.append(launch.dealt(ids, answer))
    return found


def as_output(job: Job, example: Example, tokens_in: int, drawn: list[Reply], bound: float) -> Output:
    """One answer with the tokens of every draw."""
    texts = [refusals.written(job, reply, bound) for reply in drawn]
    text = texts[0] if len(texts) == 1 else job.usecase.choose(example, texts)
    return Output(example.id, text, tokens_in * len(drawn), sum(reply.tokens for reply in drawn))


def context_tokens(model: Any) -> int:
    """How much a model can read and write in all."""
    config = getattr(model.config, "text_config", model.config)
    return config.max_position_embeddings


def zero_shot(job: Job, examples: tuple[Example, ...]) -> list[Output]:
    """The base model with the same prompt."""
    return untuned(job, examples, plain)


def few_shot(job: Job, examples: tuple[Example, ...]) -> list[Output]:
    """The base model after the most similar training examples, as many as fit."""
    return untuned(job, examples, with_shots)


def untuned(job: Job, examples: Sequence[Example], prompts_of: refusals.PromptsOf) -> list[Output]:
    """Answers of the base model, which refuses as readily as val is best with, as the tuned one does."""
    model, tokenizer = load(job, None)
    refusals.settle(job, model, tokenizer, prompts_of)
    found = answers(job, model, tokenizer, examples, prompts_of(job, examples))
    refusals.forget(model)
    return found


def plain(job: Job, examples: Sequence[Example]) -> list[chat.Prompt]:
    """The prompts as the use case writes them."""
    job.usecase.ready(examples)
    return [job.usecase.model_input(example) for example in examples]


def with_shots(job: Job, examples: Sequence[Example]) -> list[chat.Prompt]:
    """The prompts after the most similar training examples."""
    model, tokenizer = load(job, None)
    room = context_tokens(model) - job.config.answer_length_tokens
    near = nearest_training(job, examples)
    job.usecase.ready(examples)
    return [
        fitting(job, tokenizer, example, found, room) for example, found in zip(examples, near, strict=True)
    ]


def nearest_training(job: Job, examples: Sequence[Example]) -> list[list[tuple[chat.Prompt, str]]]:
    """For each example the most similar training rows, by character n-grams of what is asked."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    train, case = large.known(job.splits).train, job.usecase
    vectorizer = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 4), max_features=50_000)
    known = vectorizer.fit_transform([case.asked(example) for example in train])
    wanted = vectorizer.transform([case.asked(example) for example in examples])

    @cache
    def shots(place: int) -> list[tuple[chat.Prompt, str]]:
        rows = case.train_rows(train[place], job.splits)
        return [(row["prompt"], chat.completion_of(row)) for row in rows[:1]]

    most = SPARE * job.config.shots  # an example may have no row; all of a large training set is not kept
    orders = [
        np.argsort(-(known @ wanted[row].T).toarray()[:, 0], kind="stable")[:most].copy()
        for row in range(wanted.shape[0])
    ]
    nearest = {int(place) for order in orders for place in order[: job.config.shots]}
    case.ready([train[place] for place in sorted(nearest)], learnt=True)
    every = ((shot for place in order for shot in shots(int(place))) for order in orders)
    return [list(islice(one, job.config.shots)) for one in every]


def text_of(prompt: chat.Prompt) -> str:
    return prompt if isinstance(prompt, str) else prompt[-1]["content"]


def fitting(
    job: Job, tokenizer: Any, example: Example, shots: list[tuple[chat.Prompt, str]], room: int
) -> chat.Prompt:
    """The prompt with as many of the nearest shots as fit, the nearest last."""
    asked = job.usecase.model_input(example)
    for count in range(len(shots), 0, -1):
        prompt = chat.with_shots(asked, shots[:count][::-1])
        if len(chat.prompt_ids(tokenizer, prompt)) <= room:
            return prompt
    return asked


def val_score(model: Any, tokenizer: Any, job: Job) -> float:
    """The headline of generated answers on a fixed part of val."""
    examples = by_hash(job.splits.val)[:VAL_EXAMPLES]
    return headline(job.usecase, examples, greedy_answers(job, model, tokenizer, examples))


def greedy_answers(job: Job, model: Any, tokenizer: Any, examples: Sequence[Example]) -> list[Output]:
    """The likeliest answer to each example, whatever number of samples the final answers are chosen from."""
    greedy = replace(job, config=job.config.model_copy(update={"samples": 1}))
    return answers(greedy, model, tokenizer, examples, plain(job, examples))


def predict(job: Job, examples: tuple[Example, ...]) -> list[Output]:
    """Answers of the tuned model."""
    model, tokenizer = load(job, job.adapter)
    if job.usecase.refusal and leaning(model) is None:
        refusals.settle(job, model, tokenizer, plain)
        launch.once(lambda: model.generation_config.save_pretrained(str(job.adapter)))
    job.shared[f"tuned-{job.seed}"] = (model, tokenizer)
    found = answers(job, model, tokenizer, examples, plain(job, examples))
    job.shared[f"answers-{job.seed}"] = [output.value for output in found]
    return found


def forgetting(job: Job, neutral: Splits | None) -> dict[str, Any]:
    """Bits per byte on neutral prose before and after tuning."""
    from common.embedded import neutral_text

    texts = [e.inputs for e in neutral.test] if neutral else neutral_text()
    before, after = (
        bits_per_byte(*found, texts) for found in (load(job, None), job.shared[f"tuned-{job.seed}"])
    )
    return {"before": before, "after": after, "loss": after - before, "unit": "bits per byte"}


def ask_model(job: Job) -> Callable[[Sequence[chat.Prompt]], list[str]]:
    """The tuned model as a function from prompts to answers."""
    model, tokenizer = load(job, job.adapter)

    def answer(prompts: Sequence[chat.Prompt]) -> list[str]:
        ids = [chat.prompt_ids(tokenizer, prompt) for prompt in prompts]
        return [reply.text for reply in replies(model, tokenizer, ids, job.config.answer_length_tokens)]

    return answer


def models(job: Job) -> dict[str, dict[str, Any]]:
    """Answers to test by contender, of the tuned model to every probe too; `choose` picks from a list and
    `cost` gives what the right answer to an example takes."""
    model, tokenizer = job.shared[f"tuned-{job.seed}"]
    found: dict[str, Any] = {"test": job.shared[f"answers-{job.seed}"]}
    for name, examples in job.splits.probes.items():
        outputs = answers(job, model, tokenizer, examples, plain(job, examples))
        found[name] = [output.value for output in outputs]
    made: dict[str, dict[str, Any]] = {n: {"test": values} for n, values in job.shared["untuned"].items()}
    made["tuned"] = found
    for name, adapter in (("zero_shot", load(job, None)), ("tuned", (model, tokenizer))):
        made.setdefault(name, {}).update(choose=chooser(job, *adapter), cost=pricer(job, *adapter))
    return made


def pricer(job: Job, model: Any, tokenizer: Any) -> Callable[[Example], tuple[int, int, float]]:
    """Tokens read, tokens written, and bits of the right answer to an example."""

    def cost(example: Example) -> tuple[int, int, float]:
        row = chat.pieces(tokenizer, job.usecase.train_rows(example, job.splits)[0])[-1]
        written = len(row.answer_ids())
        return len(row.input_ids) - written, written, answer_bits(model, row.input_ids, row.labels)

    return cost


def chooser(job: Job, model: Any, tokenizer: Any) -> Callable[[Example, Sequence[str]], str]:
    """The likeliest of some answers to an example."""

    def choose(example: Example, options: Sequence[str]) -> str:
        prompt = chat.prompt_ids(tokenizer, job.usecase.model_input(example))
        return likeliest(model, tokenizer, prompt, options)

    return choose
