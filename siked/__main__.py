"""The ``siked`` command: settings explained, presets, and the trained student at work.

siked params                  every key of params.yaml with its documentation and value
siked preset demo             write presets/demo.yaml to params.yaml
siked estimate                what a run will take, before anything is spent
siked watch                   a running pipeline, live
siked solve "Tom has 3 ..."   ask the selected student
siked prompt --question "..." exactly what a model reads
siked export --format merged --out DIR    the student for use elsewhere
siked serve                   the student behind an OpenAI-compatible endpoint
siked cache                   samples kept for later runs
siked data list               published data sets, and your own files looked at
siked compare it0 it2         which of two students is better, and on which questions
siked sweep k 1 2 5 10        one experiment for each value of a setting
siked experiments             all experiments in a table that fits a terminal
siked report --out run.html   the report with this machine's times and hardware
siked trace models/best       how it came to be, back to the raw files
siked verify outputs.jsonl    check any model's outputs against gold answers
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from siked.commands.cache import cache
from siked.commands.compare import compare
from siked.commands.data import app as data
from siked.commands.estimate import estimate
from siked.commands.experiments import experiments
from siked.commands.export import export
from siked.commands.prompt import prompt
from siked.commands.report import report
from siked.commands.serve import serve
from siked.commands.solve import solve
from siked.commands.sweep import sweep
from siked.commands.trace import trace
from siked.commands.verify import verify
from siked.commands.watch import watch
from siked.console import say
from siked.errors import UserError, reported
from siked.settings import documented, load_params

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Distil math reasoning into a small student; run in the repository's root.",
)

for command in (
    *(estimate, watch, solve, prompt, compare, sweep, experiments, report, trace, verify),
    *(export, serve, cache),
):
    app.command()(command)
app.add_typer(data, name="data")


@app.command()
def params(
    file: Annotated[Path, typer.Option(help="The params file.")] = Path("params.yaml"),
) -> None:
    """Print every setting with its value and documentation; `*` stands for a name of yours."""
    load_params(file)
    values = yaml.safe_load(file.read_text(encoding="utf-8"))
    for key, what in documented():
        say(f"{key}{_shown(values, key)}\n    {what}")


@app.command()
def preset(
    name: Annotated[str | None, typer.Argument(help="Which; none lists them.")] = None,
    folder: Annotated[Path, typer.Option(help="Where presets lie.")] = Path("presets"),
) -> None:
    """Write a preset to params.yaml, or list what there is."""
    known = sorted(path.stem for path in folder.glob("*.yaml"))
    if name is None:
        for one in known:
            first = (folder / f"{one}.yaml").read_text(encoding="utf-8").splitlines()[0]
            say(f"{one:24} {first.removeprefix('# ')}")
        return
    if name not in known:
        raise UserError(f"there is no preset {name!r}: known are {', '.join(known)}")
    load_params(folder / f"{name}.yaml")
    shutil.copyfile(folder / f"{name}.yaml", "params.yaml")
    say(f"params.yaml is now presets/{name}.yaml: `dvc repro` runs it")


def main() -> None:
    """Run the command line."""
    with reported():
        app()


def _shown(values: Any, key: str) -> str:
    """`` = value`` for a key that has one; empty for a section and below a name of the user's."""
    for part in key.split("."):
        if not isinstance(values, dict) or part not in values:
            return ""
        values = values[part]
    return "" if isinstance(values, dict) else f" = {json.dumps(values)}"


if __name__ == "__main__":
    main()
