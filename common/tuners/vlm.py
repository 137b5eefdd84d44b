"""Tuning of models that read a picture and write text: prompt and completion, loss on the completion."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from common import cores, methods, trainer, trl_adapter
from common.job import Contender, Job, Output
from common.models import Base, hush
from common.pictures import Picture
from common.progress import task
from common.usecase import Example, Splits

__all__ = ["contenders", "fit", "forgetting", "models", "predict"]

BATCH_PICTURES = 8


def load(base: Base, adapter: Path | None) -> tuple[Any, Any]:
    """The model and its processor, tuned when an adapter folder is given."""
    import torch
    from transformers import AutoModelForImageTextToText, AutoProcessor

    hush()
    revision, on_gpu = base.revision or "main", torch.cuda.is_available()
    whole = adapter is not None and not (adapter / "adapter_config.json").is_file()
    processor = AutoProcessor.from_pretrained(base.path, revision=revision)
    model = AutoModelForImageTextToText.from_pretrained(
        str(adapter) if whole else base.path,
        revision="main" if whole else revision,
        use_safetensors=True,
        dtype=torch.bfloat16 if on_gpu else torch.float32,
    )
    if adapter is not None and not whole:
        from peft import PeftModel

        model = PeftModel.from_pretrained(model, str(adapter))
    if processor.tokenizer.pad_token is None:
        processor.tokenizer.pad_token = processor.tokenizer.eos_token
    processor.tokenizer.padding_side = "left"
    return model.to("cuda" if on_gpu else "cpu").eval(), processor


def as_image(picture: Picture) -> Any:
    """The picture as these processors take it."""
    from PIL import Image

    return Image.fromarray(picture.pixels()).convert("RGB")


def asked(processor: Any, prompt: str) -> Any:
    """A question about one picture, as training and answering both write it."""
    if not processor.chat_template:  # PaliGemma and other models that were never made to chat
        return f"{processor.image_token}{prompt}\n"
    return [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": prompt}]}]


def answered(processor: Any, completion: str) -> Any:
    """The answer in the same form, with its end."""
    if not processor.chat_template:
        return completion + processor.tokenizer.eos_token
    return [{"role": "assistant", "content": [{"type": "text", "text": completion}]}]


def rows_of(job: Job, processor: Any) -> list[dict[str, Any]]:
    """Training rows in TRL's columns for pictures."""
    return [
        {
            "images": [as_image(row["image"])],
            "prompt": asked(processor, row["prompt"]),
            "completion": answered(processor, row["completion"]),
        }
        for example in job.splits.train
        for row in job.usecase.train_rows(example, job.splits)
    ]


def written(processor: Any, prompt: str) -> str:
    """The question as text, up to where the answer starts."""
    question = asked(processor, prompt)
    if isinstance(question, str):
        return question
    return processor.apply_chat_template(question, add_generation_prompt=True)


def fit(job: Job) -> dict[str, Any]:
    """Trains by the config's method and writes the adapter; gives what it cost."""
    model, processor = load(job.base, None)
    rows = rows_of(job, processor)
    arguments = trainer.arguments(job, len(rows))
    model = methods.apply(model, job.config, "vlm", "CAUSAL_LM")
    if cores.on_gpu():
        model = methods.learn_whole(model, job.config)
    watch = trainer.Watch()
    engine = trl_adapter.image_sft_trainer(model, processor, rows, arguments, [watch])
    seconds = trainer.train(engine, watch, job, len(rows))
    trainer.log_of(engine, job, [])
    model.save_pretrained(str(job.adapter))
    return trainer.facts(model, engine, watch, seconds, 0, len(rows), job)


def replies(job: Job, model: Any, processor: Any, examples: Sequence[Example]) -> list[Output]:
    """Greedy answers to each picture and its question."""
    import torch

    outputs = []
    with task("answering", len(examples), "pictures") as work, torch.inference_mode():
        for start in range(0, len(examples), BATCH_PICTURES):
            chosen = examples[start : start + BATCH_PICTURES]
            inputs = [job.usecase.model_input(example) for example in chosen]
            prompts = [written(processor, i["prompt"]) for i in inputs]
            batch = processor(
                text=prompts,
                images=[[as_image(i["image"])] for i in inputs],
                padding=True,
                add_special_tokens=False,
                return_tensors="pt",
            ).to(model.device, next(model.parameters()).dtype)
            made = model.generate(**batch, max_new_tokens=job.config.answer_length_tokens, do_sample=False)[
                :, batch["input_ids"].shape[1] :
            ]
            texts = processor.batch_decode(made, skip_special_tokens=True)
            counts = [int(mask.sum()) for mask in batch["attention_mask"]]
            lengths = (made != processor.tokenizer.pad_token_id).sum(dim=1).tolist()
            outputs += [
                Output(example.id, text.strip(), tokens_in, tokens_out)
                for example, text, tokens_in, tokens_out in zip(chosen, texts, counts, lengths, strict=True)
            ]
            work.advance(len(chosen))
    return outputs


def zero_shot(job: Job, examples: tuple[Example, ...]) -> list[Output]:
    """The base model with the same question."""
    return replies(job, *load(job.base, None), examples)


def contenders() -> list[Contender]:
    """What stands beside the tuned model, apart from the use case's floor."""
    return [Contender("zero_shot", "untuned model", "prompting", zero_shot)]


def predict(job: Job, examples: tuple[Example, ...]) -> list[Output]:
    """Answers of the tuned model."""
    found = replies(job, *load(job.base, job.adapter), examples)
    job.shared[f"answers-{job.seed}"] = [output.value for output in found]
    return found


def forgetting(job: Job, neutral: Splits | None) -> dict[str, Any]:
    """Not measured: there is no neutral set of pictures with questions yet."""
    return {}


def models(job: Job) -> dict[str, Any]:
    """Answers to the test split by contender."""
    return {
        "answers": {**job.shared["untuned"], "tuned": job.shared[f"answers-{job.seed}"]},
    }
