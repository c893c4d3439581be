"""What DVC recorded of how files were made: ``dvc.lock`` and the ``.dvc`` files of imports.

A stage in ``dvc.lock``:

    train@it1:
      cmd: python -m stages.train --student it1 --previous it0
      deps:
      - {path: data/students/it1/mix.jsonl, hash: md5, md5: 5a1c..., size: 185233}
      params:
        params.yaml: {seed: 1, train.policy: on-policy}
      outs:
      - {path: models/students/it1, hash: md5, md5: 90af....dir, size: 19594233, nfiles: 2}

The lock says what each stage really read and wrote when it ran last, whatever ``dvc.yaml`` and the
files say now. ``Workspace`` compares the two, with the hashes as DVC computes them.
"""

from __future__ import annotations

import difflib
import os
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from siked.errors import UserError

CODE = ("siked/", "stages/")
"""Where the code lies on which stages depend."""


@dataclass(frozen=True)
class Recorded:
    """A file or folder as a stage read or wrote it."""

    path: str
    md5: str | None
    """As DVC computes it; a folder's ends in ``.dir``."""
    size: int | None = None
    """Bytes."""
    files: int = 1

    @property
    def is_code(self) -> bool:
        """Whether it is code rather than data."""
        return f"{self.path}/".startswith(CODE)


@dataclass(frozen=True)
class Made:
    """How files were made: a stage's run, or an import."""

    name: str
    """The stage, or the path of the ``.dvc`` file."""
    cmd: str
    """The stage's command; what an import was taken from."""
    deps: tuple[Recorded, ...]
    outs: tuple[Recorded, ...]
    params: dict[str, Any] = field(default_factory=dict)
    """The settings that the stage read, by file and key: ``params.yaml: seed``."""


@dataclass(frozen=True)
class Link:
    """A step of the chain with what fed each of its inputs."""

    made: Made
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
        self.made = {one.name: one for one in [*_stages(root / "dvc.lock"), *_imports(root)]}

    def makers(self, path: str) -> list[Made]:
        """What made a path, something in it, or what it is in; in the order of the lock."""
        return [
            one for one in self.made.values() if any(_touch(out.path, path) for out in one.outs)
        ]

    def chain(self, target: str, workspace: Workspace) -> list[Link]:
        """Everything that led to a target, nearest first, each step once.

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

    def other_version(self, dep: Recorded) -> bool:
        """Whether what now is recorded as made differs from what was read."""
        made = [out for one in self.makers(dep.path) for out in one.outs if out.path == dep.path]
        return any(out.md5 != dep.md5 for out in made)

    def _fed(self, dep: Recorded, workspace: Workspace) -> list[Made]:
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

    def _named(self, target: str) -> list[Made]:
        if target in self.made:
            return [self.made[target]]
        path = Path(os.path.relpath(target)).as_posix()
        if found := self.makers(path):
            return found
        known = [*self.made, *(out.path for one in self.made.values() for out in one.outs)]
        near = difflib.get_close_matches(path, known, n=1, cutoff=0.4)
        hint = f"did you mean {near[0]}?" if near else "`dvc repro` records what it makes"
        raise UserError(f"{target}: not in dvc.lock, neither as an output nor as a stage: {hint}")


class Workspace:
    """The files as they are now, hashed as DVC hashes them."""

    def __init__(self, root: Path) -> None:
        """Open the repository.

        Raises:
            UserError: it is not a DVC repository.
        """
        from dvc.exceptions import NotDvcRepoError
        from dvc.repo import Repo

        try:
            self._repo = Repo(str(root))
        except NotDvcRepoError:
            raise UserError(f"{root.resolve()}: not a DVC repository: run in its root") from None
        self._root = root.resolve()
        self._known: dict[str, str | None] = {}

    def md5(self, path: str) -> str | None:
        """The hash of a file or folder, as DVC records it; None where it is missing."""
        if path not in self._known:
            self._known[path] = self._hashed(self._root / path)
        return self._known[path]

    def state(self, recorded: Recorded) -> str:
        """``same``, ``changed`` or ``missing``, compared with what was recorded."""
        now = self.md5(recorded.path)
        if now is None:
            return "missing"
        return "same" if now == recorded.md5 else "changed"

    def listed(self, recorded: Recorded) -> list[str] | None:
        """The paths of the files in a recorded folder; None where it has changed since.

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


def _touch(out: str, path: str) -> bool:
    """Whether one of two paths is the other or lies in it."""
    return f"{out}/".startswith(f"{path}/") or f"{path}/".startswith(f"{out}/")


def _stages(lock: Path) -> list[Made]:
    try:
        raw = yaml.safe_load(lock.read_text(encoding="utf-8"))
        return [
            Made(
                name=name,
                cmd=stage["cmd"],
                deps=tuple(map(_recorded, stage.get("deps", []))),
                outs=tuple(map(_recorded, stage.get("outs", []))),
                params={
                    f"{file}: {key}": value
                    for file, values in stage.get("params", {}).items()
                    for key, value in values.items()
                },
            )
            for name, stage in raw["stages"].items()
        ]
    except FileNotFoundError:
        raise UserError(
            f"{lock}: no such file: `dvc repro` writes it; run in the repository's root"
        ) from None
    except (yaml.YAMLError, UnicodeDecodeError, KeyError, TypeError, AttributeError) as error:
        what = " ".join(str(error).split())
        raise UserError(
            f"{lock}: damaged ({what}): `git checkout dvc.lock` gets the last committed one"
        ) from None


def _imports(root: Path) -> list[Made]:
    found: list[Made] = []
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


def _import(file: Path, root: Path) -> Made:
    raw = yaml.safe_load(file.read_text(encoding="utf-8"))
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
    return Made(file.relative_to(root).as_posix(), cmd, (), tuple(outs))


def _recorded(raw: dict[str, Any]) -> Recorded:
    return Recorded(raw["path"], raw.get("md5"), raw.get("size"), raw.get("nfiles") or 1)
