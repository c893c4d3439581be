"""Attention over a ``KeysValues`` store, as transformers calls it in every layer.

A model whose attention implementation is ``ATTENTION`` gets no mask (none is registered under that
name) and hands the queries, keys and values of the packed tokens to ``attend``, with the store
that the forward pass was given as ``keys_values``.

One step attends in two parts, the prompt's (one matrix product a prompt for all its rows) and the
row's own, under one softmax. Keys and values are never repeated, neither for the rows that share a
prompt nor for the query heads that share a key head: with sdpa that alone takes longer than the
rest of a decode step on a CPU.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn import functional
from transformers import AttentionInterface

from siked.errors import UserError
from siked.generation.decoding.keys_values import KeysValues, Layer, Prefill

ATTENTION = "siked_shared_prompt"


@dataclass(frozen=True)
class Shape:
    """What a layer asks of its attention."""

    scaling: float
    window: int | None
    """A token sees this many, itself included; all where None."""
    softcap: float | None
    """Scores are squashed below this (Gemma 2)."""

    def weights(self, products: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Return products of queries and keys as attention weights, in the products' type.

        The mask is float32, 0 or minus infinity; so is all that happens on the way.
        """
        if self.softcap is None:
            scores = torch.add(mask, products, alpha=self.scaling)
        else:
            scores = torch.tanh(products.float() * (self.scaling / self.softcap))
            scores = torch.add(mask, scores, alpha=self.softcap)
        return scores.softmax(-1).to(products.dtype)


def attend(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    *,
    keys_values: KeysValues,
    scaling: float | None = None,
    sliding_window: int | None = None,
    softcap: float | None = None,
    **more: Any,
) -> tuple[torch.Tensor, None]:
    """Store the tokens' keys and values, and attend.

    Args:
        module: the attention layer, which knows its ``layer_idx``.
        query: [1, heads, tokens, width].
        key: [1, key heads, tokens, width].
        value: [1, key heads, tokens, width].
        attention_mask: never given.
        keys_values: the batch's store, which knows whose the tokens are.
        scaling: factor of the products.
        sliding_window: how many tokens this layer sees.
        softcap: bound of the scores.
        **more: what other kinds of attention ask for.

    Returns:
        [1, tokens, heads, width], and no weights.

    Raises:
        UserError: the model's attention needs something that is not done here.
    """
    for name in ("s_aux", "position_bias"):
        if more.get(name) is not None:
            raise UserError(f"the transformers engine cannot run a model with {name} in attention")
    del attention_mask
    shape = Shape(scaling or query.shape[-1] ** -0.5, sliding_window, softcap)
    query, key, value = (part[0].transpose(0, 1).contiguous() for part in (query, key, value))
    layer = keys_values.layer(int(module.layer_idx), key, value)  # type: ignore[arg-type]
    if keys_values.prefill is not None:
        out = _read_prompts(keys_values.prefill, layer, (query, key, value), shape)
    else:
        layer.write(keys_values.written, keys_values.room, key, value)
        out = _step(keys_values, layer, query, shape)
    return out[None], None


def _read_prompts(
    prefill: Prefill,
    layer: Layer,
    packed: Sequence[torch.Tensor],
    shape: Shape,
) -> torch.Tensor:
    """Attend causally within each prompt, to what was read of it before too.

    Tokens past a prompt's end see it and are cut.
    """
    queries, keys, values = packed
    queries = queries[prefill.padded].transpose(1, 2)
    stored_keys, stored_values = (
        layer.prompt_keys[prefill.prompts],
        layer.prompt_values[prefill.prompts],
    )
    stored_keys[prefill.owners, :, prefill.places] = keys
    stored_values[prefill.owners, :, prefill.places] = values
    columns = torch.arange(prefill.padded.shape[1], device=queries.device)
    if prefill.before is None:
        seen = len(columns)
        places = columns[None]
    else:
        seen = stored_keys.shape[2]
        places = prefill.before[:, None] + columns
    keys, values = stored_keys[:, :, :seen], stored_values[:, :, :seen]
    if shape.window is None and shape.softcap is None and prefill.before is None:
        out = functional.scaled_dot_product_attention(
            queries, keys, values, is_causal=True, scale=shape.scaling, enable_gqa=True
        )
    else:
        distance = places[:, None, :, None] - torch.arange(seen, device=queries.device)
        unseen = (distance < 0) | (distance >= (shape.window or seen))
        mask = torch.zeros(unseen.shape, device=unseen.device).masked_fill_(unseen, -torch.inf)
        group = queries.shape[1] // keys.shape[1]
        keys, values = (part.repeat_interleave(group, dim=1) for part in (keys, values))
        out = shape.weights(queries @ keys.transpose(2, 3), mask) @ values
    return out.transpose(1, 2).flatten(0, 1)[prefill.packed]


def _step(store: KeysValues, layer: Layer, query: torch.Tensor, shape: Shape) -> torch.Tensor:
    """One token of every row attends to its prompt and to what the row has written."""
    rows, heads, width = query.shape
    key_heads = layer.own_keys.shape[1]
    query = query.view(rows, key_heads, heads // key_heads, width)
    prompt_products = _for_each_prompt(store, query, layer.prompt_keys.transpose(2, 3))
    own_products = query @ layer.own_keys.transpose(2, 3)
    products = torch.cat([prompt_products, own_products], dim=-1)
    weights = shape.weights(products, store.mask(shape.window))
    out = _for_each_prompt(store, weights[..., : store.longest], layer.prompt_values)
    return (out + weights[..., store.longest :] @ layer.own_values).flatten(1, 2)


def _for_each_prompt(store: KeysValues, rows: torch.Tensor, stored: torch.Tensor) -> torch.Tensor:
    """Multiply all rows of a prompt by what is stored for it.

    Args:
        store: knows the rows of each prompt.
        rows: [rows, key heads, group, inner].
        stored: [prompts, key heads, inner, outer].

    Returns:
        [rows, key heads, group, outer].
    """
    aligned = store.by_prompt(rows)
    product = aligned.flatten(2, 3) @ stored
    return store.by_row(product.view(*aligned.shape[:-1], stored.shape[-1]))


AttentionInterface.register(ATTENTION, attend)
