"""The ``siked`` command: settings explained, presets, and the trained student at work.

siked params                  every key of params.yaml with its documentation and value
siked preset demo             write presets/demo.yaml to params.yaml
siked solve "Tom has 3 ..."   ask the selected student
siked verify outputs.jsonl    check any model's outputs against gold answers
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from siked.commands.verify import verify
from siked.errors import UserError, reported
from siked.settings import documented, load_params

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Distil math reasoning into a small student; run in the repository's root.",
)

app.command()(verify)


@app.command()
def params(
    file: Annotated[Path, typer.Option(help="The params file.")] = Path("params.yaml"),
) -> None:
    """Print every setting with its value and documentation; `*` stands for a name of yours."""
    load_params(file)
    values = yaml.safe_load(file.read_text(encoding="utf-8"))
    for key, what in documented():
        print(f"{key}{_shown(values, key)}\n    {what}")


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
            print(f"{one:24} {first.removeprefix('# ')}")
        return
    if name not in known:
        raise UserError(f"there is no preset {name!r}: known are {', '.join(known)}")
    load_params(folder / f"{name}.yaml")
    shutil.copyfile(folder / f"{name}.yaml", "params.yaml")
    print(f"params.yaml is now presets/{name}.yaml: `dvc repro` runs it")


@app.command()
def solve(
    question: Annotated[str, typer.Argument(help="A math word problem.")],
    strategy: Annotated[str | None, typer.Option(help="Force one: cot, l2m, pot.")] = None,
    base: Annotated[Path, typer.Option(help="The student before training.")] = Path("models/base"),
    adapter: Annotated[Path, typer.Option(help="What it learned.")] = Path("models/best"),
) -> None:
    """Let the selected student solve a question: its rationale, strategy and answer."""
    settings = load_params(Path("params.yaml"))
    if strategy is not None and strategy not in settings.strategies:
        raise UserError(
            f"strategy: the student knows {', '.join(settings.strategies)}, not {strategy!r}"
        )
    if not adapter.is_dir():
        raise UserError(f"{adapter}: no student yet: `dvc repro` trains one, `dvc pull` fetches it")
    from siked.sandbox import Sandbox  # noqa: PLC0415 - the other commands start without torch
    from siked.solving import answer  # noqa: PLC0415

    with Sandbox(settings.verify) as sandbox:
        solved = answer(
            question,
            base,
            adapter,
            sandbox,
            settings=settings.engine,
            strategies=settings.strategies,
            max_new_tokens=settings.eval.max_new_tokens,
            strategy=strategy,
            write=lambda piece: print(piece, end="", flush=True),
        )
    print("\n")
    print(f"strategy: {solved.strategy or 'none chosen'}")
    ran = " (by running the program)" if solved.strategy == "pot" else ""
    print(f"answer: {solved.answer}{ran}" if solved.answer else f"no answer: {solved.failure}")


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
