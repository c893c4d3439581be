"""What the journal holds, model by model, and removing what nobody has used for long."""

from __future__ import annotations

import contextlib
import fcntl
import shutil
import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path

from siked.errors import UserError
from siked.files import read_json
from siked.generation.journal.samples import LOCK, MODEL, SAMPLES

DAY = 24 * 60 * 60


@dataclass(frozen=True)
class Held:
    """One model's part of the journal."""

    folder: Path
    label: str
    """What the model was called when it was last used."""
    samples: int | None
    """None where the store is damaged; the next run repairs it."""
    size: int
    """Bytes on disk."""
    days: float
    """Since a run last used it."""


def contents(journal: Path) -> list[Held]:
    """What the journal holds, the last used first; empty where there is none."""
    found = [_held(file.parent) for file in journal.glob(f"*/{MODEL}")]
    return sorted(found, key=lambda held: (held.days, held.folder))


def prune(journal: Path, days: float) -> tuple[list[Held], list[Held]]:
    """Remove the models that no run has used for so many days.

    Returns:
        What was removed; what would have been if no run were using it now.
    """
    removed, in_use = [], []
    for held in contents(journal):
        if held.days < days:
            continue
        with (held.folder / LOCK).open("ab") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                in_use.append(held)
                continue
            shutil.rmtree(held.folder)
            removed.append(held)
    return removed, in_use


def _held(folder: Path) -> Held:
    try:
        label = str(read_json(folder / MODEL)["label"])
    except (UserError, KeyError, TypeError):
        label = "?"
    return Held(
        folder=folder,
        label=label,
        samples=_count(folder / SAMPLES),
        size=sum(map(_size, folder.iterdir())),
        days=max(0.0, time.time() - (folder / MODEL).stat().st_mtime) / DAY,
    )


def _size(file: Path) -> int:
    with contextlib.suppress(FileNotFoundError):  # a run has just ended
        return file.stat().st_size
    return 0


def _count(path: Path) -> int | None:
    try:
        with contextlib.closing(sqlite3.connect(path)) as db:
            (count,) = db.execute("SELECT count(*) FROM samples").fetchone()
            return int(count)
    except sqlite3.Error:
        return None
