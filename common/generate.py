"""Answers from a causal language model: batched, like prompts together, finished rows dropped."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from common import cores
from common.cores import side_by_side
from common.progress import say

BATCH_PROMPTS = 64
SHARED_FROM_TOKENS = 64
LEAST_ALIKE = 8
SEEDS_APART = 1_000_003
DROPPED_FROM = 0.25  # of the rows that have ended; to drop them copies all that the others hold
BATCH_TOKENS = {"cpu": 12_288, "cuda": 262_144}


@dataclass(frozen=True)
class Reply:
    """A generated answer, whether the model ended it by itself, and its length in tokens.

    `lead`: by how much a refusal was likelier than any other start, before the model's bound.
    """

    text: str
    stopped: bool
    tokens: int
    lead: float = 0.0


@dataclass(frozen=True)
class Sampling:
    """Greedy by default; with a temperature, drawn from a seeded generator; plain: no special pieces."""

    temperature: float = 0.0
    seed: int = 0
    plain: bool = False


def replies(
    model: Any,
    tokenizer: Any,
    prompts: Sequence[Sequence[int]],
    most_tokens: int,
    sampling: Sampling = Sampling(),
    on_batch: Callable[[int], None] | None = None,
) -> list[Reply]:
    """Answers in the order of the prompts."""
    import torch

    def answered(rows: list[int]) -> list[Reply]:
        # Batches of one prompt must differ.
        own = replace(sampling, seed=sampling.seed * SEEDS_APART + rows[0])
        with torch.inference_mode():
            return one_batch(model, tokenizer, [prompts[row] for row in rows], most_tokens, own)

    if cores.on_gpu():
        answered = as_fits(answered)
    training = model.training
    model.eval()
    parts = batches(prompts, model.device.type)
    found: dict[int, Reply] = {}
    for rows, batch in zip(parts, side_by_side(model.device, parts, answered), strict=True):
        found.update(zip(rows, batch, strict=True))
        if on_batch:
            on_batch(len(rows))
    model.train(training)
    return [found[row] for row in range(len(prompts))]


def as_fits(answered: Callable[[list[int]], list[Reply]]) -> Callable[[list[int]], list[Reply]]:
    """The same for rows in halves, and halves of these, where a GPU has no memory for all at once."""
    import torch

    def fitting(rows: list[int]) -> list[Reply]:
        try:
            return answered(rows)
        except torch.OutOfMemoryError:
            if len(rows) == 1:
                raise
        # Out of the handler, whose error holds on to what did not fit.
        torch.cuda.empty_cache()
        say(f"  out of memory with {len(rows)} prompts at once; they are answered in halves")
        middle = len(rows) // 2
        return [*fitting(rows[:middle]), *fitting(rows[middle:])]

    return fitting


def batches(prompts: Sequence[Sequence[int]], device: str) -> list[list[int]]:
    """Rows in batches that hold a bounded number of tokens, the longest prompts first; those that start alike
    stand together, and so do the others."""
    room = BATCH_TOKENS.get(device, BATCH_TOKENS["cpu"])
    alike: dict[tuple[int, ...], list[int]] = defaultdict(list)
    for row, prompt in enumerate(prompts):
        alike[tuple(prompt[:SHARED_FROM_TOKENS])].append(row)
    groups = [rows for rows in alike.values() if len(rows) >= LEAST_ALIKE]
    groups.append([row for rows in alike.values() if len(rows) < LEAST_ALIKE for row in rows])
    found: list[list[int]] = []
    for group in groups:
        current: list[int] = []
        for row in sorted(group, key=lambda row: -len(prompts[row])):
            longest = len(prompts[current[0]]) if current else 0
            if not current or len(current) == BATCH_PROMPTS or (len(current) + 1) * longest > room:
                found.append(current := [])
            current.append(row)
    return sorted(found, key=lambda rows: -len(rows) * len(prompts[rows[0]]))


def shared_tokens(prompts: Sequence[Sequence[int]]) -> int:
    """How many tokens all prompts start with, where to read them once pays; each keeps one of its own."""
    first, last = min(prompts), max(prompts)
    pairs = enumerate(zip(first, last, strict=False))
    alike = next((place for place, (one, other) in pairs if one != other), min(map(len, prompts)))
    alike = min(alike, min(map(len, prompts)) - 1)
    return alike if len(prompts) > 1 and alike >= SHARED_FROM_TOKENS else 0


def one_batch(
    model: Any, tokenizer: Any, prompts: list[Sequence[int]], most_tokens: int, sampling: Sampling
) -> list[Reply]:
    """Answers of one batch, padded before what differs, with a key-value cache."""
    import torch

    from common import key_values

    shared = shared_tokens(prompts) if key_values.can_share(model) else 0
    tokens, mask = padded(prompts, shared, tokenizer.pad_token_id, model.device)
    random = torch.Generator(device=model.device).manual_seed(sampling.seed)
    stops = torch.tensor(sorted(stop_ids(model, tokenizer)), device=model.device)
    alive: list[int] = list(range(len(prompts)))
    ended = torch.zeros(len(prompts), dtype=torch.bool, device=model.device)
    pieces: list[list[int]] = [[] for _ in prompts]
    banned = tokenizer.all_special_ids if sampling.plain else []
    bias, leads = leaning(model), [0.0] * len(prompts)
    reader, given, mask = key_values.start(model, tokens, mask, shared)
    places = (mask.cumsum(1) - 1).clamp(min=0)[:, -next(iter(given.values())).shape[1] :]
    for _ in range(most_tokens):
        result = reader(**given, attention_mask=mask, position_ids=places, use_cache=True, logits_to_keep=1)
        logits = result.logits[:, -1].float()
        if banned:
            logits[:, banned] = float("-inf")
        if bias and not pieces[0]:
            leads = leant(logits, *bias)
        chosen = choose(logits, sampling, random)
        for row, piece, over in zip(alive, chosen.tolist(), ended.tolist(), strict=True):
            pieces[row] += [] if over else [piece]
        ended |= torch.isin(chosen, stops)
        if ended.all():
            break
        cache = result.past_key_values
        if ended.float().mean() >= DROPPED_FROM:
            kept = (~ended).nonzero()[:, 0]
            cache.batch_select_indices(kept)
            alive = [alive[index] for index in kept.tolist()]
            chosen, places, mask, ended = chosen[kept], places[kept], mask[kept], ended[kept]
        given, places = {"input_ids": chosen[:, None], "past_key_values": cache}, places[:, -1:] + 1
        mask = torch.nn.functional.pad(mask, (0, 1), value=1)
    ends = set(stops.tolist())
    return [reply_of(tokenizer, row, ends, lead) for row, lead in zip(pieces, leads, strict=True)]


def lean(model: Any, piece: int, amount: float) -> None:
    """Has a model's answers start with a piece more or less readily."""
    model.generation_config.sequence_bias = [[[piece], amount]]


def leaning(model: Any) -> tuple[int, float] | None:
    """The piece that answers start with more or less readily, and by how much."""
    found = getattr(model.generation_config, "sequence_bias", None)
    return (found[0][0][0], found[0][1]) if found else None


def leant(logits: Any, piece: int, amount: float) -> list[float]:
    """Adds the amount to the piece in place; gives by how much the piece led before."""
    others = logits.clone()
    others[:, piece] = float("-inf")
    leads = logits[:, piece] - others.max(-1).values
    logits[:, piece] += amount
    return leads.tolist()


def padded(prompts: list[Sequence[int]], shared: int, filler: int, device: Any) -> tuple[Any, Any]:
    """Prompts as one tensor, filled up behind the tokens that they share, and the mask of what is real."""
    import torch

    longest = max(map(len, prompts))
    tokens = torch.full((len(prompts), longest), filler)
    mask = torch.zeros((len(prompts), longest), dtype=torch.long)
    for row, prompt in enumerate(prompts):
        own = torch.tensor(prompt)
        for place, part in (
            (slice(0, shared), own[:shared]),
            (slice(longest - len(prompt) + shared, None), own[shared:]),
        ):
            tokens[row, place], mask[row, place] = part, 1
    return tokens.to(device), mask.to(device)


def choose(logits: Any, sampling: Sampling, random: Any) -> Any:
    """The next token of every row."""
    import torch

    if sampling.temperature <= 0:
        return logits.argmax(-1)
    shares = (logits / sampling.temperature).softmax(-1)
    return torch.multinomial(shares, 1, generator=random)[:, 0]


def stop_ids(model: Any, tokenizer: Any) -> set[int]:
    """Every token that ends a turn, by tokenizer and by generation settings."""
    named = getattr(model.generation_config, "eos_token_id", None)
    return {tokenizer.eos_token_id, *(named if isinstance(named, list) else [named])} - {None}


def reply_of(tokenizer: Any, pieces: list[int], ends: set[int], lead: float) -> Reply:
    """Tokens as text, without the special ones."""
    text = tokenizer.decode(pieces, skip_special_tokens=True)
    return Reply(text.strip(), bool(pieces) and pieces[-1] in ends, len(pieces), lead)
