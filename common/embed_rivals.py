"""What a tuned encoder is compared with: the untuned one, BM25 fused with it, a linear map on it."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from common.cores import worked_seconds
from common.encoder import Encoder
from common.job import Contender, Job, Output
from common.linear import LinearMap, fit_linear
from common.metrics import ndcg
from common.models import load_encoder
from common.progress import say
from common.retrieval import Ranking, bm25, fuse, rank
from common.usecase import Example

WEIGHTS = tuple(step / 10 for step in range(11))


def load(job: Job, adapter: Path | None) -> Encoder:
    """The encoder as it came, or as this job tuned it."""
    length = job.config.input_length_tokens
    if adapter is None:
        return job.kept("base", lambda: Encoder(load_encoder(job.base, None, length)))
    if LinearMap.stored_in(adapter):
        base = load(job, None).model
        tuned = load_encoder(job.base, adapter, length) if questions_alone(adapter) else base
        return Encoder(tuned, LinearMap.load(adapter), base)
    return Encoder(load_encoder(job.base, adapter, length))


def questions_alone(adapter: Path) -> bool:
    """Whether the network was tuned for questions, and documents keep that of the base."""
    return LinearMap.stored_in(adapter) and (adapter / "adapter_config.json").is_file()


def questions(job: Job, examples: Sequence[Example]) -> list[str]:
    return [job.usecase.model_input(example) for example in examples]


def base_vectors(job: Job) -> np.ndarray:
    """Document vectors of the untuned model, made once a run."""
    texts = list(job.splits.documents.values())
    return job.kept("base_documents", lambda: load(job, None).documents(texts))


def base_rankings(job: Job, examples: Sequence[Example]) -> list[Ranking]:
    vectors = load(job, None).queries(questions(job, examples))
    return rank(vectors, base_vectors(job), list(job.splits.documents))


def as_outputs(
    examples: Sequence[Example], rankings: Sequence[Ranking], tokens: list[int], seconds: float
) -> list[Output]:
    """Outputs with the seconds of answering alone; building the index is no part of an answer."""
    each = seconds / max(len(examples), 1)
    return [
        Output(example.id, ranking.as_value(), tokens_in=count, seconds=each)
        for example, ranking, count in zip(examples, rankings, tokens, strict=True)
    ]


def ranked(job: Job, encoder: Encoder, documents: np.ndarray, examples: tuple[Example, ...]) -> list[Output]:
    """Answers by exact search."""
    texts = questions(job, examples)
    started = worked_seconds()
    rankings = rank(encoder.queries(texts), documents, list(job.splits.documents))
    return as_outputs(examples, rankings, encoder.tokens(texts), worked_seconds() - started)


def zero_shot(job: Job, examples: tuple[Example, ...]) -> list[Output]:
    """The base model as it came."""
    return ranked(job, load(job, None), base_vectors(job), examples)


def fusion(job: Job, examples: tuple[Example, ...]) -> list[Output]:
    """BM25 and the base model, with the weight that was best on val; 0 leaves BM25 out."""
    val = job.splits.val
    words, vectors = bm25(job.splits.documents, questions(job, val)), base_rankings(job, val)

    def on_val(weight: float) -> float:
        pairs = zip(val, words, vectors, strict=True)
        return float(np.mean([ndcg(fuse(w, v, weight).ids, e.answer) for e, w, v in pairs]))

    weight = max(WEIGHTS, key=on_val) if val else 0.5
    say(f"  fusion: weight of BM25 chosen on val: {weight}")
    started = worked_seconds()
    words = bm25(job.splits.documents, questions(job, examples))
    fused = [fuse(w, v, weight) for w, v in zip(words, base_rankings(job, examples), strict=True)]
    tokens = load(job, None).tokens(questions(job, examples))
    return as_outputs(examples, fused, tokens, worked_seconds() - started)


def linear(job: Job, examples: tuple[Example, ...]) -> list[Output]:
    """A linear map on the base model's fixed vectors, trained in seconds."""
    found = trained_linear(job)
    encoder = Encoder(load(job, None).model, found)
    return ranked(job, encoder, found.documents(base_vectors(job)), examples)


def trained_linear(job: Job) -> LinearMap:
    """The linear map of this job, its rate and length chosen on val; made once for all who need it."""
    return job.kept(f"linear-{job.seed}", lambda: timed_linear(job))


def timed_linear(job: Job) -> LinearMap:
    started = worked_seconds()
    val = side(job, job.splits.val)
    found = fit_linear(training_side(job), val, base_vectors(job), job.seed)
    job.shared[f"linear-seconds-{job.seed}"] = worked_seconds() - started
    return found


def linear_seconds(job: Job) -> float:
    """What fitting the linear map took, whoever asked for it first."""
    return job.shared[f"linear-seconds-{job.seed}"]


def training_side(job: Job) -> tuple[np.ndarray, list[list[int]]]:
    """Vectors of the training questions by the base, with the places of their documents."""
    return job.kept("training_side", lambda: side(job, job.splits.train))


def side(job: Job, examples: Sequence[Example]) -> tuple[np.ndarray, list[list[int]]]:
    """Vectors of questions by the base, with the places of their documents."""
    place = {identifier: row for row, identifier in enumerate(job.splits.documents)}
    vectors = load(job, None).queries(questions(job, examples))
    return vectors, [[place[i] for i in e.answer] for e in examples]


def contenders() -> list[Contender]:
    """What stands beside the tuned encoder, apart from the use case's floor."""
    return [
        Contender("zero_shot", "untuned model", "prompting", zero_shot),
        Contender("retrieval", "BM25 + untuned model", "retrieval", fusion),
        Contender("linear", "linear map on fixed vectors", "light", linear),
    ]
