"""Written reports: a tiny Idefics3 from config is tuned with TRL on pictures; no hub, no torchvision."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tokenizers import Regex, Tokenizer, models, pre_tokenizers
from tokenizers.decoders import Fuse
from transformers import Idefics3Config, Idefics3ForConditionalGeneration, PreTrainedTokenizerFast
from transformers.models.idefics3.image_processing_pil_idefics3 import Idefics3ImageProcessorPil
from transformers.models.idefics3.processing_idefics3 import Idefics3Processor

from common import config
from common import models as bases
from common.job import Job
from common.tuners import vlm
from common.usecase import Splits, find
from usecases.surface_defects import data as own_data

CHARACTERS = [chr(code) for code in range(32, 127)] + ["\n"]
SPECIAL = [
    "<pad>",
    "<bos>",
    "<end_of_utterance>",
    "<image>",
    "<fake_token_around_image>",
    "<global-img>",
    "<unk>",
]
TEMPLATE = (
    "{% for m in messages %}{{ m['role'] }}:"
    "{% for part in m['content'] %}{% if part['type'] == 'image' %}<image>"
    "{% else %}{{ part['text'] }}{% endif %}"
    "{% endfor %}<end_of_utterance>{% endfor %}{% if add_generation_prompt %}assistant:{% endif %}"
)


def save_model(folder: Path) -> Path:
    """A folder with a model that reads pictures and writes characters, its weights random."""
    torch.manual_seed(0)
    words = SPECIAL + CHARACTERS
    tokenizer = Tokenizer(models.WordLevel({word: i for i, word in enumerate(words)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex("."), "isolated")
    tokenizer.decoder = Fuse()
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<pad>",
        bos_token="<bos>",
        eos_token="<end_of_utterance>",
        unk_token="<unk>",
        additional_special_tokens=SPECIAL[3:6],
    )
    reader = Idefics3ImageProcessorPil(
        size={"longest_edge": 32}, max_image_size={"longest_edge": 32}, do_image_splitting=False
    )
    Idefics3Processor(reader, fast, image_seq_len=4, chat_template=TEMPLATE).save_pretrained(folder)
    small = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 2}
    settings = Idefics3Config(
        text_config={
            "model_type": "llama",
            **small,
            "num_key_value_heads": 2,
            "vocab_size": len(words),
            "pad_token_id": 0,
            "bos_token_id": 1,
            "eos_token_id": 2,
        },
        vision_config={**small, "image_size": 32, "patch_size": 8},
        scale_factor=2,
        image_token_id=3,
        pad_token_id=0,
    )
    Idefics3ForConditionalGeneration(settings).save_pretrained(folder)
    return folder


def small_job(base: Path, folder: Path) -> Job:
    """Six pictures of each kind to learn from, three to be asked about."""
    usecase = find("surface_defects").configured({"answer": "json"})
    parts = [
        tuple(e for n in range(6) for e in own_data.part(s, i, n)) for i, s in enumerate(own_data.SECTIONS)
    ]
    usecase.labels = tuple(sorted({e.answer for e in parts[0]}))
    small = Splits(parts[0], parts[1][:2], parts[2][:3], source=usecase.source)
    built = config.RunConfig(
        usecase="surface_defects",
        tuner="vlm",
        method="full",
        epochs=1,
        batch_size=4,
        learning_rate=0.005,
        answer_length_tokens=12,
    )
    found = bases.local_base(str(base), base, "ours")
    return Job(usecase, small, built, found, 0, folder)


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> Job:
    return small_job(save_model(tmp_path_factory.mktemp("idefics")), tmp_path_factory.mktemp("run"))


def test_the_task_setting_chooses_the_tuner() -> None:
    usecase = find("surface_defects").configured({"answer": "json"})
    assert usecase.tuner == "vlm" and usecase.headline == "macro_f1"
    assert find("surface_defects").tuner == "vision"


def test_the_right_report_scores_one_and_prose_scores_nothing(job: Job) -> None:
    for example in job.splits.test:
        scores = job.usecase.score(example, job.usecase.gold(example))
        assert scores["macro_f1"] == scores["action"] == scores["valid"] == 1.0
        assert job.usecase.score(example, "It looks fine to me.")["valid"] == 0.0
        assert set(json.loads(job.usecase.gold(example))) == {"class", "place", "action"}


@pytest.mark.parametrize("method", ["full", "lora"])
def test_a_tiny_model_is_tuned_and_answers_the_same_after_reloading(
    job: Job, tmp_path: Path, method: str
) -> None:
    job = replace(job, folder=tmp_path, config=job.config.model_copy(update={"method": method}))
    facts = vlm.fit(job)
    assert facts["steps"] == 3 and not facts["diverged"]
    first, again = (vlm.predict(job, job.splits.test) for _ in range(2))
    assert [o.value for o in first] == [o.value for o in again]
    assert all(0 < o.tokens_out <= 12 and o.tokens_in > 100 for o in first)


def test_loss_falls_on_the_answers_alone(job: Job) -> None:
    from common import trainer, trl_adapter

    model, processor = vlm.load(job.base, None)
    rows = vlm.rows_of(job, processor)
    engine = trl_adapter.image_sft_trainer(model, processor, rows, trainer.arguments(job, len(rows)), [])
    batch = engine.data_collator([engine.train_dataset[i] for i in range(4)])
    for labels, row in zip(batch["labels"], rows[:4], strict=True):
        learnt = processor.tokenizer.decode(labels[labels != -100])
        assert learnt.startswith("assistant:") is False
        assert row["completion"][0]["content"][0]["text"] in learnt and "Inspect" not in learnt
        assert learnt.endswith("<end_of_utterance>")
    assert batch["pixel_values"].shape[0] == 4


def test_models_without_a_chat_template_get_plain_text(job: Job) -> None:
    _, processor = vlm.load(job.base, None)
    processor.chat_template = None
    row = vlm.rows_of(job, processor)[0]
    assert row["prompt"].startswith("<image>Inspect") and row["completion"].endswith("<end_of_utterance>")
    assert vlm.written(processor, "why?") == "<image>why?\n"
