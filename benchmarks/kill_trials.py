"""What a `kill -9` at a random moment costs generate, filter and train, and whether it shows.

A temporary copy of this repository runs up to train@it1 once. Then each of the three stages is
killed, with its whole process group, at moments drawn by a seed, and run again to its end, as
`dvc repro` would: outputs removed first, what lies in `.siked` kept. Its outputs must be those of
an undisturbed run, byte for byte. The work redone is what the killed run and the rerun took
together beyond an undisturbed run: interpreter, libraries and model loaded once more, and what was
in flight. `went on` counts reruns that found work of the killed run (one that was killed while it
loaded its libraries has none), `left` processes that outlived the kill by two seconds.

    python -m benchmarks.kill_trials                                    # a tiny random student
    python -m benchmarks.kill_trials --student models/base --questions 25 --kills 3

Runs are short here, so the trainer saves a checkpoint every two seconds of training instead of
every 30; what that leaves to be redone is counted as it is. `--folder` keeps the copy and the
trials, and a second call with the same folder goes on; `--at-most` ends a call early, after so many
seconds, on a machine that others need too.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import shutil
import signal
import statistics
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]

from siked.files import sha256
from siked.records import Rationale, read_records, write_records
from siked.run.dvc import Pipeline
from tests.functional.checkout import Checkout, Clone
from tests.tiny_student import build

STAGES = ("generate", "filter", "train")
ITERATION = "it1"
TRAIN = (
    "import runpy, siked.training.sft as sft; sft.SAVE_EVERY = {}; "
    "runpy.run_module('stages.train', run_name='__main__')"
)
"""The stage's script with another clock for checkpoints."""


def main() -> None:
    """Run the trials that are missing, and print what all of them say."""
    options = parse()
    if options.folder is not None:
        trials(options.folder.resolve(), options)
        return
    with tempfile.TemporaryDirectory() as folder:
        trials(Path(folder), options)


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--student", type=Path, help="model folder; none: a tiny random one")
    parser.add_argument("--kills", type=int, default=20, help="of each stage")
    parser.add_argument("--stages", nargs="+", choices=STAGES, default=list(STAGES))
    parser.add_argument("--seed", type=int, default=1, help="decides the moments")
    parser.add_argument("--questions", type=int, default=150, help="before a fifth becomes dev")
    parser.add_argument("--samples", type=int, default=8, help="K")
    parser.add_argument("--new-tokens", type=int, default=96)
    parser.add_argument("--epochs", type=int, default=8, help="of train@it1")
    parser.add_argument("--programs", type=int, default=6000, help="that filter checks")
    parser.add_argument("--save-every", type=float, default=2.0, help="seconds of training")
    parser.add_argument("--folder", type=Path, help="keep the copy and the trials here")
    parser.add_argument("--at-most", type=float, default=1e9, help="seconds of this call")
    return parser.parse_args()


def trials(folder: Path, options: argparse.Namespace) -> None:
    """Run the trials that ``folder`` does not have yet; print a line each, and a table."""
    until = time.monotonic() + options.at_most
    bench = Bench(folder, options)
    for stage in options.stages:
        calm = bench.calm(stage)
        for number in range(len(bench.done(stage)), options.kills):
            if time.monotonic() > until:
                print("time is up: the same call goes on from here")
                return
            print(stage, json.dumps(bench.trial(stage, number, calm)), flush=True)
    row = "{:10}{:>6}{:>7}{:>9}{:>6}{:>13}{:>16}{:>14}".format
    names = ("kills", "equal", "went on", "left", "undisturbed", "redone, median", "redone, most")
    print(row("stage", *names))
    for stage in options.stages:
        done = bench.done(stage)[: options.kills]
        redone = [one["redone"] for one in done]
        print(
            row(
                stage,
                len(done),
                sum(one["equal"] for one in done),
                sum(one["kept"] > 0 for one in done),
                sum(one["left"] for one in done),
                f"{bench.calm(stage)['seconds']:.1f} s",
                f"{statistics.median(redone):.1f} s",
                f"{max(redone):.1f} s",
            )
        )


class Bench:
    """A copy of this repository with what the stages read, and the trials made in it.

    Args:
        folder: where it lies, or shall lie.
        options: the command line.
    """

    def __init__(self, folder: Path, options: argparse.Namespace) -> None:
        self._options = options
        self._results = folder / "trials.jsonl"
        place, student = folder / "copy", options.student
        if place.exists():
            self._copy = Clone(place)
        else:
            student = student.resolve() if student else build(folder / "student")
            place.mkdir(parents=True)
            self._copy = Checkout(place, student)
        if not (folder / "ready").exists():
            self._prepare()
            (folder / "ready").touch()
        self._stages = Pipeline(place).stages

    def _prepare(self) -> None:
        """Run all that comes before the trials; filter gets programs to run, as a GSM8K has."""
        options, copy = self._options, self._copy
        copy.set("tracking.mlflow", value=False)
        copy.set("questions.train.demo.rows", options.questions)
        for key in ("generate.samples", "generate.max_new_tokens", "train.iterate.epochs"):
            value = {"samples": options.samples, "max_new_tokens": options.new_tokens}
            copy.set(key, value.get(key.rpartition(".")[2], options.epochs))
        copy.dvc("repro", f"train@{ITERATION}")
        place = copy.folder
        taught = list(read_records(place / "data/teacher/rationales/pot.jsonl", Rationale))
        programs = [
            taught[number % len(taught)].model_copy(
                update={
                    "sample": number // len(taught),
                    "text": f"{taught[number % len(taught)].text}\n# {number}",
                }
            )
            for number in range(options.programs)
        ]
        write_records(place / f"data/students/{ITERATION}/generated.jsonl", programs)

    def calm(self, stage: str) -> dict[str, Any]:
        """How long an undisturbed run takes, and the hashes of its outputs."""
        for one in self._recorded():
            if one["stage"] == stage and one["number"] is None:
                return one
        self._reset(stage, everything=True)
        seconds = self._run(stage)
        return self._record(stage, None, seconds=seconds, outputs=self._hashes(stage))

    def done(self, stage: str) -> list[dict[str, Any]]:
        """The trials of a stage."""
        return [one for one in self._recorded() if one["stage"] == stage and one["number"]]

    def trial(self, stage: str, number: int, calm: dict[str, Any]) -> dict[str, Any]:
        """Kill a stage at a moment of its run, and run it again."""
        moments = random.Random(f"{self._options.seed} {stage} {number}")
        killed = None
        while killed is None:  # it may have ended before its moment
            self._reset(stage, everything=True)
            killed, left = self._kill(stage, moments.uniform(0, calm["seconds"]))
        self._reset(stage, everything=False)
        again = self._run(stage)
        return self._record(
            stage,
            number + 1,
            killed=killed,
            again=again,
            redone=round(killed + again - calm["seconds"], 2),
            equal=self._hashes(stage) == calm["outputs"],
            kept=self._kept(),
            left=left,
        )

    def _start(self, stage: str) -> subprocess.Popen[bytes]:
        python, *script = self._stages[f"{stage}@{ITERATION}"].cmd.split()
        if stage == "train":
            script[:2] = ["-c", TRAIN.format(self._options.save_every)]
        return subprocess.Popen(
            [python, *script],
            cwd=self._copy.folder,
            env=self._copy.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

    def _run(self, stage: str) -> float:
        """Run a stage to its end; how long it took."""
        start = time.monotonic()
        running = self._start(stage)
        _, errors = running.communicate()
        if running.returncode:
            raise SystemExit(f"{stage}: {errors.decode()[-2000:]}")
        return round(time.monotonic() - start, 2)

    def _kill(self, stage: str, moment: float) -> tuple[float | None, int]:
        """Kill a stage; when, and how many of its processes outlived it by two seconds."""
        start = time.monotonic()
        running = self._start(stage)
        with contextlib.suppress(subprocess.TimeoutExpired):
            running.wait(moment)
        family = [] if running.poll() is not None else psutil.Process(running.pid).children(True)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(running.pid, signal.SIGKILL)
        seconds = round(time.monotonic() - start, 2)
        running.communicate()
        _, alive = psutil.wait_procs(family, timeout=2)
        ended_before = running.returncode != -signal.SIGKILL
        return (None if ended_before else seconds), len(alive)

    def _reset(self, stage: str, *, everything: bool) -> None:
        """Remove a stage's outputs, as DVC does; and, for a new trial, what a kill leaves too."""
        folder = self._copy.folder
        for out in self._stages[f"{stage}@{ITERATION}"].outs:
            path = folder / out.path
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        if everything:
            shutil.rmtree(folder / ".siked", ignore_errors=True)

    def _hashes(self, stage: str) -> dict[str, str]:
        """The hash of every output file."""
        found = {}
        for out in self._stages[f"{stage}@{ITERATION}"].outs:
            path = self._copy.folder / out.path
            for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
                if file.is_file():
                    found[file.relative_to(self._copy.folder).as_posix()] = sha256(file)
        return found

    def _kept(self) -> int:
        """How much of its work the last run found done."""
        timings = (self._copy.folder / ".siked/timings.jsonl").read_text(encoding="utf-8")
        return int(json.loads(timings.splitlines()[-1])["recalled"])

    def _record(self, stage: str, number: int | None, **figures: Any) -> dict[str, Any]:
        one = {"stage": stage, "number": number, **figures}
        with self._results.open("a", encoding="utf-8") as file:
            file.write(json.dumps(one) + "\n")
        return one

    def _recorded(self) -> list[dict[str, Any]]:
        if not self._results.exists():
            return []
        return [json.loads(line) for line in self._results.read_text(encoding="utf-8").splitlines()]


if __name__ == "__main__":
    main()
