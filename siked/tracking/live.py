"""A training's figures in MLflow while it goes on, sent from a thread of their own.

The training only puts its figures into a short queue. Where the server is slow, the oldest wait
too long and are lost; what was lost is filled in from the loss curve when the run is reported.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from siked.tracking.runs import LOSS, Runs
from siked.tracking.store import no_answer

EVERY = 2.0
"""Seconds between two requests."""
MOST = 10_000
"""Optimiser steps that may wait to be sent."""
PREFIX = LOSS.partition("/")[0]

Point = tuple[int, int, dict[str, float]]
"""Milliseconds, step, figures."""


class Live:
    """Records one training."""

    def __init__(
        self, opened: Callable[[], Runs], child: str, failed: Callable[[Exception], None]
    ) -> None:
        """Begin.

        Args:
            opened: opens the experiment's runs.
            child: whose training it is.
            failed: called, from the thread, with what went wrong; nothing is recorded after that.
        """
        self._opened, self._child, self._failed = opened, child, failed
        self._waiting: deque[Point] = deque(maxlen=MOST)
        self._ending = threading.Event()
        self._status = "FINISHED"
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def watch(self, step: int, figures: Mapping[str, float]) -> None:
        """Take the figures of an optimiser step."""
        self._waiting.append((int(time.time() * 1000), step, dict(figures)))

    def end(self, status: str, seconds: float) -> None:
        """Send what waits, for a time; ``status`` is MLflow's word for how it ended.

        Raises:
            TimeoutError: there was no answer in time.
        """
        self._status = status
        self._ending.set()
        self._thread.join(seconds)
        if self._thread.is_alive():
            raise no_answer(seconds)

    def _work(self) -> None:
        try:
            self._record()
        except Exception as error:  # noqa: BLE001 (no failure of a tracker may end a run)
            self._failed(error)

    def _record(self) -> None:
        runs = self._opened()
        child = _Child(runs, self._child)
        monitor: Any = None
        while True:
            ending = self._ending.wait(EVERY)
            points = [self._waiting.popleft() for _ in range(len(self._waiting))]
            if new := child.select_new(points):
                runs.record_points(child.run.info.run_id, _flatten(new))
                if monitor is None:
                    monitor = _start_monitor(runs, child.run)
            if ending:
                break
        if monitor is not None:
            monitor.finish()
        runs.client.set_terminated(child.run.info.run_id, self._status)


class _Child:
    """The run of a training that may have been recorded before, in part or in full.

    A training that goes on from a checkpoint repeats some steps, and so does one that is made
    again; their points are there. One that begins again with other losses is another training.
    """

    def __init__(self, runs: Runs, name: str) -> None:
        self._runs = runs
        self.run = runs.open_child(name)
        runs.begin(self.run)
        self._known = runs.read_losses(self.run)
        self._last = max(self._known, default=-1)
        self._repeated: list[Point] = []
        self._from_start: bool | None = None

    def select_new(self, points: list[Point]) -> list[Point]:
        """Return those of the points that are not recorded yet."""
        new: list[Point] = []
        for point in points:
            _, step, figures = point
            if self._from_start is None:
                self._from_start = step <= min(self._known, default=step)
            if step > self._last:
                new.append(point)
                continue
            self._repeated.append(point)
            if self._from_start and self._known.get(step, figures["loss"]) != figures["loss"]:
                self.run = self._runs.replace(self.run)
                self._last = -1
                new += self._repeated
        return new


def _flatten(points: list[Point]) -> list[tuple[int, int, str, float]]:
    return [
        (at, step, f"{PREFIX}/{name}", value)
        for at, step, figures in points
        for name, value in figures.items()
    ]


def _start_monitor(runs: Runs, run: Any) -> Any:
    """Return MLflow's own record of processor, memory, disk, network and GPUs, going on at once."""
    from mlflow.system_metrics.system_metrics_monitor import (
        SystemMetricsMonitor,
    )

    monitor = SystemMetricsMonitor(run.info.run_id, resume_logging=True, tracking_uri=runs.uri)
    monitor.start()
    return monitor
