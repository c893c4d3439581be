"""The stages of a repository or of an experiment's copy of it, and what has become of each.

``dvc.yaml`` names them by templates (``cmd: python -m stages.mix --student ${key}``), params.yaml
says for which iterations and strategies, ``dvc.lock`` what each read and wrote when it ran last. A
stage whose record still fits is done, as it is for DVC; but files are compared by what the lock
says of them and not hashed, so that a change of code or of data from outside shows when DVC comes
to it, and not before.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import yaml

from siked.errors import UserError
from siked.run.lineage import Lineage

PARAMS, PIPELINE, LOCK = "params.yaml", "dvc.yaml", "dvc.lock"
TEMPLATE = re.compile(r"\$\{([\w.-]+)\}")
STEP = re.compile(r"metrics/students/([^/]+)/([^/]+)\.json")
"""What a step of a student counts: the step's file names both."""


class State(StrEnum):
    """What has become of a stage."""

    DONE = "done"
    RUNNING = "running"
    WAITING = "waiting"
    FAILED = "failed"
    """It did not end well: an error, Ctrl-C or a kill."""


@dataclass(frozen=True)
class Stage:
    """A stage with its templates filled in."""

    name: str
    """As its script calls it: ``train@it0``, where DVC says ``train_it0``."""
    dvc: str
    cmd: str
    params: tuple[str, ...]
    deps: tuple[str, ...]
    outs: tuple[str, ...]

    @property
    def student(self) -> str | None:
        """The student of whom it is a step; None for what comes before or after the students."""
        found = [match[1] for out in self.outs if (match := STEP.fullmatch(out))]
        return found[0] if found else None

    @property
    def step(self) -> str:
        """``train`` of ``train@it0``."""
        return self.name.partition("@")[0]


class Pipeline:
    """The stages of a folder, by their names, in the order of ``dvc.yaml``.

    Raises:
        UserError: the folder has no pipeline, or a file of it is damaged.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.params = _yaml(folder / PARAMS)
        try:
            stages = list(_stages(_yaml(folder / PIPELINE)["stages"], self.params))
        except (KeyError, TypeError, AttributeError) as error:
            why = f"{type(error).__name__}: {error}"
            raise UserError(
                f"{folder / PIPELINE}: does not fit {PARAMS} ({why}): `dvc stage list` says more"
            ) from None
        self.stages = {stage.name: stage for stage in stages}
        self._parents = {
            stage.name: {
                other.name
                for other in stages
                if other is not stage
                and any(_touch(out, dep) for out in other.outs for dep in stage.deps)
            }
            for stage in stages
        }
        lock = folder / LOCK
        self._made = Lineage(folder).made if lock.exists() else {}
        settling = [path for path in (lock, folder / PARAMS) if path.exists()]
        self._settled = max(path.stat().st_mtime for path in settling)
        """When what is recorded and what is wanted changed last."""

    def states(self, running: Collection[str], failed: Collection[str]) -> dict[str, State]:
        """What has become of each stage.

        Args:
            running: the names of those at work.
            failed: the names of those that did not end well when they ran last.
        """
        done = set[str]()  # what a running stage reads is there
        left = [name for name in running if name in self.stages]
        while left:
            parents = self._parents[left.pop()] - done
            done |= parents
            left += parents
        found: dict[str, State] = {}
        for name in TopologicalSorter(self._parents).static_order():
            ready = all(found[parent] is State.DONE for parent in self._parents[name])
            if name in running:
                found[name] = State.RUNNING
            elif name in done or (ready and self._fresh(self.stages[name], name in failed)):
                found[name] = State.DONE
            else:
                found[name] = State.FAILED if name in failed else State.WAITING
        return {name: found[name] for name in self.stages}

    def _fresh(self, stage: Stage, failed: bool) -> bool:
        """Whether its outputs are there and of the present settings and inputs."""
        try:
            written = [(self._folder / out).stat().st_mtime for out in stage.outs]
        except OSError:
            return False
        if not failed and any(time > self._settled for time in written):
            return True  # it has ended, and DVC is about to record it
        made = self._made.get(stage.dvc)
        if made is None:
            return False
        outs = {out.path: out.md5 for other in self._made.values() for out in other.outs}
        return (
            made.cmd == stage.cmd
            and all(outs.get(dep.path, dep.md5) == dep.md5 for dep in made.deps)
            and all(
                made.params.get(f"{PARAMS}: {key}") == _lookup(self.params, key)
                for key in stage.params
            )
        )


def _stages(templates: Mapping[str, Any], params: Mapping[str, Any]) -> Iterator[Stage]:
    for name, template in templates.items():
        if "foreach" not in template:
            yield _stage(name, template, params)
            continue
        items = template["foreach"]
        if isinstance(items, str) and (match := TEMPLATE.fullmatch(items)):
            items = _lookup(params, match[1])
        pairs = items.items() if isinstance(items, dict) else ((one, one) for one in items)
        for key, item in pairs:
            known = {**params, "key": key, "item": item}
            yield _stage(f"{name}@{key}", template["do"], known)


def _stage(dvc: str, template: Mapping[str, Any], known: Mapping[str, Any]) -> Stage:
    def paths(*keys: str) -> tuple[str, ...]:
        entries = (entry for key in keys for entry in template.get(key, ()))
        return tuple(
            _filled(entry if isinstance(entry, str) else next(iter(entry)), known)
            for entry in entries
        )

    outs = paths("outs", "metrics", "plots")
    steps = [f"{match[2]}@{match[1]}" for out in outs if (match := STEP.fullmatch(out))]
    return Stage(
        name=steps[0] if steps else dvc,
        dvc=dvc,
        cmd=_filled(template["cmd"], known),
        params=tuple(key for key in template.get("params", ()) if isinstance(key, str)),
        deps=paths("deps"),
        outs=outs,
    )


def _filled(text: str, known: Mapping[str, Any]) -> str:
    return TEMPLATE.sub(lambda match: str(_lookup(known, match[1])), text)


def _lookup(values: Any, key: str) -> Any:
    """The value of a dotted key; None where there is none."""
    for part in key.split("."):
        values = values.get(part) if isinstance(values, dict) else None
    return values


def _yaml(path: Path) -> Any:
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{path}: no such file: name the repository's root") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: not YAML: {' '.join(str(error).split())}") from None


def _touch(one: str, other: str) -> bool:
    """Whether one of two paths is the other or lies in it."""
    return f"{one}/".startswith(f"{other}/") or f"{other}/".startswith(f"{one}/")
