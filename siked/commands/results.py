"""siked results: a finished run as one small file, from which its figures can be computed again.

siked results --out docs/results/demo.json            the workspace's run
siked results fuzzy-hare --out docs/results/all.json  an experiment, branch, tag or commit
"""

from pathlib import Path
from typing import Annotated

import typer

from siked.files import check_target, write_text
from siked.run.results import gather, to_text
from siked.run.run import WORKSPACE, open_run
from siked.terminal.console import say


def results(
    run: Annotated[str, typer.Argument(help="An experiment, branch, tag or commit.")] = WORKSPACE,
    *,
    out: Annotated[Path, typer.Option(help="The JSON file to write.")],
) -> None:
    """Write which questions each student of a run answered right, with the run's settings.

    Nothing is run and the workspace stays as it is. The file holds no texts.
    """
    check_target(out)
    with open_run(run) as found:
        content = gather(found)
        wanted = [*found.chain, *found.beside]
    write_text(out, to_text(content))
    names = [one["name"] for one in content["students"]]
    say(f"{out}: {', '.join(names)}, {out.stat().st_size / 1000:.0f} kB")
    if missing := [name for name in wanted if name not in names]:
        say(f"left out: {', '.join(missing)}: not evaluated, or with other settings")
