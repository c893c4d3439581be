"""A store that fails in any way costs one warning and never the run."""

import contextlib
import socket
import sqlite3
import threading
import time
from dataclasses import replace

import pytest

from siked.tracking import Tracker
from tests.unit.tracking import stores
from tests.unit.tracking.stores import FIGURES, free_port

# Left to itself, MLflow waits for minutes in most of the cases below.
brief = pytest.mark.timeout(60)


def one_warning(tracker, capfd):
    """Everything that a run does with its tracker: never an exception, always one line."""
    for _ in range(2):
        with tracker.live("it0") as watch:
            watch(1, {"loss": 2.0})
        tracker.log("it0", FIGURES, step=0)
    tracker.finish()
    tracker.register(None)
    return stores.one_warning(capfd)


@brief
def test_a_locked_database_costs_one_warning(experiment, capfd):
    lock = sqlite3.connect(experiment.store.removeprefix("sqlite:///"))
    with contextlib.closing(lock):
        lock.execute("BEGIN EXCLUSIVE")
        one_warning(Tracker(experiment), capfd)


@brief
def test_a_file_that_is_no_database_costs_one_warning_and_stays(experiment, tmp_path, capfd):
    other = tmp_path / "notes.txt"
    other.write_text("not a database " * 100)
    store = f"sqlite:///{other}"
    one_warning(Tracker(replace(experiment, store=store)), capfd)
    assert other.read_text() == "not a database " * 100


@brief
def test_a_store_that_cannot_be_made_costs_one_warning(experiment, tmp_path, capfd):
    (tmp_path / "file").write_text("")
    store = f"sqlite:///{tmp_path}/file/mlflow.db"
    one_warning(Tracker(replace(experiment, store=store)), capfd)


@brief
def test_a_server_that_is_down_costs_one_warning_without_its_password(
    experiment, monkeypatch, capfd
):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://me:geheim@127.0.0.1:{free_port()}")
    line = one_warning(Tracker(experiment), capfd)
    assert "127.0.0.1" in line
    assert "geheim" not in line


@brief
def test_a_server_that_never_answers_costs_one_warning(experiment, monkeypatch, capfd):
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{server.getsockname()[1]}")
        one_warning(Tracker(experiment), capfd)


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
        line = one_warning(Tracker(experiment), capfd)
    assert "no answer within" in line
