"""The keys and values of a batch whose rows share prompts.

A batch holds P prompts, and R rows that continue them (the samples). A prompt's keys and values are
stored once for all of its rows; a row stores what it wrote itself, and all rows have written
equally much. Rows that have ended leave the store, and prompts go with their last row.

The model sees each step as one packed sequence: all tokens of some prompts end to end, or one token
of every row. Which token belongs to what is known here.
"""

from dataclasses import dataclass

import torch

BLOCK = 16
"""Rows' stores grow by this many tokens: matrix products over a part of a store copy it first."""


@dataclass
class Layer:
    """One layer's keys and values. What lies past the end of a prompt or row is finite."""

    prompt_keys: torch.Tensor
    """[prompts, key heads, tokens of the longest prompt, width]"""
    prompt_values: torch.Tensor
    own_keys: torch.Tensor
    """[rows, key heads, at least the tokens written, width]"""
    own_values: torch.Tensor

    def write(self, place: int, room: int, keys: torch.Tensor, values: torch.Tensor) -> None:
        """Store one token of every row, ``[rows, key heads, width]`` each, with ``room`` in all."""
        if room > self.own_keys.shape[2]:
            self.own_keys = _grown(self.own_keys, room)
            self.own_values = _grown(self.own_values, room)
        self.own_keys[:, :, place] = keys
        self.own_values[:, :, place] = values


@dataclass(frozen=True)
class Prefill:
    """Which packed tokens are whose, while prompts are read."""

    prompts: slice
    """The prompts that are read."""
    owners: torch.Tensor
    """[packed tokens]: the prompt, counted from the slice's beginning."""
    places: torch.Tensor
    """[packed tokens]: the position in the prompt."""
    padded: torch.Tensor
    """[prompts, tokens of the longest]: index of the packed token; any index past the end."""
    packed: torch.Tensor
    """[packed tokens]: each one's place in ``padded``, flattened."""
    before: torch.Tensor | None
    """[prompts]: the tokens that had been read before these; None where there are none."""


class KeysValues:
    """The store of one batch.

    It begins with one prompt of no tokens. ``branch`` goes on from what has been read to longer
    prompts, so that a beginning that many share is read once; ``begin_rows`` says which rows
    continue the prompts at last.
    """

    def __init__(self, device: torch.device) -> None:
        self.lengths = torch.zeros(1, dtype=torch.long, device=device)
        """[prompts], how many tokens each has."""
        self.longest = 0
        """Tokens of the longest prompt."""
        self.prompt_of = self.lengths[:0]
        """[rows], ascending: the prompt that each row continues."""
        self.written = 0
        """Tokens that every row has written."""
        self.room = 0
        """Tokens that every row's store has room for in this step."""
        self.prefill: Prefill | None = None
        self._before = self.lengths
        self._layers: dict[int, Layer] = {}
        self._masks: dict[int | None, torch.Tensor] = {}

    def branch(self, parents: torch.Tensor, sizes: torch.Tensor) -> None:
        """Let N prompts go on from those that have been read.

        Args:
            parents: [N], the prompt that each goes on from.
            sizes: [N], how many tokens each adds.
        """
        self._before = self.lengths[parents]
        self.lengths = self._before + sizes
        self.longest = int(self.lengths.max())
        for layer in self._layers.values():
            layer.prompt_keys = _grown(layer.prompt_keys[parents], self.longest)
            layer.prompt_values = _grown(layer.prompt_values[parents], self.longest)

    def begin_prefill(self, prompts: slice) -> tuple[torch.Tensor, torch.Tensor]:
        """Make ready to read what these prompts add, packed end to end.

        Returns:
            The packed tokens' positions [tokens]; the index of each prompt's last one [prompts].
        """
        before = self._before[prompts]
        sizes = self.lengths[prompts] - before
        ends = sizes.cumsum(0)
        columns = torch.arange(int(sizes.max()), device=sizes.device)
        padded = ((ends - sizes)[:, None] + columns).clamp(max=int(ends[-1]) - 1)
        inside = columns < sizes[:, None]
        places = (before[:, None] + columns)[inside]
        self.prefill = Prefill(
            prompts=prompts,
            owners=torch.arange(len(sizes), device=sizes.device)[:, None].expand_as(inside)[inside],
            places=places,
            padded=padded,
            packed=inside.flatten().nonzero().squeeze(1),
            before=before if before.any() else None,
        )
        return places, ends - 1

    def begin_rows(self, prompt_of: torch.Tensor) -> None:
        """Let rows continue the prompts: ``[rows]``, ascending, the prompt of each."""
        self.prompt_of = prompt_of
        self._line_up()
        for layer in self._layers.values():
            layer.own_keys = layer.prompt_keys[prompt_of, :, :0]
            layer.own_values = layer.prompt_values[prompt_of, :, :0]

    def begin_step(self) -> torch.Tensor:
        """Make ready for one token of every row; return their positions [rows]."""
        self.prefill = None
        self.room = -(-(self.written + 1) // BLOCK) * BLOCK
        self._masks.clear()
        return self.lengths[self.prompt_of] + self.written

    def end_step(self) -> None:
        """Say that every row has written its token."""
        self.written += 1

    def keep(self, rows: torch.Tensor) -> None:
        """Go on with these rows (ascending) and the prompts that they continue, and no others."""
        prompts, self.prompt_of = torch.unique(self.prompt_of[rows], return_inverse=True)
        fewer_prompts = len(prompts) < len(self.lengths)
        self.lengths = self.lengths[prompts]
        self._line_up()
        for layer in self._layers.values():
            layer.own_keys = layer.own_keys[rows]
            layer.own_values = layer.own_values[rows]
            if fewer_prompts:
                layer.prompt_keys = layer.prompt_keys[prompts, :, : self.longest]
                layer.prompt_values = layer.prompt_values[prompts, :, : self.longest]

    @property
    def layers(self) -> int:
        """How many layers have stored something."""
        return len(self._layers)

    def layer(self, index: int, keys: torch.Tensor, values: torch.Tensor) -> Layer:
        """Return a layer's store, made to fit keys and values ``[tokens, key heads, width]``."""
        if index not in self._layers:

            def zeros(tokens: int, like: torch.Tensor) -> torch.Tensor:
                return like.new_zeros(len(self.lengths), like.shape[1], tokens, like.shape[2])

            self._layers[index] = Layer(
                prompt_keys=zeros(self.longest, keys),
                prompt_values=zeros(self.longest, values),
                own_keys=zeros(0, keys),
                own_values=zeros(0, values),
            )
        return self._layers[index]

    def mask(self, window: int | None) -> torch.Tensor:
        """Return what the rows' tokens of this step see, as 0, and what not, as minus infinity.

        Args:
            window: how many tokens they see, themselves included; all where None.

        Returns:
            [rows, 1, 1, tokens of the longest prompt and room of a row], float32.
        """
        if window not in self._masks:
            device = self.lengths.device
            length = self.lengths[self.prompt_of, None]
            prompt = torch.arange(self.longest, device=device).expand(len(length), -1)
            own = torch.arange(self.room, device=device).expand(len(length), -1)
            seen = torch.cat([prompt < length, own <= self.written], dim=1)
            if window is not None:
                places = torch.cat([prompt, length + own], dim=1)
                seen &= length + self.written - places < window
            mask = torch.zeros(seen.shape, device=device).masked_fill_(~seen, -torch.inf)
            self._masks[window] = mask[:, None, None]
        return self._masks[window]

    def by_prompt(self, rows: torch.Tensor) -> torch.Tensor:
        """Return [rows, heads, ...] as [prompts, heads, most rows of a prompt, ...], else zeros."""
        if not self._even:
            empty = rows.new_zeros(len(self.lengths) * self._most, *rows.shape[1:])
            rows = empty.index_copy_(0, self._places, rows)
        aligned = rows.reshape(len(self.lengths), self._most, *rows.shape[1:])
        return aligned.transpose(1, 2)

    def by_row(self, aligned: torch.Tensor) -> torch.Tensor:
        """Return [prompts, heads, most rows of a prompt, ...] as [rows, heads, ...]."""
        rows = aligned.transpose(1, 2).flatten(0, 1)
        return rows if self._even else rows[self._places]

    def _line_up(self) -> None:
        device = self.lengths.device
        counts = torch.bincount(self.prompt_of, minlength=len(self.lengths))
        first = counts.cumsum(0) - counts
        rank = torch.arange(len(self.prompt_of), device=device) - first[self.prompt_of]
        self._most = int(counts.max())
        self._places = self.prompt_of * self._most + rank
        self._even = bool((counts == self._most).all())
        self.longest = int(self.lengths.max())


def _grown(own: torch.Tensor, room: int) -> torch.Tensor:
    rows, heads, tokens, width = own.shape
    grown = own.new_zeros(rows, heads, room, width)
    grown[:, :, :tokens] = own
    return grown
