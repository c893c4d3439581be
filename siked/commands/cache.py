"""siked cache: what generation has kept for later runs, and how to be rid of it.

siked cache                   samples and size by model
siked cache --prune 30        remove models that no run has used for 30 days; 0 removes all
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from siked.generation.journal.contents import Held, contents
from siked.generation.journal.contents import prune as remove
from siked.run import layout


def cache(
    folder: Annotated[
        Path, typer.Option(help="The journal of generated samples.")
    ] = layout.JOURNAL,
    prune: Annotated[
        float | None,
        typer.Option(min=0, help="Remove models that no run has used for so many days; 0: all."),
    ] = None,
) -> None:
    """Show what models have generated and is kept for later runs; ``--prune`` removes it.

    Results do not need it: what is gone is generated again when a run asks for it.
    """
    if prune is not None:
        removed, in_use = remove(folder, prune)
        print(f"removed {_sum(removed)}")
        for held in in_use:
            print(f"left {held.label} ({held.folder.name}): a run is using it")
    left = contents(folder)
    if not left:
        print(f"{folder}: holds no samples")
        return
    width = max(len(held.label) for held in left)
    for held in left:
        count = "damaged" if held.samples is None else f"{held.samples} samples"
        print(
            f"{held.folder.name}  {held.label:{width}}  {count:>16}  {_size(held.size):>10}  "
            f"used {held.days:.0f} days ago"
        )
    print(f"in all {_sum(left)}")


def _sum(several: Sequence[Held]) -> str:
    models = "1 model" if len(several) == 1 else f"{len(several)} models"
    samples = sum(held.samples or 0 for held in several)
    return f"{models}, {samples} samples, {_size(sum(held.size for held in several))}"


def _size(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"
