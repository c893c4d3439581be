"""What a neighbour that keeps one core busy costs, with this project's thread settings and without.

    python -m benchmarks.busy_neighbour models/base
    python -m benchmarks.busy_neighbour models/base --side GOMP_SPINCOUNT=0 --side OMP_NUM_THREADS=1

Generation (several samples a prompt), evaluation (greedy) and training run on a quiet machine and
beside a loop that computes nothing, some seconds each in turn, so that a machine that gets slower
meanwhile slows both. Each side is a process of its own: OpenMP reads its settings when PyTorch is
loaded. A side is the variables that a user sets; ``this project's`` is none. Run it on a machine
that does nothing else.

    python -m benchmarks.busy_neighbour models/base --workers

compares two processes that generate at once with one alone: what two experiments gain side by side.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from siked.generation.engine import Sampling
from siked.prompts import student_prompt
from siked.questions.demo import write
from siked.settings import TransformersSettings

if TYPE_CHECKING:
    from collections.abc import Callable

OURS = "this project's"
LIBRARY = "GOMP_SPINCOUNT=300000"
"""What GNU's OpenMP does by itself."""
WARM_UP = 3
"""Seconds that do not count."""


class Phases:
    """Quiet and busy in turn, after some seconds to warm up, and how many tokens a second each."""

    def __init__(self, rounds: int, seconds: float, *, neighbour: bool) -> None:
        self.rates: dict[str, list[float]] = {"quiet": [], "busy": []}
        kinds = ("quiet", "busy") if neighbour else ("quiet",)
        self._seconds, self._left = seconds, list(kinds) * rounds
        self._neighbour: subprocess.Popen[bytes] | None = None
        self._begin(None, WARM_UP)

    def done(self, tokens: int) -> bool:
        """Count tokens that were just computed; whether that was all."""
        self._tokens += tokens
        passed = time.perf_counter() - self._started
        if passed < self._for:
            return False
        if self._kind is not None:
            self.rates[self._kind].append(self._tokens / passed)
        if self._neighbour is not None:
            self._neighbour.kill()
            self._neighbour.wait()
            self._neighbour = None
        if not self._left:
            return True
        self._begin(self._left.pop(0), self._seconds)
        return False

    def _begin(self, kind: str | None, seconds: float) -> None:
        if kind == "busy":
            self._neighbour = subprocess.Popen([sys.executable, "-c", "while True: pass"])
            time.sleep(0.5)
        self._kind, self._for, self._tokens = kind, seconds, 0
        self._started = time.perf_counter()


def main(
    model: Annotated[Path, typer.Argument(help="Folder of the base model.")],
    side: Annotated[
        list[str] | None, typer.Option(help="Variables of a side, with spaces between.")
    ] = None,
    work: Annotated[
        list[str] | None, typer.Option(help="`generation`, `evaluation`, `training`.")
    ] = None,
    rounds: Annotated[int, typer.Option(min=1, help="Of quiet and busy; medians count.")] = 3,
    seconds: Annotated[float, typer.Option(help="Of each quiet and busy time, at least.")] = 4,
    workers: Annotated[bool, typer.Option("--workers", help="Two at once against one.")] = False,
    measure: Annotated[bool, typer.Option("--measure", hidden=True)] = False,
) -> None:
    """Print tokens a second, quiet and busy, of each side, and the ratios."""
    chosen = work or list(WORKS)
    options = [str(model), f"--rounds={rounds}", f"--seconds={seconds}"]
    if measure:
        found = {}
        for name in chosen:
            phases = Phases(rounds, seconds, neighbour=not workers)
            WORKS[name](model, phases)
            found[name] = phases.rates
        print(json.dumps(found))
        return
    sides = [LIBRARY, *(side or []), OURS]
    if workers:
        for variables in sides:
            for name in chosen:
                more = [*options, "--workers", f"--work={name}"]
                (alone,) = side_by_side(variables, more, 1)
                both = sum(side_by_side(variables, more, 2))
                print(
                    f"{variables:24}{name:12} alone {alone:.0f}, two at once {both:.0f} tokens/s "
                    f"together: {both / alone:.2f}",
                    flush=True,
                )
        return
    first: dict[str, float] = {}
    print(f"{'':24}{'':12}{'quiet':>8}{'busy':>8}{'busy/quiet':>12}{'quiet/first':>13}")
    for variables in sides:
        for name in chosen:
            (rates,) = ended([begun(variables, [*options, f"--work={name}"])])
            quiet, busy = (statistics.median(rates[kind]) for kind in ("quiet", "busy"))
            lead = quiet / first.setdefault(name, quiet)
            shown = f"{quiet:8.0f}{busy:8.0f}{busy / quiet:12.2f}{lead:13.2f}"
            print(f"{variables:24}{name:12}{shown}", flush=True)


def side_by_side(variables: str, options: list[str], count: int) -> list[float]:
    """The median rates of so many processes at once."""
    rates = ended([begun(variables, options) for _ in range(count)])
    return [statistics.median(one["quiet"]) for one in rates]


def begun(variables: str, options: list[str]) -> subprocess.Popen[str]:
    """A process that measures with these variables."""
    env = {key: value for key, value in os.environ.items() if not key.startswith(("OMP_", "GOMP_"))}
    if variables != OURS:
        env |= dict(one.split("=", 1) for one in variables.split())
    command = [sys.executable, "-m", "benchmarks.busy_neighbour", "--measure", *options]
    return subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True)


def ended(processes: list[subprocess.Popen[str]]) -> list[dict[str, list[float]]]:
    """What they measured of the one work that each was given."""
    said = [process.communicate()[0] for process in processes]
    if any(process.returncode for process in processes):
        raise SystemExit(1)
    return [next(iter(json.loads(text.splitlines()[-1]).values())) for text in said]


def generation(model: Path, phases: Phases) -> None:
    """Ten samples for each of 12 prompts."""
    engine(model, phases, prompts=12, samples=10, temperature=0.7)


def evaluation(model: Path, phases: Phases) -> None:
    """Greedy answers to 48 prompts."""
    engine(model, phases, prompts=48, samples=1, temperature=0.0)


def engine(model: Path, phases: Phases, *, prompts: int, samples: int, temperature: float) -> None:
    """Batches of the transformers engine, 16 tokens a sample."""
    from siked.generation.transformers import TransformersEngine

    settings = TransformersSettings(
        name="transformers", device="cpu", dtype="auto", batch_tokens=32768
    )
    opened = TransformersEngine(model, None, settings)
    opened._decoder._ends = frozenset()  # noqa: SLF001 - equal work in every batch
    sampling = Sampling(samples=samples, temperature=temperature, max_new_tokens=16)
    questions = write("train", prompts, seed=0, name="demo")
    asked = [student_prompt(one.question, strategy="cot") for one in questions]
    while not phases.done(sum(one.completion_tokens for one in opened.generate(asked, sampling))):
        pass


def training(model: Path, phases: Phases) -> None:
    """Steps of LoRA with four examples each."""
    from transformers import TrainerCallback

    from benchmarks.training import encoded, job, siked

    batch = 4
    asked = job(model, steps=200, batch_size=batch)
    rows = encoded(asked)
    tokens = round(batch * statistics.mean(len(row["input_ids"]) for row in rows))

    class Watch(TrainerCallback):  # type: ignore[misc]
        def on_step_end(self, _: Any, __: Any, control: Any, **___: Any) -> None:
            control.should_training_stop = phases.done(tokens)

    with tempfile.TemporaryDirectory() as folder:
        trainer = siked(asked, rows, Path(folder))
        trainer.add_callback(Watch())
        trainer.train()


WORKS: dict[str, Callable[[Path, Phases], None]] = {
    "generation": generation,
    "evaluation": evaluation,
    "training": training,
}

if __name__ == "__main__":
    typer.run(main)
