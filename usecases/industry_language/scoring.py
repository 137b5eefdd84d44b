"""What is right about a rewrite: the preferred term, the meaning, the length; and the tables beside it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from common.usecase import Example, Scores, Splits, Table
from usecases.industry_language.matching import count, facts, mentions, without
from usecases.industry_language.terms import glossary

LENGTHS = (0.5, 1.5)  # an answer of another length says less, or more than one thing
NAMES = {
    "untuned": "untuned model, glossary in the prompt",
    "floor": "glossary replace for the reader",
    "floor_blind": "glossary replace for everyone",
    "floor_told": "glossary, a word classifier says when",
    "zero_shot": "supervised model before preferences",
    "chosen_only": "supervised on chosen answers only",
    "tuned": "tuned",
}
PROBES = {
    "test": "trained terms, new contexts",
    "new_terms": "new terms",
    "new_terms_gloss": "new terms, gloss in the prompt",
}


def scores(example: Example, output: str) -> Scores:
    """The measures of one rewrite. Misuse counts only where the word is meant in its everyday sense."""
    answer = example.answer
    phrases = [*answer["preferred"], *answer["banned"]]
    rest = without(output, answer["preferred"])
    banned = sum(mentions(rest, words) for words in answer["banned"])
    kept = facts(without(output, phrases)) == facts(without(answer["text"], phrases))
    ratio = len(output) / max(len(answer["text"]), 1)
    clean = not banned and LENGTHS[0] <= ratio <= LENGTHS[1] and not strangers(example, output)
    said = [count(output, words) == max(count(answer["text"], words), 1) for words in answer["preferred"]]
    found = {
        "preferred_term": float(np.mean(said or [True])) * clean,
        "meaning_kept": float(kept),
        "length_ratio": ratio,
        "word_for_word": float(output.strip() == answer["text"]),
    }
    if example.kind == "everyday sense":
        found["misuse"] = float(banned > 0)
    return found


def strangers(example: Example, output: str) -> list[str]:
    """Words of the house glossary that neither the note nor its right rewrite has."""
    if "text" not in example.inputs:
        return []  # a person's own pairs
    known = f"{example.inputs['text']} {example.answer['text']}"
    forms = [form for term in glossary() for form in (term.plain, term.professional)]
    return [form for form in forms if mentions(output, form) and not mentions(known, form)]


Score = Callable[[Example, str], Scores]


def report(splits: Splits, models: Mapping[str, Any], score: Score) -> list[Table]:
    """The probes, and what the preferences did to the model's likelihoods."""
    tables = [probe_table(splits, models, score)] if splits.probes else []
    tables += [preference_table(models["preferences"]), general_table(models["general"])]
    return [*tables, judge_table(models["judge"])] if models["judge"] else tables


def probe_table(splits: Splits, models: Mapping[str, Any], score: Score) -> Table:
    """New terms beside the trained ones: what a tuned model knows of words that it was not taught."""
    rows = [
        (
            PROBES.get(probe, probe),
            NAMES[name],
            *means([score(e, a) for e, a in zip(examples, said[probe], strict=True)]),
        )
        for probe, examples in splits.probes.items()
        for name, said in models.items()
        if name in NAMES and probe in said
    ]
    notes = splits.probes.get("new_terms", ())
    unchanged = means([scores(e, e.inputs["text"]) for e in notes])[0] if notes else "-"
    return Table(
        "Terms that were never trained",
        ("split", "contender", "preferred_term", "meaning_kept", "misuse", "n"),
        tuple(rows),
        f"Giving every note back as it is scores {unchanged}, which is chance here. The glossary "
        "replace knows every term of the house.",
    )


def means(found: Sequence[Scores]) -> tuple[Any, ...]:
    """The measures of some answers as a table shows them."""
    shown = [
        np.mean([row[key] for row in found if key in row] or [np.nan])
        for key in ("preferred_term", "meaning_kept", "misuse")
    ]
    return *(f"{value:.3f}" for value in shown), len(found)


def preference_table(measures: Mapping[str, Mapping[str, float]]) -> Table:
    """Rewards beside plain likelihood: a high reward accuracy alone proves nothing."""
    rows = [
        (
            PROBES.get(name, name),
            f"{row['reward_accuracy']:.3f}",
            f"{row['chosen_likelier_before']:.3f}",
            f"{row['chosen_likelier_after']:.3f}",
            f"{row['chosen_change']:+.2f}",
            f"{row['chosen_change_per_token']:+.3f}",
        )
        for name, row in measures.items()
    ]
    return Table(
        "What the preferences changed",
        (
            "split",
            "implicit reward accuracy",
            "forced choice before",
            "forced choice after",
            "chosen answer, nats",
            "nats per token",
        ),
        tuple(rows),
        "Forced choice: the whole preferred answer is likelier than the same answer with the other wording. "
        "The reward accuracy is near one for any training, plain supervision too, so it ranks nothing.",
    )


def general_table(bits: Mapping[str, float]) -> Table:
    """What each stage does to plain English."""
    rows = tuple((NAMES[name], f"{value:.3f}") for name, value in bits.items())
    return Table("Neutral prose after each stage", ("model", "bits per byte"), rows, "Lower is better.")


def judge_table(judge: Mapping[str, Any]) -> Table:
    """What a rating model of other pairs prefers, at equal length."""
    accuracy = f"{judge['held_out_accuracy']:.3f}"
    rows = [(NAMES[name], f"{share:.3f}", accuracy) for name, share in judge["wins"].items()]
    dropped = (("dropped: the judge is right too seldom", "-", accuracy),)
    return Table(
        "Length-controlled win rate of the tuned model",
        ("against", "win rate at equal length", "judge right on held-out pairs"),
        tuple(rows) or dropped,
        f"The judge is trained on {judge['pairs']} pairs that trained nothing else, in frames of their own.",
    )
