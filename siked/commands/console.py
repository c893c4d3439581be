"""Where tables are printed."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console


def console(columns: int = 120) -> Console:
    """Standard output: as wide as its terminal, or so many columns into a file or a pipe.

    rich would take 80 there and cut cells off.
    """
    from rich.console import Console

    return Console(highlight=False, width=None if sys.stdout.isatty() else columns)
