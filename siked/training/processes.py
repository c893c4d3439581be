"""One training by several processes, one a GPU, or several on a CPU.

Each holds the whole model and takes every N-th batch; accelerate, below TRL's trainer, deals the
batches and averages the gradients. So N processes take the optimiser steps that one process takes
with N times the gradient accumulation. Where the batches of an epoch do not come out even, the last
round is filled up with examples from the epoch's beginning.

The first process alone writes. Its steps and its log come back through a queue; an error in any
process ends all of them.
"""

from __future__ import annotations

import contextlib
import os
import signal
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from multiprocessing.process import BaseProcess as Process
from pathlib import Path
from threading import Event
from typing import Any, TypeAlias

import torch
from torch import distributed
from torch.multiprocessing import get_context
from torch.multiprocessing.spawn import (
    ProcessExitedException,
    ProcessRaisedException,
    start_processes,
)

from siked.errors import UserError
from siked.terminal.progress import Progress, track
from siked.training import checkpoints
from siked.training.job import Job, TrainingLog, Watch

Run: TypeAlias = Callable[[Job, str, Any], TrainingLog]
"""Does a job with the trainer of a name in one process, and shows how far it is."""
POLL = 0.1
"""Seconds between two looks at the processes."""


def fine_tune(job: Job, name: str, run: Run) -> TrainingLog:
    """Fine-tune with ``train.processes`` processes, as ``siked.training.loop`` does with one.

    Args:
        job: the job.
        name: of the trainer.
        run: does a job in one process; see ``siked.training.train.run``.

    Raises:
        UserError: there are fewer GPUs than processes, a process was killed, or one raised it.
        KeyboardInterrupt: Ctrl-C came; the checkpoint is saved.
    """
    count = job.settings.processes
    if torch.cuda.is_available() and torch.cuda.device_count() < count:
        raise UserError(
            f"train.processes: is {count}, but there are {torch.cuda.device_count()} GPUs here"
        )
    watched, alone = job.watch is not None, replace(job, watch=None)
    with (
        tempfile.TemporaryDirectory() as meeting,
        ExitStack() as stack,
        checkpoints.stop_at_step() as stop,
    ):
        events = Events(job.watch, stack)
        start: Any = start_processes  # it has no types
        with checkpoints.hold_interrupts():
            running = start(
                _take_part,
                (count, Path(meeting) / "store", alone, name, run, watched, events.queue),
                nprocs=count,
                join=False,
                start_method="spawn",
            )
        try:
            _wait(running, stop, events)
        finally:
            for process in running.processes:
                process.kill()
    if events.log is None:  # Ctrl-C came to the other processes alone
        raise KeyboardInterrupt
    return events.log


class Events:
    """What the first process tells the one that waits, and any process that fails."""

    def __init__(self, watch: Watch | None, stack: ExitStack) -> None:
        """Show progress until ``stack`` ends."""
        self.queue = get_context("spawn").SimpleQueue()
        self.log: TrainingLog | None = None
        self._watch, self._stack = watch, stack
        self._progress: Progress | None = None

    def take(self) -> None:
        """Do what the processes told since.

        Raises:
            UserError: one of them raised it.
        """
        while not self.queue.empty():
            kind, *values = self.queue.get()
            if kind == "error":
                raise UserError(*values)
            if kind == "log":
                (self.log,) = values
            elif kind == "watch":
                assert self._watch is not None
                self._watch(*values)
            elif kind == "begin":
                self._progress = self._stack.enter_context(track(*values))
            elif self._progress is not None:
                n, tokens = values
                if kind == "recall":
                    self._progress.recall(n)
                else:
                    self._progress.advance(n, tokens=tokens)


class Teller:
    """The other end of ``Events``: progress and log of the first process."""

    def __init__(self, queue: Any) -> None:
        """Put everything on the queue."""
        self._put = queue.put

    @contextlib.contextmanager
    def track(self, total: int, what: str) -> Iterator[Teller]:
        """Track as ``siked.terminal.progress.track``."""
        self._put(("begin", total, what))
        yield self

    def advance(self, n: int = 1, *, tokens: int = 0) -> None:
        """Count as ``Progress`` does."""
        self._put(("advance", n, tokens))

    def recall(self, n: int = 1) -> None:
        """Count as ``Progress`` does."""
        self._put(("recall", n, 0))

    def watch(self, step: int, figures: Mapping[str, float]) -> None:
        """Watch as ``Watch`` does."""
        self._put(("watch", step, dict(figures)))


def _wait(running: Any, stop: Event, events: Events) -> None:
    """Wait for the processes, pass Ctrl-C on, and hand on what they tell."""
    told = False
    while True:
        if stop.is_set() and not told:
            told = True
            for process in filter(Process.is_alive, running.processes):
                os.kill(process.pid, signal.SIGINT)
        ended = _ended(running)
        events.take()
        if isinstance(ended, Exception) and not told:
            raise ended
        if ended:
            return


def _ended(running: Any) -> bool | Exception:
    """Whether all processes have ended, or why one did, upon which the others have been ended."""
    try:
        return bool(running.join(timeout=POLL))
    except ProcessRaisedException as error:
        return RuntimeError(f"in a process of the training: {error}")
    except ProcessExitedException as error:
        return UserError(
            f"a process of the training was ended ({error.signal_name or error}), perhaps for want "
            "of memory: run the same command again to go on"
        )


def _take_part(
    rank: int, count: int, store: Path, job: Job, name: str, run: Run, watched: bool, events: Any
) -> None:
    """What each process does."""
    checkpoints.follow_parent()
    threads = max(1, torch.get_num_threads() // count)
    torch.set_num_threads(threads)
    os.environ |= {
        "RANK": str(rank),
        "LOCAL_RANK": str(rank),
        "WORLD_SIZE": str(count),
        "LOCAL_WORLD_SIZE": str(count),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": "0",  # nobody listens: they meet at a file
        "OMP_NUM_THREADS": str(threads),
    }
    # accelerate calls a process's share of the CPU cpu:N, a name that checkpoints do not load to.
    torch.serialization.register_package(
        0, lambda _: None, lambda obj, name: obj if name.startswith("cpu:") else None
    )
    on_gpu = torch.cuda.is_available()
    if on_gpu:
        torch.cuda.set_device(rank)
    distributed.init_process_group(
        "cuda:nccl,cpu:gloo" if on_gpu else "gloo",
        init_method=f"file://{store}",
        rank=rank,
        world_size=count,
    )
    teller = Teller(events)
    job = replace(job, watch=teller.watch if watched else None)
    try:
        log = run(job, name, teller.track)
    except UserError as error:
        events.put(("error", str(error)))
        raise SystemExit(1) from None
    if rank == 0:
        events.put(("log", log))
    distributed.destroy_process_group()
