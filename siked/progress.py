"""How far long work has come, on standard error.

A bar on a terminal, a line every half minute elsewhere (a log file, CI), with tokens a second where
the work counts tokens, and the time left:

    generate it1: 512/1800 (400 from the journal), 1043 tokens/s, 2:11 left
"""

from __future__ import annotations

import contextlib
import sys
import time
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

LINE_EVERY = 30.0
"""Seconds between two lines where there is no terminal."""


class Progress(Protocol):
    """What ``track`` gives to the work."""

    def advance(self, n: int = 1, *, tokens: int = 0) -> None:
        """``n`` more are done; they took so many tokens."""
        ...

    def recall(self, n: int = 1) -> None:
        """``n`` more were done by an earlier run: they say nothing of the speed."""
        ...


@contextlib.contextmanager
def track(total: int, what: str) -> Iterator[Progress]:
    """Show how many of ``total`` are done while the block runs."""
    if sys.stderr.isatty():
        with _bar(total, what) as progress:
            yield progress
    else:
        yield _Lines(total, what)


class _Lines:
    def __init__(self, total: int, what: str) -> None:
        self._total, self._what = total, what
        self._done = self._tokens = self._recalled = 0
        self._start = self._last = time.monotonic()

    def recall(self, n: int = 1) -> None:
        self._recalled += n

    def advance(self, n: int = 1, *, tokens: int = 0) -> None:
        self._done += n
        self._tokens += tokens
        now = time.monotonic()
        if now - self._last < LINE_EVERY:
            return
        self._last = now
        seconds = now - self._start
        parts = [f"{self._what}: {self._done + self._recalled}/{self._total}"]
        if self._recalled:
            parts[0] += f" ({self._recalled} from the journal)"
        if self._tokens:
            parts.append(f"{self._tokens / seconds:.0f} tokens/s")
        to_do = self._total - self._recalled - self._done
        left = round(seconds * to_do / self._done) if self._done else 0
        parts.append(f"{left // 60}:{left % 60:02d} left")
        print(", ".join(parts), file=sys.stderr, flush=True)


@contextlib.contextmanager
def _bar(total: int, what: str) -> Iterator[Progress]:
    from rich import console, progress  # noqa: PLC0415 - only terminals need it

    class Bar:
        def __init__(self, bar: progress.Progress) -> None:
            self._bar = bar
            self._tokens = self._recalled = 0
            self._start = time.monotonic()
            self._task = bar.add_task(what, total=total, rate="")

        def advance(self, n: int = 1, *, tokens: int = 0) -> None:
            self._tokens += tokens
            seconds = time.monotonic() - self._start
            rate = f"{self._tokens / seconds:.0f} tokens/s" if self._tokens and seconds else ""
            self._bar.update(self._task, advance=n, rate=rate)

        def recall(self, n: int = 1) -> None:
            self._recalled += n
            self._bar.reset(
                self._task,
                completed=self._recalled,
                description=f"{what} ({self._recalled} from the journal)",
            )

    columns = (
        progress.TextColumn("{task.description}"),
        progress.BarColumn(),
        progress.MofNCompleteColumn(),
        progress.TextColumn("{task.fields[rate]}"),
        progress.TimeRemainingColumn(),
    )
    with progress.Progress(*columns, console=console.Console(stderr=True)) as bar:
        yield Bar(bar)
