"""What a variant of a hub model needs of a GPU before the first step, from the number of its weights."""

from common import plan
from common.config import RunConfig

# Millions of weights, about.
MILLIONS = {
    "BAAI/bge-base-en-v1.5": 109,
    "BAAI/bge-small-en-v1.5": 33,
    "HuggingFaceTB/SmolLM2-135M-Instruct": 135,
    "HuggingFaceTB/SmolLM2-360M-Instruct": 362,
    "HuggingFaceTB/SmolLM3-3B": 3_075,
    "HuggingFaceTB/SmolVLM-256M-Instruct": 256,
    "HuggingFaceTB/SmolVLM-500M-Instruct": 507,
    "Qwen/Qwen2.5-Coder-0.5B-Instruct": 494,
    "Qwen/Qwen2.5-Coder-1.5B-Instruct": 1_544,
    "Qwen/Qwen2.5-VL-3B-Instruct": 3_755,
    "Qwen/Qwen3-0.6B": 596,
    "Qwen/Qwen3-1.7B": 1_721,
    "Qwen/Qwen3-Embedding-0.6B": 596,
    "facebook/dinov2-base": 87,
    "facebook/dinov2-small": 22,
    "google/embeddinggemma-300m": 308,
    "google/gemma-3-1b-it": 1_000,
    "google/gemma-3-270m-it": 268,
    "google/paligemma2-3b-pt-224": 3_033,
    "microsoft/Phi-4-mini-instruct": 3_836,
    "sarvamai/sarvam-1": 2_525,
}


def gigabytes(config: RunConfig) -> float | None:
    """Weights, gradients and optimiser of a hub model; None where the number of its weights is not known."""
    if config.model not in MILLIONS:
        return None
    total = 1_000_000 * MILLIONS[config.model]
    sizes = plan.bytes_each(config, gpu=True)
    trained, packed = (total if config.method == name else 0 for name in ("full", "qlora"))
    return sum(plan.parts(sizes, trained, total, packed).values()) / plan.GIGA


def told(config: RunConfig) -> str:
    """The same in words; empty where it is not known."""
    size = gigabytes(config)
    return "" if size is None else f" ({size:.1f} GB on a GPU before what a step computes)"
