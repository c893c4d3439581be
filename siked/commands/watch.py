"""siked watch: a running pipeline in the terminal.

siked watch                   the repository here, once a second, until Ctrl-C
siked watch /home/ann/siked   somebody else's
siked watch --once            how things are now
"""

import time
from pathlib import Path
from typing import Annotated

import typer
from rich.live import Live

from siked.commands.watching import rendered
from siked.console import Printable, console
from siked.run.progress import Watcher

EVERY = 1.0
"""Seconds between two looks."""


def watch(
    folder: Annotated[Path, typer.Argument(help="The repository's root.")] = Path(),
    *,
    once: Annotated[bool, typer.Option("--once", help="Print how things are and end.")] = False,
) -> None:
    """Follow a pipeline that runs: stages, progress, time left, accuracies, chosen strategies.

    Everything is read from files and nothing is written: it works for a run that somebody else
    started, and shows experiments in copies of their own. Without a terminal it prints once.
    """
    watcher = Watcher(folder)
    shown = console(80)
    only_ascii = not shown.encoding.startswith("utf")
    if once or not shown.is_terminal or shown.is_dumb_terminal:
        shown.print(rendered(watcher.runs(), only_ascii=only_ascii))
        return
    try:
        with Live(console=shown, auto_refresh=False) as live:
            while True:
                runs = rendered(watcher.runs(), only_ascii=only_ascii)
                live.update(Printable(runs), refresh=True)
                time.sleep(EVERY)
    except KeyboardInterrupt:
        return  # how one leaves; what runs goes on
