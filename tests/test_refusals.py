"""How readily a model refuses: one bound, chosen on val, kept with the adapter."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from common import chat, generate, models, refusals, usecase
from common.answering import answers, plain
from common.generate import replies
from common.job import Job
from common.tuners import sft
from tests.test_sft import job


def refusing(tiny: Path, root: Path, right: str) -> tuple[Job, Any, Any]:
    """A job whose use case may refuse by the word `no`; val wants every answer to be `right`."""
    work = job(tiny, root, method="lora")
    case = type("Refusing", (type(work.usecase),), {"refusal": "no", "score": scored(right)})()
    return replace(work, usecase=case), *models.load_causal(work.base, None)


def scored(right: str) -> Any:
    def score(self: Any, example: usecase.Example, output: str) -> usecase.Scores:
        refused = output == "no" or output.startswith("no ")
        return {"exact": float(refused == (right == "no"))}

    return score


@pytest.mark.parametrize("right", ["no", "anything else"])
def test_how_readily_a_model_refuses_is_chosen_on_val(right: str, tiny: Path, tmp_path: Path) -> None:
    work, model, tokenizer = refusing(tiny, tmp_path, right)
    piece = tokenizer("no", add_special_tokens=False)["input_ids"][0]
    refusals.settle(work, model, tokenizer, plain)
    kept = generate.leaning(model)
    ids = [chat.prompt_ids(tokenizer, prompt) for prompt in plain(work, work.splits.test)]
    found = replies(model, tokenizer, ids, 1)
    starts = {tokenizer(reply.text, add_special_tokens=False)["input_ids"][:1] == [piece] for reply in found}
    assert kept[0] == piece and starts == {right == "no"}
    said = {
        output.value
        for output in answers(work, model, tokenizer, work.splits.test, plain(work, work.splits.test))
    }
    assert (said == {"no"}) == (right == "no"), "what is refused is the refusal itself"
    refusals.forget(model)
    assert generate.leaning(model) is None and {
        reply.lead for reply in replies(model, tokenizer, ids, 1)
    } == {0}


def test_the_bound_is_the_best_on_val_and_of_equals_the_smallest(tiny: Path, tmp_path: Path) -> None:
    work, _, _ = refusing(tiny, tmp_path, "no")
    examples = work.splits.val[:3]
    leads = (3.0, 1.0, -2.0)
    found = [generate.Reply("yes", True, 1, lead) for lead in leads]
    assert refusals.best(work, examples, found) > 2, "refusing is right everywhere"
    wanted = {examples[0].id: "no", examples[1].id: "yes", examples[2].id: "yes"}

    def score(self: Any, example: usecase.Example, output: str) -> usecase.Scores:
        return {"exact": float((output == "no") == (wanted[example.id] == "no"))}

    case = type("Some", (type(work.usecase),), {"score": score})()
    assert refusals.best(replace(work, usecase=case), examples, found) == -2.0


def test_the_bound_is_kept_with_the_adapter(tiny: Path, tmp_path: Path) -> None:
    work, _, _ = refusing(tiny, tmp_path, "no")
    sft.fit(work)
    sft.predict(work, work.splits.test)
    first = generate.leaning(work.shared["tuned-0"][0])
    again = replace(work, shared={})
    sft.predict(again, work.splits.test)
    assert first is not None and generate.leaning(again.shared["tuned-0"][0]) == pytest.approx(first)
