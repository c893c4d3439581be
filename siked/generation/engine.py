"""What an engine is: prompts and sampling settings in, completions out as they finish.

``transformers`` runs a local model, ``annotations`` is a teacher made from worked solutions.
A journal or a cluster can wrap any of them, since an engine is nothing but this one method.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

from siked.prompts import Prompt

FinishReason = Literal["stop", "length"]


@dataclass(frozen=True)
class Sampling:
    """How completions are drawn."""

    samples: int = 1
    """Completions a prompt."""
    first_sample: int = 0
    """The number of the first of them; a sample's number decides how it is drawn."""
    temperature: float = 0.0
    """0 decodes greedily."""
    top_k: int = 0
    """Draw from the k likeliest tokens only; 0 for all."""
    top_p: float = 1.0
    """Draw from the smallest set of tokens with at least this probability."""
    max_new_tokens: int = 128
    stop: tuple[str, ...] = ()
    """Texts that end a completion; not part of it."""
    seed: int = 0


@dataclass(frozen=True)
class Completion:
    """One finished sample."""

    prompt: int
    """Index of its prompt in the sequence given to ``generate``."""
    sample: int
    """Its number among the prompt's samples, from ``Sampling.first_sample``."""
    text: str
    prompt_tokens: int
    completion_tokens: int
    finish_reason: FinishReason
    recalled: bool = False
    """It was generated earlier and comes from a journal."""


class Engine(Protocol):
    """Anything that completes prompts."""

    def generate(self, prompts: Sequence[Prompt], sampling: Sampling) -> Iterator[Completion]:
        """Yield ``sampling.samples`` completions for every prompt, in any order.

        The same prompts, settings and seed give the same completions on the same machine.
        """
        ...


@runtime_checkable
class Batched(Engine, Protocol):
    """An engine whose samples may depend, in their last bits, on what shares their batch."""

    def batches(self, prompts: Sequence[Prompt], sampling: Sampling) -> list[list[int]]:
        """Which prompts (their indices) ``generate`` would run together, in its order."""
        ...

    def complete(
        self, prompts: Sequence[Prompt], sampling: Sampling, batches: Iterable[Sequence[int]]
    ) -> Iterator[Completion]:
        """Yield the completions of some of these batches, as ``generate`` would write them."""
        ...
