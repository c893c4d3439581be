"""The ``siked`` command: settings explained, presets, and the trained student at work.

siked estimate                what a run will take, before anything is spent
siked watch                   a running pipeline, live
siked solve "Tom has 3 ..."   ask the selected student
siked prompt --question "..." exactly what a model reads
siked compare it0 it1         which of two students is better, and on which questions
siked sweep k 1 2 5 10        one experiment for each value of a setting
siked experiments             all experiments in a table that fits a terminal
siked results --out run.json  which questions each student answered right, as a small file
siked report --out run.html   the report with this machine's times and hardware
siked trace models/best       how it came to be, back to the raw files
siked verify outputs.jsonl    check any model's outputs against gold answers
siked export --format merged --out DIR    the student for use elsewhere
siked serve                   the student behind an OpenAI-compatible endpoint
siked cache                   samples kept for later runs
siked params                  every key of params.yaml with its documentation and value
siked preset demo             write presets/demo.yaml to params.yaml
siked data list               published data sets, and your own files looked at

A command's module is imported when the command is called: none waits for what another needs.
"""

import ast
from importlib import import_module
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from siked.errors import report_errors

COMMANDS = {
    "preset": "settings",
    "params": "settings",
    "data": "data",
    "estimate": "estimate",
    "watch": "watch",
    "report": "report",
    "solve": "solve",
    "compare": "compare",
    "sweep": "sweep",
    "experiments": "experiments",
    "results": "results",
    "verify": "verify",
    "prompt": "prompt",
    "trace": "trace",
    "export": "export",
    "serve": "serve",
    "cache": "cache",
}
"""Each command, in the order in which a user needs them, and the module of ``siked.commands`` that
has a function of the same name, or an ``app`` where the command has commands of its own."""


class Commands(TyperGroup):
    """The commands: listed by what their sources say, imported when one is called."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = {name: TyperCommand(name, help=_read_help(name)) for name in COMMANDS}

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """Return the command that the arguments name, whole, and its own arguments."""
        name, _, rest = super().resolve_command(ctx, args)
        return name, _load(str(name)), rest


def _read_help(name: str) -> str | None:
    """Return the docstring of a command's function, without importing its module."""
    source = Path(__file__).parent / "commands" / f"{COMMANDS[name]}.py"
    for node in ast.parse(source.read_bytes()).body:
        if isinstance(node, ast.FunctionDef) and node.name == name:
            return ast.get_docstring(node)
    return None


def _load(name: str) -> Any:
    """Return a command, imported."""
    module = import_module(f"siked.commands.{COMMANDS[name]}")
    if (one := getattr(module, "app", None)) is None:
        one = typer.Typer(add_completion=False)
        one.command(name)(getattr(module, name))
    return typer.main.get_command(one)


def _start() -> None:
    """Distil math reasoning into a small student; run in the repository's root."""


app = typer.Typer(
    cls=Commands,
    callback=_start,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def main() -> None:
    """Run the command line."""
    with report_errors():
        app()


if __name__ == "__main__":
    main()
