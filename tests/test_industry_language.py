"""The data, the scoring and the reading of people's own pairs of industry_language."""

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from statistics import mean

import numpy as np
import pytest

from common import data as checks
from common import usecase
from common.errors import FaultsError, GalleryError
from usecases.industry_language import choices, data, decoys, even, floor, matching, prompting
from usecases.industry_language.folder import read_pairs
from usecases.industry_language.scoring import scores
from usecases.industry_language.terms import domains, glossary, places, retrieved

CASE = usecase.find("industry_language")
CHOOSING = CASE.configured({"choices": True})
SPLITS = CASE.load(None)
PAIRS = [(e.answer["text"], e.extra["rejected"]) for e in SPLITS.train]
LARGEST_LENGTH_ACCURACY, LARGEST_WORDS_ACCURACY = 0.7, 0.6


def test_three_trades_with_sixty_terms_each_of_which_twenty_are_ambiguous() -> None:
    for domain in domains().values():
        ambiguous = [term for term in domain.terms if term.word]
        assert len(domain.terms) >= 60 and len(ambiguous) == 20, domain.name
        assert all(len(term.everyday) == 6 for term in ambiguous)
        assert {term.tempting for term in ambiguous} == {"professional", "public"}
        assert all(len(term.practice) >= 5 for term in ambiguous if not term.new)
    forms = Counter(form for term in glossary() for form in (term.plain, term.professional))
    assert max(forms.values()) == 1, forms.most_common(3)


def test_new_terms_stand_in_no_training_row() -> None:
    trained = "\n".join(
        f"{e.inputs['text']}\n{e.answer['text']}\n{e.inputs['glossary']}" for e in SPLITS.train
    )
    new = [term for term in glossary() if term.new]
    assert len(new) >= 30
    for term in new:
        for words in (term.plain, term.professional):
            if words != term.word:  # an ambiguous word may be an everyday word of another note
                assert not matching.mentions(trained, words), words
    asked = " ".join(e.inputs["text"] for e in SPLITS.probes["new_terms"])
    assert all(matching.mentions(asked, t.plain) or matching.mentions(asked, t.professional) for t in new)


def test_no_context_of_the_test_stands_in_train_and_no_two_notes_are_alike() -> None:
    assert checks.leaks(SPLITS) == []
    probes = replace(SPLITS, test=SPLITS.probes["new_terms"])
    assert [leak for leak in checks.leaks(probes) if leak.reason != "same group"] == []


def written_pairs(case: usecase.UseCase) -> list[tuple[str, str]]:
    """Both answers of every training pair as the model writes them."""
    return [(case.written(e, e.answer["text"]), case.written(e, e.extra["rejected"])) for e in SPLITS.train]


@pytest.mark.parametrize("case", [CASE, CHOOSING], ids=["notes", "choices"])
def test_length_and_words_do_not_tell_chosen_from_rejected(case: usecase.UseCase) -> None:
    pairs = written_pairs(case)
    ratios = [len(chosen) / len(rejected) for chosen, rejected in PAIRS]
    assert 0.9 <= mean(ratios) <= 1.1
    longer = mean(0.5 if len(c) == len(r) else float(len(c) > len(r)) for c, r in pairs)
    assert 1 - LARGEST_LENGTH_ACCURACY < longer < LARGEST_LENGTH_ACCURACY
    assert words_accuracy(pairs) < LARGEST_WORDS_ACCURACY


def words_accuracy(pairs: list[tuple[str, str]]) -> float:
    """How often a bag of words without the prompt tells the two apart, on contexts it has not seen."""
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GroupKFold

    counter = CountVectorizer(ngram_range=(1, 2)).fit([text for pair in pairs for text in pair])
    gaps = counter.transform([c for c, _ in pairs]) - counter.transform([r for _, r in pairs])
    signs = np.where(np.arange(len(pairs)) % 2, 1, -1)
    features, labels = gaps.multiply(signs[:, None]).tocsr(), signs > 0
    right = []
    for fit, held in GroupKFold(5).split(features, labels, [e.group for e in SPLITS.train]):
        model = LogisticRegression(fit_intercept=False).fit(features[fit], labels[fit])
        right += list(model.predict(features[held]) == labels[held])
    return float(np.mean(right))


def test_control_pairs_prefer_the_plain_words_that_stand_there() -> None:
    def control(example: usecase.Example) -> bool:
        plain = example.answer["preferred"][0] in {t.plain for t in glossary()}
        return plain and example.inputs["text"] == example.answer["text"]

    assert 0.10 <= mean(map(control, SPLITS.train)) <= 0.25


def test_search_and_replace_fails_half_the_time_and_with_the_reader_on_everyday_senses() -> None:
    def rate(answers: list[str], kind: str | None = None) -> float:
        found = [scores(e, a) for e, a in zip(SPLITS.test, answers, strict=True) if kind in (None, e.kind)]
        return mean(row["preferred_term"] for row in found)

    blind, told = floor.always_professional(SPLITS.test, SPLITS), floor.for_reader(SPLITS.test, SPLITS)
    assert rate(floor.told_when(SPLITS.test, SPLITS), "everyday sense") > 0.5
    assert 0.35 < rate(blind) < 0.6
    assert rate(told, "everyday sense") == 0 and rate(told, "term") > 0.97
    assert rate([e.inputs["text"] for e in SPLITS.test]) < 0.6


def test_decoys_use_the_right_term_and_change_the_meaning() -> None:
    found = [e for e in SPLITS.train if e.extra["pair"] == "decoy"]
    assert len(found) > 50
    for example in found:
        row = scores(example, example.extra["rejected"])
        assert row["preferred_term"] == 1 and row["meaning_kept"] == 0, example.id
    import random

    assert decoys.other_negation("It was fixed.", random.Random(0)) == "It was not fixed."
    assert decoys.other_negation("It was not fixed.", random.Random(0)) == "It was fixed."
    assert decoys.altered("Hello there.", random.Random(0)) is None


def test_words_are_found_in_any_inflection_and_not_inside_others() -> None:
    assert matching.mentions("He is hypertensive.", "hypertension")
    assert matching.mentions("Two strokes, said she.", "stroke")
    assert not matching.mentions("The breaststroke.", "stroke")
    assert not matching.mentions("The fitting.", "fit on")
    assert not matching.mentions("A bankrupt firm.", "bank")


@pytest.mark.parametrize(
    "output",
    [
        "The stroke began 9 hours after Dr Reid saw her.",
        "The stroke did not begin 8 hours after Dr Reid saw her.",
        "The stroke began 8 hours after Dr Nolan saw her.",
        "The stroke began 8 hours before Dr Reid saw her.",
    ],
)
def test_a_changed_number_name_negation_or_order_is_a_changed_meaning(output: str) -> None:
    right = "The cerebrovascular accident began 8 hours after Dr Reid saw her."
    answer = {"text": right, "preferred": ["cerebrovascular accident"], "banned": ["stroke"]}
    example = usecase.Example("x", "x", {}, answer, "term")
    assert scores(example, right) == {
        "preferred_term": 1,
        "meaning_kept": 1,
        "length_ratio": 1,
        "word_for_word": 1,
    }
    found = scores(example, output)
    assert found["preferred_term"] == 0 and found["meaning_kept"] == 0


def test_misuse_is_a_term_put_where_the_word_means_something_else() -> None:
    example = next(e for e in SPLITS.test if e.kind == "everyday sense")
    assert scores(example, example.answer["text"])["misuse"] == 0
    assert scores(example, example.extra["swapped"])["misuse"] == 1


@pytest.mark.parametrize("case", [CASE, CHOOSING], ids=["notes", "choices"])
def test_an_answer_that_says_everything_is_wrong(case: usecase.UseCase) -> None:
    """Found by a cheat: a list of all answers held the preferred term of each note."""
    every = "\n".join(case.gold(e) for e in SPLITS.test)
    for example in SPLITS.test[::6]:
        assert case.score(example, every)["preferred_term"] == 0
        assert case.score(example, f"{case.gold(example)}\n{case.gold(example)}")["preferred_term"] == 0
        for text in (
            every,
            f"{example.answer['text']} {example.extra['swapped']}",
            *example.answer["preferred"],
        ):
            assert scores(example, text)["preferred_term"] == 0


def test_a_note_with_a_further_term_of_the_house_is_wrong() -> None:
    example = next(e for e in SPLITS.test if e.kind == "term")
    stranger = next(t for t in glossary() if not matching.mentions(example.answer["text"], t.professional))
    text = example.answer["text"].removesuffix(".")
    assert scores(example, f"{text} or {stranger.professional}.")["preferred_term"] == 0
    assert scores(example, f"{text} now.")["preferred_term"] == 1


def test_a_sheet_says_the_words_of_its_reader_first_and_the_prompt_ends_with_the_reader() -> None:
    for reader, other in (("clinician", "patient"), ("patient", "clinician")):
        example = next(e for e in SPLITS.test if e.inputs["reader"] == reader)
        lines = CHOOSING.model_input(example)[0]["content"].splitlines()
        assert lines[0].startswith(f"{reader}: ") and f"; {other}: " in lines[0]
    ambiguous = {line for e in SPLITS.test for line in e.inputs["glossary"] if line.endswith("sense only")}
    assert {line.split(" = ")[0] for line in ambiguous} < {t.professional for t in glossary() if t.word}
    assert lines[-2:] == [example.inputs["text"], "Reader: patient"]


def test_a_word_that_stays_against_the_sheet_is_left_to_the_note() -> None:
    example = next(e for e in SPLITS.test if e.kind == "everyday sense")
    assert CHOOSING.gold(example) == "note"
    assert CHOOSING.written(example, example.extra["swapped"]) == example.inputs["reader"]
    marked = [e for e in SPLITS.train if e.kind == "everyday sense" and len(e.inputs["glossary"]) == 1]
    assert {CHOOSING.gold(e) for e in marked} == {"note"}


def test_practice_words_are_no_words_of_the_house_and_train_only() -> None:
    house = {term.gloss for term in glossary()}
    practised = {term.gloss for domain in domains().values() for term in domain.practice}
    assert len(practised) > 50 and not practised & house
    asked = [e for name in ("val", "test") for e in SPLITS.named()[name]]
    asked += [e for probe in SPLITS.probes.values() for e in probe]
    assert not practised & {line for e in asked for line in e.inputs["glossary"]}
    assert practised < {line for e in SPLITS.train for line in e.inputs["glossary"]}


def test_the_supervised_stage_sees_writers_who_are_right_two_times_in_three() -> None:
    starts = [prompting.mixed_style(e) == e.answer["text"] for e in SPLITS.train]
    assert 0.6 < mean(starts) < 0.73


def test_the_supervised_stage_sees_each_note_with_other_details() -> None:
    others = [(example, data.refilled(example, 0)) for example in SPLITS.train]
    assert mean(other.inputs["text"] != example.inputs["text"] for example, other in others) > 0.8
    for example, other in others:
        assert scores(other, other.answer["text"])["preferred_term"] == 1, example.id
        changed = example.inputs["text"] != example.answer["text"]
        assert (other.inputs["text"] != other.answer["text"]) == changed
    assert len(CASE.start_rows(SPLITS.train[0], SPLITS)) == 2


def test_the_glossary_line_of_a_new_term_is_retrieved() -> None:
    for example in SPLITS.probes["new_terms_gloss"]:
        lines = " ".join(example.inputs["glossary"])
        assert example.answer["preferred"][0] in lines and example.answer["banned"][0] in lines
    assert retrieved("Nothing of note happened.", "medical") == []


def test_choices_say_every_rewrite_and_give_it_back() -> None:
    for example in (*SPLITS.train, *SPLITS.test, *SPLITS.probes["new_terms"]):
        for text in (example.answer["text"], example.extra["rejected"], example.extra["swapped"]):
            assert CHOOSING.read(example, CHOOSING.written(example, text)) == text, example.id
        assert CHOOSING.score(example, CHOOSING.gold(example))["preferred_term"] == 1


STROKE = ["cerebrovascular accident = stroke, in this sense only"]
READERS = domains()["medical"].readers


@pytest.mark.parametrize(
    "output",
    [
        "",
        "doctor",
        "clinician; 9 -> 8",
        "clinician; 8 -> 9; 9 -> 8; 8 -> 9; 9 -> 8; 8 -> 9",
        "stroke -> fit",
        "clinician; patient",
    ],
)
def test_choices_that_do_not_fit_the_note_are_no_answer(output: str) -> None:
    assert choices.applied("The stroke of 8 May.", output, STROKE, READERS) == ""


@pytest.mark.parametrize(
    ("output", "text"),
    [
        ("clinician", "The cerebrovascular accident of 8 May."),
        ("patient", "The stroke of 8 May."),
        ("note", "The stroke of 8 May."),
        ("clinician; 8 -> 9; May -> June", "The cerebrovascular accident of 9 June."),
    ],
)
def test_a_choice_puts_the_words_of_whom_it_names(output: str, text: str) -> None:
    assert choices.applied("The stroke of 8 May.", output, STROKE, READERS) == text
    assert choices.applied("Stroke again.", "clinician", STROKE, READERS) == "Cerebrovascular accident again."
    assert choices.applied("Without a line.", "clinician", [], READERS) == "Without a line."


def test_a_longer_wording_hides_the_shorter_ones_inside_it() -> None:
    lines = ["exacerbation = attack", "myocardial infarction = heart attack"]
    found = [(place.line, place.style) for place in places("An attack after the heart attack.", lines)]
    assert found == [(lines[0], "public"), (lines[1], "public")]
    assert [place.line for place in places("The heart attack.", lines)] == lines[1:]
    assert places("The lesson.", ["lessor = landlord"]) == []


def test_a_hinted_prompt_shows_a_solved_note_for_the_same_reader() -> None:
    solved, answer, asked = CHOOSING.hinted_input(SPLITS.test[0], SPLITS)
    assert asked == CHOOSING.model_input(SPLITS.test[0])[0]
    assert solved["content"].splitlines()[-1] == asked["content"].splitlines()[-1]
    assert answer == {"role": "assistant", "content": solved["content"].rpartition("Reader: ")[2]}


def test_only_known_task_settings_are_read() -> None:
    for task in ({"choice": True}, {"choices": "yes"}):
        with pytest.raises(GalleryError, match="knows `choices = true`"):
            CASE.configured(task)


def test_one_question_names_its_reader() -> None:
    def model(prompts: list[list[dict[str, str]]]) -> list[str]:
        return [prompt[-1]["content"] for prompt in prompts]

    said = CASE.ask("clinician: The stroke of 8 May.", None, model)
    assert "for the clinician" in said and "cerebrovascular accident = stroke" in said
    asked: list[str] = []

    def chooser(prompts: list[list[dict[str, str]]]) -> list[str]:
        asked.extend(prompt[-1]["content"].splitlines()[0] for prompt in prompts)
        return ["clinician", "note"][: len(prompts)]

    note = "clinician: The stroke of 8 May, and the {} of a swimmer."
    assert CHOOSING.ask(note.format("cold"), None, chooser) == (
        "The cerebrovascular accident of 8 May, and the cold of a swimmer."
    )
    assert len(asked) == 2 and all(line.endswith("; note") for line in asked)
    assert CHOOSING.ask("clinician: Nothing.", None, chooser) == "Nothing."
    with pytest.raises(GalleryError, match="Say who reads it"):
        CASE.ask("The stroke of 8 May.", None, model)


def written(path: Path, rows: list[dict[str, object]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def own_rows(count: int = 30) -> list[dict[str, object]]:
    """Pairs of a house that says `client`, not `customer`, and drops no word."""
    things = "invoice parcel ticket refund order letter visit account meeting offer".split()
    return [
        {
            "prompt": f"Polish this: the customer asked about {things[i % 10]} number {i * 7}",
            "chosen": f"The client asked about {things[i % 10]} number {i * 7}.",
            "rejected": f"The customer asked about {things[i % 10]} number {i * 7}.",
        }
        for i in range(count)
    ]


def test_a_persons_pairs_become_splits_with_the_words_that_differ(tmp_path: Path) -> None:
    splits = CASE.load(written(tmp_path / "pairs.jsonl", own_rows()))
    assert sum(map(len, splits.named().values())) == 30 and splits.train and splits.test
    example = splits.test[0]
    assert example.answer["preferred"] == ["client"] and example.answer["banned"] == ["customer"]
    assert scores(example, CASE.gold(example))["preferred_term"] == 1
    assert scores(example, example.extra["rejected"])["preferred_term"] == 0
    rules = CASE.floor(splits)(splits.test)
    assert "client" in rules[0] and "customer" not in rules[0]
    assert "client, not customer" in CASE.hinted_input(example, splits)[-1]["content"]
    assert set(CASE.train_rows(example, splits)[0]) == {"prompt", "chosen", "rejected"}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"chosen": ""}, "row 5: column 'chosen' must be object"),
        ({"rejected": "  "}, "row 5: rejected is empty"),
        ({"rejected": None}, "row 5: rejected must be a text"),
        ({"prompt": 7}, "row 5: prompt must be a text"),
        ({"split": "exam"}, "row 5: split 'exam' is none of"),
    ],
)
def test_a_faulty_row_is_named(tmp_path: Path, change: dict[str, object], said: str) -> None:
    rows = own_rows()
    rows[4] = {**rows[4], **change}
    with pytest.raises(FaultsError, match=said):
        read_pairs(written(tmp_path / "pairs.jsonl", rows))


def test_identical_swapped_and_length_leaking_pairs_are_named_by_row(tmp_path: Path) -> None:
    rows = own_rows()
    rows[4]["rejected"] = rows[4]["chosen"]
    rows[7]["chosen"], rows[7]["rejected"] = rows[7]["rejected"], rows[7]["chosen"]
    rows[9]["chosen"] = f"{rows[9]['chosen']} We are so very sorry to hear of it and will call at once today."
    with pytest.raises(FaultsError) as caught:
        read_pairs(written(tmp_path / "pairs.jsonl", rows))
    said = str(caught.value)
    assert "row 5: chosen and rejected are identical" in said
    assert "row 8: prefers 'customer' to 'client', but" in said
    assert "row 10: chosen has 22 words and rejected 7" in said
    again = own_rows()
    again.append({**again[0], "chosen": again[0]["rejected"], "rejected": again[0]["chosen"]})
    with pytest.raises(FaultsError, match="row 31: chosen and rejected are swapped against row 1"):
        read_pairs(written(tmp_path / "pairs.jsonl", again))
    longer = [{**row, "chosen": f"{row['chosen']} Thank you."} for row in own_rows()]
    with pytest.raises(FaultsError, match="the longer answer is preferred in 30 of 30 rows"):
        read_pairs(written(tmp_path / "pairs.jsonl", longer))


def test_what_length_gives_away_can_be_left_out(tmp_path: Path) -> None:
    rows = own_rows(60)
    for row in rows[:50]:
        row["chosen"] += " Thank you."
    rows[55]["chosen"] = (
        f"{rows[55]['chosen']} We are so very sorry to hear of it and will call at once today."
    )
    path = written(tmp_path / "pairs.jsonl", rows)
    with pytest.raises(FaultsError, match=r"balance them(.|\n)*python -m usecases.industry_language.even"):
        read_pairs(path)
    said = even.write_even(path)
    assert (
        said.startswith(f"{tmp_path / 'pairs.even.jsonl'}: 30 of 60 pairs. Left out: 1 with")
        and ", 29 of" in said
    )
    first = (tmp_path / "pairs.even.jsonl").read_text()
    splits = read_pairs(tmp_path / "pairs.even.jsonl")
    assert sum(map(len, splits.named().values())) == 30
    written(path, rows[::-1])
    even.write_even(path)
    assert sorted(first.split("\n")) == sorted((tmp_path / "pairs.even.jsonl").read_text().split("\n"))
    with pytest.raises(FaultsError, match="row 1: chosen must be a text"):
        even.write_even(written(path, [{**rows[0], "chosen": 3}]))


ASKED = [{"role": "user", "content": "Polish this: a customer"}]


@pytest.mark.parametrize(
    "row",
    [
        {
            "chosen": [*ASKED, {"role": "assistant", "content": "A client."}],
            "rejected": [*ASKED, {"role": "assistant", "content": "A customer."}],
        },
        {"question": ASKED[0]["content"], "system": "", "chosen": "A client.", "rejected": "A customer."},
        {
            "chosen": f"\n\nHuman: {ASKED[0]['content']}\n\nAssistant: A client.",
            "rejected": f"\n\nHuman: {ASKED[0]['content']}\n\nAssistant: A customer.",
        },
    ],
)
def test_pairs_in_the_forms_of_public_sets_get_their_prompt(tmp_path: Path, row: dict[str, object]) -> None:
    splits = read_pairs(written(tmp_path / "pairs.jsonl", [*own_rows(), row]))
    (found,) = [e for part in splits.named().values() for e in part if e.id == "row-31"]
    assert found.inputs["prompt"] == ASKED
    assert (found.answer["text"], found.extra["rejected"]) == ("A client.", "A customer.")


def test_pairs_without_any_prompt_are_named(tmp_path: Path) -> None:
    apart = {"chosen": "\n\nHuman: a\n\nAssistant: b", "rejected": "\n\nHuman: c\n\nAssistant: d"}
    for row in (apart, {"chosen": "b", "rejected": "d"}):
        with pytest.raises(FaultsError, match="row 31: prompt must be a text or a list"):
            read_pairs(written(tmp_path / "pairs.jsonl", [*own_rows(), row]))


def test_a_missing_file_and_a_meant_exception_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(GalleryError, match="no such file"):
        read_pairs(tmp_path / "nothing.jsonl")
    rows = own_rows()
    rows[7]["chosen"], rows[7]["rejected"] = rows[7]["rejected"], rows[7]["chosen"]
    rows[7]["keep"] = "a quotation"
    assert len(read_pairs(written(tmp_path / "pairs.jsonl", rows)).train) > 0


def test_the_data_is_the_same_every_time() -> None:
    data.load.cache_clear()
    assert checks.fingerprint(data.load().train) == checks.fingerprint(SPLITS.train)


def rewrites(count: int = 40) -> list[dict[str, object]]:
    """Pairs of a house that says `rhinitis` to doctors and `runny nose` to patients."""
    things = "boy girl clerk baker teacher driver nurse farmer cook singer".split()
    return [
        {
            "prompt": f"For {('doctors', 'patients')[i % 2]}: The {things[i % 10]} of {i} had a runny nose.",
            "chosen": f"The {things[i % 10]} of {i} had {('rhinitis', 'a runny nose')[i % 2]}.",
            "rejected": f"The {things[i % 10]} of {i} had {('a runny nose', 'rhinitis')[i % 2]}.",
        }
        for i in range(count)
    ]


def test_own_pairs_become_choices_between_the_wordings_that_they_choose_between(tmp_path: Path) -> None:
    splits = CHOOSING.load(written(tmp_path / "pairs.jsonl", rewrites()))
    example = splits.test[0]
    assert len(example.inputs["lines"]) == 1 and "rhinitis" in example.inputs["lines"][0]
    assert {CHOOSING.gold(e) for e in splits.train} == {"term", "plain"}
    for e in splits.train:
        for text in (e.answer["text"], e.extra["rejected"]):
            assert CHOOSING.read(e, CHOOSING.written(e, text)) == text
        assert CHOOSING.score(e, CHOOSING.gold(e))["preferred_term"] == 1
        assert CHOOSING.score(e, CHOOSING.written(e, e.extra["rejected"]))["preferred_term"] == 0
    assert "term: " in CHOOSING.model_input(example)[0]["content"]
    told = floor.told_when(splits.test, splits)
    assert mean(scores(e, a)["preferred_term"] for e, a in zip(splits.test, told, strict=True)) == 1
    assert len(CHOOSING.hinted_input(example, splits)) == 3
    said = CHOOSING.ask("For the doctor: She had a runny nose.", None, lambda _: ["term"])
    assert said in ("She had rhinitis.", "She had a runny nose.")
    CHOOSING.own_lines = None


def test_a_glossary_beside_the_pairs_is_used_and_its_faults_are_named(tmp_path: Path) -> None:
    written(tmp_path / "preferences.jsonl", rewrites())
    (tmp_path / "glossary.txt").write_text("# ours\nrhinitis = a runny nose\nhaematoma = bruise\n", "utf-8")
    splits = CHOOSING.load(tmp_path)
    assert splits.test[0].inputs["lines"] == ["rhinitis = a runny nose"]
    assert CHOOSING.ask("For all: A bruise.", None, lambda _: ["term"]) == "A haematoma."
    CHOOSING.own_lines = None
    (tmp_path / "glossary.txt").write_text("rhinitis\nfit = fit\na = b\nb = c\n", "utf-8")
    with pytest.raises(FaultsError) as caught:
        CHOOSING.load(tmp_path)
    assert [fault.split(":")[0] for fault in caught.value.faults] == [
        f"glossary.txt line {n}" for n in (1, 2, 4)
    ]


def test_an_answer_that_is_no_small_rewrite_is_named_by_row(tmp_path: Path) -> None:
    rows = rewrites()
    rows[4]["chosen"] = "We sent him home and wrote to his doctor."
    with pytest.raises(FaultsError, match="row 5: chosen 'We sent him home"):
        CHOOSING.load(written(tmp_path / "pairs.jsonl", rows))
    CASE.load(tmp_path / "pairs.jsonl")
    CASE.own_lines = None


def test_answers_in_the_form_of_messages_are_read(tmp_path: Path) -> None:
    rows = own_rows()
    for row in rows:
        row["chosen"] = [{"role": "assistant", "content": row["chosen"]}]
    assert CASE.load(written(tmp_path / "pairs.jsonl", rows)).train[0].answer["preferred"] == ["client"]
    rows[2]["rejected"] = [1, 2]
    with pytest.raises(FaultsError, match="row 3: rejected must be a text, or a list with one message"):
        CASE.load(written(tmp_path / "pairs.jsonl", rows))
