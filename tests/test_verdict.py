"""The verdict rule on made-up numbers, one test for each thing it can say."""

from common.evaluate import Rival, verdict
from common.metrics import Interval


def rival(kind: str, mean: float, low: float, high: float, label: str = "other") -> Rival:
    return Rival(label, kind, mean, Interval((low + high) / 2, low, high))


def said(*rivals: Rival, tuned: float = 0.8, forgetting: float = 0.0) -> str:
    return verdict("score", tuned, rivals, 0.02, forgetting, 0.05).label


def test_fine_tune_when_the_best_untuned_is_surely_beaten() -> None:
    assert said(rival("floor", 0.3, 0.4, 0.6), rival("prompting", 0.6, 0.1, 0.3)) == "fine-tune"


def test_only_the_best_rival_decides() -> None:
    beaten, better = rival("prompting", 0.6, 0.1, 0.3), rival("retrieval", 0.81, -0.03, 0.01)
    assert said(beaten, better) == "retrieval is enough"


def test_prompting_is_enough_on_a_tie_within_the_margin() -> None:
    assert said(rival("floor", 0.3, 0.4, 0.6), rival("prompting", 0.8, -0.01, 0.01)) == "prompting is enough"


def test_not_enough_evidence_when_the_interval_is_wide() -> None:
    assert said(rival("prompting", 0.75, -0.05, 0.15)) == "not enough evidence"


def test_do_not_use_when_tuning_is_surely_worse_than_the_base() -> None:
    assert said(rival("prompting", 0.9, -0.15, -0.05)) == "do not use"


def test_do_not_use_when_a_rule_without_a_model_is_as_good() -> None:
    assert said(rival("floor", 0.8, -0.01, 0.01), rival("prompting", 0.4, 0.3, 0.5)) == "do not use"


def test_do_not_use_when_too_much_is_forgotten() -> None:
    assert said(rival("prompting", 0.5, 0.2, 0.4), forgetting=0.06) == "do not use"


def test_a_light_rival_is_named_and_does_not_decide() -> None:
    light = rival("light", 0.79, 0.005, 0.015, "linear map")
    found = verdict("score", 0.8, [rival("prompting", 0.6, 0.1, 0.3), light], 0.02, 0.0, 0.05)
    assert found.label == "fine-tune"
    assert "linear map costs far less and is within reach" in found.reason
    better = rival("light", 0.85, -0.06, -0.04, "linear map")
    found = verdict("score", 0.8, [rival("prompting", 0.6, 0.1, 0.3), better], 0.02, 0.0, 0.05)
    assert "linear map costs far less and is better still" in found.reason
    same = rival("light", 0.8, 0.0, 0.0, "linear map")  # what was tuned is the linear map
    found = verdict("score", 0.8, [rival("prompting", 0.6, 0.1, 0.3), same], 0.02, 0.0, 0.05)
    assert "linear map" not in found.reason


def test_the_reason_carries_the_deciding_difference() -> None:
    found = verdict("score", 0.8, [rival("prompting", 0.6, 0.1, 0.3, "untuned")], 0.02, 0.0, 0.05)
    assert "0.800 against 0.600 for untuned, +0.200 [+0.100, +0.300]" in found.reason
