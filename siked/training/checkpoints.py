"""What a killed run goes on from.

A run keeps its checkpoint in a folder named by the hash of everything that decides the result, so
that a run with other settings, examples or library versions never takes it for its own.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from importlib.metadata import version
from pathlib import Path

from siked.files import sha256
from siked.training.protocol import Job, Trainer

LIBRARIES = ("torch", "transformers", "trl", "peft", "accelerate")


def folder(job: Job, trainer: Trainer) -> Path:
    """Where a job's checkpoints lie."""
    digest = hashlib.sha256()
    decisive = {
        "trainer": trainer.name,
        "libraries": {name: version(name) for name in (*LIBRARIES, *trainer.libraries)},
        "settings": job.settings.model_dump(exclude={"trainer", "policy", "distil", "iterate"}),
        "schedule": job.schedule.model_dump(),
        "seed": job.seed,
        "base": _content(job.base),
        "start": None if job.start is None else _content(job.start),
        "out": str(job.out),
    }
    digest.update(json.dumps(decisive, sort_keys=True).encode())
    for example in job.examples:
        digest.update(example.model_dump_json().encode())
    return job.checkpoints / digest.hexdigest()[:32]


def _content(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): sha256(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def latest(folder: Path) -> Path | None:
    """The newest whole checkpoint of a run, or None."""
    return max((path for path in _all(folder) if _whole(path)), key=_step, default=None)


def keep_latest(folder: Path) -> None:
    """Remove all but the newest whole checkpoint."""
    kept = latest(folder)
    for path in _all(folder):
        if path != kept:
            shutil.rmtree(path)


def _all(folder: Path) -> list[Path]:
    return [path for path in folder.glob("checkpoint-*") if path.name.split("-")[1].isdigit()]


def _step(path: Path) -> int:
    return int(path.name.split("-")[1])


def _whole(path: Path) -> bool:
    """Whether it was written to its end: transformers writes this file last."""
    try:
        json.loads((path / "trainer_state.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return True
