"""Tracking: what a run measured, in MLflow, for whoever wants to compare runs there.

A run of the pipeline is one parent run; every iteration and baseline is a child of it. Metrics of
the iterations stand on the parent too, stepped by the iteration's number, so that MLflow draws them
as curves. Stages are separate processes: they find the same parent by a tag, its key. Logging a
child again changes what changed and adds nothing twice.

Tracking is never the reason that a run fails or waits: whatever goes wrong, the tracker says so in
one line on stderr, and is silent from then on. That is why training does not use the MLflow
callback of transformers. It opens its run in the training's own thread, where a server that does
not answer holds the training up for minutes and one that refuses ends it; it records the trainer's
arguments, which hold this machine's paths; and it would record a resumed training's steps twice.

    tracker = Tracker(ParentRun(store="sqlite:////home/me/siked/.siked/mlflow.db", ...))
    with tracker.live("it1") as watch:                   # figures appear while a model trains
        watch(12, {"loss": 0.81, "tokens_per_second": 670.0})
    tracker.log("it1", {"dev": {"accuracy": 0.55}}, step=1)     # dev/accuracy, on child and parent
    tracker.finish([Path("reports")])
    tracker.register(Selected(...))                      # models:/siked@champion
"""

from siked.tracking import origin
from siked.tracking.registry import Selected
from siked.tracking.runs import DataSet, ParentRun
from siked.tracking.store import ENVIRONMENT
from siked.tracking.tracker import Tracker
