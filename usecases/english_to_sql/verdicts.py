"""Numbers and rewards made from verdicts: abstention, paraphrase consistency, a training reward."""

from collections.abc import Callable, Mapping, Sequence

from .judge import CLOCK, Instance, Verdict, judge

WRONG_COSTS = (0, 1, 10)


def abstention(verdicts: Sequence[Verdict], is_answerable: Sequence[bool]) -> dict[str, float]:
    """Precision and recall of refusing, and the mean score at each cost of a wrong answer.

    A right answer or a right refusal scores 1, refusing what can be answered 0, wrong -cost.
    """
    refused = [verdict.label == "abstained" for verdict in verdicts]
    right = sum(r and not a for r, a in zip(refused, is_answerable, strict=True))
    report = {
        "precision": right / max(1, sum(refused)),
        "recall": right / max(1, len(is_answerable) - sum(is_answerable)),
    }
    for cost in WRONG_COSTS:
        scores = [_score(verdict, cost) for verdict in verdicts]
        report[f"score_cost_{cost}"] = sum(scores) / max(1, len(scores))
    return report


def _score(verdict: Verdict, wrong_cost: float) -> float:
    if verdict.correct:
        return 1.0
    return 0.0 if verdict.label == "abstained" else -wrong_cost


def consistency(groups: Mapping[str, Sequence[Verdict]]) -> dict[str, float]:
    """Share of paraphrase groups, of two or more, that are all right and that agree."""
    several = [group for group in groups.values() if len(group) > 1]
    all_right = sum(all(verdict.correct for verdict in group) for group in several)
    all_same = sum(
        len({verdict.fingerprint for verdict in group}) == 1 and bool(group[0].fingerprint)
        for group in several
    )
    total = max(1, len(several))
    return {"groups": len(several), "all_correct": all_right / total, "all_same": all_same / total}


def make_reward(
    instances: Mapping[str, Sequence[Instance]],
    test_instances: Mapping[str, Sequence[Instance]],
    clock: str = CLOCK,
) -> Callable[..., list[float]]:
    """Builds a reward function in the form that TRL calls; it never sees a test database."""
    for schema_id, rewarded in instances.items():
        if set(rewarded) & set(test_instances.get(schema_id, ())):
            raise ValueError(
                f"schema {schema_id}: a test database is among the reward databases; "
                f"populate them with another seed"
            )

    def reward(
        completions: Sequence[str],
        schema_id: Sequence[str],
        golds: Sequence[Sequence[str]],
        **_: object,
    ) -> list[float]:
        return [
            float(judge(completion, accepted, instances[name], clock).correct)
            for completion, name, accepted in zip(completions, schema_id, golds, strict=True)
        ]

    return reward
