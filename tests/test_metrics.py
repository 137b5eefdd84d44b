"""Scores and intervals against numbers worked out by hand or by another library."""

import math

import numpy as np
import pytest

from common import metrics, retrieval
from common.errors import GalleryError


def test_ndcg_by_hand() -> None:
    assert metrics.ndcg(["a", "b"], ["a"]) == 1.0
    assert metrics.ndcg(["b", "a"], ["a"]) == pytest.approx(1 / math.log2(3))
    ideal = 1 + 1 / math.log2(3)
    assert metrics.ndcg(["a", "x", "b"], ["a", "b"]) == pytest.approx((1 + 1 / math.log2(4)) / ideal)
    assert metrics.ndcg(["x"] * 10 + ["a"], ["a"]) == 0.0


def test_reciprocal_rank_hit_and_token_f1_by_hand() -> None:
    assert metrics.reciprocal_rank(["x", "y", "a"], ["a"]) == pytest.approx(1 / 3)
    assert metrics.hit(["x", "a"], ["a"], 1) == 0.0 and metrics.hit(["x", "a"], ["a"], 2) == 1.0
    assert metrics.token_f1("the red pump", "red pump") == pytest.approx(0.8)
    assert metrics.token_f1("", "") == 1.0 and metrics.token_f1("a", "") == 0.0


def test_interval_of_a_constant_has_no_width_and_nan_counts_nowhere() -> None:
    interval = metrics.mean_interval(np.array([[0.5, np.nan, 0.5]]), ["a", "b", "c"])
    assert interval == metrics.Interval(0.5, 0.5, 0.5)


def test_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    random = np.random.default_rng(1)
    covered = 0
    for _ in range(100):
        found = metrics.mean_interval(random.normal(0.3, 1.0, (1, 120)), [str(i) for i in range(120)])
        covered += found.low <= 0.3 <= found.high
    assert 88 <= covered <= 100


def test_clustered_interval_is_wider_than_one_that_ignores_clusters() -> None:
    random = np.random.default_rng(2)
    values = np.repeat(random.normal(0, 1, 20), 10)[None, :]
    clustered = metrics.mean_interval(values, [str(i // 10) for i in range(200)])
    naive = metrics.mean_interval(values, [str(i) for i in range(200)])
    assert clustered.high - clustered.low > 2 * (naive.high - naive.low)


def test_seeds_widen_the_interval() -> None:
    flat = np.full((3, 50), 0.5)
    spread = flat + np.array([[-0.2], [0.0], [0.2]])
    groups = [str(i) for i in range(50)]
    assert metrics.mean_interval(flat, groups).high == 0.5
    assert metrics.mean_interval(spread, groups).high > 0.55


def test_statistic_interval_agrees_with_the_fast_mean() -> None:
    values = np.random.default_rng(3).random(200)
    groups = [str(i // 2) for i in range(200)]
    fast = metrics.mean_interval(values, groups)
    slow = metrics.statistic_interval(lambda _, rows: float(values[rows].mean()), 1, groups, 1000)
    assert slow.mean == pytest.approx(fast.mean)
    assert slow.low == pytest.approx(fast.low, abs=0.01) and slow.high == pytest.approx(fast.high, abs=0.01)


def test_rank_is_exact_and_stable() -> None:
    random = np.random.default_rng(4)
    queries, documents = random.normal(size=(5, 8)), random.normal(size=(50, 8))
    ids = [str(i) for i in range(50)]
    for query, ranking in zip(queries, retrieval.rank(queries, documents, ids, 7), strict=True):
        assert list(ranking.ids) == [str(i) for i in np.argsort(-(documents @ query))[:7]]
    tied = retrieval.rank(np.ones((1, 1)), np.ones((4, 1)), ["a", "b", "c", "d"], 4)
    assert tied[0].ids == ("a", "b", "c", "d")


def test_fusion_weight_zero_and_one_give_one_side_alone() -> None:
    left, right = retrieval.Ranking(("a", "b"), (2, 1)), retrieval.Ranking(("c", "d"), (2, 1))
    assert retrieval.fuse(left, right, 0.0).ids == ("c", "d")
    assert retrieval.fuse(left, right, 1.0).ids == ("a", "b")
    assert set(retrieval.fuse(left, right, 0.5).ids) == {"a", "b", "c", "d"}


def test_shortened_vectors_are_unit_again_and_int8_is_close() -> None:
    vectors = np.random.default_rng(5).normal(size=(30, 16)).astype(np.float32)
    assert np.allclose(np.linalg.norm(retrieval.shorten(vectors, 4), axis=1), 1)
    ids = [str(i) for i in range(30)]
    exact = retrieval.rank(vectors, vectors, ids, 1)
    small = retrieval.rank_int8(vectors, vectors, ids)
    assert [r.ids[0] for r in exact] == [r.ids[0] for r in small]


def test_index_refuses_another_model(tmp_path: object) -> None:
    retrieval.save_index(tmp_path, {"a": "text"}, np.ones((1, 2)), "model-one")
    documents, vectors = retrieval.load_index(tmp_path, "model-one")
    assert documents == {"a": "text"} and vectors.shape == (1, 2)
    with pytest.raises(GalleryError, match="built with model model-one"):
        retrieval.load_index(tmp_path, "model-two")
