"""Recording in MLflow without ever failing or holding up a run."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from siked.console import say
from siked.tracking import registry
from siked.tracking.live import Live
from siked.tracking.runs import Runs, figures
from siked.tracking.store import prepare, public, within
from siked.training import Watch

if TYPE_CHECKING:
    from siked.tracking.protocol import DataSet, Experiment, Selected

SECONDS = 20
"""The longest that one call may keep a stage waiting."""
REGISTERING = 120
"""The same for a student's registration, which may have to send a base model."""


class MlflowTracker:
    """Records in MLflow; after a first failure it has warned and does nothing more."""

    def __init__(self, experiment: Experiment) -> None:
        self.experiment = experiment
        self.uri = os.environ.get("MLFLOW_TRACKING_URI") or experiment.store
        self._failed = False
        self._runs: Runs | None = None

    @contextlib.contextmanager
    def live(self, child: str) -> Iterator[Watch]:
        """See ``Tracker.live``."""
        # Not in the thread: two threads that import at once may each get half a module.
        self._try(lambda: None)
        if self._failed:
            yield lambda step, figures: None
            return
        live = Live(self._opened, child, self._warn)
        status = "FAILED"
        try:
            yield live.watch
            status = "FINISHED"
        except KeyboardInterrupt:
            status = "KILLED"
            raise
        finally:
            try:
                live.end(status, SECONDS)
            except TimeoutError as error:
                self._warn(error)

    def log(
        self,
        child: str,
        metrics: Mapping[str, Any],
        *,
        step: int | None = None,
        curve: Sequence[tuple[int, float]] | None = None,
        data: Iterable[DataSet] = (),
    ) -> None:
        """See ``Tracker.log``."""
        flat = dict(figures(metrics))

        def task() -> None:
            runs = self._opened()
            run = runs.child(child)
            if curve is not None:
                run = runs.complete(run, curve)
            runs.record(run, flat, step)
            runs.feed(run.info.run_id, data)
            runs.client.set_terminated(run.info.run_id)

        self._try(task)

    def finish(self, files: Iterable[Path] = (), data: Iterable[DataSet] = ()) -> None:
        """See ``Tracker.finish``."""

        def task() -> None:
            runs = self._opened()
            runs.feed(runs.parent, data)
            for path in files:
                runs.client.log_artifact(runs.parent, str(path))
            runs.client.set_terminated(runs.parent)

        self._try(task)

    def register(self, student: Selected) -> None:
        """See ``Tracker.register``."""
        self._try(lambda: registry.register(self._opened(), student), REGISTERING)

    def _opened(self) -> Runs:
        if self._runs is None:
            self._runs = Runs(self.uri, self.experiment)
        return self._runs

    def _try(self, task: Callable[[], None], seconds: float = SECONDS) -> None:
        """Run ``task`` for at most ``seconds``; what goes wrong becomes one warning."""
        if self._failed:
            return
        try:
            prepare(self.uri)
            within(seconds, task)
        except Exception as error:  # noqa: BLE001 (no failure of a tracker may end a run)
            self._warn(error)

    def _warn(self, error: Exception) -> None:
        if self._failed:
            return
        self._failed = True
        where, why = (public(text) for text in (self.uri, str(error) or repr(error)))
        say(f"warning: not tracked in MLflow ({where}): {why}", file=sys.stderr)
