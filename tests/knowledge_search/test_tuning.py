"""The embedding tuner on the real encoder: it learns, reloads, and every method applies or says why."""

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from common import ask, config, methods, models, parts, run, usecase
from common.errors import GalleryError
from common.job import Job
from common.record import RunRecord
from common.retrieval import rank
from common.tuners import embed
from common.usecase import Splits

FAST = {"smoke": True}


def job(folder: Path, **given: object) -> Job:
    found = usecase.find("knowledge_search")
    settings = config.build(found, "offline", given)
    return Job(found, few(), settings, models.resolve("embedded", None, "embed"), 0, folder)


@cache
def few() -> Splits:
    return parts.smoke_sample(usecase.find("knowledge_search").load(None), train=32, val=8, test=16)


@pytest.fixture(scope="module")
def smoke(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, RunRecord]:
    folder = tmp_path_factory.mktemp("smoke") / "run"
    found = usecase.find("knowledge_search")
    return folder, run.execute(found, config.build(found, "offline", FAST), folder)


def test_smoke_run_learns_and_names_itself(smoke: tuple[Path, RunRecord]) -> None:
    made = smoke[1]
    assert made.tier == "smoke"
    reached = {name: one["scores"]["ndcg@10"]["mean"] for name, one in made.contenders.items()}
    assert reached["tuned"] > reached["zero_shot"]
    assert set(made.contenders) == {"floor", "zero_shot", "retrieval", "linear", "tuned"}
    assert made.forgetting["unit"] == "ndcg@10" and abs(made.forgetting["loss"]) < 0.05
    assert [table["title"] for table in made.tables] == [
        "Smaller indexes: ndcg@10",
        "Answers: the best sentence of the passage",
    ]


def test_oracle_answers_beat_retrieved_ones_and_no_context_scores_zero(
    smoke: tuple[Path, RunRecord],
) -> None:
    rows = {row[0]: row[1] for row in smoke[1].tables[1]["rows"]}
    assert float(rows["no context"]) == 0.0
    assert float(rows["untuned, right passage given"]) > float(rows["untuned, passage retrieved"]) > 0.05


@pytest.mark.parametrize("method", ["full", "lora", "head"])
def test_a_reloaded_adapter_gives_the_vectors_it_was_trained_to(method: str, tmp_path: Path) -> None:
    work = job(tmp_path, method=method, epochs=1, batch_size=8)
    facts = embed.fit(work)
    texts = [e.inputs for e in work.splits.test]
    first = embed.load(work, work.adapter).queries(texts)
    again = embed.load(replace(work, shared={}), work.adapter).queries(texts)
    base = embed.load(work, None).queries(texts)
    assert np.array_equal(first, again)
    assert facts["adapter_bytes"] > 0
    if method != "head":  # on so few rows the map that val likes best may be the identity
        assert np.abs(first - base).max() > 1e-3


@pytest.mark.parametrize("method", ["freeze", "dora", "ia3"])
def test_other_methods_train(method: str, tmp_path: Path) -> None:
    facts = embed.fit(job(tmp_path, method=method, epochs=1, batch_size=16))
    assert 0 < facts["trainable_parameters"] < facts["total_parameters"]


@pytest.mark.parametrize("method", ["prompt", "prefix", "p-tuning"])
def test_methods_without_a_place_say_why(method: str) -> None:
    with pytest.raises(Exception, match="sentence encoder pools"):
        methods.find(method, "embed")


def test_hard_negatives_are_no_positives(tmp_path: Path) -> None:
    work = job(tmp_path, method="full", hard_negatives=2)
    for row in embed.training_rows(work):
        asked = [e for e in work.splits.train if e.inputs == row["anchor"]]
        right = {work.splits.documents[i] for e in asked for i in e.answer}
        assert right.isdisjoint({row["negative_1"], row["negative_2"]})


def test_matryoshka_trains(tmp_path: Path) -> None:
    facts = embed.fit(job(tmp_path, method="full", matryoshka=(128, 64), epochs=1, batch_size=16))
    assert facts["steps"] == 2 or facts["steps"] == 3


def test_order_of_texts_does_not_change_their_vectors(tmp_path: Path) -> None:
    encoder = embed.load(job(tmp_path), None)
    texts = ["short", "a much longer question about the warranty of a pump", "a middle one"]
    there, back = encoder.queries(texts), encoder.queries(texts[::-1])[::-1]
    assert np.allclose(there, back, atol=1e-5)


def test_scores_agree_with_the_librarys_evaluator(tmp_path: Path) -> None:
    from sentence_transformers.sentence_transformer.evaluation import InformationRetrievalEvaluator

    from common.metrics import ndcg

    work = job(tmp_path)
    encoder = embed.load(work, None)
    documents = dict(work.splits.documents)
    evaluator = InformationRetrievalEvaluator(
        {e.id: e.inputs for e in work.splits.test},
        documents,
        {e.id: set(e.answer) for e in work.splits.test},
        write_csv=False,
    )
    theirs = evaluator(encoder.model)["cosine_ndcg@10"]
    vectors = encoder.queries([e.inputs for e in work.splits.test])
    rankings = rank(vectors, encoder.documents(list(documents.values())), list(documents))
    ours = np.mean([ndcg(r.ids, e.answer) for r, e in zip(rankings, work.splits.test, strict=True)])
    assert ours == pytest.approx(theirs, abs=1e-6)


def test_ask_builds_an_index_once_and_refuses_one_of_another_model(
    smoke: tuple[Path, RunRecord], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, _ = smoke
    found = usecase.find("knowledge_search")
    monkeypatch.setattr(type(found), "load", lambda *_: few())
    said = ask.ask(found, folder, "who do I call when a probe drifts", None)
    assert len(said.splitlines()) >= 5
    built = (folder / "seed-0" / "index" / "vectors.npy").stat().st_mtime_ns
    assert ask.ask(found, folder, "who do I call when a probe drifts", None) == said
    assert (folder / "seed-0" / "index" / "vectors.npy").stat().st_mtime_ns == built
    facts = folder / "seed-0" / "index" / "index.json"
    facts.write_text(facts.read_text().replace('"model_hash": "', '"model_hash": "other'))
    with pytest.raises(GalleryError, match="built with model other"):
        ask.ask(found, folder, "anything", None)
