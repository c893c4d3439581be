"""What is going on, read from files: a run for the repository and for each experiment at work.

runs = Watcher(Path("/home/ann/siked")).runs()
runs[0].states["train@it1"]         # State.RUNNING
runs[0].left["eval@it1"]            # seconds, from how long it took here last time
runs[0].students["it0"]["dev"]      # {"accuracy": 0.2167, "n": 60, "low": 0.1312, ...}
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from siked.errors import UserError
from siked.files import read_json
from siked.progress import time_left
from siked.run.pipeline import LOCK, PARAMS, PIPELINE, Pipeline, Stage, State
from siked.run.running import Running, read
from siked.run.timings import timings

if TYPE_CHECKING:
    from siked.analysis.figures import Evaluation

SCRATCH = Path(".siked")
METRICS = Path("metrics/students")


@dataclass(frozen=True)
class Run:
    """One working copy of the repository."""

    title: str
    """The experiment's name, or ``workspace``."""
    folder: Path
    stages: Mapping[str, Stage]
    """By name, in the order of ``dvc.yaml``; none where the copy is out of our sight."""
    states: Mapping[str, State]
    running: tuple[Running, ...]
    """The stages at work, the oldest first."""
    ended: tuple[Running, ...]
    """Those that did not end well and have not run since."""
    students: Mapping[str, Evaluation]
    """What each student was found to do, by name and benchmark, as soon as it is known."""
    carried: frozenset[str]
    """The students that carry on an earlier one, since the loop had stopped."""
    left: Mapping[str, float | None]
    """Seconds until each stage that runs or waits has ended; None where nothing tells."""
    now: float
    """When all this was so, in seconds since 1970."""


class Watcher:
    """Reads a repository again and again.

    Args:
        root: the repository's root.

    Raises:
        UserError: there is no pipeline in it, or its files are damaged.
    """

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()
        self._known: dict[Path, tuple[object, Pipeline]] = {}
        self._copies: dict[Path, str] = {}
        """The experiments that were seen at work: between two stages they leave no file."""
        self._pipeline(self._root)

    def runs(self) -> list[Run]:
        """The repository's own run, and one of each experiment in a copy of its own."""
        now = time.time()
        places: dict[Path, list[Running]] = {folder: [] for folder in (self._root, *self._copies)}
        for one in read(self._root / SCRATCH / "progress"):
            places.setdefault(Path(one.folder), []).append(one)
        for folder, ones in places.items():
            if folder != self._root and ones:
                self._copies[folder] = ones[-1].experiment or folder.name
        # DVC removes an experiment's copy at its end; what a killed one said goes with it.
        places = {
            folder: ones
            for folder, ones in places.items()
            if folder.is_dir() or any(one.alive(now) for one in ones)
        }
        took = _took(self._root / SCRATCH / "timings.jsonl")
        return [self._run(folder, ones, took, now) for folder, ones in places.items()]

    def _run(
        self, folder: Path, reports: Iterable[Running], took: Mapping[str, float], now: float
    ) -> Run:
        alive = tuple(one for one in reports if one.alive(now))
        at_work = {one.stage for one in alive}
        dead = [one for one in reports if one.stage not in at_work]
        stages: Mapping[str, Stage] = {}
        states: dict[str, State] = {}
        if (pipeline := self._pipeline(folder)) is not None:
            stages = pipeline.stages
            states = pipeline.states(at_work, {one.stage for one in dead})
        evaluations = {
            stage.student: _evaluation(folder / METRICS / stage.student / "eval.json")
            for name, stage in stages.items()
            if stage.student and stage.step == "eval" and states[name] is State.DONE
        }
        left = {
            name: _expected(name, took) for name, one in states.items() if one is not State.DONE
        }
        left |= {one.stage: _remaining(one, took, now) for one in alive}
        return Run(
            title=self._copies.get(folder) or _experiment(alive) or "workspace",
            folder=folder,
            stages=stages,
            states=states,
            running=alive,
            ended=tuple(one for one in dead if states.get(one.stage) is not State.DONE),
            students={name: figures for name, (_, figures) in evaluations.items()},
            carried=frozenset(name for name, (carried, _) in evaluations.items() if carried),
            left=left,
            now=now,
        )

    def _pipeline(self, folder: Path) -> Pipeline | None:
        """The stages of a folder; as they were where a file is just being written.

        Raises:
            UserError: they were never seen, and the folder is the repository itself.
        """
        before = self._known.get(folder)
        version = [_version(folder / name) for name in (PIPELINE, PARAMS, LOCK)]
        if before is None or before[0] != version:
            try:
                before = self._known[folder] = version, Pipeline(folder)
            except UserError:
                if before is None and folder == self._root:
                    raise
        return before[1] if before else None


def _experiment(alive: Iterable[Running]) -> str | None:
    return next((one.experiment for one in alive if one.experiment), None)


def _remaining(one: Running, took: Mapping[str, float], now: float) -> float | None:
    """Seconds until a stage ends: by its own counts, else by how long it took last time."""
    if (work := one.work) is not None:
        seconds = one.written - work.since
        left = time_left(work.total, work.done, work.recalled, seconds)
        if left is not None:
            return max(0.0, left - (now - one.written))
    expected = _expected(one.stage, took)
    return None if expected is None else max(0.0, expected - (now - one.started))


def _took(path: Path) -> dict[str, float]:
    """How long each stage took when it ran last, by its name and by its step alone.

    A run that found the work of an earlier one does not say how long the work takes.
    """
    found: dict[str, float] = {}
    for one in timings(path):
        if not one.recalled:
            found[one.stage] = found[one.stage.partition("@")[0]] = one.seconds
    return found


def _expected(stage: str, took: Mapping[str, float]) -> float | None:
    return took.get(stage, took.get(stage.partition("@")[0]))


def _evaluation(path: Path) -> tuple[bool, Evaluation]:
    """Whether it is an earlier student's, and the figures by benchmark."""
    try:
        figures: dict[str, Any] = read_json(path)
    except UserError:
        return False, {}
    benchmarks = {
        name: one for name, one in figures.items() if isinstance(one, dict) and "accuracy" in one
    }
    return bool(figures.get("carried")), benchmarks


def _version(path: Path) -> tuple[int, int] | None:
    """What changes when a file does; None where there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size
