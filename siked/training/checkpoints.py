"""What a run that was killed or stopped by Ctrl-C goes on from.

A run keeps its checkpoint in a folder named by the hash of everything that decides the result, so
that a run with other settings, examples or library versions never takes it for its own. On Ctrl-C
it finishes the optimiser step, saves, and only then stops.
"""

import contextlib
import hashlib
import json
import multiprocessing
import os
import shutil
import signal
import threading
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from types import FrameType

from siked.errors import INTERRUPTED
from siked.files import sha256
from siked.training.job import Job, Trainer

LIBRARIES = ("torch", "transformers", "trl", "peft", "accelerate")
_early = threading.Event()
"""Ctrl-C came before there was a step to finish, to a process that follows another one."""


def choose_folder(job: Job, trainer: Trainer) -> Path:
    """Return where a job's checkpoints lie."""
    digest = hashlib.sha256()
    decisive = {
        "trainer": trainer.name,
        "libraries": {name: version(name) for name in (*LIBRARIES, *trainer.libraries)},
        "settings": job.settings.model_dump(exclude={"trainer", "policy", "distil", "iterate"}),
        "schedule": job.schedule.model_dump(),
        "seed": job.seed,
        "base": _content(job.base),
        "start": None if job.start is None else _content(job.start),
        "out": str(job.out),
    }
    digest.update(json.dumps(decisive, sort_keys=True).encode())
    for example in job.examples:
        digest.update(example.model_dump_json().encode())
    return job.checkpoints / digest.hexdigest()[:32]


def _content(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): sha256(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def find_latest(folder: Path) -> Path | None:
    """Return the newest whole checkpoint of a run, or None."""
    return max((path for path in _all(folder) if _whole(path)), key=_step, default=None)


def keep_latest(folder: Path) -> None:
    """Remove all but the newest whole checkpoint."""
    kept = find_latest(folder)
    for path in _all(folder):
        if path != kept:
            shutil.rmtree(path)


def _all(folder: Path) -> list[Path]:
    return [path for path in folder.glob("checkpoint-*") if path.name.split("-")[1].isdigit()]


def _step(path: Path) -> int:
    return int(path.name.split("-")[1])


def _whole(path: Path) -> bool:
    """Return whether it was written to its end: transformers writes this file last."""
    try:
        json.loads((path / "trainer_state.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return True


@contextlib.contextmanager
def stop_at_step() -> Iterator[threading.Event]:
    """Turn the first Ctrl-C into an event, to be raised when the block has ended; a second is one.

    Raises:
        KeyboardInterrupt: Ctrl-C came.
    """
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    before = signal.getsignal(signal.SIGINT)

    def note(number: int, frame: FrameType | None) -> None:
        del number, frame
        _end_if_left_alone()
        stop.set()
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, note)
    if _early.is_set():
        stop.set()
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)
    if stop.is_set():
        raise KeyboardInterrupt


@contextlib.contextmanager
def hold_interrupts() -> Iterator[None]:
    """Let Ctrl-C wait while the block runs, and in processes that it starts until they follow.

    They load libraries for seconds, in which nothing else is ready to take it.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def follow_parent() -> None:
    """Take no Ctrl-C as the last one, in a process that another one started and stops.

    A terminal sends Ctrl-C to both, and the other passes it on, so that it comes twice.
    """

    def note(number: int, frame: FrameType | None) -> None:
        del number, frame
        _end_if_left_alone()
        _early.set()

    signal.signal(signal.SIGINT, note)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def _end_if_left_alone() -> None:
    """End at once where Ctrl-C comes from the system, because the starting process has died.

    Nobody waits for this process then, and the next run is to find its checkpoints at rest.
    """
    parent = multiprocessing.parent_process()
    if parent is not None and not parent.is_alive():
        os._exit(INTERRUPTED)
