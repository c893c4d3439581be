"""settings: a wrong setting stops here with one line, before any work.

    python -m stages.settings

DVC runs a stage when a key that the stage names has changed. A key that no stage names, a
misspelt one say, would go unnoticed; this stage depends on the whole of params.yaml.
"""

from __future__ import annotations

import typer

from siked.console import say
from stages.common import stage


def main() -> None:
    """Check params.yaml."""
    with stage("settings"):
        say("params.yaml is in order")


if __name__ == "__main__":
    typer.run(main)
