"""How far runs are: what is at work now, how long stages took, and both beside the pipeline.

A stage that runs keeps a small file that others may read, as `siked watch` does:

    .siked/progress/5d41402a-generate@it1.json

    {"stage": "generate@it1", "experiment": null, "folder": "/home/me/siked", "host": "box",
     "pid": 4711, "born": "881245", "started": 1795342800.2, "written": 1795342871.5,
     "failed": null, "work": {"what": "generate it1", "since": 1795342812.9, "done": 112,
     "recalled": 400, "total": 2880, "tokens": 21000}}

A thread writes it, once a second where the counts change, so that the work itself does nothing but
count. It is removed when the stage ends well. One that a failed stage leaves says why; one that a
killed stage leaves has a process that is gone, or, seen from another machine, is too old. The next
run of the stage in the same folder takes its place.

A stage that has ended well adds a line to ``.siked/timings.jsonl``:

    {"experiment": null, "stage": "generate@it1", "seconds": 141.7, "recalled": 0}

Times are not outputs, which are the same in every run. Nothing but estimates and pages for people
reads them, so a line that a crash tore is passed over.

``Watcher`` puts these together:

    runs = Watcher(Path("/home/ann/siked")).runs()
    runs[0].states["train@it1"]         # State.RUNNING
    runs[0].left["eval@it1"]            # seconds, from how long it took here last time
    runs[0].students["it0"]["dev"]      # {"accuracy": 0.2167, "n": 60, "low": 0.1312, ...}
"""

import contextlib
import hashlib
import os
import socket
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from siked.analysis.figures import Evaluation
from siked.errors import UserError
from siked.files import read_json
from siked.records import Record
from siked.run import layout
from siked.run.dvc import Pipeline, Stage, State
from siked.run.run import Run, evaluation
from siked.terminal.progress import Work, note_work

EVERY = 1.0
"""Seconds between two looks at the counts."""
BEAT = 10.0
"""Seconds after which the file is written although nothing has changed."""
LATE = 60.0
"""Seconds after which a stage on another machine is taken for dead."""


class Counts(Record):
    """Long work inside a stage."""

    what: str
    since: float
    """When it began, in seconds since 1970, as all times here."""
    done: int
    """By this run."""
    recalled: int
    """By an earlier run."""
    total: int
    tokens: int
    left: float | None
    """Seconds that the rest takes, as far as these counts tell."""


class Running(Record):
    """A stage that runs, or that did not end well."""

    stage: str
    """As its script calls it: ``train@it0``."""
    experiment: str | None
    """DVC's name of the experiment; None for a plain run."""
    folder: str
    """Where it runs: the repository, or an experiment's temporary copy of it."""
    host: str
    pid: int
    born: str | None
    """When the process began, as the kernel says it: a later one may get the same number."""
    started: float
    written: float
    """When the file was."""
    failed: str | None = None
    """Why it ended, in a line, where it ended with an error."""
    work: Counts | None = None
    """None while it reads, loads or writes."""

    def alive(self, now: float) -> bool:
        """Return whether it is still at work at the time ``now``."""
        if self.failed is not None:
            return False
        if self.host != socket.gethostname():
            return now - self.written < LATE
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:  # it is there and somebody else's
            pass
        return self.born == _born(self.pid) or None in (self.born, _born(self.pid))


@contextlib.contextmanager
def show_stage(folder: Path, stage: str, experiment: str | None) -> Iterator[list[Work]]:
    """Keep a file about a stage in ``folder`` while the block runs.

    That it cannot be written is no reason for the stage to fail: then nobody sees it.

    Gives the counts of all long work in the block.
    """
    here = str(Path.cwd())
    name = f"{hashlib.sha256(here.encode()).hexdigest()[:8]}-{stage}.json"
    now = time.time()
    running = Running(
        stage=stage,
        experiment=experiment,
        folder=here,
        host=socket.gethostname(),
        pid=os.getpid(),
        born=_born(os.getpid()),
        started=now,
        written=now,
    )
    with note_work() as works, _Writer(folder / name, running, works):
        yield works


def read(folder: Path) -> list[Running]:
    """Read a folder's files of ``show_stage``, the oldest stage first; skip what is none."""
    found: list[Running] = []
    for path in folder.glob("*.json"):
        with contextlib.suppress(OSError, ValidationError):  # it may go while we look
            found.append(Running.model_validate_json(path.read_bytes()))
    return sorted(found, key=lambda one: one.started)


class _Writer:
    """Writes one stage's file until the block ends."""

    def __init__(self, path: Path, running: Running, works: list[Work]) -> None:
        self._path, self._running, self._works = path, running, works
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True)

    def __enter__(self) -> None:
        self._write(self._running)
        self._thread.start()

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self._over.set()
        self._thread.join()
        if error is None:
            with contextlib.suppress(OSError):
                self._path.unlink()
        else:
            self._write(self._now(failed=_why(error)))

    def _follow(self) -> None:
        last = self._running
        while not self._over.wait(EVERY):
            now = self._now()
            if now.work != last.work or now.written - last.written >= BEAT:
                self._write(now)
                last = now

    def _now(self, failed: str | None = None) -> Running:
        work = next((one for one in reversed(self._works) if not one.ended), None)
        now = time.time()
        counts = work and Counts(
            what=work.what,
            since=work.since,
            done=work.done,
            recalled=work.recalled,
            total=work.total,
            tokens=work.tokens,
            left=work.left(now - work.since),
        )
        changes = {"work": counts, "written": now, "failed": failed}
        return self._running.model_copy(update=changes)

    def _write(self, running: Running) -> None:
        """Replace the file; not by ``siked.files``, which waits for the disk each time."""
        with contextlib.suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            partial = self._path.with_name(f".{self._path.name}.partial")
            partial.write_text(running.model_dump_json(), encoding="utf-8")
            partial.replace(self._path)


def _why(error: BaseException) -> str:
    if isinstance(error, KeyboardInterrupt):
        return "interrupted"
    if isinstance(error, UserError):
        return str(error)
    return f"{type(error).__name__}: {error}".split("\n", maxsplit=1)[0]


def _born(pid: int) -> str | None:
    """When a process began, in the kernel's ticks since its own start; None where nobody says.

    ``ended`` of one that has ended and whose parent has not asked yet how.
    """
    try:
        status = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    state, *rest = status.rpartition(")")[2].split()
    return "ended" if state == "Z" else rest[18]


class Timing(Record):
    """One run of one stage."""

    experiment: str | None
    """DVC's name of the experiment; None for ``dvc repro``."""
    stage: str
    """``generate@it1``; likewise ``train@it0`` and ``eval@baseline-pot``."""
    seconds: float
    """Wall time."""
    recalled: int = 0
    """How much of its work an earlier run had done already; then the time says little."""


def note(path: Path, timing: Timing) -> None:
    """Add a line to the file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(timing.model_dump_json() + "\n")


def read_timings(path: Path) -> list[Timing]:
    """Return every run, the oldest first; none where no file is there or it cannot be read."""
    found: list[Timing] = []
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return found
    for line in lines:
        with contextlib.suppress(ValidationError):
            found.append(Timing.model_validate_json(line))
    return found


@dataclass(frozen=True)
class Snapshot:
    """How one working copy of the repository stands."""

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

    Raises:
        UserError: there is no pipeline in it, or its files are damaged.
    """

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()
        self._known: dict[Path, tuple[object, Pipeline]] = {}
        self._copies: dict[Path, str] = {}
        """The experiments that were seen at work: between two stages they leave no file."""
        self._pipeline(self._root)

    def runs(self) -> list[Snapshot]:
        """Return the repository's own run, and one of each experiment in a copy of its own."""
        now = time.time()
        places: dict[Path, list[Running]] = {folder: [] for folder in (self._root, *self._copies)}
        for one in read(self._root / layout.PROGRESS):
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
        took = _took(self._root / layout.TIMINGS)
        return [self._run(folder, ones, took, now) for folder, ones in places.items()]

    def _run(
        self, folder: Path, reports: Iterable[Running], took: Mapping[str, float], now: float
    ) -> Snapshot:
        alive = tuple(one for one in reports if one.alive(now))
        at_work = {one.stage for one in alive}
        dead = [one for one in reports if one.stage not in at_work]
        stages: Mapping[str, Stage] = {}
        states: dict[str, State] = {}
        if (pipeline := self._pipeline(folder)) is not None:
            stages = pipeline.stages
            states = pipeline.states(at_work, {one.stage for one in dead})
        evaluations = {
            stage.student: _evaluated(Run(folder), stage.student)
            for name, stage in stages.items()
            if stage.student and stage.step == "eval" and states[name] is State.DONE
        }
        left = {
            name: _expected(name, took) for name, one in states.items() if one is not State.DONE
        }
        left |= {one.stage: _remaining(one, took, now) for one in alive}
        return Snapshot(
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
        version = [
            _version(folder / name) for name in (layout.PIPELINE, layout.PARAMS, layout.LOCK)
        ]
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
    if one.work is not None and one.work.left is not None:
        return max(0.0, one.work.left - (now - one.written))
    expected = _expected(one.stage, took)
    return None if expected is None else max(0.0, expected - (now - one.started))


def _took(path: Path) -> dict[str, float]:
    """How long each stage took when it ran last, by its name and by its step alone.

    A run that found the work of an earlier one does not say how long the work takes.
    """
    found: dict[str, float] = {}
    for one in read_timings(path):
        if not one.recalled:
            found[one.stage] = found[one.stage.partition("@")[0]] = one.seconds
    return found


def _expected(stage: str, took: Mapping[str, float]) -> float | None:
    return took.get(stage, took.get(stage.partition("@")[0]))


def _evaluated(run: Run, student: str) -> tuple[bool, Evaluation]:
    """Whether it is an earlier student's, and the figures by benchmark."""
    try:
        figures = read_json(run.file(layout.StudentFiles(student).metrics("eval")))
    except UserError:  # just being written
        return False, {}
    return bool(figures.get("carried")), evaluation(figures)


def _version(path: Path) -> tuple[int, int] | None:
    """What changes when a file does; None where there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size
