"""settings: a wrong setting stops here with one line, before any work.

    python -m stages.settings

DVC runs a stage when a key that the stage names has changed. A key that no stage names, a
misspelt one say, would go unnoticed; this stage depends on the whole of params.yaml. It writes who
teaches each strategy to a file of its own, which a key cannot name: a teacher may be one for all.
"""

from __future__ import annotations

import typer

from siked.console import say
from siked.files import replacing_folder, write_json
from siked.run import layout
from stages.common import stage


def main() -> None:
    """Check params.yaml; write ``data/teacher/settings/``."""
    with stage("settings") as params:
        with replacing_folder(layout.TEACHERS) as folder:
            for strategy, teacher in params.describe_teachers().items():
                write_json(folder / layout.teacher(strategy).name, teacher)
        say("params.yaml is in order")


if __name__ == "__main__":
    typer.run(main)
