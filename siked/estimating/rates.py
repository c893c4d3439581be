"""How fast models work: a card of ``cards.yaml`` by its data sheet, or this machine as measured.

    h100: {title: NVIDIA H100 SXM, memory_gb: 80, tflops: 989, source: "..."}

A model of P parameters takes 2 P floating-point operations for a token that it reads or writes, and
6 P for one that a LoRA adapter learns from (forward, once more for checkpointed activations, and
back to them; the base's own gradients are not needed).

Every number of an estimate is a ``Range``: an array of the least, the likely and the most that it
may be, none of them negative. Errors of one estimate have common causes (a rate that is off is off
in every stage), so sums and products go end by end, and ``divide`` takes the least over the most.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
import yaml
from numpy.typing import NDArray

from siked.errors import UserError

Range = NDArray[np.float64]
Kind = Literal["generation", "answering", "training"]
"""Answering is generation with one greedy answer a prompt; its tokens a second are fewer."""

TABLE = Path(__file__).with_name("cards.yaml")
HELD = 1.2
"""Memory that a model needs over its weights'."""
BFLOAT16 = 2
"""Bytes of a weight."""
OTHER_SIZE = 2.0
"""How much farther off a measured rate may be for a model of another size."""


def between(low: float, likely: float, high: float) -> Range:
    """Return the range with these ends."""
    return np.array([low, likely, high], dtype=float)


def exactly(value: float) -> Range:
    """Return a number that is known as a range."""
    return between(value, value, value)


def span(values: Iterable[float]) -> Range:
    """Return what several measurements span, with the median as the likely; at least one."""
    found = list(values)
    return between(min(found), float(np.median(found)), max(found))


def divide(whole: Range, by: Range | float) -> Range:
    """Return the least over the most, the likely over the likely, the most over the least."""
    return whole / (by[::-1] if isinstance(by, np.ndarray) else by)


def leave(whole: Range, share: Range) -> Range:
    """Return what is left without a share (0 to 1): most where least is taken."""
    return whole * (1 - share[::-1])


def widen(value: Range, factor: float) -> Range:
    """Return the range with both ends farther off by a factor."""
    return value * between(1 / factor, 1, factor)


@dataclass(frozen=True)
class Card:
    """One kind of card."""

    title: str
    memory_gb: float
    tflops: float
    source: str
    """The data sheet."""

    def seconds(self, kind: Kind, read: Range, written: Range, parameters: float) -> Range:
        """Return the seconds in which one card does the work.

        Args:
            kind: what the model does.
            read: tokens of prompts; 0 where it learns.
            written: tokens that it writes or learns from.
            parameters: the model's size.
        """
        section, operations = ("training", 6) if kind == "training" else ("generation", 2)
        shares, most = (between(*_table()[section][key]) for key in ("share", "most_tokens"))
        arithmetic = divide(
            (read + written) * (operations * parameters), shares * (self.tflops * 1e12)
        )
        return np.maximum(arithmetic, divide(written, most))

    def count_needed(self, parameters: float) -> int:
        """Return how many cards hold a model together."""
        return -int(-parameters * BFLOAT16 * HELD // (self.memory_gb * 1e9))


@dataclass(frozen=True)
class Machine:
    """This machine, with what a run has measured of it."""

    tokens: dict[Kind, Range]
    """Tokens written or learned from in a second, of whole stages with their model's loading.
    What was not measured is missing."""
    parameters: int | None = None
    """Of the student that was measured; None where that is not known."""

    def seconds(self, kind: Kind, read: Range, written: Range, parameters: float) -> Range:
        """Return the seconds of this machine; reading prompts is in its rates. As ``Card``'s.

        Raises:
            UserError: nothing of the kind was measured.
        """
        del read
        rate = self.tokens.get(kind)
        if rate is None and kind == "answering":
            rate = self.tokens.get("generation")
        if rate is None:
            raise UserError(
                "this machine has no run to take rates from: `dvc repro` makes one, "
                "--card h100 takes those of a card"
            )
        if self.parameters is not None and self.is_other_size(parameters):
            rate = widen(rate * (self.parameters / parameters), OTHER_SIZE)
        return divide(written, rate)

    def is_other_size(self, parameters: float) -> bool:
        """Return whether a model of so many parameters is known to be of another size."""
        return self.parameters is not None and not 0.9 < parameters / self.parameters < 1.1


def find_card(name: str) -> Card:
    """Return the card of that name.

    Raises:
        UserError: the table has none.
    """
    known = _table()["cards"]
    if name not in known:
        raise UserError(f"--card: there is no card {name!r}: known are {', '.join(known)}")
    return Card(**known[name])


def assume_verified() -> Range:
    """Return the rationales that one worker of the filter stage checks in a second."""
    return between(*_table()["processor"]["verified"])


@cache
def _table() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(TABLE.read_text(encoding="utf-8"))
    return found
