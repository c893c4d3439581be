"""siked sweep KEY VALUES...: one experiment for each value of a setting, then a table of them.

siked sweep k 1 2 5 10                       k-1, k-2, ... with generate.samples=1, 2, ...
siked sweep variant all adaptive
siked sweep student qwen2-0.5b-instruct hf:OWNER/NAME        by preset or by source
siked sweep train.lora.rank 4 8 16           any key of params.yaml
siked sweep bias '[cot,l2m,pot]' '[pot,l2m,cot]'
siked sweep k 20 --queue                     `dvc queue start` runs it

Each is a `dvc exp run --temp`: in a copy of its own, so that the workspace stays as it is.
"""

import re
import subprocess
import sys
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from siked.commands.experiments import show
from siked.errors import UserError
from siked.files import read_yaml
from siked.run import layout
from siked.run.experiments import NO_REPORT, Experiment, experiments
from siked.settings import change_student, check_params, flatten
from siked.terminal.console import say

_NOT_IN_NAME = re.compile(r"[^A-Za-z0-9.]+")
_POINTS = re.compile(r"\.{2,}")
WELL_KNOWN = {
    "k": "generate.samples",
    "variant": "mix.variant",
    "policy": "train.policy",
    "bias": "mix.bias",
    "student": "student.source",
}


def sweep(
    key: Annotated[str, typer.Argument(help=f"{', '.join(WELL_KNOWN)}, or a key of params.yaml.")],
    values: Annotated[list[str], typer.Argument(help="As `dvc exp run -S` takes them.")],
    *,
    queue: Annotated[
        bool, typer.Option("--queue", help="Only queue them: `dvc queue start` runs them.")
    ] = False,
) -> None:
    """Run an experiment for each value, one after another, and compare them.

    The same command again goes on where it was: experiments that are there are not run again.
    """
    wanted = {_name(key, value): value for value in values}
    if len(wanted) < len(values):
        raise UserError(
            f"{key}: a value stands twice, or two would give one name: {', '.join(values)}"
        )
    changes = {name: _change(key, value) for name, value in wanted.items()}
    settings = {name: dict(flatten(changed)) for name, (changed, _) in changes.items()}
    there = {one.name: one for one in experiments(Path())[1:]}
    for name, (_, how) in changes.items():
        if _goes_on(there.get(name), name, settings[name]):
            _run(name, how, queue=queue)
    if queue:
        say("`dvc queue start --jobs 1` runs them, `siked experiments` shows what came out")
        return
    there = {one.name: one for one in experiments(Path())}
    show([there[name] for name in wanted if name in there])


def _name(key: str, value: str) -> str:
    """An experiment's name that git takes: ``k-10``, ``bias-cot-l2m-pot``, ``student-gemma-2b``."""
    short = value.rpartition("/")[2] if key == "student" else value
    name = _NOT_IN_NAME.sub("-", f"{key}-{short}")
    return _POINTS.sub(".", name).strip("-.")


def _change(key: str, value: str) -> tuple[dict[str, Any], list[str]]:
    """Return the whole settings with this value, checked, and how `dvc exp run -S` makes them."""
    setting = WELL_KNOWN.get(key, key)
    raw = read_yaml(layout.PARAMS, "run in the repository's root")
    preset = layout.STUDENT_PRESETS / f"{value}.yaml"
    if key == "student" and preset.is_file():
        other = read_yaml(preset)
        gone = raw["student"].keys() - other["student"].keys()
        how = [f"~student.{name}" for name in sorted(gone)]
        how += [f"{name}={text}" for name, text in flatten(other)]
        change_student(raw, other)
    elif key == "student" and ":" not in value:
        known = sorted(path.stem for path in layout.STUDENT_PRESETS.glob("*.yaml"))
        raise UserError(
            f"student {value}: neither a preset ({', '.join(known)}) nor a source: hf:OWNER/NAME, "
            "path:FOLDER"
        )
    else:
        how = [f"{setting}={value}"]
        try:
            raw = _with(raw, setting, yaml.safe_load(value))
        except yaml.YAMLError:
            raise UserError(f"{setting}: {value!r} is not a value that YAML reads") from None
    check_params(raw, f"{setting}={value}")
    return raw, how


def _with(raw: Mapping[str, Any], setting: str, value: Any) -> dict[str, Any]:
    """Settings with one key set, which must be there."""
    changed = deepcopy(dict(raw))
    *parents, last = setting.split(".")
    inner: Any = changed
    for part in parents:
        inner = inner.get(part) if isinstance(inner, dict) else None
    if not isinstance(inner, dict) or last not in inner:
        raise UserError(f"{setting}: no key of {layout.PARAMS}: `siked params` lists them")
    inner[last] = value
    return changed


def _goes_on(there: Experiment | None, name: str, settings: Mapping[str, str]) -> bool:
    """Whether the experiment has yet to be run; says so where not.

    Raises:
        UserError: an experiment of that name was run with other settings or not to its end.
    """
    if there is None or there.state == "Failed":
        return True
    if there.state == NO_REPORT:
        raise UserError(f"{name}: is there without a report: `dvc exp remove {name}` makes room")
    if there.state:
        say(f"{name}: is {there.state.lower()} already")
        return False
    keys = sorted(settings.keys() | there.settings.keys())
    if other := [key for key in keys if settings.get(key) != there.settings.get(key)]:
        raise UserError(
            f"{name}: is there with another {other[0]}: `dvc exp remove {name}` or `dvc exp rename "
            f"{name} NEW` makes room"
        )
    say(f"{name}: is there already")
    return False


def _run(name: str, how: list[str], *, queue: bool) -> None:
    """Run or queue one experiment."""
    command = ["exp", "run", "--queue" if queue else "--temp", "--name", name]
    for one in how:
        command += ["--set-param", one]
    say(f"$ dvc {' '.join(command)}")
    done = subprocess.run([sys.executable, "-m", "dvc", *command], check=False)
    if done.returncode:
        raise UserError(
            f"{name}: DVC ended with {done.returncode} (see above): the same `siked sweep` goes on "
            "here once that is mended"
        )
