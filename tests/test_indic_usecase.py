"""The tracks of the use case: data without overlap, scores that hold, pieces that reload."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from common import config, contract, data, honesty, inspect, models, usecase
from common.errors import FaultsError, GalleryError
from common.job import Job
from common.usecase import Example, Splits
from common.vocabulary import character_model, extend
from usecases.indic_adaptation import command_splits, commands, hinglish, prose, xquad
from usecases.indic_adaptation.dakshina import read_words
from usecases.indic_adaptation.fertility import fertility_table, measure, own_parallel, udhr
from usecases.indic_adaptation.joint import JointModel, align, learn_pairs
from usecases.indic_adaptation.romanise import romanise
from usecases.indic_adaptation.scoring import character_error_rate, chrf, purity
from usecases.indic_adaptation.scripts import detect
from usecases.indic_adaptation.search import FindEnglish
from usecases.indic_adaptation.track import cost_table, parallel_of
from usecases.indic_adaptation.transliteration import WriteDevanagari, frequent
from usecases.indic_adaptation.understand import UnderstandCommands, frame_of, native_pieces, slot_f1

FOUND = usecase.find("indic_adaptation")
PAIRS = tuple(
    (roman, native)
    for roman, native in (
        ("kam", "कम"), ("kaam", "काम"), ("nam", "नम"), ("naam", "नाम"), ("mal", "मल"), ("maal", "माल"),
        ("lab", "लब"), ("laabh", "लाभ"), ("kal", "कल"), ("kaal", "काल"), ("man", "मन"), ("maan", "मान"),
    )
)  # fmt: skip


def write(folder: Path, name: str, rows: list[dict[str, object]]) -> None:
    lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    (folder / name).write_text("".join(lines), encoding="utf-8")


def word_row(roman: str, native: str, count: int = 1) -> dict[str, object]:
    return {"roman": roman, "native": native, "count": count}


def test_unknown_task_settings_are_refused() -> None:
    assert FOUND.configured({}).headline == "ndcg@10"
    assert FOUND.configured({"track": "words"}).headline == "exact"
    with pytest.raises(GalleryError, match="these exist: search, words, commands"):
        FOUND.configured({"track": "poetry"})
    with pytest.raises(GalleryError, match="do not fit"):
        FOUND.configured({"track": "words", "spelled": True})
    with pytest.raises(GalleryError, match="as typed, roman"):
        FOUND.configured({"track": "commands", "script": "runes"})


@pytest.mark.parametrize("task", [{"track": "words"}, {"track": "commands"}])
def test_every_track_holds_the_contract(task: dict[str, str]) -> None:
    track = FOUND.configured(task)
    splits = track.load(None)
    assert data.leaks(splits) == [] and contract.row_faults(track, splits) == []
    few = replace(splits, train=splits.train[:700], test=splits.test[::25])
    for rule in (contract.score_faults, honesty.floor_faults, honesty.input_faults, honesty.scorer_faults):
        assert rule(track, few) == []
    for rule in (honesty.row_input_faults, honesty.taught_faults, honesty.training_faults):
        assert rule(track, few) == []


def test_own_search_data_has_no_document_of_the_test_in_train() -> None:
    splits = commands.search_splits()
    wanted = {name: {i for e in part for i in e.answer} for name, part in splits.named().items()}
    assert not wanted["train"] & wanted["test"] and not wanted["val"] & wanted["test"]
    assert {e.kind for e in splits.test} == {
        "little English",
        "half English",
        "mostly English",
        "everyday sentence",
    }


def test_the_joint_model_learns_what_letters_write() -> None:
    chance = learn_pairs(PAIRS)
    assert align("kaam", "काम", chance) == [("k", "क"), ("a", "ा"), ("a", ""), ("m", "म")] or align(
        "kaam", "काम", chance
    ) == [("k", "क"), ("a", ""), ("a", "ा"), ("m", "म")]
    model = JointModel(PAIRS)
    assert model.best("naal")[0][0] == "नाल" and model.best("lam")[0][0] == "लम"
    scores = [score for _, score in model.best("kaam", count=5)]
    assert scores == sorted(scores, reverse=True) and all(score <= 0 for score in scores)


def test_votes_decide_where_counts_are_close() -> None:
    track = WriteDevanagari()
    track.known = PAIRS
    example = Example("a", "a", "naal", ("नाल",))
    assert track.choose(example, ["", ""]) == track.floor(Splits(examples_of(PAIRS), (), ()))([example])[0]
    assert track.choose(example, ["नल"] * 4) == "नल" or track.counted(PAIRS).best("naal")[0][0] == "नाल"
    assert track.choose(example, ["xyz"]) != "xyz"


def examples_of(pairs: tuple[tuple[str, str], ...]) -> tuple[Example, ...]:
    return tuple(Example(roman, native, roman, (native,)) for roman, native in pairs)


def test_a_probe_is_scored_for_every_contender() -> None:
    track, words = WriteDevanagari(), examples_of(PAIRS)
    splits = Splits(words, (), words[:1], probes={"new_spellings": words[:4]})
    gold = [e.answer[0] for e in words[:4]]
    table = track.tables(splits, {"tuned": {"new_spellings": gold}})[0]
    assert table.rows[0] == ("tuned", "1.000", "0.000")
    assert {row[0] for row in table.rows} == {
        "tuned",
        track.floor_label,
        *(f[1] for f in track.further_floors()),
    }


def test_scores_accept_every_reference() -> None:
    assert character_error_rate("काम", ("कम", "काम")) == 0.0
    assert character_error_rate("", ("काम",)) == 1.0
    assert character_error_rate("कम", ("काम",)) == pytest.approx(1 / 3)
    assert chrf("काम", ("कम", "काम")) == pytest.approx(1.0)
    assert purity("काम", "Devanagari") == 1.0 and purity("kaam", "Devanagari") == 0.0
    assert purity("काm", "Devanagari") == pytest.approx(2 / 3) and purity("", "Devanagari") == 0.0


def test_dakshina_files_lose_their_overlap(tmp_path: Path) -> None:
    train = [word_row("kam", "कम"), word_row("nam", "नम"), word_row("naam", "नाम"), word_row("maal", "माल")]
    write(tmp_path, "dakshina_hi.train.jsonl", train)
    dev = [word_row("kam", "काम", 3), word_row("kam", "कम्म"), word_row("laal", "लाल"), word_row("nm", "नम")]
    write(tmp_path, "dakshina_hi.dev.jsonl", dev)
    splits = read_words(tmp_path)
    left = {e.inputs for e in (*splits.train, *splits.val)}
    assert left == {"naam", "maal"} and splits.dropped[0].startswith("2 of 4")
    assert next(e for e in splits.test if e.inputs == "kam").answer == ("काम", "कम्म")
    assert frequent(replace(splits, train=examples_of(PAIRS)))(splits.test)[0] == "कम"


BENGALI = (("kaj", "কাজ"), ("nam", "নাম"), ("mal", "মাল"), ("kal", "কাল"), ("jal", "জল"), ("man", "মন"))


@pytest.mark.parametrize("form", ["jsonl", "published"])
def test_word_lists_of_any_language_are_read(tmp_path: Path, form: str) -> None:
    if form == "jsonl":
        write(tmp_path, "dakshina_bn.train.jsonl", [word_row(*pair) for pair in BENGALI])
        write(tmp_path, "dakshina_bn.dev.jsonl", [word_row("jaal", "জাল")])
    else:
        lines = {"train": BENGALI, "dev": [("jaal", "জাল")]}
        for name, found in lines.items():
            text = "".join(f"{native}\t{roman}\t2\n" for roman, native in found)
            (tmp_path / f"bn.translit.sampled.{name}.tsv").write_text(text, encoding="utf-8")
    write(tmp_path, "hinglish_top.train.jsonl", [{"en": "a", "cs": "b"}])
    track = WriteDevanagari(extend=True, instruction=True)
    splits = track.load(tmp_path)
    assert splits.source.name.startswith("Dakshina, Bengali") and splits.test[0].answer == ("জাল",)
    assert track.script == "Bengali" and "in Bengali" in track.model_input(splits.test[0])[0]["content"]
    assert (
        track.score(splits.test[0], "জাল")["purity"] == 1.0 == 1 - track.score(splits.test[0], "जाल")["purity"]
    )
    assert set(track.new_pieces(splits)) <= set("কাজনমলজ")
    by_rules = track.further_floors()[0][2](splits)
    assert by_rules(splits.test)[0].startswith("জ")


def test_a_folder_says_what_it_should_hold(tmp_path: Path) -> None:
    with pytest.raises(GalleryError, match=r"expected dakshina_hi.train.jsonl.*Found: nothing"):
        read_words(tmp_path)
    with pytest.raises(GalleryError, match="no such folder or file"):
        hinglish.search_splits(tmp_path / "gone")
    write(tmp_path, "hinglish_top.train.jsonl", [{"en": "a", "cs": "b"}])
    with pytest.raises(GalleryError, match=r"roman, native.*Found: hinglish_top.train.jsonl"):
        read_words(tmp_path)
    with pytest.raises(FaultsError, match="hinglish_top.dev.jsonl: no such file"):
        hinglish.search_splits(tmp_path)
    write(tmp_path, "hinglish_top.dev.jsonl", [{"en": "c", "cs": "d"}])
    with pytest.raises(FaultsError, match="row 1: column 'cs_parse' is missing"):
        command_splits.hinglish_top(tmp_path)


def test_of_several_word_lists_one_must_be_named(tmp_path: Path) -> None:
    for code in ("bn", "ta"):
        write(tmp_path, f"dakshina_{code}.train.jsonl", [word_row(*pair) for pair in BENGALI])
        write(tmp_path, f"dakshina_{code}.dev.jsonl", [word_row("jaal", "জাল")])
    with pytest.raises(GalleryError, match=r"several train files fit.*Name one of them"):
        read_words(tmp_path)
    named = tmp_path / "dakshina_ta.train.jsonl"
    assert read_words(named).source.name.startswith("Dakshina, Tamil")
    assert parallel_of(named) == own_parallel()
    with pytest.raises(GalleryError, match="not the name of a train file"):
        read_words(tmp_path / "dakshina_ta.dev.jsonl")


def test_swapped_columns_and_counts_in_words_are_refused(tmp_path: Path) -> None:
    write(tmp_path, "dakshina_hi.dev.jsonl", [word_row("jal", "जल")])
    write(tmp_path, "dakshina_hi.train.jsonl", [word_row("काम", "kaam"), word_row("नाम", "naam")])
    with pytest.raises(GalleryError, match="are the columns swapped"):
        read_words(tmp_path)
    write(tmp_path, "dakshina_hi.train.jsonl", [{**word_row("kaam", "काम"), "count": "many"}])
    with pytest.raises(FaultsError, match="row 1: column 'count' must be a whole number, found 'many'"):
        read_words(tmp_path)


def test_published_tables_of_hinglish_are_read(tmp_path: Path) -> None:
    head = "en_query\tcs_query\ten_parse\tcs_parse\tdomain\n"
    line = "rain {0}\tbaarish {0}\tx\t[IN:GET_WEATHER baarish [SL:DATE_TIME {0} ] ]\tweather\n"
    days = ("aaj", "kal", "parso", "somvar")
    (tmp_path / "train.tsv").write_text(head + "".join(map(line.format, days)), encoding="utf-8")
    (tmp_path / "validation.tsv").write_text(head + line.format("ravivar"), encoding="utf-8")
    assert [e.inputs for e in hinglish.search_splits(tmp_path).test] == ["baarish ravivar"]
    assert command_splits.hinglish_top(tmp_path).test[0].answer == "get_weather; date_time=ravivar"
    (tmp_path / "validation.tsv").write_text(head + "only one cell\n", encoding="utf-8")
    with pytest.raises(
        FaultsError, match="validation.tsv row 2: expected en, cs, en_parse, cs_parse, domain"
    ):
        hinglish.search_splits(tmp_path)
    with pytest.raises(GalleryError, match="does not begin with an intent"):
        command_splits.intent_of("set an alarm")


def test_broken_rows_are_named_by_file_and_row(tmp_path: Path) -> None:
    write(tmp_path, "dakshina_hi.train.jsonl", [word_row("kam", "कम"), {"roman": "nam"}])
    with pytest.raises(FaultsError) as caught:
        read_words(tmp_path)
    assert "row 2" in str(caught.value) and "dakshina_hi.dev.jsonl" in str(caught.value)


def test_hinglish_files_lose_their_overlap(tmp_path: Path) -> None:
    def row(en: str, cs: str) -> dict[str, object]:
        parse = f"[IN:GET_WEATHER {cs} [SL:DATE_TIME aaj [SL:INNER shaam ] ] ]"
        return {"en": en, "cs": cs, "intent": "GET_WEATHER", "cs_parse": parse}

    train = [row(f"weather {n}", f"mausam {n}") for n in ("one", "two", "three", "four")]
    write(tmp_path, "hinglish_top.train.jsonl", train)
    dev = [row("Weather one", "kuch aur"), row("rain tonight", "aaj baarish"), row("other", "mausam TWO !")]
    write(tmp_path, "hinglish_top.dev.jsonl", dev)
    splits = hinglish.search_splits(tmp_path)
    assert [e.inputs for e in splits.test] == ["aaj baarish"]
    assert len(splits.documents) == 6 and splits.documents[splits.test[0].answer[0]] == "rain tonight"
    answer = command_splits.hinglish_top(tmp_path).test[0].answer
    assert answer == "get_weather; date_time=aaj shaam"


def test_mixing_is_graded_by_shared_words() -> None:
    assert hinglish.mixing("mausam kaisa hai", "how is the weather") == "little English"
    assert hinglish.mixing("alarm set karo kal", "set alarm tomorrow") == "half English"
    assert hinglish.mixing("set alarm please", "please set alarm") == "mostly English"


def own_words_of(template: str) -> set[str]:
    return set(data.normalise(re.sub(r"{\w+}", "", template)).split())


def test_wordings_for_learning_are_far_from_those_that_are_held_out() -> None:
    forms = commands.content()["intent"]
    for intent, by_form in commands.wordings().items():
        for form, learnt in by_form.items():
            for template in learnt:
                slots = set(re.findall(r"{(\w+)}", template.lower()))
                assert slots == set(forms[intent]["slots"]), template
                for held in map(own_words_of, forms[intent][form][-2:]):
                    own = own_words_of(template)
                    assert len(own & held) < 0.6 * len(own | held), template
    for form in ("hi", "mostly"):
        by_split = [set(commands.templates("set_alarm", form, split)) for split in ("train", "val", "test")]
        assert not set.intersection(*by_split) and all(by_split)


def test_native_text_is_learnt_and_english_kept_beside_the_commands(tmp_path: Path) -> None:
    track = UnderstandCommands(pretrain=1.0, replay=0.5, extend=True)
    splits = track.load(None)
    small = replace(splits, train=splits.train[:200])
    rows = track.training_set(small)[200:]
    native = [row for row in rows if detect(row["completion"]) != "not Indic"]
    assert len(native) == len(prose.own_native()) > 300
    assert 0.4 < (len(rows) - len(native)) / (200 + len(native)) < 0.6
    held = {commands.english(m) for m in commands.meanings() if commands.split_of(m) == "test"}
    assert not held & set(prose.own_english())
    (tmp_path / prose.NATIVE_FILE).write_text("नया पाठ है\n\n" + "शब्द " * 130, encoding="utf-8")
    (tmp_path / prose.ENGLISH_FILE).write_text("only this line\n", encoding="utf-8")
    track.folder = tmp_path
    rows = track.training_set(small)[200:]
    assert [len(row["completion"].split()) for row in rows[:4]] == [2, 59, 59, 9]
    assert {(row["prompt"], row["completion"]) for row in rows[4:]} == {("only ", "this line")}
    assert "शब्द" in track.new_pieces(small)


def test_frames_are_read_whatever_their_order() -> None:
    assert frame_of("a; x=1; y=2") == frame_of("A ;y= 2;x=1")
    assert slot_f1(frame_of("a; x=1; y=2")[1], frame_of("a; x=1")[1]) == pytest.approx(2 / 3)
    assert slot_f1(frozenset(), frozenset()) == 1.0
    track = UnderstandCommands()
    example = Example("a", "a", "t", "a; x=1; y=2")
    assert track.score(example, "a; x=1")["intent"] == 1.0 and track.score(example, "a; x=1")["frame"] == 0.0


def test_commands_have_every_language_and_new_templates_in_the_test() -> None:
    splits = command_splits.own()
    assert len({e.kind for e in splits.test}) == len({e.kind for e in splits.train}) == 8
    roman = UnderstandCommands(script="roman")
    assert all(roman.model_input(e)[0]["content"].isascii() for e in splits.test)
    rows = UnderstandCommands(replay=0.5).training_set(splits)
    assert 1.4 < len(rows) / len(splits.train) < 1.6
    assert not any(name in ("today", "a") for name in native_pieces(["आज today a"]))


@pytest.fixture(scope="module")
def encoder_tokenizer() -> object:
    return models.load_tokenizer(models.resolve("embedded", None, "embed"))


def test_an_uncased_tokenizer_is_caught_dropping_vowel_signs(encoder_tokenizer: object) -> None:
    assert encoder_tokenizer.tokenize("नमस्ते") == ["न", "##म", "##स", "##त"]
    found = measure(encoder_tokenizer, "Hindi", ["नमस्ते दुनिया"], 1)
    assert found.lost_signs > 0.3 and found.advice == "signs lost"
    assert measure(encoder_tokenizer, "Gujarati", own_parallel()["Gujarati"], 1).advice == "unreadable"
    assert measure(encoder_tokenizer, "English", own_parallel()["English"], 1).advice == "keep"
    table = fertility_table("t", encoder_tokenizer, {k: own_parallel()[k] for k in ("English", "Hindi")})
    assert "drops vowel signs" in table.note and "Hindi (" in table.note and table.rows[0][5] == "1.00"
    assert "is read as" in table.note


def test_show_prints_the_report_or_says_what_is_wrong(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    inspect.describe_tokenizer(FOUND, "embedded", None)
    assert "per word" in capsys.readouterr().out
    with pytest.raises(GalleryError, match="not a folder that exists"):
        inspect.describe_tokenizer(FOUND, "nowhere", None)
    with pytest.raises(GalleryError, match="No tokenizer could be read"):
        inspect.describe_tokenizer(FOUND, str(tmp_path), None)


def article(name: str, number: int, text: str) -> dict[str, object]:
    return {"name": name, "article": number, "text": text}


def test_parallel_text_of_a_folder_is_counted(tmp_path: Path) -> None:
    hindi = [article("Hindi", 2, "मनुष्य"), article("Hindi", 3, "जन्म")]
    english = [article("English (UK)", 1, "no"), article("English (UK)", 2, "a man")]
    write(tmp_path, "udhr.jsonl", [*hindi, *english])
    found = parallel_of(tmp_path)
    assert found == {"English": ["a man"], "Hindi": ["मनुष्य"], "Hindi, Roman": ["manushy"]}
    assert len({len(texts) for texts in own_parallel().values()}) == 1


def test_parallel_text_without_english_or_shared_articles_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "udhr_multilingual.jsonl"
    write(tmp_path, path.name, [article("Hindi", 1, "मनुष्य")])
    with pytest.raises(GalleryError, match="no row has the name 'English'. Found: Hindi"):
        udhr(path)
    write(tmp_path, path.name, [article("Hindi", 1, "मनुष्य"), article("English", 2, "a man")])
    with pytest.raises(GalleryError, match="no article stands in every language"):
        udhr(path)


def test_english_prose_asks_for_other_sentences_of_its_paragraph() -> None:
    found = FindEnglish().neutral()
    assert len(found.test) > 30 and not {e.inputs for e in found.test} & set(found.documents.values())
    assert all(found.documents.keys() >= set(e.answer) for e in found.test)


def test_tokens_and_bits_of_right_answers_are_counted() -> None:
    words = examples_of(PAIRS)
    cost = {"test": [], "cost": lambda example: (7, 3, 2.0 * len(example.answer[0]))}
    table = cost_table(
        WriteDevanagari(), Splits(words, (), words), {"tuned": cost, "zero_shot": {"cost": None}}
    )
    assert table.rows == (("tuned", "7.0", "3.0", "2.00"),) and "12 of the test" in table.title


@pytest.mark.parametrize("method", ["lora", "full"])
def test_new_rows_start_as_means_and_reload_to_identical_logits(tmp_path: Path, method: str) -> None:
    from common.tuners import sft

    track = WriteDevanagari(extend=True)
    words = examples_of(PAIRS)
    splits = Splits(words, (), words[:2])
    settings = {"method": method, "epochs": 1, "batch_size": 4, "learning_rate": 1e-2, "model": "embedded"}
    made = config.RunConfig(usecase="indic_adaptation", tuner="sft", rank=2, **settings)
    base = models.resolve("embedded", None, "sft")
    job = Job(track, splits, made, base, 0, tmp_path)
    before, tokenizer = sft.start(job)
    old = tokenizer("क", add_special_tokens=False)["input_ids"]
    pieces = track.new_pieces(splits)
    ids = extend(before, tokenizer, pieces)
    table = before.get_input_embeddings().weight
    assert torch.allclose(table[ids[pieces.index("क")]], table[old].mean(0), atol=1e-6) and len(old) > 1
    assert tokenizer.decode(tokenizer("काम", add_special_tokens=False)["input_ids"]) == "काम"
    sft.fit(job)
    first, tokens = sft.load(job, job.adapter)
    second, _ = models.load_causal(base, job.adapter)
    row = torch.tensor([tokens("k a m काम", add_special_tokens=False)["input_ids"]])
    assert int(row.max()) >= ids[0]
    with torch.inference_mode():
        assert torch.equal(first(row).logits, second(row).logits)
        assert not torch.allclose(first.get_input_embeddings().weight[ids], table[ids])
        whole = second.merge_and_unload() if method == "lora" else second
        assert torch.allclose(whole(row).logits, first(row).logits, atol=1e-4)
        assert whole.get_output_embeddings().weight is whole.get_input_embeddings().weight  # still one table


def test_a_character_model_reads_and_writes_every_letter() -> None:
    model, tokenizer = character_model(["kam", "काम"], 0)
    ids = tokenizer("मak", add_special_tokens=False)["input_ids"]
    assert len(ids) == 3 and tokenizer.decode(ids) == "मak"
    again, _ = character_model(["kam", "काम"], 0)
    assert torch.equal(model.get_input_embeddings().weight, again.get_input_embeddings().weight)


def test_data_normalisation_keeps_vowel_signs() -> None:
    assert data.normalise("की") != data.normalise("का")


def test_xquad_is_read_in_both_its_forms(tmp_path: Path) -> None:
    rows = [
        {"id": f"p{i}", "article": i, "en": f"The river {i} is long.", "hi": "नदी लंबी है। यह बहती है।"}
        for i in range(30)
    ]
    write(tmp_path, xquad.PASSAGES_FILE, rows)
    splits = xquad.search_splits(tmp_path)
    assert sum(len(part) for part in splits.named().values()) == 30 == len(splits.documents)
    assert splits.train[0].inputs == romanise("नदी लंबी है।")
    assert not {e.group for e in splits.train} & {e.group for e in splits.test}
    own = tmp_path / "own"
    own.mkdir()
    for name, context, asked in (("en", "The river is long.", "Which?"), ("hi", "नदी लंबी है।", "क्या है?")):
        qas = [{"id": "1", "question": asked}, {"id": "2", "question": asked}]
        articles = [{"paragraphs": [{"context": context, "qas": qas}]}] * 30
        (own / f"xquad.{name}.json").write_text(json.dumps({"data": articles}), encoding="utf-8")
    splits = FindEnglish("xquad").load(own)
    every = [e for part in splits.named().values() for e in part]
    assert len(every) == 60 and every[0].inputs == romanise("क्या है?") and every[0].kind == "question"
    assert splits.documents["0-0"] == "The river is long."
    assert parallel_of(own)["Hindi, Roman"][0] == romanise("नदी लंबी है।")
    assert parallel_of(None) == own_parallel()


def test_broken_xquad_files_and_unknown_collections_are_named(tmp_path: Path) -> None:
    (tmp_path / "xquad.en.json").write_text('{"data": [{"paragraphs": [{"context": ""}]}]}', encoding="utf-8")
    (tmp_path / "xquad.hi.json").write_text("{", encoding="utf-8")
    with pytest.raises(FaultsError) as caught:
        xquad.read(tmp_path)
    assert "xquad.en.json paragraph 0-0: no context" in str(caught.value)
    assert "xquad.hi.json: not in the form of XQuAD" in str(caught.value)
    (tmp_path / "xquad.en.json").write_text(
        '{"data": [{"paragraphs": [{"context": "a"}]}]}', encoding="utf-8"
    )
    (tmp_path / "xquad.hi.json").write_text('{"data": []}', encoding="utf-8")
    with pytest.raises(FaultsError, match="do not hold the same articles"):
        xquad.read(tmp_path)
    with pytest.raises(GalleryError, match="task.collection is 'squad'"):
        FindEnglish("squad")


def test_english_is_asked_for_in_its_own_words_and_only_in_train() -> None:
    plain = FOUND.configured({"track": "search"}).load(None)
    half = FOUND.configured({"track": "search", "replay": 0.5}).load(None)
    added = half.train[len(plain.train) :]
    of_train = {identifier for example in plain.train for identifier in example.answer}
    assert len(added) == round(0.5 * len(of_train)) and (half.val, half.test) == (plain.val, plain.test)
    assert all(example.inputs == plain.documents[example.answer[0]] for example in added)
    assert {example.answer[0] for example in added} <= of_train
