"""What a trainer is: a job in, an adapter on disk and a log out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from siked.records import Record

if TYPE_CHECKING:
    from pathlib import Path

    from siked.records import Example
    from siked.settings import Schedule, TrainSettings


@dataclass(frozen=True)
class Job:
    """One training: all that decides the adapter, and where to put it."""

    examples: tuple[Example, ...]
    base: Path
    """Folder of the model to adapt."""
    start: Path | None
    """Folder of the adapter to go on from; None begins a new one."""
    settings: TrainSettings
    schedule: Schedule
    seed: int
    out: Path
    """Folder of the adapter, to be written whole or not at all."""
    checkpoints: Path
    """Folder below which a run keeps what it needs to go on after a crash."""


class TrainingLog(Record):
    """How a training went. The same job gives the same log, interrupted or not."""

    trainer: str
    """Who trained: ``peft``."""
    device: str
    """Kind of device: ``cpu`` or ``cuda``."""
    dtype: str
    """Number type of the base model's weights: ``bfloat16``."""
    rows: int
    """Examples trained on."""
    too_long: int
    """Examples left out because they are longer than ``max_length``."""
    steps: int
    """Optimiser steps."""
    tokens: int
    """Tokens seen, prompts and completions, over all epochs."""
    completion_tokens: int
    """Those of them that the loss was taken on."""
    final_loss: float
    """Mean loss of the last tenth of the steps, in nats a completion token."""
    curve: tuple[tuple[int, float], ...]
    """Step and mean loss since the point before; at most 200 points."""


class Trainer(Protocol):
    """Anything that fine-tunes a student."""

    def train(self, job: Job) -> TrainingLog:
        """Fine-tune the base model on the job's examples and write the adapter.

        The same job gives the same adapter on the same machine, byte for byte.

        Raises:
            UserError: the job names something that cannot be trained.
        """
        ...
