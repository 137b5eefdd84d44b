"""Scores of single outputs, and intervals of sets of them. Pure numpy."""

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache

import numpy as np

RESAMPLES = 2000
BOOTSTRAP_SEED = 20_240_601


@dataclass(frozen=True)
class Interval:
    """A mean with its 95 % bootstrap interval."""

    mean: float
    low: float
    high: float

    def as_dict(self) -> dict[str, float]:
        return asdict(self)


def ndcg(ranking: Sequence[str], relevant: Collection[str], k: int = 10) -> float:
    """Discounted gain of the first k places over the best that was possible."""
    wanted = set(relevant)
    gains = sum(1 / np.log2(place + 2) for place, i in enumerate(ranking[:k]) if i in wanted)
    best = sum(1 / np.log2(place + 2) for place in range(min(len(wanted), k)))
    return float(gains / best) if best else 0.0


def reciprocal_rank(ranking: Sequence[str], relevant: Collection[str], k: int = 10) -> float:
    """One over the place of the first right answer within the first k."""
    wanted = set(relevant)
    return next((1 / (p + 1) for p, i in enumerate(ranking[:k]) if i in wanted), 0.0)


def hit(ranking: Sequence[str], relevant: Collection[str], k: int) -> float:
    """Whether a right answer stands within the first k."""
    return float(bool(set(relevant) & set(ranking[:k])))


def token_f1(answer: str, expected: str) -> float:
    """Overlap of words, counted with repeats, as in SQuAD; two empty texts agree."""
    left, right = answer.lower().split(), expected.lower().split()
    if not left or not right:
        return float(left == right)
    common = sum((Counter(left) & Counter(right)).values())
    return 2 * common / (len(left) + len(right))


def mean_interval(values: np.ndarray, groups: Sequence[str]) -> Interval:
    """Mean over seeds (rows) and examples (columns), resampling whole groups and seeds.

    Examples that do not carry the metric are NaN and count nowhere.
    """
    values = np.atleast_2d(values)
    present = np.isfinite(values)
    if not present.any():
        return Interval(float("nan"), float("nan"), float("nan"))
    names, index = np.unique(np.asarray(groups), return_inverse=True)
    size = len(names)
    sums = np.stack(
        [np.bincount(index, np.where(p, v, 0.0), size) for v, p in zip(values, present, strict=True)]
    )
    counts = np.stack([np.bincount(index, p.astype(float), size) for p in present])
    weights, seeds = draws(size, len(values))
    top = np.einsum("bs,bs->b", seeds, weights @ sums.T)
    bottom = np.einsum("bs,bs->b", seeds, weights @ counts.T)
    means = top[bottom > 0] / bottom[bottom > 0]
    low, high = np.quantile(means, [0.025, 0.975])
    return Interval(float(values[present].mean()), float(low), float(high))


@lru_cache(maxsize=8)
def draws(groups: int, seeds: int) -> tuple[np.ndarray, np.ndarray]:
    """How often each group and each seed is drawn in every resample; the same for sets of the same size."""
    random = np.random.default_rng(BOOTSTRAP_SEED)
    weights = random.multinomial(groups, np.full(groups, 1 / groups), RESAMPLES)
    return weights.astype(float), random.multinomial(seeds, np.full(seeds, 1 / seeds), RESAMPLES)


def statistic_interval(
    statistic: Callable[[int, np.ndarray], float],
    seeds: int,
    groups: Sequence[str],
    resamples: int = 300,
) -> Interval:
    """Interval of any statistic(seed, example indices), resampling whole groups and seeds."""
    names, index = np.unique(np.asarray(groups), return_inverse=True)
    order = np.argsort(index, kind="stable")
    members = np.split(order, np.cumsum(np.bincount(index))[:-1])
    random = np.random.default_rng(BOOTSTRAP_SEED)
    mean = float(np.mean([statistic(seed, np.arange(len(groups))) for seed in range(seeds)]))
    drawn = []
    for _ in range(resamples):
        chosen = random.integers(len(names), size=len(names))
        rows = np.concatenate([members[group] for group in chosen])
        drawn.append(statistic(int(random.integers(seeds)), rows))
    low, high = np.nanquantile(drawn, [0.025, 0.975])
    return Interval(mean, float(low), float(high))
