"""TRL's SFT trainer, with checkpoints by the clock and a leaner loss where there is no GPU."""

import math
import threading
import time
import types
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel
from transformers import TrainerCallback
from trl import SFTConfig, SFTTrainer

from siked.errors import UserError
from siked.terminal.progress import Progress
from siked.training import checkpoints, lean, memory
from siked.training.examples import IGNORED
from siked.training.job import Job, Watch

SAVE_EVERY = 30.0
"""Seconds of training between two checkpoints."""
PROBE = 64
"""Tokens of an example that are enough to tell whether examples see each other."""
SAME = 0.03
"""Relative difference of logits that rounding explains, in bfloat16 too."""
SCHEDULERS = {"linear": "linear", "cosine": "cosine", "constant": "constant_with_warmup"}


def config(
    job: Job, device: torch.device, folder: Path, *, autocast: bool, packs: bool = True
) -> SFTConfig:
    """Return a job's settings as TRL wants them.

    Args:
        job: the job.
        device: where to compute.
        folder: for checkpoints.
        autocast: compute in bfloat16 what can be, whatever the weights are in.
        packs: put the examples of a batch end to end, without padding.
    """
    settings = job.settings
    on_gpu = device.type == "cuda"
    planned = memory.plan(job, device)
    settled = SFTConfig(
        output_dir=str(folder),
        seed=job.seed,
        data_seed=job.seed,
        num_train_epochs=job.schedule.epochs,
        learning_rate=job.schedule.learning_rate,
        lr_scheduler_type=SCHEDULERS[settings.scheduler],
        warmup_steps=settings.warmup_steps,
        weight_decay=settings.weight_decay,
        per_device_train_batch_size=planned.batch_size,
        gradient_accumulation_steps=planned.accumulation,
        max_length=None,  # rows that are too long are left out before
        padding_free=packs,
        router_aux_loss_coef=0.0,  # mixtures of experts, too, train on completions alone
        use_cpu=not on_gpu,
        bf16=autocast,
        gradient_checkpointing=planned.recomputes,
        dataloader_pin_memory=on_gpu,
        ddp_find_unused_parameters=False,
        logging_steps=1,
        logging_nan_inf_filter=False,
        save_strategy="no",  # the clock decides
        report_to=[],
        disable_tqdm=True,
    )
    if settled.n_gpu > 1:
        # transformers would split every batch over all cards that one process sees, and so take
        # batches as many times as large. More cards are `train.processes`.
        settled._n_gpu = 1  # noqa: SLF001
    return settled


def keeps_apart(model: Any, rows: Sequence[dict[str, list[int]]]) -> bool:
    """Return whether a model's examples do not see each other when they are one row.

    Two examples are read as one row and alone. Models that count their positions by themselves
    (OPT), or bias attention by distances in the row (MPT, Bloom), read the second one otherwise.

    Args:
        model: the model, an adapter on it or not.
        rows: examples as token ids.
    """
    if base_of(model).config._attn_implementation == lean.ATTENTION:  # noqa: SLF001
        return True  # made for it
    first, second = (row["input_ids"][:PROBE] for row in (rows[0], rows[-1]))
    device, was_training = model.device, model.training
    places = [*range(len(first)), *range(len(second))]
    model.eval()
    with torch.no_grad():
        alone = model(input_ids=torch.tensor([second], device=device)).logits[0].float()
        try:
            packed = model(
                input_ids=torch.tensor([[*first, *second]], device=device),
                position_ids=torch.tensor([places], device=device),
                use_cache=False,
            ).logits[0, len(first) :]
        except TypeError:  # it takes no positions
            packed = torch.full_like(alone, torch.inf)
    model.train(was_training)
    return bool((packed.float() - alone).norm() <= SAME * alone.norm())


def steps(job: Job, rows: int) -> int:
    """Return how many optimiser steps a job takes."""
    batches = math.ceil(rows / job.settings.batch_size)
    rounds = math.ceil(batches / job.settings.processes)
    an_epoch = math.ceil(rounds / job.settings.gradient_accumulation)
    return math.ceil(job.schedule.epochs * an_epoch)


def base_of(model: Any) -> Any:
    """Return the model below an adapter, or the model itself where it has none."""
    return model.get_base_model() if isinstance(model, PeftModel) else model


class Loop(SFTTrainer):  # type: ignore[misc]
    """SFTTrainer on rows that are tokenised already.

    TRL computes the loss in a Triton kernel, which needs a GPU. Elsewhere ``lean`` does, or for
    models that it does not fit, the model itself.
    """

    def __init__(self, *, trl_loss: bool, **arguments: Any) -> None:
        """Take TRL's own loss where ``trl_loss`` says so."""
        super().__init__(**arguments)
        self._counts = {"tokens": 0, "completion_tokens": 0}
        self._trl_loss = trl_loss
        student = base_of(self.model)
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
        """Return the mean cross entropy of the completions' tokens."""
        padding = inputs.get("attention_mask")
        seen = inputs["input_ids"].numel() if padding is None else int(padding.sum())
        self._counts["tokens"] += seen
        self._counts["completion_tokens"] += int((inputs["labels"] != IGNORED).sum())
        if self._lean:
            # The items are those of all processes, and the gradient becomes their mean.
            return model(**inputs) * self.accelerator.num_processes / num_items_in_batch
        above: Any = super() if self._trl_loss else super(SFTTrainer, self)
        return above.compute_loss(model, inputs, return_outputs, num_items_in_batch)

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Add the tokens since the last entry; stop when the loss is no number any more."""
        if "loss" in logs:
            if not math.isfinite(logs["loss"]):
                raise UserError(
                    f"the loss is not a number at step {self.state.global_step}: "
                    "lower learning_rate of the schedule under `train`"
                )
            counts = torch.tensor(list(self._counts.values()), device=self.args.device)
            totals = self.accelerator.reduce(counts).tolist()
            logs |= dict(zip(self._counts, totals, strict=True))
            self._counts = dict.fromkeys(self._counts, 0)
        super().log(logs, start_time)

    def create_model_card(self, *_: Any, **__: Any) -> None:
        """Write none: a checkpoint is not for publishing."""

    def _save_rng_state(self, output_dir: str) -> None:
        # What makes a checkpoint whole is written next, and then all processes' states are there.
        super()._save_rng_state(output_dir)
        self.accelerator.wait_for_everyone()

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        super()._save_checkpoint(model, trial)
        if self.args.should_save:
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
    """Saves a checkpoint twice a minute, and one more on Ctrl-C; all processes of a run alike."""

    def __init__(self, stop: threading.Event) -> None:
        self._stop = stop
        self._saved = time.monotonic()

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Count from the first step of this run."""
        del args, state, control
        self._saved = time.monotonic()

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Ask for a checkpoint when it is time."""
        due = time.monotonic() - self._saved >= SAVE_EVERY
        stopping, due = _in_any_process(args, self._stop.is_set(), due)
        if stopping:
            self._stop.set()
        control.should_training_stop |= stopping
        if stopping or (due and state.global_step < state.max_steps):
            control.should_save = True

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Start the minute again."""
        del args, state, control
        self._saved = time.monotonic()


def _in_any_process(args: Any, *flags: bool) -> tuple[bool, ...]:
    if args.world_size == 1:
        return flags
    told = torch.tensor(flags, dtype=torch.int32, device=args.device)
    torch.distributed.all_reduce(told, torch.distributed.ReduceOp.MAX)
    return tuple(bool(flag) for flag in told.tolist())


class Display(TrainerCallback):  # type: ignore[misc]
    """Shows progress, and tells it to who watches."""

    def __init__(self, progress: Progress, watch: Watch | None) -> None:
        self._progress, self._watch = progress, watch
        self._logged = time.monotonic()

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Pass over what an earlier run did."""
        del args, control
        self._logged = time.monotonic()
        if state.global_step:
            self._progress.recall(state.global_step)

    def on_log(self, args: Any, state: Any, control: Any, **arguments: Any) -> None:
        """Show the step that was just logged."""
        del args, control
        logs = arguments["logs"]
        if "loss" not in logs:
            return
        self._progress.advance(tokens=logs["tokens"])
        now = time.monotonic()
        if self._watch is not None:
            figures = {name: float(logs[name]) for name in ("loss", "learning_rate")}
            speed = logs["tokens"] / max(now - self._logged, 1e-9)
            self._watch(state.global_step, figures | {"tokens_per_second": speed})
        self._logged = now
