"""How long stages took on this machine: ``.siked/timings.jsonl``, a line each time that one ran.

    {"experiment": null, "stage": "generate@it1", "seconds": 141.7, "recalled": 0}

Times are not outputs, which are the same in every run. Nothing but estimates and pages for people
reads them, so a line that a crash tore is passed over.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

from pydantic import ValidationError

from siked.records import Record


class Timing(Record):
    """One run of one stage."""

    experiment: str | None
    """DVC's name of the experiment; None for ``dvc repro``."""
    stage: str
    """``generate@it1``; likewise ``train@it0`` and ``eval@baseline-pot``."""
    seconds: float
    """Wall time."""
    recalled: int = 0
    """How much of its work an earlier run had done already; then the time says little."""


def note(path: Path, timing: Timing) -> None:
    """Add a line to the file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(timing.model_dump_json() + "\n")


def timings(path: Path) -> list[Timing]:
    """Every run, the oldest first; none where there is no file or it cannot be read."""
    found: list[Timing] = []
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return found
    for line in lines:
        with contextlib.suppress(ValidationError):
            found.append(Timing.model_validate_json(line))
    return found
