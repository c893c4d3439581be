"""What an engine is: prompts and sampling settings in, completions out as they finish.

``transformers`` runs a local model, ``annotations`` is a teacher made from worked solutions.
A journal or a cluster can wrap any of them, since an engine is nothing but this one method. Those
that settings name stand in a table, ``siked.settings.ENGINES``.
"""

import pkgutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

from siked.prompts import Prompt
from siked.settings import ENGINES, EngineSettings, RaySettings

FinishReason = Literal["stop", "length", "refused"]
"""``refused``: the server will never answer this prompt; the text says why, ``REASON: its words``.
"""


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
    unsent: tuple[str, ...] = ()
    """Fields that a server is not sent: it takes its own values."""


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
    teacher: str = ""
    """Who wrote it, where a recording says."""
    source: str = ""
    """Where the recording has it from."""


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
        """Return which prompts (their indices) ``generate`` would run together, in its order."""
        ...

    def complete(
        self, prompts: Sequence[Prompt], sampling: Sampling, batches: Iterable[Sequence[int]]
    ) -> Iterator[Completion]:
        """Yield the completions of some of these batches, as ``generate`` would write them."""
        ...


class ModelEngine(Engine, Protocol):
    """An engine of the table that runs a model's folder."""

    def __init__(self, folder: Path, adapter: Path | None, settings: Any) -> None:
        """Load a model and an adapter on it.

        Raises:
            UserError: the folder is not a model, the adapter does not fit it, or the machine lacks
                what the settings ask for.
        """

    @staticmethod
    def decides(settings: Any, folder: Path, ray: RaySettings | None) -> dict[str, Any]:
        """Return what decides a sample besides model, prompt, sampling and code, as JSON values.

        A journal tells samples apart by it: device, number type, versions. Nothing is loaded.

        Args:
            settings: the engine's.
            folder: the model.
            ray: the cluster that the engine runs on; this machine where None.

        Raises:
            UserError: the machine lacks what the settings ask for.
        """
        ...


def find_engine(settings: EngineSettings) -> type[ModelEngine]:
    """Return the class of the engine that settings are for; its module is imported now."""
    found: type[ModelEngine] = pkgutil.resolve_name(ENGINES[settings.name].engine)
    return found


def open_engine(settings: EngineSettings, folder: Path, adapter: Path | None = None) -> Engine:
    """Open the engine that the settings name, with a model folder and an adapter.

    Raises:
        UserError: the folder is not a model, the adapter does not fit it, or the machine lacks
            what the settings ask for.
    """
    return find_engine(settings)(folder, adapter, settings)
