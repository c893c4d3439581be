"""What can be tracked, and what does the tracking."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

from siked.settings import VerifySettings
from siked.training import Watch


@dataclass(frozen=True)
class Experiment:
    """What a parent run is."""

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


@dataclass(frozen=True)
class Selected:
    """The student that a run selected, and all that answering with it needs."""

    name: str
    """The iteration."""
    folder: Path
    """Its adapter, or the whole model that it is, with ``student.json``."""
    base: Path
    """The model that the adapter belongs on."""
    dtype: str
    """Number type of the weights when answering, as in ``engine.dtype``."""
    max_new_tokens: int
    """Length limit of an answer."""
    verify: VerifySettings
    """Limits of the programs that it writes."""
    dev: Path
    """The questions by which it was selected."""
    accuracy: float
    """Its share of right answers to them."""


class Tracker(Protocol):
    """Where a run's figures go."""

    def live(self, child: str) -> AbstractContextManager[Watch]:
        """Record a training while it goes on, for as long as the block runs.

        Args:
            child: The iteration or baseline that is trained.

        Returns:
            A context manager that gives what to call after each optimiser step, with its number and
            its figures by name. That takes no time: they are sent from a thread of their own.
        """
        ...

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
        ...

    def finish(self, files: Iterable[Path] = (), data: Iterable[DataSet] = ()) -> None:
        """Attach files, folders and data sets to the parent and mark it as finished."""
        ...

    def register(self, student: Selected) -> None:
        """Put a student into the model registry, once, and let ``champion`` name the best one."""
        ...


class NullTracker:
    """Records nothing: tracking is off."""

    @contextlib.contextmanager
    def live(self, child: str) -> Iterator[Watch]:
        """Give what does nothing."""
        del child
        yield lambda step, figures: None

    def log(
        self,
        child: str,
        metrics: Mapping[str, Any],
        *,
        step: int | None = None,
        curve: Sequence[tuple[int, float]] | None = None,
        data: Iterable[DataSet] = (),
    ) -> None:
        """Do nothing."""

    def finish(self, files: Iterable[Path] = (), data: Iterable[DataSet] = ()) -> None:
        """Do nothing."""

    def register(self, student: Selected) -> None:
        """Do nothing."""
