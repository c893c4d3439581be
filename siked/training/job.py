"""What a training is: a job in, a student on disk and a log out; and what differs by trainer."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from siked.records import Example, Record
from siked.settings import Schedule, TrainSettings
from siked.terminal.progress import Progress

Track: TypeAlias = Callable[[int, str], AbstractContextManager[Progress]]
"""As ``siked.terminal.progress.track``."""
Watch: TypeAlias = Callable[[int, Mapping[str, float]], None]
"""Told of an optimiser step: its number, and ``loss``, ``learning_rate``, ``tokens_per_second``."""


@dataclass(frozen=True)
class Job:
    """One training: all that decides the student, and where to put it."""

    examples: tuple[Example, ...]
    base: Path
    """Folder of the model to adapt."""
    start: Path | None
    """Folder of the student to go on from; None begins a new one."""
    settings: TrainSettings
    schedule: Schedule
    seed: int
    out: Path
    """Folder of the student, to be written whole or not at all."""
    checkpoints: Path
    """Folder below which a run keeps what it needs to go on after a crash."""
    watch: Watch | None = None
    """Told of every optimiser step as it ends; it has no part in the result."""


class TrainingLog(Record):
    """How a training went. The same job gives the same log, interrupted or not."""

    trainer: str
    """Who trained: ``peft`` or ``unsloth``."""
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
    """Who makes the model ready to be trained; the loop is the same for all."""

    name: str
    """As in ``train.trainer``."""
    libraries: tuple[str, ...]
    """Packages that decide the result, beyond those of the loop."""
    patches_trl: bool
    """Whether it changes TRL, so that TRL's own loss runs anywhere, and under autocast."""

    def student(self, job: Job, device: Any, dtype: Any) -> Any:
        """Return the base model with its adapter to be trained, or all of it to be trained.

        The same job gives the same weights; torch's random state decides those of a new adapter.

        Args:
            job: the job.
            device: the torch device to put it on.
            dtype: the torch number type of its weights.

        Raises:
            UserError: the job names something that cannot be trained.
        """
        ...
