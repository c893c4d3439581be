"""siked report: the page of a finished run, with this machine's times and hardware, to be sent.

siked report --out run.html                      what the workspace holds
siked report --out run.html --experiment NAME    the same with the times of an experiment
"""

from pathlib import Path
from typing import Annotated

import typer

from siked.files import check_target, write_text
from siked.report.cost import read_measured
from siked.report.page import render
from siked.report.run import Report
from siked.run import layout
from siked.settings import load_params
from siked.terminal.console import say


def report(
    out: Annotated[Path, typer.Option(help="The HTML file to write.")],
    *,
    experiment: Annotated[
        str | None, typer.Option(help="The DVC experiment whose times to show.")
    ] = None,
) -> None:
    """Write the page of the workspace's run with the times and hardware of this machine.

    `reports/index.html` is the same page without them, since it is the same on every machine.
    """
    check_target(out)
    params = load_params(layout.PARAMS)
    write_text(out, render(Report(params), read_measured(Path(), experiment)))
    say(f"{out}: {out.stat().st_size / 2**20:.1f} MB, one file that needs no network")
