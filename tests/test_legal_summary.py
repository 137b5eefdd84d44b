"""Plain-language summaries: all figures of a clause, none that it lacks, a sentence for each category."""

import pytest

from common import usecase
from usecases.legal_clauses.summary import PLAIN, figures, summary


def test_every_category_has_its_sentence() -> None:
    splits = usecase.find("legal_clauses").load(None)
    assert set(PLAIN) == {example.answer for example in splits.train}
    assert len(set(PLAIN.values())) == len(PLAIN)


@pytest.mark.parametrize(
    ("clause", "found"),
    [
        ("3.2 Either side may leave on forty-five (45) days' notice.", ["forty-five (45) days"]),
        ("Fees above USD 250,000 or one million pounds are refused.", ["USD 250,000", "one million pounds"]),
        ("The most is INR 20 lakh within 12 months and €5,000.", ["INR 20 lakh", "12 months", "€5,000"]),
        ("For five (5) further years it stays away.", ["five (5) further years"]),
        ("Clause 7.1 holds throughout the term.", []),
    ],
)
def test_figures_are_taken_word_for_word(clause: str, found: list[str]) -> None:
    assert figures(clause) == found
    assert all(figure in summary("renewal", clause) for figure in found)


def test_summaries_of_the_shipped_clauses_hold_their_figures_and_no_others() -> None:
    for example in usecase.find("legal_clauses").load(None).test:
        said = summary(example.answer, example.inputs).removeprefix(PLAIN[example.answer])
        named = said.removeprefix(" It names: ").removesuffix(".").split("; ") if said else []
        assert all(figure in example.inputs for figure in named)
        for unit in (" days", " years"):
            assert not any(f"{n}{unit}" in example.inputs and not named for n in (30, 60, 90, 3))


def test_a_category_without_a_sentence_is_said_to_have_none() -> None:
    assert "no plain sentence" in summary("audit_rights", "The books are open.")


def test_asking_shows_categories_and_the_summary() -> None:
    told = usecase.find("legal_clauses").ask(
        "Ends after 30 days.", None, lambda _: {"renewal": 0.9, "indemnity": 0.1}
    )
    assert "renewal" in told and "0.90" in told and told.endswith(f"{PLAIN['renewal']} It names: 30 days.")
