"""The training loop, the same for all trainers: TRL's SFT trainer over a job's examples.

It goes on from the newest checkpoint, saves two a minute and one on Ctrl-C, and writes the student
at the end. Where several processes share the work (``siked.training.processes``), each of them runs
this, and the first alone writes, shows progress and is watched.
"""

import logging
import shutil
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import datasets
import torch
import transformers
from peft import PeftModel
from transformers import PrinterCallback

from siked.models import loading as models
from siked.settings import TransformersSettings
from siked.terminal.console import say
from siked.terminal.progress import track
from siked.training import checkpoints, lean, sft, students
from siked.training.examples import Encoded, encode
from siked.training.job import Job, Track, Trainer, TrainingLog

POINTS = 200
"""Most points of a loss curve."""
BEST = TransformersSettings(name="transformers", device="auto", dtype="auto", batch_tokens=1)


def fine_tune(job: Job, trainer: Trainer, progress: Track = track) -> TrainingLog:
    """Fine-tune and write the student, going on from a checkpoint where there is one.

    Args:
        job: the job.
        trainer: who makes the model ready.
        progress: shows how far it has come.

    Raises:
        UserError: all examples are too long, ``base`` is not a model, ``start`` is not a student
            as the settings say, or the loss stops being a number.
        KeyboardInterrupt: Ctrl-C came; the checkpoint is saved.
    """
    encoded = encode(models.load_tokenizer(job.base), job.examples, job.settings.max_length)
    folder = checkpoints.choose_folder(job, trainer)
    loop = build(job, encoded.rows, folder, trainer)
    return run(loop, job, folder, trainer, encoded, progress)


def build(job: Job, rows: list[dict[str, list[int]]], folder: Path, trainer: Trainer) -> sft.Loop:
    """Return a job's loop, ready to begin.

    Args:
        job: the job.
        rows: its examples as token ids.
        folder: for checkpoints.
        trainer: who makes the model ready.

    Raises:
        UserError: ``base`` is not a model, or ``start`` is not a student as the settings say.
    """
    silence_libraries()
    device, dtype = models.device_and_dtype(BEST)
    if device.type == "cpu":
        lean.keep_freed_memory()
    # Small steps would be lost in bfloat16 weights; an adapter is in float32 in any case.
    full = job.settings.lora is None
    autocast = dtype == torch.bfloat16 and (full or trainer.patches_trl)
    transformers.set_seed(job.seed)  # decides the first weights of a new adapter
    student = trainer.student(job, device, torch.float32 if full else dtype)
    packs = trainer.patches_trl or sft.keeps_apart(student, rows)
    if not packs:
        say(
            "train: examples would see each other when several are one row, as this model attends: "
            "batches are padded instead, which takes longer",
            file=sys.stderr,
        )
    loop = sft.Loop(
        trl_loss=device.type == "cuda" or trainer.patches_trl,
        model=student,
        args=sft.config(job, device, folder, autocast=autocast, packs=packs),
        train_dataset=datasets.Dataset.from_list(rows),
        processing_class=models.load_tokenizer(job.base),
    )
    loop.remove_callback(PrinterCallback)
    return loop


def run(
    loop: sft.Loop, job: Job, folder: Path, trainer: Trainer, encoded: Encoded, progress: Track
) -> TrainingLog:
    """Run a loop to its end and write the student, going on from a checkpoint where there is one.

    Args:
        loop: the loop.
        job: its job.
        folder: of its checkpoints; removed at the end.
        trainer: who made the model ready.
        encoded: what it trains on.
        progress: shows how far it has come.

    Raises:
        UserError: the loss stops being a number.
        KeyboardInterrupt: Ctrl-C came; the checkpoint is saved.
    """
    with checkpoints.stop_at_step() as stop, ExitStack() as stack:
        loop.add_callback(sft.Clock(stop))
        if loop.is_world_process_zero():
            shown = stack.enter_context(progress(sft.steps(job, len(encoded.rows)), "train"))
            loop.add_callback(sft.Display(shown, job.watch))
        checkpoint = checkpoints.find_latest(folder)
        loop.train(resume_from_checkpoint=None if checkpoint is None else str(checkpoint))
    if loop.is_world_process_zero():
        if isinstance(loop.model, PeftModel):
            students.save_adapter(loop.model, job.base, job.out)
        else:
            students.save_whole(loop.model, students.find_weights(job.base, job.start), job.out)
        shutil.rmtree(folder, ignore_errors=True)
    return _log(loop, trainer.name, rows=len(encoded.rows), too_long=encoded.too_long)


def _log(loop: Any, name: str, **known: Any) -> TrainingLog:
    state = loop.state
    entries = [entry for entry in state.log_history if "loss" in entry]
    losses = [entry["loss"] for entry in entries]
    last = losses[-max(1, len(losses) // 10) :]
    width = -(-len(losses) // POINTS)
    points = (losses[i : i + width] for i in range(0, len(losses), width))
    curve, step = [], 0
    for point in points:
        step += len(point)
        curve.append((step, sum(point) / len(point)))
    return TrainingLog(
        trainer=name,
        device=loop.args.device.type,
        dtype=str(sft.base_of(loop.model).dtype).removeprefix("torch."),
        steps=state.global_step,
        tokens=sum(entry["tokens"] for entry in entries),
        completion_tokens=sum(entry["completion_tokens"] for entry in entries),
        final_loss=sum(last) / len(last),
        curve=tuple(curve),
        **known,
    )


def silence_libraries() -> None:
    """Leave what users see to this project: no bars and hints of the libraries."""
    datasets.disable_progress_bars()
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    logging.getLogger("trl").setLevel(logging.ERROR)
