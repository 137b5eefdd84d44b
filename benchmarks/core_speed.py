"""What the core costs beside the plainest scripts: ratios of two ways in one run. `make bench-core`.

Training is compared with the shortest sentence-transformers script on the same rows, batches and
steps; evaluation with InformationRetrievalEvaluator on the same vectors' model.
"""

import resource
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from common import config, data, models, usecase
from common.job import Job

ROUNDS = 3
STEPS_ROWS = 512


def job_for(folder: Path) -> Job:
    """A small training on the use case's own data."""
    models.keep_quiet(online=False)
    found = usecase.find("knowledge_search")
    splits = found.load(None)
    splits = replace(splits, train=splits.train[:STEPS_ROWS], val=())
    settings = config.build(found, "offline", {"method": "full", "epochs": 1})
    base = models.resolve("embedded", None, found.tuner)
    return Job(found, splits, settings, base, 0, folder)


def train_core(job: Job) -> float:
    """Rows a second through the core."""
    from common.tuners import embed

    facts = embed.fit(job)
    return facts["examples"] / facts["seconds"]


def train_plain(job: Job) -> float:
    """Rows a second of the shortest script that does the same."""
    from datasets import Dataset
    from sentence_transformers import (
        SentenceTransformer,
        SentenceTransformerTrainer,
        SentenceTransformerTrainingArguments,
    )
    from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss

    rows = [row for e in job.splits.train for row in job.usecase.train_rows(e, job.splits)]
    model = SentenceTransformer(job.base.path)
    model.max_seq_length = job.config.train_length_tokens
    arguments = SentenceTransformerTrainingArguments(
        output_dir=str(job.folder / "plain"),
        num_train_epochs=1,
        per_device_train_batch_size=job.config.batch_size,
        learning_rate=5e-5,
        warmup_steps=0.1,
        batch_sampler="no_duplicates",
        use_cpu=True,
        bf16=False,
        save_strategy="no",
        disable_tqdm=True,
    )
    engine = SentenceTransformerTrainer(
        model=model,
        args=arguments,
        train_dataset=Dataset.from_list(rows),
        loss=MultipleNegativesRankingLoss(model),
    )
    started = time.perf_counter()
    engine.train()
    return len(rows) / (time.perf_counter() - started)


def evaluate_core(job: Job) -> tuple[float, float]:
    """Seconds and nDCG@10 of encoding, ranking and scoring."""
    from common import embed_rivals
    from common.evaluate import score_columns

    job.shared.clear()
    embed_rivals.load(job, None)
    started = time.perf_counter()
    columns = score_columns(job.usecase, job.splits.test, embed_rivals.zero_shot(job, job.splits.test))
    return time.perf_counter() - started, float(columns["ndcg@10"].mean())


def evaluate_plain(job: Job) -> tuple[float, float]:
    """The same through InformationRetrievalEvaluator."""
    from sentence_transformers.sentence_transformer.evaluation import InformationRetrievalEvaluator

    model = models.load_encoder(job.base, None, job.config.input_length_tokens)
    evaluator = InformationRetrievalEvaluator(
        {e.id: e.inputs for e in job.splits.test},
        dict(job.splits.documents),
        {e.id: set(e.answer) for e in job.splits.test},
        write_csv=False,
    )
    started = time.perf_counter()
    found = evaluator(model)
    return time.perf_counter() - started, found["cosine_ndcg@10"]


def peak_megabytes(way: str) -> float:
    """Peak memory of one way of training, in a process of its own."""
    answer = subprocess.run([sys.executable, __file__, way], capture_output=True, text=True, check=True)
    return float(answer.stdout.split()[-1])


def seconds_to_first_step() -> float:
    """From command to first step beyond the import of the libraries."""
    imports = "import sentence_transformers, datasets, peft, sklearn"
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", imports], check=True, capture_output=True)
    between = time.perf_counter()
    subprocess.run([sys.executable, __file__, "first-step"], check=True, capture_output=True)
    return (time.perf_counter() - between) - (between - started)


def prepare_first_step() -> None:
    """Everything that a training does before its first step."""
    from common import methods
    from common.tuners import embed

    with tempfile.TemporaryDirectory() as folder:
        job = job_for(Path(folder))
        methods.find("full", "embed")
        data.refuse_leaks(job.splits, "knowledge_search")
        model = models.load_encoder(job.base, None, job.config.train_length_tokens)
        embed.engine_for(model, job, embed.training_rows(job))


def ratios(first: Any, second: Any, job: Job) -> float:
    """Median over rounds of first / second, measured in turn."""
    found = []
    for number in range(ROUNDS):
        one = replace(job, folder=job.folder / str(number))
        found.append(first(one) / second(one))
    return statistics.median(found)


def main() -> None:
    """Prints every ratio with what it should be."""
    with tempfile.TemporaryDirectory() as folder:
        job = job_for(Path(folder))
        train = ratios(train_core, train_plain, job)
        core, plain = evaluate_core(job), evaluate_plain(job)
        speed = statistics.median(evaluate_plain(job)[0] / evaluate_core(job)[0] for _ in range(ROUNDS))
    memory = peak_megabytes("core") / peak_megabytes("plain")
    print(f"training rows/s, core / plain script       {train:.3f}  (at least 0.97)")
    print(f"evaluation speed, core / library evaluator {speed:.3f}  (at least 1.00)")
    print(f"evaluation ndcg@10, difference             {abs(core[1] - plain[1]):.1e}  (at most 1e-6)")
    print(f"peak memory, core / plain script           {memory:.3f}  (at most 1.10)")
    print(f"seconds to first step beyond imports       {seconds_to_first_step():.2f}  (under 2)")


def measure_memory(way: str) -> None:
    """Trains one way and prints the peak of this process."""
    with tempfile.TemporaryDirectory() as folder:
        {"core": train_core, "plain": train_plain}[way](job_for(Path(folder)))
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


if __name__ == "__main__":
    if sys.argv[1:] == ["first-step"]:
        prepare_first_step()
    elif sys.argv[1:]:
        measure_memory(sys.argv[1])
    else:
        main()
