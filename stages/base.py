"""base: bring the student to ``models/base``, before any training.

python -m stages.base
"""

from __future__ import annotations

import typer

from siked.models.fetch import fetch
from siked.models.loading import check_targets
from siked.run import layout
from stages.common import stage


def main() -> None:
    """Fetch, check and convert the student."""
    with stage("base") as params:
        fetch(params.student, layout.BASE, layout.kept(layout.DOWNLOADS))
        if params.train.lora is not None:
            check_targets(layout.BASE, params.train.lora.target_modules)


if __name__ == "__main__":
    typer.run(main)
