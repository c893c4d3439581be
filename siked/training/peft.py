"""The trainer that runs everywhere: LoRA by peft, the loop by TRL's SFT trainer.

The base model's weights are in bfloat16 where the processor computes in it, the adapter's in
float32. Examples of a batch stand one behind the other without padding.
"""

from __future__ import annotations

import logging
import shutil
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import datasets
import transformers
from transformers import AutoModelForCausalLM, PrinterCallback

from siked import models
from siked.errors import UserError
from siked.progress import track
from siked.settings import EngineSettings
from siked.training import adapters, checkpoints, lean, sft
from siked.training.examples import encode
from siked.training.protocol import TrainingLog

if TYPE_CHECKING:
    from pathlib import Path

    import torch

    from siked.training.protocol import Job

NAME = "peft"
POINTS = 200
"""Most points of a loss curve."""
BEST = EngineSettings(name="transformers", device="auto", dtype="auto", batch_tokens=1)


class PeftTrainer:
    """Fine-tunes with peft and TRL, on a CPU or a GPU."""

    def train(self, job: Job) -> TrainingLog:
        """Fine-tune and write the adapter, going on from a checkpoint where there is one.

        Raises:
            UserError: all examples are too long, ``base`` is not a model, ``start`` is not an
                adapter as the settings say, or the loss stops being a number.
            KeyboardInterrupt: Ctrl-C came; the checkpoint is saved.
        """
        encoded = encode(models.load_tokenizer(job.base), job.examples, job.settings.max_length)
        folder = checkpoints.folder(job, NAME)
        trainer = build(job, encoded.rows, folder)
        _run(trainer, folder, sft.steps(job, len(encoded.rows)))
        adapters.save(trainer.model, job.out)
        shutil.rmtree(folder, ignore_errors=True)
        return _log(trainer, rows=len(encoded.rows), too_long=encoded.too_long)


def build(job: Job, rows: list[dict[str, list[int]]], folder: Path) -> sft.Trainer:
    """A job's trainer, ready to begin; ``rows`` are its examples as token ids.

    Raises:
        UserError: ``base`` is not a model, or ``start`` is not an adapter as the settings say.
    """
    _quiet()
    device, dtype = models.device_and_dtype(BEST)
    if device.type == "cpu":
        lean.keep_freed_memory()
    transformers.set_seed(job.seed)  # decides the first weights of a new adapter
    trainer = sft.Trainer(
        model=_with_adapter(job, _load(job, device, dtype)),
        args=sft.config(job, device, folder),
        train_dataset=datasets.Dataset.from_list(rows),
        processing_class=models.load_tokenizer(job.base),
    )
    trainer.remove_callback(PrinterCallback)
    return trainer


def _load(job: Job, device: torch.device, dtype: torch.dtype) -> Any:
    try:
        model = AutoModelForCausalLM.from_pretrained(
            job.base, dtype=dtype, attn_implementation="eager", local_files_only=True
        )
    except ValueError as error:
        line = str(error).strip().split("\n", maxsplit=1)[0]
        raise UserError(f"{job.base}: cannot be loaded: {line}") from None
    if device.type == "cuda":
        model.set_attn_implementation("flash_attention_2" if find_spec("flash_attn") else "sdpa")
    elif lean.fits(model.config, job.settings.max_length):
        model.set_attn_implementation(lean.ATTENTION)
    return model.to(device)


def _with_adapter(job: Job, model: Any) -> Any:
    if job.start is None:
        student = adapters.begin(model, job.settings.lora)
    else:
        student = adapters.resume(model, job.start, job.settings.lora)
    lean.slim(student)
    return student


def _run(trainer: Any, folder: Path, steps: int) -> None:
    checkpoint = checkpoints.latest(folder)
    with sft.stop_at_step() as stop, track(steps, "train") as progress:
        trainer.add_callback(sft.Clock(progress, stop))
        trainer.train(resume_from_checkpoint=None if checkpoint is None else str(checkpoint))


def _log(trainer: Any, **known: Any) -> TrainingLog:
    state = trainer.state
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
        trainer=NAME,
        device=trainer.args.device.type,
        dtype=str(trainer.model.get_base_model().dtype).removeprefix("torch."),
        steps=state.global_step,
        tokens=sum(entry["tokens"] for entry in entries),
        completion_tokens=sum(entry["completion_tokens"] for entry in entries),
        final_loss=sum(last) / len(last),
        curve=tuple(curve),
        **known,
    )


def _quiet() -> None:
    """Leave what users see to this project: no bars and hints of the libraries."""
    datasets.disable_progress_bars()
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    logging.getLogger("trl").setLevel(logging.ERROR)
