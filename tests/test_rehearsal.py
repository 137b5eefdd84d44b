"""Passages of the untuned model, learnt along: plain text of its own, and less is forgotten."""

from dataclasses import replace
from pathlib import Path

from common import chat, rehearsal
from common.answering import load
from common.evaluate_text import bits_per_byte
from common.tuners import sft
from tests.test_sft import job

LEARNS = "epochs = 6\nbatch_size = 10\nlearning_rate = 5e-3\nanswer_length_tokens = 6\n"


def test_passages_are_seeded_plain_and_learnt_but_for_the_first_piece(tiny: Path, tmp_path: Path) -> None:
    work = job(tiny, tmp_path, rehearsal=7)
    model, tokenizer = load(work, None)
    rows = rehearsal.passages(work, model, tokenizer)
    assert len(rows) == 7 and rows == rehearsal.passages(work, model, tokenizer)
    assert rows != rehearsal.passages(replace(work, seed=1), model, tokenizer)
    for row in rows:
        assert row.input_ids[0] == tokenizer.bos_token_id and row.labels[0] == chat.IGNORED
        assert row.answer_ids() == row.input_ids[1:]
        assert not set(row.input_ids[1:]) & set(tokenizer.all_special_ids)
        assert 1 < len(row.input_ids) <= work.config.train_length_tokens
    assert rehearsal.passages(job(tiny, tmp_path / "none"), model, tokenizer) == []


def test_less_of_what_the_model_wrote_before_is_forgotten(tiny: Path, tmp_path: Path) -> None:
    lost = {}
    for count in (0, 60):
        work = job(tiny, tmp_path / str(count), LEARNS, method="full", rehearsal=count)
        model, tokenizer = load(work, None)
        unseen = rehearsal.passages(
            replace(work, seed=9, config=work.config.model_copy(update={"rehearsal": 20})), model, tokenizer
        )
        texts = [tokenizer.decode(row.input_ids[1:]) for row in unseen]
        before = bits_per_byte(model, tokenizer, texts)
        work.folder.mkdir(parents=True, exist_ok=True)
        sft.fit(work)
        lost[count] = bits_per_byte(*load(work, work.adapter), texts) - before
    assert lost[60] < 0.5 * lost[0]
