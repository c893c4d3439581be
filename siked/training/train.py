"""Train a student: with the trainer of the settings, in one process or several.

    log = train(examples, base=Path("models/base"), start=None, settings=params.train, ...)
    log.trainer, log.steps, log.final_loss      # ("peft", 84, 0.31)

Trainers stand in a table, ``siked.settings.TRAINERS``.
"""

import pkgutil
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from siked.errors import UserError
from siked.records import Example
from siked.settings import TRAINERS, Schedule, TrainSettings
from siked.terminal.progress import track
from siked.training.job import Job, Track, Trainer, TrainingLog, Watch


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
    watch: Watch | None = None,
) -> TrainingLog:
    """Fine-tune a student on examples and write it to the folder ``out``.

    It is a LoRA adapter, or a whole model where ``settings.lora`` is None. A run that was killed
    goes on from its last checkpoint, about half a minute old at most, and ends with the same
    student, byte for byte. Ctrl-C saves a checkpoint first.

    Args:
        examples: what to learn from; loss is taken on their completions alone.
        base: folder of the model to adapt; it is not changed.
        start: folder of the student to go on from; a new one where None.
        settings: how to train.
        schedule: how long and how fast.
        seed: of the adapter's first weights and of the order of the examples.
        out: folder of the student; written whole or not at all.
        checkpoints: folder for what a killed run goes on from; emptied of it at the end.
        watch: told of every optimiser step as it ends: its number, and ``loss``,
            ``learning_rate`` and ``tokens_per_second``. What it raises ends the training.

    Raises:
        UserError: there is nothing to train on, ``base`` is not a model, ``start`` is not a
            student of its kind, the trainer is not installed, or the loss stops being a number.
    """
    if not examples:
        raise UserError("no examples to train on: an earlier stage left out all rationales")
    job = Job(
        examples=tuple(examples),
        base=base,
        start=start,
        settings=settings,
        schedule=schedule,
        seed=seed,
        out=out,
        checkpoints=checkpoints,
        watch=watch,
    )
    name = choose(settings.trainer)
    if settings.processes == 1:
        return run(job, name)
    from siked.training import processes

    return processes.fine_tune(job, name, run)


def choose(name: str) -> str:
    """Return the trainer that a setting means on this machine; ``auto`` decides by what is here."""
    if name != "auto":
        return name
    import torch

    return "unsloth" if torch.cuda.is_available() and find_spec("unsloth") else "peft"


def run(job: Job, name: str, progress: Track = track) -> TrainingLog:
    """Do a job with the trainer of a name, in this process.

    Args:
        job: the job.
        name: of the trainer, as in ``siked.settings.TRAINERS``.
        progress: shows how far it has come.

    Raises:
        UserError: see ``train``; or the trainer is not installed.
    """
    trainer: Trainer = pkgutil.resolve_name(TRAINERS[name])()
    # Only now: Unsloth has to be imported before what the loop imports.
    from siked.training.loop import fine_tune

    return fine_tune(job, trainer, progress)
