"""Recording in MLflow without ever failing or holding up a run."""

import contextlib
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from siked.terminal.console import say
from siked.tracking.live import Live
from siked.tracking.registry import Selected, register
from siked.tracking.runs import DataSet, ParentRun, Runs, flatten_figures
from siked.tracking.store import hide_secrets, prepare, run_within
from siked.training.job import Watch

SECONDS = 20
"""The longest that one call may keep a stage waiting."""
REGISTERING = 120
"""The same for a student's registration, which may have to send a base model."""


class Tracker:
    """Records in MLflow; after a first failure it has warned and does nothing more.

    It takes no time to make one: MLflow is imported and the store opened when figures come.
    """

    def __init__(self, parent: ParentRun | None) -> None:
        """Make one for a run; for None, one that does nothing."""
        self._parent = parent
        self._uri = os.environ.get("MLFLOW_TRACKING_URI") or (parent.store if parent else "")
        self._silent = parent is None
        self._runs: Runs | None = None

    @contextlib.contextmanager
    def live(self, child: str) -> Iterator[Watch]:
        """Record a training while it goes on, for as long as the block runs.

        Args:
            child: The iteration or baseline that is trained.

        Returns:
            A context manager that gives what to call after each optimiser step, with its number and
            its figures by name. That takes no time: they are sent from a thread of their own.
        """
        # Not in the thread: two threads that import at once may each get half a module.
        self._try(lambda: None)
        if self._silent:
            yield lambda step, figures: None
            return
        live = Live(self._open, child, self._warn)
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
        """Record the figures of one step of the run.

        Args:
            child: The iteration or baseline: ``it1``, ``baseline-pot``.
            metrics: Figures, nested at will: ``{"dev": {"accuracy": 0.5}}`` is recorded as
                ``dev/accuracy``. What is not a finite number is left out.
            step: The iteration's number, for the parent's curves; None for a baseline.
            curve: The training's steps and losses, to fill what ``live`` has not recorded.
            data: What the child was trained and evaluated on.
        """
        flat = dict(flatten_figures(metrics))

        def task() -> None:
            runs = self._open()
            run = runs.open_child(child)
            if curve is not None:
                run = runs.complete(run, curve)
            runs.record_figures(run, flat, step)
            runs.record_inputs(run.info.run_id, data)
            runs.client.set_terminated(run.info.run_id)

        self._try(task)

    def finish(self, files: Iterable[Path] = (), data: Iterable[DataSet] = ()) -> None:
        """Attach files, folders and data sets to the parent and mark it as finished."""

        def task() -> None:
            runs = self._open()
            runs.record_inputs(runs.parent, data)
            for path in files:
                runs.client.log_artifact(runs.parent, str(path))
            runs.client.set_terminated(runs.parent)

        self._try(task)

    def register(self, student: Selected) -> None:
        """Put a student into the model registry, once, and let ``champion`` name the best one."""
        self._try(lambda: register(self._open(), student), REGISTERING)

    def _open(self) -> Runs:
        if self._runs is None:
            assert self._parent is not None
            self._runs = Runs(self._uri, self._parent)
        return self._runs

    def _try(self, task: Callable[[], None], seconds: float = SECONDS) -> None:
        """Run ``task`` for at most ``seconds``; what goes wrong becomes one warning."""
        if self._silent:
            return
        try:
            prepare(self._uri)
            run_within(seconds, task)
        except Exception as error:  # noqa: BLE001 (no failure of a tracker may end a run)
            self._warn(error)

    def _warn(self, error: Exception) -> None:
        if self._silent:
            return
        self._silent = True
        where, why = (hide_secrets(text) for text in (self._uri, str(error) or repr(error)))
        say(f"warning: not tracked in MLflow ({where}): {why}", file=sys.stderr)
