"""base: bring the student to ``models/base``, before any training.

python -m stages.base
"""

from __future__ import annotations

import typer

from siked.models.fetch import fetch
from siked.run import layout
from stages.common import stage


def main() -> None:
    """Fetch, check and convert the student."""
    with stage("base") as params:
        fetch(params.student, layout.BASE, layout.kept(layout.DOWNLOADS))


if __name__ == "__main__":
    typer.run(main)
