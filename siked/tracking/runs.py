"""The runs of one experiment in an MLflow store: a parent, and a child a student.

A child is one training. Where a student is trained anew and its losses differ, a new child takes
the old one's place, which goes to MLflow's trash.
"""

from __future__ import annotations  # types of MLflow's, which is imported late

import hashlib
import json
import math
import time
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from siked.settings import flatten
from siked.tracking.store import find_run, group_id, open_client, split

if TYPE_CHECKING:  # MLflow takes seconds to import, also where tracking is off
    from mlflow.entities import DatasetInput, Run

KEY, CHILD, PARENT = "siked.key", "siked.child", "mlflow.parentRunId"
REPLACES = "siked.replaces"
"""The id of the run whose place a child took."""
CURVE = "siked.curve"
"""The md5 of the loss curve that a child holds in full."""
LOSS = "train/loss"
LONGEST_VALUE = 6000
"""MLflow's limit on a parameter's text."""
PARAMS_A_REQUEST = 100
METRICS_A_REQUEST = 500
"""Below MLflow's limits of 100 parameters, and of 1,000 metrics and 1 MB."""


@dataclass(frozen=True)
class ParentRun:
    """What the parent run of one run of the pipeline is."""

    store: str
    """Where runs are kept unless ``MLFLOW_TRACKING_URI`` says otherwise: ``sqlite:////absolute``.
    Artifacts of a SQLite store lie in the folder ``mlartifacts`` beside it."""
    group: str
    """Name of the MLflow experiment that the parent run belongs to, and of the registered model."""
    key: str
    """Tells this parent from others: the same for all stages of one run of the pipeline, different
    for others. Letters, digits and dashes."""
    name: str
    """The parent's name, as shown."""
    params: Mapping[str, Any] = field(default_factory=dict)
    """The settings of the run, nested as in ``params.yaml``."""
    tags: Mapping[str, str] = field(default_factory=dict)
    """Anything else worth knowing: the git revision, the name of the DVC experiment."""


@dataclass(frozen=True)
class DataSet:
    """A JSON Lines file that went into a run. Its digest is its md5, which is DVC's hash of it."""

    name: str
    path: Path
    """As the run names it, relative to the repository."""
    use: Literal["training", "validation", "testing"]


class Runs:
    """The parent run of an experiment, made where missing, and its children."""

    def __init__(self, uri: str, wanted: ParentRun) -> None:
        self.client = open_client(uri)
        self.uri, self.wanted = uri, wanted
        self.group = group_id(self.client, uri, wanted.group)
        self.parent = self._open_parent()

    def open_child(self, name: str) -> Run:
        """Return a child by its name, made where missing."""
        tags = {PARENT: self.parent, CHILD: name}
        run = find_run(self.client, self.group, tags)
        return run or self.client.create_run(self.group, run_name=name, tags=tags)

    def replace(self, run: Run) -> Run:
        """Return a new child in the place of ``run``, which is deleted."""
        tags = {tag: run.data.tags[tag] for tag in (PARENT, CHILD)} | {REPLACES: run.info.run_id}
        fresh = self.client.create_run(self.group, run_name=tags[CHILD], tags=tags)
        self.client.delete_run(run.info.run_id)
        return fresh

    def begin(self, run: Run) -> None:
        """Mark a child and its parent as running."""
        for run_id in (self.parent, run.info.run_id):
            self.client.update_run(run_id, status="RUNNING")

    def read_losses(self, run: Run) -> dict[int, float]:
        """Return a child's loss at each step that was recorded."""
        points = self.client.get_metric_history(run.info.run_id, LOSS)
        return {point.step: point.value for point in points}

    def record_points(self, run_id: str, points: Sequence[tuple[int, int, str, float]]) -> None:
        """Record ``(milliseconds, step, name, value)``."""
        from mlflow.entities import Metric

        metrics = [Metric(name, value, at, step) for at, step, name, value in points]
        for batch in split(metrics, METRICS_A_REQUEST):
            self.client.log_batch(run_id, metrics=batch)

    def record_figures(self, run: Run, figures: Mapping[str, float], step: int | None) -> None:
        """Record a child's figures, on the parent too where they have a step.

        What is there already is not recorded again: MLflow would draw the point twice.
        """
        now = int(time.time() * 1000)
        if step is not None:
            given = self._read_given(run)
            new = [(now, step, k, v) for k, v in figures.items() if given.get(k) != v]
            self.record_points(self.parent, new)
        own = run.data.metrics
        new = [(now, step or 0, k, v) for k, v in figures.items() if own.get(k) != v]
        self.record_points(run.info.run_id, new)

    def complete(self, run: Run, curve: Sequence[tuple[int, float]]) -> Run:
        """Give a child the points of its loss curve that it lacks; return it, perhaps a new one."""
        mark = hashlib.md5(json.dumps(curve).encode(), usedforsecurity=False).hexdigest()
        before = run.data.tags.get(CURVE)
        if before == mark:
            return run
        if before is not None:
            run = self.replace(run)
        now = int(time.time() * 1000)
        missing = find_gaps(curve, self.read_losses(run))
        self.record_points(run.info.run_id, [(now, step, LOSS, loss) for step, loss in missing])
        self.client.set_tag(run.info.run_id, CURVE, mark)
        return run

    def record_inputs(self, run_id: str, data: Iterable[DataSet]) -> None:
        """Record data sets, but for empty ones, as inputs of a run; none is recorded twice."""
        if inputs := [_describe_input(one) for one in data if one.path.stat().st_size]:
            self.client.log_inputs(run_id, datasets=inputs)

    def _read_given(self, run: Run) -> dict[str, float]:
        """Return what the parent got for a child and for those whose place it took."""
        earlier: dict[str, float] = {}
        if before := run.data.tags.get(REPLACES):
            earlier = self._read_given(self.client.get_run(before))
        own: dict[str, float] = run.data.metrics
        return earlier | own

    def _open_parent(self) -> str:
        from mlflow.entities import Param, RunTag

        key = {KEY: self.wanted.key}
        run = find_run(self.client, self.group, key) or self.client.create_run(
            self.group, run_name=self.wanted.name, tags=key
        )
        run_id = str(run.info.run_id)
        tags = {**self.wanted.tags, **key}
        if changed := [RunTag(k, v) for k, v in tags.items() if run.data.tags.get(k) != v]:
            for batch in split(changed, PARAMS_A_REQUEST):
                self.client.log_batch(run_id, tags=batch)
        params = ((key, text[:LONGEST_VALUE]) for key, text in flatten(self.wanted.params))
        missing = [Param(k, v) for k, v in params if k not in run.data.params]
        for batch in split(missing, PARAMS_A_REQUEST):
            self.client.log_batch(run_id, params=batch)
        return run_id


def flatten_figures(value: Any, name: str = "") -> Iterator[tuple[str, float]]:
    """Yield nested figures as ``("dev/accuracy", 0.5)``, without what is no finite number."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from flatten_figures(inner, f"{name}/{key}" if name else str(key))
    elif isinstance(value, int | float) and math.isfinite(value):
        yield name, float(value)


def find_gaps(
    curve: Sequence[tuple[int, float]], known: Mapping[int, float]
) -> Iterator[tuple[int, float]]:
    """Yield the points of a curve for whose steps, since the point before, nothing is known."""
    steps = sorted(known)
    before = 0
    for step, loss in curve:
        if bisect_right(steps, before) == bisect_right(steps, step):
            yield step, loss
        before = step


def _describe_input(data: DataSet) -> DatasetInput:
    from mlflow.entities import Dataset, DatasetInput, InputTag

    digest = hashlib.md5(usedforsecurity=False)
    rows = 0
    with data.path.open("rb") as file:
        for line in file:
            digest.update(line)
            rows += 1
    return DatasetInput(
        Dataset(
            name=data.name,
            digest=digest.hexdigest(),
            source_type="local",
            source=json.dumps({"uri": data.path.as_posix()}),
            profile=json.dumps({"num_rows": rows}),
        ),
        tags=[InputTag("mlflow.data.context", data.use)],
    )
