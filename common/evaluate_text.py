"""How well a language model predicts plain text: bits per byte, which compares across tokenizers."""

import math
from collections.abc import Sequence
from typing import Any


def bits_per_byte(model: Any, tokenizer: Any, texts: Sequence[str]) -> float:
    """Mean over all texts together; each is read alone, from its start."""
    import torch

    training = model.training
    model.eval()
    nats, size = 0.0, 0
    with torch.inference_mode():
        for text in texts:
            ids = tokenizer(text, add_special_tokens=False)["input_ids"]
            start = [tokenizer.bos_token_id] if tokenizer.bos_token_id is not None else []
            tokens = torch.tensor([start + ids], device=model.device)
            read = model(input_ids=tokens).logits[0, -tokens.shape[1] :]  # a learned prompt comes first
            logits = read[:-1].float()
            nats += float(torch.nn.functional.cross_entropy(logits, tokens[0, 1:], reduction="sum"))
            size += len(text.encode())
    model.train(training)
    return nats / math.log(2) / size


def answer_logits(model: Any, wanted: Any, **inputs: Any) -> Any:
    """Logits of the `wanted` places alone, a row each: no other reaches the vocabulary, the widest layer."""
    longest = wanted.shape[1] + 1

    def keep_wanted(module: Any, given: tuple[Any, ...]) -> tuple[Any, ...]:
        hidden = given[0][:, -longest:][:, :-1]  # tokens of a learned prompt come first
        return (hidden[wanted], *given[1:])

    head = getattr(model, "module", model).get_output_embeddings()  # several processes wrap the model
    hook = head.register_forward_pre_hook(keep_wanted)
    try:
        return model(**inputs, use_cache=False).logits.float()
    finally:
        hook.remove()


def likeliest(model: Any, tokenizer: Any, prompt: Sequence[int], options: Sequence[str]) -> str:
    """The option that a model finds likeliest after a prompt: an answer that cannot miss the list."""
    import torch

    endings = [tokenizer(option, add_special_tokens=False)["input_ids"] for option in options]
    longest = max(map(len, endings))
    rows = [[*prompt, *ids, *[tokenizer.pad_token_id] * (longest - len(ids))] for ids in endings]
    tokens = torch.tensor(rows, device=model.device)
    with torch.inference_mode():
        # Counted from the end: tokens of a learned prompt come first. Padding is never seen by what counts.
        logits = model.eval()(input_ids=tokens).logits[:, -longest - 1 : -1].float()
    told = logits.log_softmax(-1).gather(2, tokens[:, -longest:, None])[..., 0]
    sums = [float(row[: len(ids)].sum()) for row, ids in zip(told, endings, strict=True)]
    return options[sums.index(max(sums))]


def answer_bits(model: Any, input_ids: Sequence[int], labels: Sequence[int]) -> float:
    """How many bits the learnt tokens of a row cost a model: over characters it compares vocabularies."""
    import torch

    with torch.inference_mode():
        logits = model.eval()(input_ids=torch.tensor([input_ids], device=model.device)).logits[0].float()
    wanted = torch.tensor(labels, device=model.device)
    count = int((wanted >= 0).sum())  # they stand last; tokens of a learned prompt come first
    return float(
        torch.nn.functional.cross_entropy(logits[-count - 1 : -1], wanted[-count:], reduction="sum")
    ) / math.log(2)
