"""How fast the student trains: TRL's SFTTrainer as it comes, this project's, and Unsloth's.

    python -m benchmarks.training --model models/base
    python -m benchmarks.training --model models/base --unsloth .venv-unsloth/bin/python

All take the same examples in the same order from the same first weights, so that their losses can
be compared step by step. A token is a token of an example; padding does not count.

TRL 1.15 computes its loss in a Triton kernel, which needs a GPU. Without one its trainer gets the
model's own loss here (``transformers.Trainer.compute_loss``), the least change that lets it train.

Unsloth changes the libraries that it is imported beside, so it runs in a process and an environment
of its own (`make test-engines` makes one), as ``train.trainer: unsloth``
runs it.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

from siked.training import loop  # before PyTorch: siked sets how its threads wait

# isort: split
import datasets
import torch
import transformers
import typer
from peft import LoraConfig
from transformers import AutoModelForCausalLM, PrinterCallback, Trainer, TrainerCallback
from trl import SFTConfig, SFTTrainer

from siked.generation import worked
from siked.models import loading as models
from siked.prompts import completion, render, student_prompt
from siked.questions import demo
from siked.records import Example
from siked.settings import Lora, Schedule, TrainSettings
from siked.training.examples import IGNORED, encode
from siked.training.job import Job
from siked.training.peft import PeftTrainer

LENGTH, LEARNING_RATE, RANK, ALPHA = 384, 1e-3, 16, 32


def examples(model: Path, rows: int) -> tuple[Example, ...]:
    """Examples as the demo trains them: each question with a strategy, in turn."""
    tokenizer = models.load_tokenizer(model)
    names = ("cot", "l2m", "pot")
    made = []
    for i, question in enumerate(demo.write("train", rows, seed=0, name="demo")):
        name = names[i % len(names)]
        if (text := worked.write(question, name)) is None:
            continue
        made.append(
            Example(
                question_id=question.id,
                strategy=name,
                origin="teacher",
                prompt=render(tokenizer, student_prompt(question.question)),
                completion=completion(name, text),
            )
        )
    return tuple(made)


def job(model: Path, steps: int, batch_size: int) -> Job:
    """What all trainers are asked to do."""
    schedule = Schedule(epochs=1, learning_rate=LEARNING_RATE)
    return Job(
        examples=examples(model, steps * batch_size),
        base=model,
        start=None,
        settings=TrainSettings(
            policy="off-policy",
            distil=schedule,
            iterate=schedule,
            scheduler="constant",
            warmup_steps=2,
            weight_decay=0.01,
            batch_size=batch_size,
            gradient_accumulation=1,
            max_length=LENGTH,
            lora=Lora(rank=RANK, alpha=ALPHA, dropout=0.0, target_modules="all-linear"),
        ),
        schedule=schedule,
        seed=0,
        out=Path(),
        checkpoints=Path(),
    )


def encoded(asked: Job) -> list[dict[str, list[int]]]:
    """The tokens of a job's examples."""
    return encode(models.load_tokenizer(asked.base), asked.examples, LENGTH).rows


class Stopwatch(TrainerCallback):  # type: ignore[misc]
    """Times the steps after the first, and stops after so many."""

    def __init__(self, steps: int) -> None:
        self.steps = steps
        self.times: list[tuple[float, float]] = []
        self.losses: list[float] = []

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Note when the step ended."""
        del args
        self.times.append((time.perf_counter(), time.process_time()))
        control.should_training_stop = state.global_step >= self.steps

    def on_log(self, args: Any, state: Any, control: Any, **arguments: Any) -> None:
        """Note the step's loss."""
        del args, state, control
        if "loss" in arguments["logs"]:
            self.losses.append(arguments["logs"]["loss"])


class WithoutTriton(SFTTrainer):  # type: ignore[misc]
    """TRL's trainer with the model's own loss."""

    def compute_loss(self, *arguments: Any, **named: Any) -> Any:
        """Past SFTTrainer to the loss of ``transformers.Trainer``."""
        return Trainer.compute_loss(self, *arguments, **named)


def stock(job: Job, rows: list[dict[str, list[int]]], folder: Path) -> Any:
    """TRL's trainer with its defaults, but for what the job says."""
    device, dtype = models.device_and_dtype(loop.BEST)
    kind = SFTTrainer if device.type == "cuda" else WithoutTriton
    trainer = kind(
        model=AutoModelForCausalLM.from_pretrained(job.base, dtype=dtype),
        args=SFTConfig(
            output_dir=str(folder),
            seed=job.seed,
            data_seed=job.seed,
            num_train_epochs=job.schedule.epochs,
            learning_rate=job.schedule.learning_rate,
            lr_scheduler_type="constant_with_warmup",
            warmup_steps=job.settings.warmup_steps,
            weight_decay=job.settings.weight_decay,
            per_device_train_batch_size=job.settings.batch_size,
            max_length=LENGTH,
            use_cpu=device.type != "cuda",
            bf16=dtype == torch.bfloat16,
            logging_steps=1,
            report_to=[],
            disable_tqdm=True,
        ),
        train_dataset=datasets.Dataset.from_list(rows),
        processing_class=models.load_tokenizer(job.base),
        peft_config=LoraConfig(
            r=RANK, lora_alpha=ALPHA, target_modules="all-linear", task_type="CAUSAL_LM"
        ),
    )
    trainer.remove_callback(PrinterCallback)
    return trainer


def siked(job: Job, rows: list[dict[str, list[int]]], folder: Path) -> Any:
    """This project's trainer, with peft."""
    return loop.build(job, rows, folder, PeftTrainer())


def unsloth(job: Job, rows: list[dict[str, list[int]]], folder: Path) -> Any:
    """This project's trainer, with Unsloth."""
    from siked.training.unsloth import UnslothTrainer

    return loop.build(job, rows, folder, UnslothTrainer())


def measure(
    build: Callable[[Job, list[dict[str, list[int]]], Path], Any],
    job: Job,
    rows: list[dict[str, list[int]]],
    steps: int,
) -> dict[str, Any]:
    """Tokens a second of wall time and of processor time, and the losses."""
    watch = Stopwatch(steps)
    with tempfile.TemporaryDirectory() as folder:
        trainer = build(job, rows, Path(folder))
        trainer.add_callback(watch)
        seen: list[int] = []
        collate = trainer.data_collator

        def counting(batch: list[dict[str, list[int]]]) -> Any:
            seen.append(sum(len(row["input_ids"]) for row in batch))
            return collate(batch)

        trainer.data_collator = counting
        trainer.train()
    (wall, cpu), (wall_end, cpu_end) = watch.times[0], watch.times[-1]
    tokens = sum(seen[1:steps])
    return {
        "tokens_per_second": round(tokens / (wall_end - wall), 1),
        "tokens_per_cpu_second": round(tokens / (cpu_end - cpu), 1),
        "losses": [round(loss, 4) for loss in watch.losses[:steps]],
    }


def elsewhere(python: Path) -> Any:
    """What this benchmark finds for Unsloth with another interpreter, and the same options."""
    options = sys.argv[1:]
    place = options.index("--unsloth")
    options[place : place + 2] = ["--only", "unsloth"]
    done = subprocess.run(
        [python, "-m", "benchmarks.training", *options], check=True, stdout=subprocess.PIPE
    )
    return json.loads(done.stdout)["unsloth"]


def compared(ours: dict[str, Any], theirs: dict[str, Any]) -> dict[str, float]:
    """How much faster we are, and the largest difference of the losses."""
    keys = ("tokens_per_second", "tokens_per_cpu_second")
    pairs = zip(ours["losses"], theirs["losses"], strict=True)
    return {key: round(ours[key] / theirs[key], 2) for key in keys} | {
        "largest_loss_difference": round(max(abs(a - b) for a, b in pairs), 4)
    }


def main(
    model: Annotated[Path, typer.Option(help="Folder of the base model.")],
    steps: Annotated[int, typer.Option(min=2, help="Optimiser steps of each trainer.")] = 8,
    batch_size: Annotated[int, typer.Option(min=1)] = 16,
    only: Annotated[str | None, typer.Option(help="`trl`, `siked` or `unsloth`.")] = None,
    python: Annotated[
        Path | None, typer.Option("--unsloth", help="Interpreter of an environment with Unsloth.")
    ] = None,
) -> None:
    """Print all trainers' speeds, ours over theirs, and how far their losses lie apart, as JSON."""
    transformers.logging.set_verbosity_error()
    asked = job(model, steps, batch_size)
    rows = encoded(asked)
    lengths = [len(row["input_ids"]) for row in rows]
    scored = sum(label != IGNORED for row in rows for label in row["labels"])
    report: dict[str, Any] = {
        "threads": torch.get_num_threads(),
        "examples": len(rows),
        "tokens_an_example": round(sum(lengths) / len(rows), 1),
        "completion_tokens_an_example": round(scored / len(rows), 1),
    }
    builders = {"trl": stock, "siked": siked} | ({"unsloth": unsloth} if only == "unsloth" else {})
    for name, build in builders.items():
        if only in (None, name):
            report[name] = measure(build, asked, rows, steps)
    if python is not None:
        report["unsloth"] = elsewhere(python)
    if only is None:
        for other in sorted(report.keys() & {"trl", "unsloth"}):
            report[f"siked over {other}"] = compared(report["siked"], report[other])
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    typer.run(main)
