"""How fast models work: a card of ``cards.yaml`` by its data sheet, or this machine as measured.

    h100: {title: NVIDIA H100 SXM, memory_gb: 80, tflops: 989, source: "..."}

A model of P parameters takes 2 P floating-point operations for a token that it reads or writes, and
6 P for one that a LoRA adapter learns from (forward, once more for checkpointed activations, and
back to them; the base's own gradients are not needed).
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml

from siked.errors import UserError

Kind = Literal["generation", "answering", "training"]
"""Answering is generation with one greedy answer a prompt; its tokens a second are fewer."""

TABLE = Path(__file__).with_name("cards.yaml")
HELD = 1.2
"""Memory that a model needs over its weights'."""
BFLOAT16 = 2
"""Bytes of a weight."""
MEASURED, SCALED, ASSUMED = 1.5, 3.0, 5.0
"""How far off an estimate may be, up or down: by a run with the same student and questions, by one
with others, and by a card's data sheet."""


@dataclass(frozen=True)
class Card:
    """One kind of card."""

    title: str
    memory_gb: float
    tflops: float
    source: str
    """The data sheet."""

    def seconds(self, kind: Kind, read: float, written: float, parameters: float) -> float:
        """Return the seconds in which one card does the work.

        Args:
            kind: what the model does.
            read: tokens of prompts; 0 where it learns.
            written: tokens that it writes or learns from.
            parameters: the model's size.
        """
        section, operations = ("training", 6) if kind == "training" else ("generation", 2)
        limits: dict[str, float] = read_table()[section]
        arithmetic = (read + written) * operations * parameters
        speed = limits["share"] * self.tflops * 1e12
        return max(arithmetic / speed, written / limits["most_tokens"])

    def factor(self, parameters: float) -> float:
        """Return how far off an estimate for a model of this size may be."""
        del parameters
        return ASSUMED

    def count_needed(self, parameters: float) -> int:
        """Return how many cards hold a model together."""
        return -int(-parameters * BFLOAT16 * HELD // (self.memory_gb * 1e9))


@dataclass(frozen=True)
class Machine:
    """This machine, with what a run has measured of it."""

    tokens: dict[Kind, float]
    """Tokens written or learned from in a second, of whole stages with their model's loading.
    What was not measured is missing."""
    parameters: int | None = None
    """Of the student that was measured; None where that is not known."""

    def seconds(self, kind: Kind, read: float, written: float, parameters: float) -> float:
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
        return written / rate * parameters / (self.parameters or parameters)

    def factor(self, parameters: float) -> float:
        """Return how far off an estimate for a model of this size may be."""
        same = self.parameters is None or 0.9 < parameters / self.parameters < 1.1
        return MEASURED if same else SCALED


def find_card(name: str) -> Card:
    """Return the card of that name.

    Raises:
        UserError: the table has none.
    """
    known = read_table()["cards"]
    if name not in known:
        raise UserError(f"--card: there is no card {name!r}: known are {', '.join(known)}")
    return Card(**known[name])


@cache
def read_table() -> dict[str, Any]:
    """Return ``cards.yaml``."""
    found: dict[str, Any] = yaml.safe_load(TABLE.read_text(encoding="utf-8"))
    return found
