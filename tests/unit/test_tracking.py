import contextlib
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.request
from dataclasses import replace

import pytest

from siked.tracking import Experiment, NullTracker, open_tracker

PARAMS = {"seed": 0, "mix": {"variant": "all", "bias": None}, "strategies": ["cot", "pot"]}
FIGURES = {"dev": {"accuracy": 0.5, "n": 60, "low": None}, "failures": {"wrong": 30}, "kind": "x"}


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """An MLflow database as the tracker makes it, to be copied: making one takes seconds."""
    folder = tmp_path_factory.mktemp("store")
    uri = f"sqlite:///{folder / 'mlflow.db'}"
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        experiment = Experiment(store=uri, group="template", key="none", name="none")
        open_tracker(experiment).log("it0", {})
    return (folder / "mlflow.db").read_bytes()


@pytest.fixture
def experiment(template, tmp_path):
    (tmp_path / ".siked").mkdir()
    (tmp_path / ".siked" / "mlflow.db").write_bytes(template)
    return Experiment(
        store=f"sqlite:///{tmp_path}/.siked/mlflow.db",
        group="siked",
        key="0123abcd",
        name="lucky-otter",
        params=PARAMS,
        tags={"git": "abc123"},
    )


def runs(uri, group="siked"):
    """All runs of the experiment by name, and the client to ask more."""
    from mlflow import MlflowClient

    client = MlflowClient(uri)
    found = client.search_runs([client.get_experiment_by_name(group).experiment_id])
    by_name = {run.info.run_name: run for run in found}
    assert len(by_name) == len(found), "a run is there twice"
    return by_name, client


def points(client, run, name):
    return [(point.step, point.value) for point in client.get_metric_history(run.info.run_id, name)]


def test_importing_the_module_does_not_import_mlflow():
    code = "import sys, siked.tracking; sys.exit('mlflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_tracking_that_is_off_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tracker = open_tracker(None)
    assert isinstance(tracker, NullTracker)
    tracker.log("it0", FIGURES, step=0)
    tracker.finish([tmp_path / "missing"])
    assert not list(tmp_path.iterdir())


def test_a_first_run_makes_the_store_and_nothing_else(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    store = f"sqlite:///{tmp_path}/.siked/mlflow.db"
    tracker = open_tracker(Experiment(store=store, group="siked", key="k", name="first"))
    tracker.log("it0", FIGURES, step=0)
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["mlflow.db"]
    assert set(runs(store)[0]) == {"first", "it0"}
    assert capfd.readouterr().err == ""


def test_separate_processes_meet_the_same_parent_and_children(experiment, tmp_path):
    stage = (
        "import sys; from siked.tracking import *\n"
        f"tracker = open_tracker(Experiment(store={experiment.store!r}, group='siked', "
        f"key={experiment.key!r}, name='lucky-otter', params={PARAMS!r}))\n"
        "step = int(sys.argv[1])\n"
        "tracker.log(f'it{step}', {'dev': {'accuracy': step / 10}}, step=step)"
    )
    for step in "010":
        subprocess.run([sys.executable, "-c", stage, step], check=True, cwd=tmp_path)
    by_name, client = runs(experiment.store)
    parent = by_name.pop("lucky-otter")
    assert set(by_name) == {"it0", "it1"}
    for child in by_name.values():
        assert child.data.tags["mlflow.parentRunId"] == parent.info.run_id
        assert child.info.status == "FINISHED"
    assert sorted(points(client, parent, "dev/accuracy")) == [(0, 0.0), (1, 0.1)]
    assert parent.data.params == {
        "seed": "0",
        "mix.variant": "all",
        "mix.bias": "null",
        "strategies": '["cot", "pot"]',
    }


def test_logging_again_changes_what_changed_and_doubles_nothing(experiment):
    tracker = open_tracker(experiment)
    tracker.log("it1", FIGURES, step=1)
    tracker.log("baseline-pot", FIGURES)
    again = open_tracker(replace(experiment, tags={"git": "def456"}))
    again.log("it1", FIGURES | {"dev": {"accuracy": 0.6, "n": 60}, "new": 1.5}, step=1)
    again.log("baseline-pot", FIGURES)

    by_name, client = runs(experiment.store)
    assert set(by_name) == {"lucky-otter", "it1", "baseline-pot"}
    parent, child, baseline = (by_name[n] for n in ("lucky-otter", "it1", "baseline-pot"))
    assert child.data.metrics == {
        "dev/accuracy": 0.6,
        "dev/n": 60,
        "failures/wrong": 30,
        "new": 1.5,
    }
    assert parent.data.metrics == child.data.metrics
    assert parent.data.tags["git"] == "def456"
    assert points(client, parent, "dev/n") == [(1, 60)]
    assert points(client, baseline, "dev/n") == [(0, 60)]
    # A baseline is no point of the iterations' curve.
    assert (0, 0.5) not in points(client, parent, "dev/accuracy")


def test_runs_with_different_keys_stay_apart(experiment):
    for key, name in [("aaa", "one"), ("bbb", "two")]:
        open_tracker(replace(experiment, key=key, name=name)).log("it0", {"x": 1}, step=0)
    from mlflow import MlflowClient

    client = MlflowClient(experiment.store)
    group = client.get_experiment_by_name("siked").experiment_id
    found = client.search_runs([group])
    assert sorted(run.info.run_name for run in found) == ["it0", "it0", "one", "two"]


def test_more_settings_and_longer_ones_than_mlflow_takes_at_once(experiment, capfd):
    many = {f"key-{number}": number for number in range(250)} | {"long": "x" * 10_000}
    open_tracker(replace(experiment, params=many)).log(
        "it0", {f"m{number}": number for number in range(250)}, step=0
    )
    assert capfd.readouterr().err == ""
    by_name, _ = runs(experiment.store)
    assert len(by_name["lucky-otter"].data.params) == 251
    assert len(by_name["lucky-otter"].data.metrics) == 250


def test_files_are_attached_beside_the_store_and_the_parent_ends(experiment, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    report = tmp_path / "index.html"
    report.write_text("<p>done</p>")
    tracker = open_tracker(experiment)
    tracker.log("it0", FIGURES, step=0)
    tracker.finish([report])
    tracker.finish([report])
    by_name, client = runs(experiment.store)
    parent = by_name["lucky-otter"]
    assert parent.info.status == "FINISHED"
    assert [file.path for file in client.list_artifacts(parent.info.run_id)] == ["index.html"]
    kept = list((tmp_path / ".siked" / "mlartifacts").rglob("index.html"))
    assert [path.read_text() for path in kept] == ["<p>done</p>"]
    assert not (tmp_path / "mlruns").exists()


# Left to itself, MLflow waits for minutes in most of the cases below.
brief = pytest.mark.timeout(60)


def one_warning(tracker, capfd):
    """Log and finish: never an exception, always one line."""
    tracker.log("it0", FIGURES, step=0)
    tracker.log("it1", FIGURES, step=1)
    tracker.finish()
    lines = capfd.readouterr().err.splitlines()
    assert len(lines) == 1, lines
    assert lines[0].startswith("warning: not tracked in MLflow (")
    return lines[0]


@brief
def test_a_locked_database_costs_one_warning(experiment, capfd):
    lock = sqlite3.connect(experiment.store.removeprefix("sqlite:///"))
    with contextlib.closing(lock):
        lock.execute("BEGIN EXCLUSIVE")
        one_warning(open_tracker(experiment), capfd)


@brief
def test_a_file_that_is_no_database_costs_one_warning_and_stays(experiment, tmp_path, capfd):
    other = tmp_path / "notes.txt"
    other.write_text("not a database " * 100)
    store = f"sqlite:///{other}"
    one_warning(open_tracker(replace(experiment, store=store)), capfd)
    assert other.read_text() == "not a database " * 100


@brief
def test_a_store_that_cannot_be_made_costs_one_warning(experiment, tmp_path, capfd):
    (tmp_path / "file").write_text("")
    store = f"sqlite:///{tmp_path}/file/mlflow.db"
    one_warning(open_tracker(replace(experiment, store=store)), capfd)


@brief
def test_a_server_that_is_down_costs_one_warning_without_its_password(
    experiment, monkeypatch, capfd
):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://me:geheim@127.0.0.1:{free_port()}")
    line = one_warning(open_tracker(experiment), capfd)
    assert "127.0.0.1" in line
    assert "geheim" not in line


@brief
def test_a_server_that_never_answers_costs_one_warning(experiment, monkeypatch, capfd):
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{server.getsockname()[1]}")
        one_warning(open_tracker(experiment), capfd)


@brief
def test_a_server_that_answers_drop_by_drop_costs_one_warning(experiment, monkeypatch, capfd):
    """Each byte comes before the request's time-out: only a limit on the whole helps."""

    def drip(server):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = server.accept()
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
                threading.Thread(target=drops, args=(connection,), daemon=True).start()

    def drops(connection):
        with contextlib.suppress(OSError):
            while True:
                connection.sendall(b" ")
                time.sleep(0.5)

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=drip, args=(server,), daemon=True).start()
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{server.getsockname()[1]}")
        line = one_warning(open_tracker(experiment), capfd)
    assert "no answer within" in line


@pytest.mark.slow
def test_a_real_server_is_used_and_may_die(experiment, tmp_path, monkeypatch, capfd):
    """Through a server everything is as with a file; killed in mid-run, it costs one warning."""
    uri = f"http://127.0.0.1:{(port := free_port())}"
    with (tmp_path / "server.log").open("w") as log:
        server = subprocess.Popen(
            [
                *(sys.executable, "-m", "mlflow", "server", "--workers", "1"),
                *("--host", "127.0.0.1", "--port", str(port)),
                *("--backend-store-uri", experiment.store),
                *("--artifacts-destination", str(tmp_path / "artifacts")),
            ],
            cwd=tmp_path,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        wait_for(f"{uri}/health", server)
        monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
        report = tmp_path / "index.html"
        report.write_text("<p>done</p>")
        for _ in range(2):
            tracker = open_tracker(experiment)
            tracker.log("it0", FIGURES, step=0)
            tracker.log("it1", FIGURES, step=1)
            tracker.finish([report])
        assert capfd.readouterr().err == ""
        by_name, client = runs(uri)
        assert set(by_name) == {"lucky-otter", "it0", "it1"}
        parent = by_name["lucky-otter"]
        assert sorted(points(client, parent, "dev/accuracy")) == [(0, 0.5), (1, 0.5)]
        assert [file.path for file in client.list_artifacts(parent.info.run_id)] == ["index.html"]
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()
    one_warning(tracker, capfd)


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def wait_for(address, server):
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        assert server.poll() is None, "the server ended"
        with contextlib.suppress(OSError):
            urllib.request.urlopen(address, timeout=2).close()
            return
        time.sleep(0.5)
    pytest.fail("the server did not start")
