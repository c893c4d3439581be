"""The same loop by a model's own attention, for families whose attention ours does not compute.

Prompts are padded on the left, and every row has keys and values of its own: slower and larger than
``keys_values``, but whatever transformers can run runs.
"""

import inspect
import sys
from collections.abc import Sequence
from typing import Any

import torch
from transformers import DynamicCache

from siked.errors import UserError
from siked.generation.decoding.attention import ATTENTION
from siked.generation.decoding.loop import Decoder
from siked.models.loading import cache_argument
from siked.terminal.console import say

PROBE = 24
"""Tokens that tell whether a decoder computes what the model does."""
SAME = 0.05
"""Relative difference of logits that rounding explains, in bfloat16 too."""


class PlainStore:
    """What a batch has read: transformers' own cache, and which of its places count."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.prompt_of = torch.zeros(0, dtype=torch.long, device=device)
        self.written = 0
        self.cache: Any = None
        self.mask = torch.zeros(0, 0, dtype=torch.long, device=device)

    def begin_rows(self, prompt_of: torch.Tensor) -> None:
        """Let rows continue the prompts: ``[rows]``, ascending, the prompt of each."""
        self.prompt_of = prompt_of
        self._select(prompt_of)

    def keep(self, rows: torch.Tensor) -> None:
        """Go on with these rows (ascending) and no others."""
        self.prompt_of = self.prompt_of[rows]
        self._select(rows)

    def _select(self, places: torch.Tensor) -> None:
        self.cache.reorder_cache(places)
        self.mask = self.mask[places]


class PlainDecoder(Decoder):
    """A model that runs with its own attention."""

    def _open(self) -> Any:
        return PlainStore(self._model.device)

    def _read(self, store: Any, prompts: Sequence[Sequence[int]]) -> torch.Tensor:
        longest = max(map(len, prompts))
        shape = len(prompts), longest
        ids = torch.zeros(shape, dtype=torch.long, device=store.device)
        store.mask = torch.zeros(shape, dtype=torch.long, device=store.device)
        for place, prompt in enumerate(prompts):
            ids[place, longest - len(prompt) :] = torch.tensor(prompt, device=store.device)
            store.mask[place, longest - len(prompt) :] = 1
        store.cache = DynamicCache(config=self._model.config)
        return self._advance(store, ids)

    def _step(self, store: Any, tokens: torch.Tensor) -> torch.Tensor:
        store.mask = torch.cat([store.mask, store.mask.new_ones(len(tokens), 1)], dim=1)
        logits = self._advance(store, tokens[:, None])
        store.written += 1
        return logits

    def _advance(self, store: Any, ids: torch.Tensor) -> torch.Tensor:
        """Read more of every row; return the logits after each: [rows, vocabulary]."""
        known = inspect.signature(self._model.forward).parameters
        cache = cache_argument(self._model)
        if cache is None:
            raise UserError("keeps what it has read in a way of its own")
        more: dict[str, Any] = {"logits_to_keep": 1} if "logits_to_keep" in known else {}
        if "position_ids" in known:
            places = (store.mask.cumsum(-1) - 1).clamp(min=0)
            more["position_ids"] = places[:, -ids.shape[1] :]
        # A model without attention (Mamba) has passed over the padding when it read the prompt.
        if cache == "past_key_values" or ids.shape[1] > 1:
            more["attention_mask"] = store.mask
        out = self._model(input_ids=ids, use_cache=True, **{cache: store.cache}, **more)
        logits: torch.Tensor = out.logits[:, -1]
        return logits


def choose(model: Any, tokenizer: Any, end_tokens: frozenset[int]) -> Decoder:
    """Return the faster decoder that computes what the model does with its own attention.

    Both are tried on a few tokens, of which the last is a step of its own and some have a shorter
    prompt beside them.

    Args:
        model: a causal language model that has its own attention.
        tokenizer: its tokenizer.
        end_tokens: those that end its turn.

    Raises:
        UserError: neither does.
    """
    ids = [3 + n % (model.config.get_text_config().vocab_size - 3) for n in range(PROBE)]
    whole, part = ids, ids[PROBE // 3 :]
    with torch.inference_mode():
        own = [
            model(input_ids=torch.tensor([one], device=model.device), use_cache=False).logits[0, -1]
            for one in (whole, part)
        ]
        before = model.config._attn_implementation  # noqa: SLF001
        for kind in (Decoder, PlainDecoder):
            decoder = kind(model, tokenizer, end_tokens)
            try:
                model.set_attn_implementation(ATTENTION if kind is Decoder else before)
                found = decoder.read_and_step([whole, part])
            except (UserError, TypeError, KeyError, AttributeError, ValueError, RuntimeError):
                continue
            pairs = zip(own, found, strict=True)
            if all((a.float() - b.float()).norm() <= SAME * a.float().norm() for a, b in pairs):
                if kind is PlainDecoder:
                    say(
                        f"{model.config.model_type}: its attention is not one that the fast "
                        "decoder computes: its own is used, which takes longer",
                        file=sys.stderr,
                    )
                return decoder
    raise UserError(
        f"the transformers engine cannot run {model.config.model_type} models: what they compute "
        "depends on the padding of a batch"
    )
