"""What the tests of tracking see in a store, and a tracking server of their own."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request

import pytest

FIGURES = {"dev": {"accuracy": 0.5, "n": 60, "low": None}, "failures": {"wrong": 30}, "kind": "x"}


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


def curve(uri, child="it1"):
    """The loss curve that the store has of a child."""
    by_name, client = runs(uri)
    return sorted(points(client, by_name[child], "train/loss"))


def one_warning(capfd):
    """What the tracker said: one line, whatever was called."""
    lines = capfd.readouterr().err.splitlines()
    assert len(lines) == 1, lines
    assert lines[0].startswith("warning: not tracked in MLflow (")
    return lines[0]


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


@contextlib.contextmanager
def serving(store, folder):
    """A real `mlflow server` on a SQLite file: gives its address and what kills it with -9."""
    uri = f"http://127.0.0.1:{(port := free_port())}"
    with (folder / "server.log").open("w") as log:
        server = subprocess.Popen(
            [
                *(sys.executable, "-m", "mlflow", "server", "--workers", "1"),
                *("--host", "127.0.0.1", "--port", str(port)),
                *("--backend-store-uri", store),
                *("--artifacts-destination", str(folder / "artifacts")),
            ],
            cwd=folder,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )

    def kill():
        if server.poll() is None:
            os.killpg(server.pid, signal.SIGKILL)
        server.wait()

    try:
        _wait_for(f"{uri}/health", server)
        yield uri, kill
    finally:
        kill()


def _wait_for(address, server):
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        assert server.poll() is None, "the server ended"
        with contextlib.suppress(OSError):
            urllib.request.urlopen(address, timeout=2).close()
            return
        time.sleep(0.5)
    pytest.fail("the server did not start")
