"""A training's figures while it goes on, also where it is repeated, resumed or cut off."""

import contextlib
import socket
import time

import pytest

from siked.tracking import Tracker
from tests.unit.tracking.stores import FIGURES, curve, one_warning, points, runs, serving

LOSSES = {step: 3 / step for step in range(1, 7)}


@pytest.fixture(autouse=True)
def often(monkeypatch):
    """System metrics come every ten seconds otherwise."""
    monkeypatch.setenv("MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL", "0.2")
    monkeypatch.setattr("siked.tracking.live.EVERY", 0.2)


def train(experiment, losses, then=None):
    with Tracker(experiment).live("it1") as watch:
        for step, loss in losses.items():
            watch(step, {"loss": loss, "tokens_per_second": 600.0, "learning_rate": 0.001})
        if then:
            then()


def wait_until(true, seconds=60):
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.1)


def test_figures_and_the_load_of_the_machine_appear_during_training(experiment):
    with Tracker(experiment).live("it1") as watch:
        watch(1, {"loss": 2.5, "tokens_per_second": 600.0, "learning_rate": 0.001})

        def appeared():
            with contextlib.suppress(AttributeError, KeyError):  # nothing is there yet
                metrics = runs(experiment.store)[0]["it1"].data.metrics
                return metrics.get("train/loss") and "system/cpu_utilization_percentage" in metrics
            return False

        wait_until(appeared)
        by_name, _ = runs(experiment.store)
        assert by_name["it1"].info.status == "RUNNING"
        assert by_name["it1"].data.metrics["train/tokens_per_second"] == 600
    by_name, _ = runs(experiment.store)
    assert by_name["it1"].info.status == "FINISHED"
    assert by_name["lucky-otter"].info.status == "RUNNING"


@pytest.mark.parametrize(
    ("error", "status"), [(KeyboardInterrupt, "KILLED"), (MemoryError, "FAILED")]
)
def test_how_a_training_ended_is_said_and_what_it_raised_goes_on(experiment, error, status):
    def broken():
        raise error

    with pytest.raises(error):
        train(experiment, {1: 2.5}, then=broken)
    assert runs(experiment.store)[0]["it1"].info.status == status
    assert curve(experiment.store) == [(1, 2.5)]


def test_a_resumed_and_a_repeated_training_add_nothing_twice(experiment):
    train(experiment, {step: LOSSES[step] for step in (1, 2, 3, 4)})
    train(experiment, {step: LOSSES[step] for step in (3, 4, 5, 6)})
    train(experiment, LOSSES)
    assert curve(experiment.store) == list(LOSSES.items())


def test_a_training_that_goes_on_otherwise_in_the_last_bits_stays_in_its_run(experiment):
    train(experiment, {step: LOSSES[step] for step in (1, 2, 3, 4)})
    train(experiment, {step: LOSSES[step] + 1e-9 for step in (3, 4, 5)})
    assert [step for step, _ in curve(experiment.store)] == [1, 2, 3, 4, 5]


def test_another_training_takes_the_childs_place(experiment):
    """The first loss comes before any learning, and is often the same."""
    train(experiment, LOSSES)
    other = {step: loss / 2 if step > 2 else loss for step, loss in LOSSES.items()}
    train(experiment, other)
    assert curve(experiment.store) == list(other.items())


def test_what_was_lost_is_filled_in_from_the_runs_own_curve(experiment):
    train(experiment, {step: LOSSES[step] for step in (1, 2, 6)})
    tracker = Tracker(experiment)
    for _ in range(2):
        tracker.log("it1", {}, step=1, curve=list(LOSSES.items()))
    assert curve(experiment.store) == list(LOSSES.items())


@pytest.mark.timeout(60)
def test_a_queue_that_nobody_empties_stays_short(experiment, monkeypatch, capfd):
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{server.getsockname()[1]}")
        monkeypatch.setattr("siked.tracking.live.MOST", 100)
        with Tracker(experiment).live("it1") as watch:
            for step in range(100_000):
                watch(step, {"loss": 1.0})
            assert len(watch.__self__._waiting) <= 100
    assert "127.0.0.1" in one_warning(capfd)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_real_server_is_used_and_may_be_killed_during_training(
    experiment, tmp_path, monkeypatch, capfd
):
    """Through a server everything is as with a file; killed, it costs one warning."""
    report = tmp_path / "index.html"
    report.write_text("<p>done</p>")
    with serving(experiment.store, tmp_path) as (uri, kill):
        monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
        for _ in range(2):
            train(experiment, LOSSES)
            tracker = Tracker(experiment)
            tracker.log("it0", FIGURES, step=0)
            tracker.log("it1", FIGURES, step=1, curve=list(LOSSES.items()))
            tracker.finish([report])
        assert capfd.readouterr().err == ""
        assert curve(uri) == list(LOSSES.items())
        by_name, client = runs(uri)
        assert set(by_name) == {"lucky-otter", "it0", "it1"}
        parent = by_name["lucky-otter"]
        assert sorted(points(client, parent, "dev/accuracy")) == [(0, 0.5), (1, 0.5)]
        assert [file.path for file in client.list_artifacts(parent.info.run_id)] == ["index.html"]

        said = ""
        tracker = Tracker(experiment)
        with tracker.live("it2") as watch:
            watch(1, {"loss": 2.5})
            wait_until(lambda: "it2" in runs(uri)[0] and runs(uri)[0]["it2"].data.metrics)
            kill()
            for step in range(2, 10_000):
                watch(step, {"loss": 1 / step})
                time.sleep(0.01)
                if said := capfd.readouterr().err:
                    break
        tracker.log("it2", FIGURES, step=2)
    said += capfd.readouterr().err
    assert said.startswith("warning: not tracked in MLflow (")
    assert said.count("\n") == 1
