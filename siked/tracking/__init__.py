"""Tracking: what a run measured, in MLflow, for whoever wants to compare runs there.

An experiment is one parent run; every iteration and baseline is a child of it. Metrics of the
iterations stand on the parent too, stepped by the iteration's number, so that MLflow draws them as
curves. Stages are separate processes: they find the same parent by a tag, its key. Logging a child
again changes what changed and adds nothing twice.

Tracking is never the reason that a run fails or waits: whatever goes wrong, the tracker says so in
one line on stderr, and is silent from then on.

    tracker = open_tracker(Experiment(store="sqlite:////home/me/siked/.siked/mlflow.db", ...))
    with tracker.live("it1") as watch:                   # figures appear while a model trains
        watch(12, {"loss": 0.81, "tokens_per_second": 670.0})
    tracker.log("it1", {"dev": {"accuracy": 0.55}}, step=1)     # dev/accuracy, on child and parent
    tracker.finish([Path("reports")])
    tracker.register(Selected(...))                      # models:/siked@champion
"""

from __future__ import annotations

from siked.tracking import origin
from siked.tracking.protocol import DataSet, Experiment, NullTracker, Selected, Tracker
from siked.tracking.store import ENVIRONMENT
from siked.tracking.tracker import MlflowTracker

__all__ = [
    "ENVIRONMENT",
    "DataSet",
    "Experiment",
    "NullTracker",
    "Selected",
    "Tracker",
    "open_tracker",
    "origin",
]


def open_tracker(experiment: Experiment | None) -> Tracker:
    """A tracker for ``experiment``; one that does nothing where that is None.

    Takes no time: MLflow is imported and the store opened when the first figures come.
    """
    return NullTracker() if experiment is None else MlflowTracker(experiment)
