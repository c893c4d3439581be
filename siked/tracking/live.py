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
        """Begin; ``failed`` is called, from the thread, with what ends the recording."""
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
        run = runs.open_child(self._child)
        runs.begin(run)
        known = runs.read_losses(run)
        # A training that goes on from a checkpoint repeats steps that are there.
        last = max(known, default=-1)
        monitor: Any = None
        while True:
            ending = self._ending.wait(EVERY)
            waiting = [self._waiting.popleft() for _ in range(len(self._waiting))]
            if waiting and known:
                if waiting[0][1] <= min(known):  # from the start: another training
                    run, last = runs.replace(run), -1
                known = {}
            if points := [
                (at, step, f"{PREFIX}/{name}", value)
                for at, step, figures in waiting
                for name, value in figures.items()
                if step > last
            ]:
                runs.record_points(run.info.run_id, points)
                monitor = monitor or _start_monitor(runs, run)
            if ending:
                break
        if monitor is not None:
            monitor.finish()
        runs.client.set_terminated(run.info.run_id, self._status)


def _start_monitor(runs: Runs, run: Any) -> Any:
    """Return MLflow's own record of processor, memory, disk, network and GPUs, going on at once."""
    from mlflow.system_metrics.system_metrics_monitor import (
        SystemMetricsMonitor,
    )

    monitor = SystemMetricsMonitor(run.info.run_id, resume_logging=True, tracking_uri=runs.uri)
    monitor.start()
    return monitor
