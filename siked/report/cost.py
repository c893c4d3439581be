"""What the stages of a run handled, how long they took here, and on what machine.

Times and hardware are no part of the run's outputs, which are the same on every machine; ``siked
report`` adds them to a page that is sent to others.
"""

import os
import platform
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

from siked.errors import UserError
from siked.report.run import Report
from siked.run import layout
from siked.run.progress import read_timings

PACKAGES = ("torch", "transformers", "peft", "trl", "unsloth", "vllm", "dvc", "mlflow")
GIB = 2**30


@dataclass(frozen=True)
class Measured:
    """Times and hardware of one machine."""

    seconds: Mapping[str, float] = field(default_factory=dict)
    """Wall time of each stage, where it is known: the last time that it ran."""
    facts: Mapping[str, str] = field(default_factory=dict)
    """Hardware, versions, git revision and day."""


def read_measured(root: Path, experiment: str | None = None) -> Measured:
    """Return this machine, and the times that stages took on it.

    Args:
        root: The repository's root.
        experiment: The DVC experiment whose times to take; None for those of ``dvc repro``.

    Raises:
        UserError: ``.siked/timings.jsonl`` knows nothing of the experiment.
    """
    seconds = _seconds(root / layout.TIMINGS, experiment)
    gpus = _said("nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader")
    versions = {name: _version(name) for name in PACKAGES}
    dirty = " and what is not committed" if _said("git", "-C", str(root), "status", "-s") else ""
    revision = _said("git", "-C", str(root), "rev-parse", "HEAD")
    facts = {
        "written on": f"{datetime.now(UTC):%Y-%m-%d}",
        "git revision": f"{revision}{dirty}" if revision else None,
        "DVC experiment": experiment,
        "processor": f"{_processor()}, {os.cpu_count()} logical cores",
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / GIB:.0f} GiB",
        "GPU": gpus.replace("\n", "; ") if gpus else "none",
        "system": f"{platform.system()} {platform.release()}",
        "Python": platform.python_version(),
        **versions,
    }
    return Measured(seconds, {name: value for name, value in facts.items() if value})


def _seconds(path: Path, experiment: str | None) -> dict[str, float]:
    """Return the last time of each stage."""
    found = {one.stage: one.seconds for one in read_timings(path) if one.experiment == experiment}
    if experiment is not None and not found:
        raise UserError(f"{path}: knows no stage of the experiment {experiment!r}")
    return found


def _processor() -> str:
    path = Path("/proc/cpuinfo")
    if path.exists():
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _said(*command: str) -> str:
    """Return what a program prints; nothing where it is missing or fails."""
    if shutil.which(command[0]) is None:
        return ""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


@dataclass(frozen=True)
class Cost:
    """What a stage handled; None where it was not measured."""

    stage: str
    rows: int | None = None
    """Rows that it wrote, checked or trained on; of an evaluation the free answers."""
    tokens: int | None = None
    """Tokens that a model wrote or was trained on; of an evaluation those of the free answers."""
    seconds: float | None = None
    """Wall time."""


def list_costs(run: Report, measured: Measured | None = None) -> list[Cost]:
    """Return a row a stage, in the order in which they run."""
    seconds = measured.seconds if measured else {}
    return [Cost(stage, rows, tokens, seconds.get(stage)) for stage, rows, tokens in _handled(run)]


def _handled(run: Report) -> Iterator[tuple[str, int | None, int | None]]:
    """Yield stages, rows and tokens."""
    yield "questions", None, None
    yield "base", None, None
    for strategy, figures in run.teacher["strategies"].items():
        yield f"teach@{strategy}", figures["rows_in"], None
    yield "filter_teacher", run.teacher["rows_in"], None
    for name, steps in run.steps.items():
        for step, rows in (("generate", "rows"), ("filter", "rows_in"), ("mix", "rows")):
            if step in steps:
                yield f"{step}@{name}", steps[step][rows], steps[step].get("tokens")
        if "train" in steps:
            yield f"train@{name}", steps["train"]["rows"], steps["train"]["tokens"]
        answered = run.evaluations[name].values()
        tokens = sum(one["n"] * (one["completion_tokens"] or 0) for one in answered)
        carried = steps["eval"].get("carried", False)
        yield (
            f"eval@{name}",
            0 if carried else sum(one["n"] for one in answered),
            0 if carried else round(tokens),
        )
