"""A text classifier over the mean of its words, as the sentence encoder below it was trained to be read.

transformers' own head reads the first word alone, which such an encoder never learnt to fill.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np

POOLING_FILE = Path("1_Pooling") / "config.json"


def pools_by_mean(base: Path) -> bool:
    """Whether a base is a sentence encoder that is read by the mean of its words."""
    path = base / POOLING_FILE
    return path.is_file() and bool(json.loads(path.read_text("utf-8")).get("pooling_mode_mean_tokens"))


def class_of(plain: type) -> type:
    """A classifier class of transformers whose linear head reads the normalised mean."""
    import torch
    from transformers.modeling_outputs import SequenceClassifierOutput

    class MeanPooled(plain):
        def __init__(self, settings: Any, *given: Any, **named: Any) -> None:
            super().__init__(settings, *given, **named)
            self.base_model.pooler = None  # the first word is not read, so nothing there can learn

        def forward(
            self,
            input_ids: Any = None,
            attention_mask: Any = None,
            inputs_embeds: Any = None,
            labels: Any = None,
            **more: Any,
        ) -> SequenceClassifierOutput:
            more = {name: value for name, value in more.items() if name != "return_dict"}
            words = self.base_model(
                input_ids=input_ids, attention_mask=attention_mask, inputs_embeds=inputs_embeds, **more
            ).last_hidden_state
            weights = attention_mask[:, -words.shape[1] :, None].to(words.dtype)
            mean = (words * weights).sum(dim=1) / weights.sum(dim=1).clamp(min=1)
            logits = self.classifier(torch.nn.functional.normalize(mean, dim=-1))
            loss = None if labels is None else torch.nn.functional.cross_entropy(logits, labels)
            return SequenceClassifierOutput(loss=loss, logits=logits)

    MeanPooled.__name__ = MeanPooled.__qualname__ = f"MeanPooled{plain.__name__}"
    return MeanPooled


def start_head(model: Any, weights: np.ndarray, bias: np.ndarray) -> None:
    """Lets the head begin as a linear map fitted on the untuned vectors; tuning goes on from there."""
    import torch

    with torch.no_grad():
        model.classifier.weight.copy_(torch.from_numpy(weights))
        model.classifier.bias.copy_(torch.from_numpy(bias))
