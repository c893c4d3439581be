"""How fast a card works, from its data sheet.

A card of the table in ``cards.yaml``:

    h100: {title: NVIDIA H100 SXM, memory_gb: 80, tflops: 989, source: "..."}

A model of P parameters takes 2 P floating-point operations for a token that it reads or writes, and
6 P for one that a LoRA adapter learns from (forward, once more for checkpointed activations, and
back to them; the base's own gradients are not needed).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from siked.errors import UserError
from siked.estimating.ranges import Range

TABLE = Path(__file__).with_name("cards.yaml")
READ_OR_WRITE = 2
LEARN = 6
HELD = 1.2
"""Memory that a model needs over its weights'."""


@dataclass(frozen=True)
class Card:
    """One kind of card, and what a run makes of it."""

    name: str
    title: str
    memory_gb: float
    tflops: float
    source: str
    """The data sheet."""

    def generation_seconds(self, read: Range, written: Range, parameters: float) -> Range:
        """Seconds of one card that read and write so many tokens."""
        return self._seconds("generation", READ_OR_WRITE * parameters, read + written, written)

    def answering_seconds(self, read: Range, written: Range, parameters: float) -> Range:
        """The same where each prompt has one greedy answer: nobody has measured a difference."""
        return self.generation_seconds(read, written, parameters)

    def training_seconds(self, tokens: Range, parameters: float) -> Range:
        """Seconds of one card that learns from so many tokens."""
        return self._seconds("training", LEARN * parameters, tokens, tokens)

    def needed(self, parameters: float, bytes_each: float = 2) -> int:
        """Cards that hold a model together."""
        return -int(-parameters * bytes_each * HELD // (self.memory_gb * 1e9))

    def _seconds(self, kind: str, each: float, tokens: Range, counted: Range) -> Range:
        shares, most = (Range(*_table()[kind][key]) for key in ("share", "most_tokens"))
        by_arithmetic = tokens * each / (shares * (self.tflops * 1e12))
        return by_arithmetic.or_more(counted / most)


def card(name: str) -> Card:
    """The card of that name.

    Raises:
        UserError: the table has none.
    """
    known = _table()["cards"]
    if name not in known:
        raise UserError(f"--card: there is no card {name!r}: known are {', '.join(known)}")
    return Card(name=name, **known[name])


def verified_a_second() -> Range:
    """Rationales that one worker of the filter stage checks in a second."""
    return Range(*_table()["processor"]["verified"])


@cache
def _table() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(TABLE.read_text(encoding="utf-8"))
    return found
