"""Tuning of the question side alone: from the linear map on, against every document.

Documents keep the vectors that a linear map gives them, so no document goes through the network in training,
and a question can be held against all of them at once. In the end as much of the change is taken back as val
cannot tell from noise: what was known before is lost for a reason or not at all.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import torch
from sentence_transformers.base.sampler import DefaultBatchSampler

from common import launch, methods, trainer
from common.embed_rivals import base_vectors, linear_seconds, questions, trained_linear, training_side
from common.encoder import Encoder
from common.errors import GalleryError
from common.job import Job
from common.linear import SCALE, LinearMap, pooled
from common.metrics import ndcg
from common.models import load_encoder
from common.progress import say
from common.retrieval import rank

BATCHES_SORTED = 8
SHARES = tuple(number / 20 for number in range(10, 21))


class ByLength(DefaultBatchSampler):
    """Questions of like lengths in a batch, so that little is padded; batches come in a drawn order."""

    def __iter__(self) -> Iterator[list[int]]:
        random = torch.Generator().manual_seed(self.seed + self.epoch)
        lengths = [len(text) for text in self.sampler["anchor"]]
        order, batches = torch.randperm(len(lengths), generator=random).tolist(), []
        for start in range(0, len(order), BATCHES_SORTED * self.batch_size):
            part = sorted(order[start : start + BATCHES_SORTED * self.batch_size], key=lengths.__getitem__)
            batches += [part[at : at + self.batch_size] for at in range(0, len(part), self.batch_size)]
        yield from (batches[place] for place in torch.randperm(len(batches), generator=random).tolist())


class AgainstEvery(torch.nn.Module):
    """Cross entropy of a question's right document against every other that is not right, too."""

    def __init__(self, model: Any, found: LinearMap, documents: np.ndarray, answers: list[list[int]]) -> None:
        super().__init__()
        self.model = model
        self.map, self.documents = torch.tensor(found.query_matrix), torch.tensor(documents)
        self.answers = answers
        self.pairs = [(row, column) for row, right in enumerate(answers) for column in right]

    def forward(self, features: Iterable[dict[str, Any]], labels: Any) -> Any:
        vectors = self.model(next(iter(features)))["sentence_embedding"]
        unit = torch.nn.functional.normalize(vectors, dim=1)
        asked = torch.nn.functional.normalize(unit @ self.map.to(unit.device), dim=1)
        logits = SCALE * asked @ self.documents.to(unit.device).T
        chosen = [self.pairs[int(label)] for label in labels]
        for place, (row, column) in enumerate(chosen):
            others = [other for other in self.answers[row] if other != column]
            logits[place, torch.tensor(others, dtype=torch.long)] = -1e9
        wanted = torch.tensor([column for _, column in chosen], device=logits.device)
        return torch.nn.functional.cross_entropy(logits, wanted)


def fit(job: Job) -> dict[str, Any]:
    """Trains LoRA on questions and writes it beside the linear map; gives what both cost."""
    if launch.count() > 1 or job.pieces > 1 or methods.REGISTRY[job.config.method].peft is None:
        raise GalleryError(
            "from_linear = true tunes questions in one process, in whole steps, with a method that has an "
            "adapter. Leave out --launch, take lora, or make batch_size smaller."
        )
    found = trained_linear(job)
    asked, answers = training_side(job)
    (_, answers), documents = pooled((asked, answers), base_vectors(job))
    texts = questions(job, job.splits.train)
    rows = [{"anchor": texts[row]} for row, right in enumerate(answers) for _ in right]
    arguments = trainer.arguments(job, len(rows))  # seeds what the adapter draws
    model = load_encoder(job.base, None, job.config.train_length_tokens)
    model.add_adapter(methods.find(job.config.method, "embed").peft(job.config, "FEATURE_EXTRACTION"))
    loss = AgainstEvery(model, found, found.documents(documents), answers)
    watch = trainer.Watch()
    best = trainer.KeepBest(lambda: float(np.mean(val_scores(model, found, job))), job)
    best.measured(0, model)  # the linear map itself
    engine = engine_for(model, loss, rows, arguments, [watch, best] if best.wanted else [watch])
    seconds = linear_seconds(job) + trainer.train(engine, watch, job, len(rows))
    best.restore(model)
    trainer.log_of(engine, job, best.history)
    found = milder(model, found, job)
    model[0].auto_model.save_pretrained(str(job.adapter))
    found.save(job.adapter)
    tokens = sum(Encoder(model).tokens([row["anchor"] for row in rows])) * job.config.epochs
    facts = trainer.facts(model, engine, watch, seconds, tokens, len(rows), job)
    sizes = ("trainable_parameters", "total_parameters")
    return {**facts, **{name: facts[name] + found.parameters() for name in sizes}}


def engine_for(
    model: Any, loss: Any, rows: list[dict[str, str]], arguments: dict[str, Any], callbacks: list[Any]
) -> Any:
    """The trainer; a row's label is its place, by which the loss knows its documents."""
    from datasets import Dataset
    from sentence_transformers import SentenceTransformerTrainer, SentenceTransformerTrainingArguments

    return SentenceTransformerTrainer(
        model=model,
        args=SentenceTransformerTrainingArguments(**arguments, batch_sampler=ByLength),
        train_dataset=Dataset.from_list([{**row, "label": place} for place, row in enumerate(rows)]),
        loss=loss,
        callbacks=callbacks,
    )


def val_scores(model: Any, found: LinearMap, job: Job) -> list[float]:
    """nDCG@10 of each val question over all documents."""
    training = model.training
    vectors = found.queries(Encoder(model.eval()).queries(questions(job, job.splits.val)))
    model.train(training)
    rankings = rank(vectors, found.documents(base_vectors(job)), list(job.splits.documents), 10)
    pairs = zip(rankings, job.splits.val, strict=True)
    return [ndcg(ranking.ids, example.answer) for ranking, example in pairs]


def milder(model: Any, found: LinearMap, job: Job) -> LinearMap:
    """Leaves the smallest share of the change whose score on val is within a standard error of the best."""
    if not job.splits.val:
        return found
    changes = [part for name, part in model.named_parameters() if "lora_B" in name]
    whole = [part.detach().clone() for part in changes]

    def take(share: float) -> LinearMap:
        for part, trained in zip(changes, whole, strict=True):
            part.data.copy_(share * trained)
        return found.scaled(share)

    scores = {share: val_scores(model, take(share), job) for share in SHARES}
    best = max(scores.values(), key=np.mean)
    least = np.mean(best) - np.std(best) / len(best) ** 0.5
    share = min(share for share, found_scores in scores.items() if np.mean(found_scores) >= least)
    say(f"  share of the change that is kept, chosen on val: {share}")
    return take(share)
