"""The parts of a training step that cost most on a CPU, done with less work.

What each replaces, with the same result up to rounding:

- ``slim``: peft's LoRA layers. The update is added within the matrix product, and nothing is kept
  or converted in float32.
- ``attend``: attention over examples that stand in one row without padding. Keys and values are
  not repeated for the query heads that share them.
- ``summed_loss``: the output layer and cross entropy. Only completion tokens get logits, a few rows
  at a time, and the gradient is made at once, while they are in the processor's cache.
- ``keep_freed_memory``: the C library hands freed memory back to the system and gets it again, page
  by page, several times a step.

They hold on any device, but a GPU has better: there TRL's and PyTorch's own stay.
"""

import ctypes
import types
from typing import Any

import torch
from peft.tuners import lora
from torch import Tensor
from transformers import AttentionInterface

ATTENTION = "siked_unpadded"
"""The name of ``attend`` among transformers' attention implementations."""
FAMILIES = frozenset({"gemma", "llama", "mistral", "qwen2", "qwen3", "smollm3"})
"""Kinds of model whose attention and output layer are the plain ones."""
LOGIT_ROWS = 64
"""Rows of logits at a time: 64 rows of a vocabulary of 49,152 in float32 are 12 MB."""
_MMAP_THRESHOLD, _TRIM_THRESHOLD = -3, -1  # M_MMAP_THRESHOLD, M_TRIM_THRESHOLD of malloc.h


def fits(config: Any, max_length: int) -> bool:
    """Return whether ``attend`` and ``summed_loss`` compute what a model so configured means."""
    window = getattr(config, "sliding_window", None)
    unbounded = window is None or window >= max_length
    kinds = set(getattr(config, "layer_types", None) or ())
    return config.model_type in FAMILIES and (unbounded or kinds == {"full_attention"})


class _LoraLinear(torch.autograd.Function):
    """``x W' + bias + scaling * (path A') B'``, with ``path`` being ``x`` after dropout."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        path: Tensor | None,
        weight: Tensor,
        bias: Tensor | None,
        a: Tensor,
        b: Tensor,
        scaling: float,
    ) -> Tensor:
        """Return [tokens, out]: a view of it here could not be added to in place.

        ``path`` is None where it is ``x``; ``weight`` and ``bias`` get no gradient.
        """
        rows = x.reshape(-1, x.shape[-1])
        inner = rows if path is None else path.reshape(rows.shape)
        a_low, b_low = a.to(x.dtype), (b * scaling).to(x.dtype)
        low = inner @ a_low.t()
        y = rows @ weight.t() if bias is None else torch.addmm(bias, rows, weight.t())
        y.addmm_(low, b_low.t())
        ctx.save_for_backward(inner, low, weight, a_low, b_low)
        ctx.has_path, ctx.scaling, ctx.dtypes = path is not None, scaling, (a.dtype, b.dtype)
        ctx.shape = x.shape
        return y

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        inner, low, weight, a, b = ctx.saved_tensors
        dy, shape = gradients[0].contiguous(), ctx.shape
        dlow = dy @ b
        dx = dpath = None
        if ctx.needs_input_grad[0]:
            dx = dy @ weight
            if ctx.has_path:
                dpath = (dlow @ a).view(shape)
            else:
                dx.addmm_(dlow, a)
            dx = dx.view(shape)
        da = (dlow.t() @ inner).to(ctx.dtypes[0])
        db = (dy.t() @ low).to(ctx.dtypes[1]) * ctx.scaling
        return dx, dpath, None, None, da, db, None


def slim(model: torch.nn.Module) -> None:
    """Give the plain LoRA layers of a peft model the leaner forward pass, in training.

    Layers of another kind (quantised, with a variant such as DoRA, with a bias of their own) keep
    theirs.
    """
    for module in model.modules():
        if (
            isinstance(module, lora.Linear)
            and isinstance(module.base_layer, torch.nn.Linear)
            and not module.lora_variant
            and not any(module.lora_bias.values())
        ):
            module.forward = types.MethodType(_forward, module)


def _forward(layer: Any, x: Tensor) -> Tensor:
    name = layer.active_adapters[0]
    dropout = layer.lora_dropout[name]
    path = None if isinstance(dropout, torch.nn.Identity) else dropout(x)
    weight, bias = layer.base_layer.weight, layer.base_layer.bias
    a, b = layer.lora_A[name].weight, layer.lora_B[name].weight
    apply: Any = _LoraLinear.apply
    y: Tensor = apply(x, path, weight, bias, a, b, layer.scaling[name])
    return y.view(*x.shape[:-1], -1)


class Layout:
    """Where examples lie in a row that holds several, and how to set them apart and back.

    Set apart, all are as long as the longest: behind its end, an example repeats its last token.
    """

    def __init__(self, position_ids: Tensor, dtype: torch.dtype) -> None:
        """Read it from positions [1, tokens] that begin at 0 with every example."""
        positions = position_ids[0]
        self._example = (positions == 0).cumsum(0) - 1
        self._position = positions
        starts = (positions == 0).nonzero()[:, 0]
        lengths = self._example.bincount()
        self.examples, self.longest = len(lengths), int(lengths.max())
        column = torch.arange(self.longest)
        self._token = starts[:, None] + column.minimum(lengths[:, None] - 1)
        self._padding = column >= lengths[:, None]
        self.mask = torch.full((self.longest, self.longest), -torch.inf, dtype=dtype).triu_(1)
        self._indices: dict[int, tuple[Tensor, Tensor, Tensor]] = {}

    def _index(self, heads: int) -> tuple[Tensor, Tensor, Tensor]:
        """Rows to take when setting apart and when packing, and the padding among the former."""
        if heads not in self._indices:
            head = torch.arange(heads)
            apart = self._token[:, None] * heads + head[:, None]
            packed = (self._example[:, None] * heads + head) * self.longest
            padding = self._padding[:, None].expand_as(apart)
            self._indices[heads] = (
                apart.flatten(),
                (packed + self._position[:, None]).flatten(),
                padding.flatten().nonzero()[:, 0],
            )
        return self._indices[heads]

    def apart(self, packed: Tensor, *, zeros: bool = False) -> Tensor:
        """Return [1, heads, tokens, width] as [examples, heads, longest, width].

        Args:
            packed: what stands in one row.
            zeros: fill up with zeros instead.
        """
        heads, width = packed.shape[1], packed.shape[3]
        apart, _, padding = self._index(heads)
        rows = packed[0].transpose(0, 1).reshape(-1, width).index_select(0, apart)
        if zeros:
            rows.index_fill_(0, padding, 0)
        return rows.view(self.examples, heads, self.longest, width)

    def packed(self, apart: Tensor) -> Tensor:
        """Return [examples, heads, longest, width] as [1, tokens, heads, width]."""
        heads, width = apart.shape[1], apart.shape[3]
        rows = apart.reshape(-1, width).index_select(0, self._index(heads)[1])
        return rows.view(1, -1, heads, width)


class _Attention(torch.autograd.Function):
    """Softmax attention. Padding does no harm: none looks back at it, and it gets no gradient."""

    @staticmethod
    def forward(ctx: Any, q: Tensor, k: Tensor, v: Tensor, layout: Layout, scale: float) -> Tensor:
        """Attend in [1, heads, tokens, width]; queries that share a key head are one block."""
        q, k, v = (layout.apart(part) for part in (q, k, v))
        n, heads, longest, width = q.shape
        groups = n * k.shape[1]
        q = (q * scale).reshape(groups, -1, width)
        k, v = k.reshape(groups, longest, width), v.reshape(groups, longest, width)
        scores = torch.bmm(q, k.transpose(1, 2)).view(-1, longest, longest)
        weights = scores.add_(layout.mask).softmax(-1).view(groups, -1, longest)
        ctx.save_for_backward(q, k, v, weights)
        ctx.layout, ctx.scale, ctx.n = layout, scale, n
        return layout.packed(torch.bmm(weights, v).view(n, heads, longest, width))

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        q, k, v, weights = ctx.saved_tensors
        layout: Layout = ctx.layout
        do = layout.apart(gradients[0].transpose(1, 2), zeros=True).reshape(q.shape)
        dv = torch.bmm(weights.transpose(1, 2), do)
        dweights = torch.bmm(do, v.transpose(1, 2))
        softmax_backward = torch.ops.aten._softmax_backward_data  # noqa: SLF001 - no public name
        dscores = softmax_backward(dweights, weights, -1, weights.dtype)
        dq = torch.bmm(dscores, k).mul_(ctx.scale)
        dk = torch.bmm(dscores.transpose(1, 2), q)
        longest, width = k.shape[1:]
        dq, dk, dv = (
            layout.packed(part.view(ctx.n, -1, longest, width)).transpose(1, 2)
            for part in (dq, dk, dv)
        )
        return dq, dk, dv, None, None


def attend(
    module: torch.nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    *,
    scaling: float,
    layout: Layout,
    **_: Any,
) -> tuple[Tensor, None]:
    """Attend within each example of a row, as transformers calls it in every layer.

    Args:
        module: the attention layer.
        query: [1, heads, tokens, width].
        key: [1, key heads, tokens, width].
        value: [1, key heads, tokens, width].
        attention_mask: never given.
        scaling: factor of the products.
        layout: where the examples begin.

    Returns:
        [1, tokens, heads, width], and no weights.
    """
    del module, attention_mask
    apply: Any = _Attention.apply
    output: Tensor = apply(query, key, value, layout, scaling)
    return output, None


AttentionInterface.register(ATTENTION, attend)


class _SummedLoss(torch.autograd.Function):
    """Cross entropy of ``hidden weight'``, summed; ``weight`` gets no gradient."""

    @staticmethod
    def forward(ctx: Any, hidden: Tensor, weight: Tensor, labels: Tensor) -> Tensor:
        loss = hidden.new_zeros((), dtype=torch.float32)
        gradient = torch.empty_like(hidden)
        for start in range(0, len(hidden), LOGIT_ROWS):
            rows = slice(start, start + LOGIT_ROWS)
            label = labels[rows, None]
            logits = (hidden[rows] @ weight.t()).float()
            top = logits.amax(-1, keepdim=True)
            chosen = logits.gather(1, label)
            odds = logits.sub_(top).exp_()
            total = odds.sum(-1, keepdim=True)
            loss += (top + total.log() - chosen).sum()
            slope = odds.div_(total)
            slope.scatter_add_(1, label, torch.full_like(chosen, -1.0))
            torch.mm(slope.to(weight.dtype), weight, out=gradient[rows])
        ctx.save_for_backward(gradient)
        return loss

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        (gradient,) = ctx.saved_tensors
        return gradient * gradients[0], None, None


def summed_loss(hidden: Tensor, weight: Tensor, labels: Tensor) -> Tensor:
    """Return the cross entropy of each row's label under ``softmax(hidden weight')``, summed.

    Args:
        hidden: [rows, width], the output of the last layer.
        weight: [vocabulary, width], of a frozen output layer without bias.
        labels: [rows], a token each.
    """
    apply: Any = _SummedLoss.apply
    loss: Tensor = apply(hidden, weight, labels)
    return loss


def keep_freed_memory() -> None:
    """Tell the C library to keep the memory that a step frees for the next step.

    Without it, every large tensor is new memory to the system, which clears it page by page: a
    quarter of the time of a step. Does nothing where the C library is not glibc.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return
    mallopt(_MMAP_THRESHOLD, 1 << 30)
    mallopt(_TRIM_THRESHOLD, -1)
