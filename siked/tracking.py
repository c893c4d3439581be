"""Tracking: what a run measured, in MLflow, for whoever wants to compare runs there.

An experiment is one parent run; every iteration and baseline is a child of it. Metrics of the
iterations stand on the parent too, stepped by the iteration's number, so that MLflow draws them as
curves. Stages are separate processes: they find the same parent by a tag, its key. Logging a child
again changes what changed and adds nothing twice.

Tracking is never the reason that a run fails or waits: whatever goes wrong, the tracker says so in
one line on stderr, and is silent from then on.

    tracker = open_tracker(Experiment(store="sqlite:////home/me/siked/.siked/mlflow.db", ...))
    tracker.log("it1", {"dev": {"accuracy": 0.55}}, step=1)     # dev/accuracy, on child and parent
    tracker.finish([Path("reports/index.html")])
"""

from __future__ import annotations

import contextlib
import math
import os
import queue
import re
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from siked.settings import flat

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from mlflow import MlflowClient
    from mlflow.entities import Run

SECONDS = 8
"""The longest that one call may keep a stage waiting."""
LONGEST_VALUE = 6000
"""MLflow's limit on a parameter's text."""
BATCH = 100
"""MLflow's limit on parameters a request."""
ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "3",
    "MLFLOW_LOGGING_LEVEL": "ERROR",
}
"""Set where the user has not: nothing sent to others, no long waits, no chatter."""
KEY, CHILD, PARENT = "siked.key", "siked.child", "mlflow.parentRunId"
SQLITE = "sqlite:///"


@dataclass(frozen=True)
class Experiment:
    """What a parent run is."""

    store: str
    """Where runs are kept unless ``MLFLOW_TRACKING_URI`` says otherwise: ``sqlite:////absolute``.
    Artifacts of a SQLite store lie in the folder ``mlartifacts`` beside it."""
    group: str
    """Name of the MLflow experiment that the parent run belongs to."""
    key: str
    """Tells this parent from others: the same for all stages of one run of the pipeline, different
    for others. Letters, digits and dashes."""
    name: str
    """The parent's name, as shown."""
    params: Mapping[str, Any] = field(default_factory=dict)
    """The settings of the run, nested as in ``params.yaml``."""
    tags: Mapping[str, str] = field(default_factory=dict)
    """Anything else worth knowing: the git revision, the name of the DVC experiment."""


class Tracker(Protocol):
    """Where a run's figures go."""

    def log(self, child: str, metrics: Mapping[str, Any], *, step: int | None = None) -> None:
        """Record the figures of one step of the run.

        Args:
            child: The iteration or baseline: ``it1``, ``baseline-pot``.
            metrics: Figures, nested at will: ``{"dev": {"accuracy": 0.5}}`` is recorded as
                ``dev/accuracy``. What is not a finite number is left out.
            step: The iteration's number, for the parent's curves; None for a baseline.
        """
        ...

    def finish(self, files: Iterable[Path] = ()) -> None:
        """Attach ``files`` to the parent and mark it as finished."""
        ...


class NullTracker:
    """Records nothing: tracking is off."""

    def log(self, child: str, metrics: Mapping[str, Any], *, step: int | None = None) -> None:
        """Do nothing."""

    def finish(self, files: Iterable[Path] = ()) -> None:
        """Do nothing."""


def open_tracker(experiment: Experiment | None) -> Tracker:
    """A tracker for ``experiment``; one that does nothing where that is None.

    Takes no time: MLflow is imported and the store opened when the first figures come.
    """
    return NullTracker() if experiment is None else MlflowTracker(experiment)


class MlflowTracker:
    """Records in MLflow; after a first failure it has warned and does nothing more."""

    def __init__(self, experiment: Experiment) -> None:
        self.experiment = experiment
        self.uri = os.environ.get("MLFLOW_TRACKING_URI") or experiment.store
        self._failed = False

    def log(self, child: str, metrics: Mapping[str, Any], *, step: int | None = None) -> None:
        """See ``Tracker.log``."""
        figures = dict(_figures(metrics))
        self._try(lambda client: self._log(client, child, figures, step))

    def finish(self, files: Iterable[Path] = ()) -> None:
        """See ``Tracker.finish``."""
        paths = list(files)
        self._try(lambda client: self._finish(client, paths))

    def _log(
        self, client: MlflowClient, child: str, figures: Mapping[str, float], step: int | None
    ) -> None:
        from mlflow.entities import Metric  # noqa: PLC0415 (takes seconds; only when tracking)

        group, parent = self._parent(client)
        run = _found(client, group, {PARENT: parent, CHILD: child}) or client.create_run(
            group, run_name=child, tags={PARENT: parent, CHILD: child}
        )
        # A child holds what its parent got for it. What it has already is not logged again:
        # MLflow would keep both and draw the point twice.
        now = int(time.time() * 1000)
        new = [
            Metric(name, value, now, step or 0)
            for name, value in figures.items()
            if run.data.metrics.get(name) != value
        ]
        for batch in _batches(new):
            if step is not None:
                client.log_batch(parent, metrics=batch)
            client.log_batch(run.info.run_id, metrics=batch)
        client.set_terminated(run.info.run_id)

    def _finish(self, client: MlflowClient, files: Sequence[Path]) -> None:
        _, parent = self._parent(client)
        for path in files:
            client.log_artifact(parent, str(path))
        client.set_terminated(parent)

    def _parent(self, client: MlflowClient) -> tuple[str, str]:
        """The ids of the MLflow experiment and of the parent run, made where missing."""
        from mlflow.entities import Param, RunTag  # noqa: PLC0415

        group = self._group(client)
        wanted = {KEY: self.experiment.key}
        run = _found(client, group, wanted) or client.create_run(
            group, run_name=self.experiment.name, tags=wanted
        )
        tags = {**self.experiment.tags, **wanted}
        if changed := [RunTag(k, v) for k, v in tags.items() if run.data.tags.get(k) != v]:
            client.log_batch(run.info.run_id, tags=changed)
        params = ((key, text[:LONGEST_VALUE]) for key, text in flat(self.experiment.params))
        for batch in _batches([Param(k, v) for k, v in params if k not in run.data.params]):
            client.log_batch(run.info.run_id, params=batch)
        return group, run.info.run_id

    def _group(self, client: MlflowClient) -> str:
        name = self.experiment.group
        if (known := client.get_experiment_by_name(name)) is not None:
            return str(known.experiment_id)
        database = _sqlite_file(self.uri)
        # MLflow's own default is relative to the working directory of whoever asks first.
        place = (database.parent / "mlartifacts").as_uri() if database else None
        try:
            return str(client.create_experiment(name, artifact_location=place))
        except Exception:
            # Another process may have made it in the meantime.
            if (known := client.get_experiment_by_name(name)) is None:
                raise
            return str(known.experiment_id)

    def _try(self, task: Callable[[MlflowClient], None]) -> None:
        """Run ``task`` for at most ``SECONDS``; what goes wrong becomes one warning."""
        if self._failed:
            return
        try:
            _prepare(self.uri)
            _within(SECONDS, lambda: task(_client(self.uri)))
        except Exception as error:  # noqa: BLE001 (no failure of a tracker may end a run)
            self._failed = True
            where, why = (_public(text) for text in (self.uri, str(error) or repr(error)))
            print(f"warning: not tracked in MLflow ({where}): {why}", file=sys.stderr)


def _prepare(uri: str) -> None:
    """Import MLflow, and make the store where it is a SQLite file that is not there yet.

    Setting up the tables takes longer than ``SECONDS`` on a busy machine. It happens beside the
    final name, so that neither an interruption nor a second process leaves half a store.
    """
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    database = _sqlite_file(uri)
    if database is None or database.exists():
        import mlflow  # noqa: F401, PLC0415 (here, where its two seconds do not count)

        return
    database.parent.mkdir(parents=True, exist_ok=True)
    fresh = database.with_name(f".{database.name}.{os.getpid()}.partial")
    try:
        fresh.touch()
        _client(f"{SQLITE}{fresh}").search_experiments(max_results=1)
        with contextlib.suppress(FileExistsError):
            os.link(fresh, database)
    finally:
        fresh.unlink(missing_ok=True)


def _client(uri: str) -> MlflowClient:
    from mlflow import MlflowClient  # noqa: PLC0415 (takes seconds; only when tracking)

    return MlflowClient(uri)


def _within(seconds: float, task: Callable[[], None]) -> None:
    """Run ``task`` in a thread of its own and stop waiting for it after ``seconds``.

    MLflow retries in many places and has no time limit for all of them together.
    """
    outcome: queue.SimpleQueue[Exception | None] = queue.SimpleQueue()

    def work() -> None:
        try:
            task()
        except Exception as error:  # noqa: BLE001 (handed to the caller)
            outcome.put(error)
        else:
            outcome.put(None)

    threading.Thread(target=work, daemon=True).start()
    try:
        error = outcome.get(timeout=seconds)
    except queue.Empty:
        raise TimeoutError(f"no answer within {seconds} seconds") from None
    if error is not None:
        raise error


def _found(client: MlflowClient, group: str, tags: Mapping[str, str]) -> Run | None:
    """The oldest run of the MLflow experiment ``group`` that has all of ``tags``."""
    runs = client.search_runs(
        [group],
        filter_string=" and ".join(f"tags.`{name}` = '{value}'" for name, value in tags.items()),
        order_by=["attributes.start_time ASC"],
        max_results=1,
    )
    return runs[0] if runs else None


def _figures(value: Any, name: str = "") -> Iterator[tuple[str, float]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _figures(inner, f"{name}/{key}" if name else str(key))
    elif isinstance(value, int | float) and math.isfinite(value):
        yield name, float(value)


def _batches(items: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(items), BATCH):
        yield items[start : start + BATCH]


def _sqlite_file(uri: str) -> Path | None:
    return Path(uri.removeprefix(SQLITE)) if uri.startswith(SQLITE) else None


def _public(text: str) -> str:
    """The text's first line without the user and password of any address in it."""
    return re.sub(r"//[^/@\s]+@", "//", text.strip().splitlines()[0])
