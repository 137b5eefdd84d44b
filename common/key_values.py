"""What a model keeps of the tokens it has read, and how it starts to read.

The usual cache copies all it holds with every new token; this one has room ahead. Tokens that all prompts
of a batch start with are read once.
"""

from typing import Any

import torch
from transformers.cache_utils import Cache, DynamicCache, DynamicLayer

ROOM_TOKENS = 64


class RoomyLayer(DynamicLayer):
    """Writes new tokens behind the old ones in place, and moves only when its room is used up."""

    def __init__(self) -> None:
        super().__init__()
        self.stores: list[torch.Tensor] = []

    def update(self, key_states: torch.Tensor, value_states: torch.Tensor, *_: Any, **__: Any) -> Any:
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        held, new = self.get_seq_length(), key_states.shape[-2]
        if not self.stores or held + new > self.stores[0].shape[-2]:
            shape = (*key_states.shape[:2], held + new + ROOM_TOKENS)
            old = [self.keys, self.values]
            self.stores = [part.new_empty(*shape, part.shape[-1]) for part in (key_states, value_states)]
            for store, part in zip(self.stores, old, strict=True):
                if held:
                    store[..., :held, :] = part
        for store, part in zip(self.stores, (key_states, value_states), strict=True):
            store[..., held : held + new, :] = part
        self.show(held + new)
        return self.keys, self.values

    def show(self, held: int) -> None:
        """What is held, as views."""
        self.keys, self.values = (store[..., :held, :] for store in self.stores)

    def batch_select_indices(self, indices: torch.Tensor) -> None:
        held = self.get_seq_length()
        self.stores = [store[indices] for store in self.stores]
        self.show(held)

    def batch_repeat_interleave(self, repeats: int) -> None:
        held = self.get_seq_length()
        self.stores = [store.repeat_interleave(repeats, 0) for store in self.stores]
        self.show(held)


def roomy_cache(model: Any) -> DynamicCache:
    """An empty cache for a model; layers that keep only a window, or no keys at all, stay as they are."""
    cache = DynamicCache(config=model.config)
    cache.layers = [RoomyLayer() if type(layer) is DynamicLayer else layer for layer in cache.layers]
    return cache


def can_share(model: Any) -> bool:
    """Whether what is read once can stand for all rows: no learned prompt, no window that would see gaps."""
    learned = getattr(model, "active_peft_config", None)
    prompted = learned is not None and learned.is_prompt_learning
    return not prompted and all(type(layer) is RoomyLayer for layer in roomy_cache(model).layers)


def start(
    model: Any, tokens: torch.Tensor, mask: torch.Tensor, shared: int
) -> tuple[Any, dict[str, Any], torch.Tensor]:
    """What reads on, what it reads first, and the mask of all that is then held.

    The first `shared` tokens are the same in all rows. A learned prompt stands before the first tokens only;
    PEFT would put it before every further one too.
    """
    learned = getattr(model, "active_peft_config", None)
    if learned is None or not learned.is_prompt_learning:
        cache = roomy_cache(model)
        if shared:
            model(input_ids=tokens[:1, :shared], past_key_values=cache, use_cache=True, logits_to_keep=1)
            cache.batch_repeat_interleave(len(tokens))
        return model, {"input_ids": tokens[:, shared:], "past_key_values": cache}, mask
    prompt = model.get_prompt(len(tokens))
    mask = torch.nn.functional.pad(mask, (learned.num_virtual_tokens, 0), value=1)
    if isinstance(prompt, Cache):
        return model.get_base_model(), {"input_ids": tokens, "past_key_values": prompt}, mask
    whole = torch.cat([prompt.to(model.dtype), model.get_input_embeddings()(tokens)], 1)
    return model.get_base_model(), {"inputs_embeds": whole, "past_key_values": roomy_cache(model)}, mask
