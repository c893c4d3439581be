"""siked cache: what is kept for later runs, what killed ones left, and how to be rid of it.

siked cache                   samples and size by model, served students, half-written files
siked cache --prune 30        remove what no run has used for 30 days; 0 removes all
"""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from siked.files import find_abandoned, remove, size_of
from siked.generation.journal.samples import DAY, Held, contents
from siked.generation.journal.samples import prune as prune_journal
from siked.run import layout
from siked.terminal.console import say


def cache(
    folder: Annotated[
        Path, typer.Option(help="The journal of generated samples.")
    ] = layout.JOURNAL,
    prune: Annotated[
        float | None,
        typer.Option(min=0, help="Remove what no run has used for so many days; 0: all."),
    ] = None,
) -> None:
    """Show what models have generated and is kept for later runs; `--prune` removes it.

    Results do not need it: what is gone is generated again when a run asks for it. Also shown are
    students that were merged to be served, and what killed processes left half written; the latter
    goes whenever something is pruned.
    """
    if prune is not None:
        removed, in_use = prune_journal(folder, prune)
        say(f"removed {_sum(removed)}")
        for held in in_use:
            say(f"left {held.label} ({held.folder.name}): a run is using it")
        for left in _left():
            if left.dead or left.days >= prune:
                remove(left.path)
                say(f"removed {left.path}: {_size(left.size)}")
    _show_samples(folder)
    for left in _left():
        what = "half written, its process is gone" if left.dead else "merged, to be served"
        say(f"{left.path}  {what}  {_size(left.size)}  used {left.days:.0f} days ago")


def _show_samples(folder: Path) -> None:
    found = contents(folder)
    if not found:
        say(f"{folder}: holds no samples")
        return
    width = max(len(held.label) for held in found)
    for held in found:
        count = "damaged" if held.samples is None else f"{held.samples} samples"
        say(
            f"{held.folder.name}  {held.label:{width}}  {count:>16}  {_size(held.size):>10}  "
            f"used {held.days:.0f} days ago"
        )
    say(f"in all {_sum(found)}")


class _Left(NamedTuple):
    """What lies beside the journal."""

    path: Path
    dead: bool
    """Whether it is half written by a process that is gone."""
    size: int
    """Bytes."""
    days: float
    """Since it was used, or written to, last."""


def _left() -> list[_Left]:
    """Served students and what was left half written, in the repository here."""
    served = [path for path in layout.SERVED.glob("*") if not path.name.startswith(".")]
    dead = [path for place in (*layout.WHOLE, layout.SCRATCH) for path in find_abandoned(place)]
    now = time.time()
    return [
        _Left(path, path in dead, size_of(path), max(0.0, now - path.lstat().st_mtime) / DAY)
        for path in [*sorted(served), *dead]
    ]


def _sum(several: Sequence[Held]) -> str:
    models = "1 model" if len(several) == 1 else f"{len(several)} models"
    samples = sum(held.samples or 0 for held in several)
    return f"{models}, {samples} samples, {_size(sum(held.size for held in several))}"


def _size(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"
