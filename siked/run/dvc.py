"""What DVC knows of a run: the stages that are wanted, and how files were made.

``dvc.yaml`` with its templates filled in says what is wanted, ``dvc.lock`` what each stage really
read and wrote when it ran last, whatever the files say now:

    train@it1:
      cmd: python -m stages.train --student it1 --previous it0
      deps:
      - {path: data/students/it1/mix.jsonl, hash: md5, md5: 5a1c..., size: 185233}
      params:
        params.yaml: {seed: 1, train.policy: on-policy}
      outs:
      - {path: models/students/it1, hash: md5, md5: 90af....dir, size: 19594233, nfiles: 2}

``Pipeline`` compares the two by the hashes of the lock, which takes no time; a change of code or of
data from outside shows when DVC comes to it, and not before. ``Workspace`` hashes the files
themselves, as DVC does.
"""

from __future__ import annotations

import difflib
import os
import re
from collections import deque
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from graphlib import TopologicalSorter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import yaml

from siked.errors import UserError
from siked.run import layout

CODE = ("siked/", "stages/")
"""Where the code lies on which stages depend."""
_OF_PARAMS = f"{layout.PARAMS}: "
STEP = re.compile(rf"{layout.COUNTED}/([^/]+)/([^/]+)\.json")
"""What a step of a student counts: the step's file names both."""
LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The C loader, where there is one, takes a tenth of the time."""


@dataclass(frozen=True)
class StagePath:
    """A file or folder that a stage reads or writes."""

    path: str
    md5: str | None = None
    """As DVC computes it; a folder's ends in ``.dir``. None where nothing is recorded."""
    size: int | None = None
    """Bytes."""
    files: int = 1

    @property
    def is_code(self) -> bool:
        """Whether it is code rather than data."""
        return f"{self.path}/".startswith(CODE)


@dataclass(frozen=True)
class Stage:
    """How files are made, or were made: a stage, or an import."""

    name: str
    """As DVC says it: ``train_it0``; of an import the path of its ``.dvc`` file."""
    cmd: str
    """The stage's command; what an import was taken from."""
    deps: tuple[StagePath, ...]
    outs: tuple[StagePath, ...]
    params: Mapping[str, Any] = field(default_factory=dict)
    """The settings that it reads, by file and key: ``params.yaml: seed``."""

    @property
    def called(self) -> str:
        """Its name as its script says it: ``train@it0``, ``eval@baseline-pot``."""
        return "@".join(reversed(match.groups())) if (match := self._step) else self.name

    @property
    def step(self) -> str:
        """``train`` of ``train@it0``."""
        return self.called.partition("@")[0]

    @property
    def student(self) -> str | None:
        """The student of whom it is a step; None for what comes before or after the students."""
        return match[1] if (match := self._step) else None

    @property
    def _step(self) -> re.Match[str] | None:
        return next((match for out in self.outs if (match := STEP.fullmatch(out.path))), None)


def read_lock(text: str, name: str) -> dict[str, Stage]:
    """Return the stages of a ``dvc.lock`` by DVC's names of them; none where the text is empty.

    A lock keeps stages that the pipeline no longer has.

    Raises:
        UserError: the file, whose name is ``name``, is damaged.
    """
    try:
        return {
            stage: Stage(
                name=stage,
                cmd=made.get("cmd", ""),
                deps=tuple(map(_recorded, made.get("deps", ()))),
                outs=tuple(map(_recorded, made.get("outs", ()))),
                params={
                    f"{file}: {key}": value
                    for file, values in made.get("params", {}).items()
                    for key, value in values.items()
                },
            )
            for stage, made in (yaml.load(text, LOADER) or {"stages": {}})["stages"].items()
        }
    except (yaml.YAMLError, KeyError, TypeError, AttributeError) as error:
        what = " ".join(str(error).split())
        raise UserError(
            f"{name}: damaged ({what}): `git checkout dvc.lock` gets the last committed one"
        ) from None


def of_this_run(stage: str, lock: Mapping[str, Stage], students: Collection[str]) -> bool:
    """Return whether ``select`` or ``report`` read the figures that a run's students have.

    `dvc exp run TARGET` runs what leads to the target and leaves the rest as the commit has it:
    what an earlier run came to then stands beside new students. The lock may know others.
    """
    from dvc_data.hashfile.hash_info import HashInfo
    from dvc_data.hashfile.tree import Tree

    folder = Tree()  # type: ignore[no-untyped-call]
    for one in lock.values():
        if one.student in students:
            for out in one.outs:
                if Path(out.path).is_relative_to(layout.COUNTED):
                    place = Path(out.path).relative_to(layout.COUNTED).parts
                    folder.add(place, None, HashInfo("md5", out.md5))
    folder.digest()
    return stage in lock and folder.hash_info.value in {dep.md5 for dep in lock[stage].deps}


def find_outdated(lock: Mapping[str, Stage], settings: Mapping[str, Any]) -> set[str]:
    """Return the stages of a lock that ran with other settings or inputs than the lock has now.

    `dvc exp run TARGET` and a change of ``params.yaml`` leave such stages behind.

    Args:
        lock: all stages.
        settings: ``params.yaml`` as it is.
    """
    outs = {out.path: out.md5 for stage in lock.values() for out in stage.outs}
    parents = {
        name: {
            other.name
            for other in lock.values()
            if other is not stage
            and any(_touch(out.path, dep.path) for out in other.outs for dep in stage.deps)
        }
        for name, stage in lock.items()
    }
    found: set[str] = set()
    for name in TopologicalSorter(parents).static_order():
        stage = lock[name]
        now = {key: _lookup(settings, key.removeprefix(_OF_PARAMS)) for key in stage.params}
        if (
            parents[name] & found
            or now != stage.params
            or any(outs.get(dep.path, dep.md5) != dep.md5 for dep in stage.deps)
        ):
            found.add(name)
    return found


class State(StrEnum):
    """What has become of a stage."""

    DONE = "done"
    RUNNING = "running"
    WAITING = "waiting"
    FAILED = "failed"
    """It did not end well: an error, Ctrl-C or a kill."""


class Pipeline:
    """The stages of a repository or of an experiment's copy of it, in the order of ``dvc.yaml``.

    Raises:
        UserError: the folder has no pipeline, or a file of it is damaged.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        stages = _wanted(folder)
        self.stages = {stage.called: stage for stage in stages}
        """By their scripts' names of them; ``params`` are today's settings."""
        self._parents = {
            stage.called: {
                other.called
                for other in stages
                if other is not stage
                and any(_touch(out.path, dep.path) for out in other.outs for dep in stage.deps)
            }
            for stage in stages
        }
        lock = folder / layout.LOCK
        self._made = _read_lock(lock) if lock.exists() else {}
        settling = [path for path in (lock, folder / layout.PARAMS) if path.exists()]
        self._settled = max(path.stat().st_mtime for path in settling)
        """When what is recorded and what is wanted changed last."""

    def states(self, running: Collection[str], failed: Collection[str]) -> dict[str, State]:
        """Return what has become of each stage."""
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
            written = [(self._folder / out.path).stat().st_mtime for out in stage.outs]
        except OSError:
            return False
        if not failed and any(time > self._settled for time in written):
            return True  # it has ended, and DVC is about to record it
        made = self._made.get(stage.name)
        if made is None:
            return False
        outs = {out.path: out.md5 for other in self._made.values() for out in other.outs}
        return (
            made.cmd == stage.cmd
            and all(outs.get(dep.path, dep.md5) == dep.md5 for dep in made.deps)
            and all(made.params.get(key) == value for key, value in stage.params.items())
        )


@dataclass(frozen=True)
class Link:
    """A step of the chain with what fed each of its inputs."""

    made: Stage
    sources: dict[str, tuple[str, ...]]
    """The names of the stages and imports that made an input, by its path."""


class Lineage:
    """The stages of ``dvc.lock`` and the imports of a repository."""

    def __init__(self, root: Path) -> None:
        """Read them.

        Args:
            root: the repository's root, where ``dvc.lock`` lies.

        Raises:
            UserError: there is no ``dvc.lock``, or it is damaged.
        """
        imports = {one.name: one for one in _imports(root)}
        self.made = _read_lock(root / layout.LOCK) | imports

    def makers(self, path: str) -> list[Stage]:
        """Return what made a path, something in it, or what it is in; in the lock's order."""
        return [
            one for one in self.made.values() if any(_touch(out.path, path) for out in one.outs)
        ]

    def chain(self, target: str, workspace: Workspace) -> list[Link]:
        """Return everything that led to a target, nearest first, each step once.

        Args:
            target: a stage's name, or a path that a stage or import wrote.
            workspace: knows what was in a recorded folder.

        Raises:
            UserError: nothing of that name was recorded.
        """
        waiting = deque(self._named(target))
        seen = {one.name for one in waiting}
        links: list[Link] = []
        while waiting:
            one = waiting.popleft()
            sources: dict[str, tuple[str, ...]] = {}
            for dep in one.deps:
                if dep.is_code:
                    continue
                found = [made for made in self._fed(dep, workspace) if made is not one]
                sources[dep.path] = tuple(made.name for made in found)
                waiting.extend(made for made in found if made.name not in seen)
                seen.update(sources[dep.path])
            links.append(Link(one, sources))
        return links

    def other_version(self, dep: StagePath) -> bool:
        """Return whether what now is recorded as made differs from what was read."""
        made = [out for one in self.makers(dep.path) for out in one.outs if out.path == dep.path]
        return any(out.md5 != dep.md5 for out in made)

    def _fed(self, dep: StagePath, workspace: Workspace) -> list[Stage]:
        """What made an input; of a folder that is shared, only what was in it at that time.

        The lock keeps stages that the pipeline no longer has, a dropped iteration say.
        """
        makers, listed = self.makers(dep.path), workspace.listed(dep)
        if listed is None:
            return makers
        return [
            one
            for one in makers
            if any(_touch(out.path, path) for out in one.outs for path in listed)
        ]

    def _named(self, target: str) -> list[Stage]:
        if target in self.made:
            return [self.made[target]]
        path = Path(os.path.relpath(target)).as_posix()
        if found := self.makers(path):
            return found
        known = [*self.made, *(out.path for one in self.made.values() for out in one.outs)]
        near = difflib.get_close_matches(path, known, n=1, cutoff=0.4)
        hint = f"did you mean {near[0]}?" if near else "`dvc repro` records what it makes"
        raise UserError(f"{target}: not in dvc.lock, neither as an output nor as a stage: {hint}")


NO_REPOSITORY = "not a repository of git and DVC: run in the root of a clone"


class Workspace:
    """The files as they are now, hashed as DVC hashes them."""

    def __init__(self, root: Path) -> None:
        """Open the repository.

        Raises:
            UserError: it is not a repository of git and DVC.
        """
        from dvc.exceptions import NotDvcRepoError
        from dvc.repo import Repo
        from dvc.scm import SCMError

        try:
            self._repo = Repo(str(root))
        except (NotDvcRepoError, SCMError):
            raise UserError(f"{root.resolve()}: {NO_REPOSITORY}") from None
        self._root = root.resolve()
        self._known: dict[str, str | None] = {}

    def md5(self, path: str) -> str | None:
        """Return the hash of a file or folder, as DVC records it; None where it is missing."""
        if path not in self._known:
            self._known[path] = self._hashed(self._root / path)
        return self._known[path]

    def state(self, recorded: StagePath) -> str:
        """Return ``same``, ``changed`` or ``missing``, compared with what was recorded."""
        now = self.md5(recorded.path)
        if now is None:
            return "missing"
        return "same" if now == recorded.md5 else "changed"

    def listed(self, recorded: StagePath) -> list[str] | None:
        """Return the paths of the files in a recorded folder; None where it has changed since.

        DVC keeps no listing of a folder that stages only read, so the folder itself must do.
        """
        if not (recorded.md5 or "").endswith(".dir") or self.state(recorded) != "same":
            return None
        files = (path for path in (self._root / recorded.path).rglob("*") if path.is_file())
        return [path.relative_to(self._root).as_posix() for path in files]

    def _hashed(self, path: Path) -> str | None:
        from dvc.fs import LocalFileSystem
        from dvc_data.hashfile.build import build

        if not path.exists():
            return None
        _, _, found = build(
            self._repo.cache.local,
            str(path),
            LocalFileSystem(),
            "md5",
            ignore=self._repo.dvcignore,
            dry_run=True,
        )
        return str(found.hash_info.value)


def _wanted(folder: Path) -> list[Stage]:
    """The stages of a ``dvc.yaml`` with DVC's own reading of its templates."""
    from dvc.exceptions import DvcException
    from dvc.fs import localfs
    from dvc.parsing import DataResolver

    params = read_yaml(folder / layout.PARAMS)
    path = folder / layout.PIPELINE
    # All that it asks of a repository; a whole one would be written to.
    here: Any = SimpleNamespace(fs=localfs, config={})
    try:
        found = DataResolver(here, str(folder), read_yaml(path)).resolve()["stages"].items()
        return [
            Stage(
                name=name,
                cmd=stage["cmd"],
                deps=tuple(map(StagePath, _paths(stage, "deps"))),
                outs=tuple(map(StagePath, _paths(stage, "outs", "metrics", "plots"))),
                params={
                    f"{layout.PARAMS}: {key}": _lookup(params, key)
                    for key in stage.get("params", ())
                    if isinstance(key, str)
                },
            )
            for name, stage in found
        ]
    except (DvcException, KeyError, TypeError, AttributeError) as error:
        why = f"{type(error).__name__}: {' '.join(str(error).split())}"
        raise UserError(
            f"{path}: does not fit {layout.PARAMS} ({why}): `dvc stage list` says more"
        ) from None


def _paths(stage: Mapping[str, Any], *keys: str) -> Iterable[str]:
    """The paths of some entries, each ``PATH`` or ``{PATH: {cache: false}}``."""
    entries = (entry for key in keys for entry in stage.get(key, ()))
    return (entry if isinstance(entry, str) else next(iter(entry)) for entry in entries)


def _lookup(values: Any, key: str) -> Any:
    """The value of a dotted key; None where there is none."""
    for part in key.split("."):
        values = values.get(part) if isinstance(values, dict) else None
    return values


def read_yaml(path: Path) -> Any:
    """Read a YAML file of a repository.

    Raises:
        UserError: it is missing or not YAML.
    """
    try:
        return yaml.load(path.read_text(encoding="utf-8"), LOADER)
    except FileNotFoundError:
        raise UserError(f"{path}: no such file: name the repository's root") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: not YAML: {' '.join(str(error).split())}") from None


def _read_lock(path: Path) -> dict[str, Stage]:
    try:
        return read_lock(path.read_text(encoding="utf-8", errors="replace"), str(path))
    except FileNotFoundError:
        raise UserError(
            f"{path}: no such file: `dvc repro` writes it; run in the repository's root"
        ) from None


def _imports(root: Path) -> list[Stage]:
    found: list[Stage] = []
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(name for name in names if name.endswith(".dvc")):
            file = Path(folder) / name
            try:
                found.append(_import(file, root))
            except (yaml.YAMLError, UnicodeDecodeError, KeyError, TypeError) as error:
                what = " ".join(str(error).split())
                raise UserError(f"{file}: damaged ({what}): `git checkout {file}`") from None
    return found


def _import(file: Path, root: Path) -> Stage:
    raw = yaml.load(file.read_text(encoding="utf-8"), LOADER)
    below = file.parent.relative_to(root) / raw.get("wdir", ".")
    outs = [
        _recorded({**out, "path": os.path.normpath(below / out["path"])}) for out in raw["outs"]
    ]
    places: list[str] = []
    for dep in raw.get("deps", []):
        repo = dep.get("repo", {})
        commit = repo.get("rev_lock") or repo.get("rev")
        places.append(f"{dep['path']} of {repo['url']} at {commit}" if repo else f"{dep['path']}")
    cmd = f"imported from {', '.join(places)}" if places else "added by `dvc add`"
    return Stage(file.relative_to(root).as_posix(), cmd, (), tuple(outs))


def _recorded(raw: Mapping[str, Any]) -> StagePath:
    return StagePath(raw["path"], raw.get("md5"), raw.get("size"), raw.get("nfiles") or 1)


def _touch(one: str, other: str) -> bool:
    """Whether one of two paths is the other or lies in it."""
    return f"{one}/".startswith(f"{other}/") or f"{other}/".startswith(f"{one}/")
