"""Surface defects: the drawn parts, the scores, the choices made on val, places, and one class."""

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.metrics import f1_score, roc_auc_score

from common.metrics import statistic_interval
from common.usecase import Example, find
from usecases.surface_defects import data as own_data
from usecases.surface_defects import defects, scoring, surfaces
from usecases.surface_defects.oneclass import patchcore, spread_out
from usecases.surface_defects.regions import aupro, upscaled
from usecases.surface_defects.rules import simple_scores
from usecases.surface_defects.settle import lift, settled, temperature, threshold

RANDOM = np.random.default_rng(0)


@pytest.fixture(scope="module")
def splits():  # noqa: ANN201
    return find("surface_defects").load(None)


def test_parts_are_whole_in_one_split_and_photographed_twice(splits) -> None:  # noqa: ANN001
    owners: dict[str, set[str]] = {}
    for name, examples in splits.named().items():
        for example in examples:
            owners.setdefault(example.group, set()).add(name)
    assert all(len(names) == 1 for names in owners.values())
    first, second = splits.train[:2]
    assert first.group == second.group and first.answer == second.answer
    assert first.inputs != second.inputs


def test_the_same_seed_draws_the_same_parts(splits) -> None:  # noqa: ANN001
    again = own_data.part(own_data.SECTIONS[0], 0, 3)
    assert [e.inputs.hash for e in again] == [e.inputs.hash for e in splits.train[6:8]]


def test_train_shows_five_defects_and_test_one_more_and_one_more_light(splits) -> None:  # noqa: ANN001
    seen = {e.answer for e in splits.train}
    assert seen == {"good", *defects.SEEN} and len(defects.SEEN) == 5
    assert {e.answer for e in splits.test} - seen == {"fold"}
    assert {e.kind for e in splits.train} == {"usual"}
    assert {e.kind for e in splits.test} == {"usual", "unseen light", "unseen defect"}
    assert {e.extra["material"] for e in splits.test} == set(surfaces.MATERIALS)


def test_bad_parts_have_a_mask_and_good_parts_have_none(splits) -> None:  # noqa: ANN001
    for example in splits.test:
        assert example.extra["mask"].shape == example.inputs.pixels().shape
        assert bool(example.extra["mask"].any()) <= (example.answer != "good")
    shown = [e.extra["mask"].any() for e in splits.test if e.answer != "good"]
    assert np.mean(shown) > 0.98


@pytest.mark.parametrize("name", [*defects.SEEN, *defects.UNSEEN])
def test_a_defect_changes_its_mask_more_than_the_rest(name: str) -> None:
    drawers = {**defects.SEEN, **defects.UNSEEN}
    for seed in range(6):
        random = np.random.default_rng(seed)
        surface = surfaces.painted(random, 76)
        changed, mask = drawers[name](random, surface, 3)
        change = np.abs(changed - surface)
        assert 0 < mask.mean() < 0.5
        assert change[mask].mean() > 4 * change[~mask].mean()


def test_simple_rules_do_not_solve_it(splits) -> None:  # noqa: ANN001
    scores = simple_scores(splits.train[:600], splits.test, "good")
    bad = np.array([e.answer != "good" for e in splits.test])
    found = {name: roc_auc_score(bad, score) for name, score in scores.items()}
    assert max(found.values()) < 0.7, found


def test_metrics_agree_with_scikit_learn() -> None:
    bad = RANDOM.integers(0, 2, 300).astype(float)
    score = np.round(bad * 0.3 + RANDOM.random(300), 1)
    assert scoring.auroc(bad, score) == pytest.approx(roc_auc_score(bad, score))
    truth, said = RANDOM.integers(0, 5, 300), RANDOM.integers(0, 5, 300)
    found = scoring.macro_f1(truth.astype(float), said.astype(float))
    assert found == pytest.approx(f1_score(truth, said, average="macro"))


def test_one_sided_sets_have_no_auroc() -> None:
    assert np.isnan(scoring.auroc(np.zeros(3), np.ones(3)))
    assert np.isnan(scoring.average_precision(np.zeros(3), np.ones(3)))


def test_calibration_error_on_hand_made_cases() -> None:
    right = np.array([1.0, 1.0, 0.0, 0.0])
    assert scoring.calibration_error(right, np.full(4, 0.5)) == pytest.approx(0.0)
    assert scoring.calibration_error(right, np.full(4, 0.9)) == pytest.approx(0.4)


def test_the_cheapest_action_follows_the_probability() -> None:
    assert [scoring.action(p) for p in (0.001, 0.3, 0.99)] == ["pass", "inspect", "scrap"]


def test_temperature_finds_the_divisor() -> None:
    logits = 2 * RANDOM.standard_normal((4000, 3))
    truth = np.array([RANDOM.choice(3, p=row) for row in softmax(logits, axis=1)])
    assert temperature(3 * logits, truth) == pytest.approx(3, rel=0.15)
    assert temperature(logits[:0], truth[:0]) == 1.0


def test_the_threshold_is_the_highest_that_reaches_the_recall() -> None:
    bad = np.array([True, True, True, True, False])
    score = np.array([0.9, 0.8, 0.4, 0.2, 0.95])
    assert threshold(bad, score, 0.75) == 0.4
    assert threshold(bad, score, 0.95) == 0.2


def test_without_a_bad_part_in_val_nothing_is_flagged() -> None:
    assert threshold(np.zeros(4, bool), np.arange(4.0), 0.95) == float("inf")


def test_rare_labels_are_lifted_only_as_far_as_val_wants() -> None:
    truth = np.repeat([0, 1, 2], [900, 50, 50])
    logits = RANDOM.standard_normal((1000, 3)) + np.log([0.9, 0.05, 0.05])
    logits[np.arange(1000), truth] += 1.5
    added = lift(logits, truth)
    assert added[1] > added[0] and added[2] > added[0]
    plain, lifted = (scoring.macro_f1(truth.astype(float), x.argmax(1)) for x in (logits, logits + added))
    assert lifted > plain
    assert (lift(logits[:0], truth[:0]) == 0).all()


def test_test_answers_never_reach_the_choices() -> None:
    val = [Example(str(i), str(i), None, "good" if i % 2 else "crack") for i in range(40)]
    rows, scores = softmax(RANDOM.standard_normal((40, 2)), 1), softmax(RANDOM.standard_normal((9, 2)), 1)
    whole = settled("good", ["crack", "good"], val, rows, scores)
    parts = [settled("good", ["crack", "good"], val, rows, scores[i : i + 1])[0] for i in range(9)]
    assert whole == parts


def test_per_region_overlap_counts_small_regions_like_large_ones() -> None:
    mask = np.zeros((20, 20), bool)
    mask[2:10, 2:10], mask[15, 15] = True, True
    assert aupro([mask.astype(float)], [mask]) == pytest.approx(1.0)
    assert aupro([np.ones(mask.shape)], [mask]) == pytest.approx(0.0)
    only_large = np.zeros(mask.shape)
    only_large[2:10, 2:10] = 1.0
    only_small = np.zeros(mask.shape)
    only_small[15, 15] = 1.0
    assert aupro([only_large], [mask]) == pytest.approx(0.5)
    assert aupro([only_small], [mask]) == pytest.approx(0.5)


def test_coarse_maps_are_laid_over_the_picture() -> None:
    coarse = np.zeros((4, 4))
    coarse[0, 3] = 1.0
    row, column = np.unravel_index(upscaled(coarse, (40, 60)).argmax(), (40, 60))
    assert row < 10 and column >= 45


def test_the_coreset_spreads() -> None:
    rows = np.concatenate([np.zeros((50, 2)), np.ones((1, 2)), 5 * np.ones((1, 2))])
    assert {tuple(row) for row in spread_out(rows, 3)} == {(0, 0), (1, 1), (5, 5)}


def test_patchcore_points_at_what_good_parts_never_showed() -> None:
    def maps(pictures: list[np.ndarray]) -> np.ndarray:
        return np.stack(pictures)

    good = [RANDOM.standard_normal((4, 4, 8)).astype(np.float32) for _ in range(30)]
    odd = RANDOM.standard_normal((4, 4, 8)).astype(np.float32)
    odd[2, 1] += 9
    found = patchcore(maps, good, [good[0], odd])
    assert found[1].max() > 2 * found[0].max()
    assert np.unravel_index(found[1].argmax(), (4, 4)) == (2, 1)


def test_intervals_by_part_are_wider_than_by_picture() -> None:
    value = np.repeat(RANDOM.standard_normal(60), 4)
    parts = [str(i // 4) for i in range(240)]
    widths = []
    for groups in (parts, [str(i) for i in range(240)]):
        found = statistic_interval(lambda seed, rows: float(value[rows].mean()), 1, groups)
        widths.append(found.high - found.low)
    assert widths[0] > 1.5 * widths[1]
