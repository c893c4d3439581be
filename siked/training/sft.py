"""TRL's SFT trainer, with checkpoints by the clock and a leaner loss where there is no GPU."""

from __future__ import annotations

import contextlib
import math
import signal
import threading
import time
import types
from typing import TYPE_CHECKING, Any

from transformers import TrainerCallback
from trl import SFTConfig, SFTTrainer

from siked.errors import UserError
from siked.training import checkpoints, lean
from siked.training.examples import IGNORED

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import torch

    from siked.progress import Progress
    from siked.training.protocol import Job

SAVE_EVERY = 60.0
"""Seconds of training between two checkpoints."""
SCHEDULERS = {"linear": "linear", "cosine": "cosine", "constant": "constant_with_warmup"}


def config(job: Job, device: torch.device, folder: Path) -> SFTConfig:
    """A job's settings as TRL wants them; ``folder`` is for checkpoints."""
    settings = job.settings
    on_gpu = device.type == "cuda"
    return SFTConfig(
        output_dir=str(folder),
        seed=job.seed,
        data_seed=job.seed,
        num_train_epochs=job.schedule.epochs,
        learning_rate=job.schedule.learning_rate,
        lr_scheduler_type=SCHEDULERS[settings.scheduler],
        warmup_steps=settings.warmup_steps,
        weight_decay=settings.weight_decay,
        per_device_train_batch_size=settings.batch_size,
        gradient_accumulation_steps=settings.gradient_accumulation,
        max_length=None,  # rows that are too long are left out before
        padding_free=True,
        use_cpu=not on_gpu,
        bf16=False,  # the base model is in bfloat16 itself, the adapter stays in float32
        gradient_checkpointing=on_gpu,
        dataloader_pin_memory=on_gpu,
        logging_steps=1,
        logging_nan_inf_filter=False,
        save_strategy="no",  # the clock decides
        report_to=[],
        disable_tqdm=True,
    )


def steps(job: Job, rows: int) -> int:
    """How many optimiser steps a job takes."""
    batches = math.ceil(rows / job.settings.batch_size)
    an_epoch = math.ceil(batches / job.settings.gradient_accumulation)
    return math.ceil(job.schedule.epochs * an_epoch)


class Trainer(SFTTrainer):  # type: ignore[misc]
    """SFTTrainer on rows that are tokenised already.

    TRL computes the loss in a Triton kernel, which needs a GPU. Elsewhere ``lean`` does, or for
    models that it does not fit, the model itself.
    """

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._counts = {"tokens": 0, "completion_tokens": 0}
        student = self.model.get_base_model()
        self._lean = student.config._attn_implementation == lean.ATTENTION  # noqa: SLF001
        if self._lean:
            student.forward = types.MethodType(_loss_of_completions, student)

    def compute_loss(
        self,
        model: Any,
        inputs: dict[str, torch.Tensor],
        return_outputs: bool = False,
        num_items_in_batch: torch.Tensor | None = None,
    ) -> Any:
        """The mean cross entropy of the completions' tokens."""
        self._counts["tokens"] += inputs["input_ids"].numel()
        self._counts["completion_tokens"] += int((inputs["labels"] != IGNORED).sum())
        if self._lean:
            # The items are those of all processes, and the gradient becomes their mean.
            return model(**inputs) * self.accelerator.num_processes / num_items_in_batch
        # Without a GPU, past SFTTrainer to the model's own loss over all logits.
        above: Any = super() if self.args.device.type == "cuda" else super(SFTTrainer, self)
        return above.compute_loss(model, inputs, return_outputs, num_items_in_batch)

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Add the tokens since the last entry; stop when the loss is no number any more."""
        if "loss" in logs:
            if not math.isfinite(logs["loss"]):
                raise UserError(
                    f"the loss is not a number at step {self.state.global_step}: "
                    "lower learning_rate of the schedule under `train`"
                )
            logs |= self._counts
            self._counts = dict.fromkeys(self._counts, 0)
        super().log(logs, start_time)

    def create_model_card(self, *_: Any, **__: Any) -> None:
        """Write none: a checkpoint is not for publishing."""

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        super()._save_checkpoint(model, trial)
        if self.args.should_save:
            from pathlib import Path  # noqa: PLC0415

            checkpoints.keep_latest(Path(self.args.output_dir))


def _loss_of_completions(
    student: Any,
    input_ids: torch.Tensor,
    labels: torch.Tensor,
    position_ids: torch.Tensor,
    **_: Any,
) -> torch.Tensor:
    """A causal language model's forward pass, for the summed loss alone."""
    layout = lean.Layout(position_ids, student.dtype)
    hidden = student.base_model(
        input_ids=input_ids, position_ids=position_ids, layout=layout, use_cache=False
    ).last_hidden_state
    following = labels[:, 1:]
    scored = following != IGNORED
    head = student.get_output_embeddings()
    return lean.summed_loss(hidden[:, :-1][scored], head.weight, following[scored])


class Clock(TrainerCallback):  # type: ignore[misc]
    """Shows progress, saves a checkpoint once a minute, and one more on Ctrl-C."""

    def __init__(self, progress: Progress, stop: threading.Event) -> None:
        self._progress, self._stop = progress, stop
        self._saved = time.monotonic()
        self._tokens = 0

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Count from the first step of this run."""
        del args, control
        self._saved = time.monotonic()
        if state.global_step:
            self._progress.advance(state.global_step)

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Ask for a checkpoint when it is time."""
        del args
        stopping = self._stop.is_set()
        control.should_training_stop |= stopping
        due = time.monotonic() - self._saved >= SAVE_EVERY
        if stopping or (due and state.global_step < state.max_steps):
            control.should_save = True

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Start the minute again."""
        del args, state, control
        self._saved = time.monotonic()

    def on_log(self, args: Any, state: Any, control: Any, **arguments: Any) -> None:
        """Show the step that was just logged."""
        del args, state, control
        logs = arguments["logs"]
        if "loss" in logs:
            self._progress.advance(tokens=logs["tokens"])


@contextlib.contextmanager
def stop_at_step() -> Iterator[threading.Event]:
    """Turn the first Ctrl-C into an event, to be raised when the block has ended; a second is one.

    Raises:
        KeyboardInterrupt: Ctrl-C came.
    """
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    before = signal.getsignal(signal.SIGINT)

    def note(number: int, frame: types.FrameType | None) -> None:
        del number, frame
        stop.set()
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, note)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)
    if stop.is_set():
        raise KeyboardInterrupt
