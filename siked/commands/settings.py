"""siked params and siked preset: every setting explained, and whole params files to start from.

siked params                  every key of params.yaml with its documentation and value
siked params train.lora       those of one section, or one key
siked preset                  the presets that there are
siked preset demo             write presets/demo.yaml to params.yaml
siked preset paper --student gemma-7b-it      the same with another student
"""

import json
import re
import shutil
from itertools import takewhile
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml
from dvc.utils.serialize import modify_yaml
from rich.table import Table
from rich.text import Text

from siked.errors import UserError
from siked.files import read_yaml
from siked.run import layout
from siked.settings import change_student, check_params, document_keys, load_params
from siked.terminal.console import console, say


def params(
    section: Annotated[
        str | None, typer.Argument(help="A section or key, such as mix; none means all.")
    ] = None,
    *,
    file: Annotated[Path, typer.Option(help="The params file.")] = layout.PARAMS,
) -> None:
    """Print every setting with its value and documentation; `*` stands for a name of yours."""
    load_params(file)
    values = yaml.safe_load(file.read_text(encoding="utf-8"))
    found = [
        (key, what)
        for key, what in document_keys()
        if section is None or f"{key}.".startswith(f"{section}.")
    ]
    if not found:
        raise UserError(f"{section}: no key or section of {file}: `siked params` lists them")
    for key, what in found:
        say(f"{key}{_format_value(values, key)}\n    {what}")


def preset(
    name: Annotated[str | None, typer.Argument(help="Name of a preset; none lists them.")] = None,
    *,
    student: Annotated[str | None, typer.Option(help="Another student, by its preset.")] = None,
    folder: Annotated[Path, typer.Option(help="Where presets lie.")] = layout.PRESETS,
) -> None:
    """Write a preset to params.yaml, or list what there is."""
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder: run in the repository's root")
    if name is None and student is not None:
        raise UserError(f"--student {student}: name a preset too, as in `siked preset paper`")
    if name is None:
        for kind, place in (("", folder), ("--student ", folder / layout.STUDENT_PRESETS.name)):
            table = Table.grid(padding=(0, 2, 0, 0))
            for path in sorted(place.glob("*.yaml")):
                table.add_row(Text(kind + path.stem), Text(_read_purpose(path)))
            console().print(table)
        say(f"`siked preset NAME` writes one to {layout.PARAMS}; `--student NAME` may follow it")
        return
    chosen = _find(name, folder, "preset")
    raw = read_yaml(chosen)
    where = str(chosen)
    other = None
    if student is not None:
        path = _find(student, folder / layout.STUDENT_PRESETS.name, "preset of a student")
        other = read_yaml(path)
        change_student(raw, other)
        where += f" with {path}"
    check_params(raw, where)
    shutil.copyfile(chosen, layout.PARAMS)
    if other is not None:
        with modify_yaml(layout.PARAMS) as written:  # comments stay
            change_student(written, other)
    say(f"{layout.PARAMS} is now {where}: `dvc repro` runs it")


def _find(name: str, folder: Path, what: str) -> Path:
    known = sorted(path.stem for path in folder.glob("*.yaml"))
    if name not in known:
        raise UserError(f"there is no {what} {name!r}: known are {', '.join(known) or 'none'}")
    return folder / f"{name}.yaml"


_SENTENCE_END = re.compile(r"(?<=\.)\s")


def _read_purpose(preset: Path) -> str:
    """Return the first sentence of the comment that a preset begins with."""
    lines = takewhile(lambda line: line.startswith("#"), preset.read_text("utf-8").splitlines())
    return _SENTENCE_END.split(" ".join(line.lstrip("# ") for line in lines))[0]


def _format_value(values: Any, key: str) -> str:
    """Return `` = value`` for a key that has one; nothing for a section and below a user's name."""
    for part in key.split("."):
        if not isinstance(values, dict) or part not in values:
            return ""
        values = values[part]
    return "" if isinstance(values, dict) else f" = {json.dumps(values)}"
