"""What is running, as a small file a stage that others may read: `siked watch` does.

    .siked/progress/5d41402a-generate@it1.json

    {"stage": "generate@it1", "experiment": null, "folder": "/home/me/siked", "host": "box",
     "pid": 4711, "born": "881245", "started": 1795342800.2, "written": 1795342871.5,
     "failed": null, "work": {"what": "generate it1", "since": 1795342812.9, "done": 112,
     "recalled": 400, "total": 2880, "tokens": 21000}}

A thread writes it, once a second where the counts change, so that the work itself does nothing but
count. It is removed when the stage ends well. One that a failed stage leaves says why; one that a
killed stage leaves has a process that is gone, or, seen from another machine, is too old. The next
run of the stage in the same folder takes its place.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from siked.errors import UserError
from siked.progress import Work, noting
from siked.records import Record

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
        """Whether it is still at work at the time ``now``."""
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
def shown(folder: Path, stage: str, experiment: str | None) -> Iterator[list[Work]]:
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
    with noting() as works, _Writer(folder / name, running, works):
        yield works


def read(folder: Path) -> list[Running]:
    """All files of ``shown`` in a folder, the oldest stage first; what is no such file is not."""
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
        counts = work and Counts(
            what=work.what,
            since=work.since,
            done=work.done,
            recalled=work.recalled,
            total=work.total,
            tokens=work.tokens,
        )
        changes = {"work": counts, "written": time.time(), "failed": failed}
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
