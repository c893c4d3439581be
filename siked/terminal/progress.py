"""How far long work has come: on standard error, and for whoever else asks.

A bar on a terminal, a line every half minute elsewhere (a log file, CI), with tokens a second where
the work counts tokens, and the time left:

    generate it1: 512/1800 (400 from an earlier run), 1043 tokens/s, 2:11 left

The library counts and knows nothing of files. Whoever starts it (``siked.run.progress``, for a
stage) asks by ``note_work`` for the counts of all work in a block; a context variable carries that
request, so that no function in between has to hand it on. Another one carries the work to an
engine, which says by ``count_written`` what samples have grown that end together much later.
"""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Protocol

from siked.terminal.console import console, say

LINE_EVERY = 30.0
"""Seconds between two lines where there is no terminal."""


class Progress(Protocol):
    """What ``track`` gives to the work."""

    def advance(self, n: int = 1, *, tokens: int = 0) -> None:
        """Count ``n`` more as done; they took so many tokens."""
        ...

    def recall(self, n: int = 1) -> None:
        """Count ``n`` more as done by an earlier run: they say nothing of the speed."""
        ...


@dataclass
class Work:
    """The counts of one ``track``, as they grow; a ``Progress``."""

    what: str
    total: int
    show: Callable[[Work], None]
    """Called after every change."""
    since: float = field(default_factory=time.time)
    """When it began, in seconds since 1970."""
    done: int = 0
    """By this run."""
    recalled: int = 0
    done_tokens: int = 0
    """Of what is done."""
    written_tokens: int = 0
    """Of what is under way too, where an engine says so."""
    longest: int = 0
    """Tokens that one of ``total`` takes at most, where an engine says so."""
    ended: bool = False

    def advance(self, n: int = 1, *, tokens: int = 0) -> None:
        """Count ``n`` more as done; they took so many tokens."""
        self.done += n
        self.done_tokens += tokens
        self.show(self)

    def recall(self, n: int = 1) -> None:
        """Count ``n`` more as done by an earlier run: they say nothing of the speed."""
        self.recalled += n
        self.show(self)

    @property
    def tokens(self) -> int:
        """Tokens so far."""
        return max(self.done_tokens, self.written_tokens)

    def left(self, seconds: float) -> float | None:
        """Return the seconds that the rest takes at the speed so far; None where nothing tells it.

        Samples of a batch end late and at once, so that tokens tell the speed where an engine
        counts them as it writes. The mean length is then the maximum-likelihood estimate that
        counts the samples that are not at their end, and no longer than a sample can be.

        Args:
            seconds: what this run took.
        """
        rest = max(0, self.total - self.done - self.recalled)
        if not self.written_tokens:
            return seconds * rest / self.done if self.done else None
        mean: float = self.longest
        if self.done:
            mean = min(mean, self.written_tokens / self.done)
        under_way = self.written_tokens - self.done_tokens
        return seconds * max(0.0, rest * mean - under_way) / self.written_tokens


_tracked: ContextVar[Work | None] = ContextVar("tracked", default=None)


def count_written(tokens: int, *, longest: int) -> None:
    """Say that so many tokens were written of samples that take ``longest`` at most.

    Nothing happens where nobody tracks the work.
    """
    if (work := _tracked.get()) is not None:
        work.written_tokens += tokens
        work.longest = longest
        work.show(work)


_noted: ContextVar[list[Work] | None] = ContextVar("noted", default=None)


@contextlib.contextmanager
def note_work() -> Iterator[list[Work]]:
    """Give a list that gets the counts of every ``track`` of the block when it begins."""
    works: list[Work] = []
    token = _noted.set(works)
    try:
        yield works
    finally:
        _noted.reset(token)


@contextlib.contextmanager
def track(total: int, what: str) -> Iterator[Progress]:
    """Show how many of ``total`` are done while the block runs."""
    with _bar(total, what) if sys.stderr.isatty() else contextlib.nullcontext(_Lines()) as show:
        work = Work(what, total, show)
        if (works := _noted.get()) is not None:
            works.append(work)
        token = _tracked.set(work)
        try:
            yield work
        finally:
            _tracked.reset(token)
            work.ended = True


def clock(seconds: float) -> str:
    """Return ``2:11``, or ``1:02:11`` from an hour on."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def describe_work(work: Work, seconds: float) -> tuple[str, str, str]:
    """Return what work is, its speed, the time left after so many seconds; empty where unknown."""
    what = f" ({work.recalled} from an earlier run)" if work.recalled else ""
    speed = f"{work.tokens / seconds:.0f} tokens/s" if work.tokens and seconds else ""
    left = work.left(seconds)
    return what, speed, "" if left is None else f"{clock(left)} left"


class _Lines:
    def __init__(self) -> None:
        self._start = self._last = time.monotonic()

    def __call__(self, work: Work) -> None:
        now = time.monotonic()
        if now - self._last < LINE_EVERY:
            return
        self._last = now
        earlier, speed, left = describe_work(work, now - self._start)
        come = f"{work.what}: {work.done + work.recalled}/{work.total}{earlier}"
        line = ", ".join(filter(None, (come, speed, left)))
        say(line, file=sys.stderr)


@contextlib.contextmanager
def _bar(total: int, what: str) -> Iterator[Callable[[Work], None]]:
    from rich import progress

    columns = (
        progress.TextColumn("{task.description}"),
        progress.BarColumn(),
        progress.MofNCompleteColumn(),
        progress.TextColumn("{task.fields[speed]}"),
        progress.TextColumn("{task.fields[left]}"),
    )
    with progress.Progress(*columns, console=console(stderr=True)) as bar:
        task = bar.add_task(what, total=total, speed="", left="")
        start = time.monotonic()

        def show(work: Work) -> None:
            earlier, speed, left = describe_work(work, time.monotonic() - start)
            bar.update(
                task,
                completed=work.done + work.recalled,
                description=work.what + earlier,
                speed=speed,
                left=left,
            )

        yield show
