"""Fine-tuning the student: examples, a base model and perhaps an adapter in, an adapter out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from siked.errors import UserError
from siked.training.protocol import Job, Trainer, TrainingLog

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from siked.records import Example
    from siked.settings import Schedule, TrainSettings

__all__ = ["Job", "Trainer", "TrainingLog", "train"]


def train(
    examples: Sequence[Example],
    *,
    base: Path,
    start: Path | None,
    settings: TrainSettings,
    schedule: Schedule,
    seed: int,
    out: Path,
    checkpoints: Path,
) -> TrainingLog:
    """Fine-tune a LoRA adapter on examples and write it to the folder ``out``.

    A run that was killed goes on from its last checkpoint, at most about a minute old, and ends
    with the same adapter, byte for byte. Ctrl-C saves a checkpoint first.

    Args:
        examples: what to learn from; loss is taken on their completions alone.
        base: folder of the model to adapt; it is not changed.
        start: folder of the adapter to go on from; a new one where None.
        settings: how to train.
        schedule: how long and how fast.
        seed: of the adapter's first weights and the order of the examples.
        out: folder of the adapter; written whole or not at all.
        checkpoints: folder for what a killed run goes on from; emptied of it at the end.

    Raises:
        UserError: there is nothing to train on, ``base`` is not a model, ``start`` is not an
            adapter of its kind, or the loss stops being a number.
    """
    if not examples:
        raise UserError("no examples to train on: an earlier stage left out all rationales")
    from siked.training.peft import PeftTrainer  # noqa: PLC0415 - torch takes seconds to import

    trainer: Trainer = PeftTrainer()
    return trainer.train(
        Job(
            examples=tuple(examples),
            base=base,
            start=start,
            settings=settings,
            schedule=schedule,
            seed=seed,
            out=out,
            checkpoints=checkpoints,
        )
    )
