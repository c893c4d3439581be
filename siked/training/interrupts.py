"""Ctrl-C during a training: finish the optimiser step, save, and only then stop."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from types import FrameType

from siked.errors import INTERRUPTED

_early = threading.Event()
"""Ctrl-C came before there was a step to finish, to a process that follows another one."""


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
def held() -> Iterator[None]:
    """Let Ctrl-C wait while the block runs; processes that it starts let it wait until ``follow``.

    They load libraries for seconds, in which nothing else is ready to take it.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def follow() -> None:
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
