"""The MLflow store: opened, and asked within a time limit.

A store is a SQLite file, ``sqlite:////home/me/siked/.siked/mlflow.db``, or a tracking server,
``https://me:secret@tracking.example.org``.
"""

from __future__ import annotations

import contextlib
import os
import queue
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from siked.terminal.console import mask_secrets

if TYPE_CHECKING:  # MLflow takes seconds to import, also where tracking is off
    from mlflow import MlflowClient
    from mlflow.entities import Run

    T = TypeVar("T")

ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "8",
    "MLFLOW_LOGGING_LEVEL": "ERROR",
}
"""Set where the user has not: nothing sent to others, no chatter, and a request that can be made
twice within the time of a call (``tracker.SECONDS``)."""
SQLITE = "sqlite:///"


def prepare(uri: str) -> None:
    """Import MLflow, and make the store where it is a SQLite file that is not there yet.

    Imports and setting up the tables take seconds of computing, on a busy machine more than a call
    may take. The tables are made beside the final name, so that neither an interruption nor a
    second process leaves half a store.
    """
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    import mlflow

    database = sqlite_file(uri)
    if database is None:
        return
    import mlflow.store.tracking.sqlalchemy_store  # noqa: F401 (its client needs it)

    if database.exists():
        return
    database.parent.mkdir(parents=True, exist_ok=True)
    fresh = database.with_name(f".{database.name}.{os.getpid()}.partial")
    try:
        fresh.touch()
        open_client(f"{SQLITE}{fresh}").search_experiments(max_results=1)
        with contextlib.suppress(FileExistsError):
            os.link(fresh, database)
    finally:
        fresh.unlink(missing_ok=True)


def open_client(uri: str) -> MlflowClient:
    """Return a client of the store."""
    from mlflow import MlflowClient

    return MlflowClient(uri)


def group_id(client: MlflowClient, uri: str, name: str) -> str:
    """Return the id of an MLflow experiment, made where missing."""
    if (known := client.get_experiment_by_name(name)) is not None:
        return str(known.experiment_id)
    database = sqlite_file(uri)
    # MLflow's own default is relative to the working directory of whoever asks first.
    place = (database.parent / "mlartifacts").as_uri() if database else None
    try:
        return str(client.create_experiment(name, artifact_location=place))
    except Exception:
        # Another process may have made it in the meantime.
        if (known := client.get_experiment_by_name(name)) is None:
            raise
        return str(known.experiment_id)


def find_run(client: MlflowClient, group: str, tags: Mapping[str, str]) -> Run | None:
    """Return the oldest run of the MLflow experiment ``group`` that has all of ``tags``."""
    runs = client.search_runs(
        [group],
        filter_string=" and ".join(f"tags.`{name}` = '{value}'" for name, value in tags.items()),
        order_by=["attributes.start_time ASC"],
        max_results=1,
    )
    return runs[0] if runs else None


def run_within(seconds: float, task: Callable[[], None]) -> None:
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
        raise no_answer(seconds) from None
    if error is not None:
        raise error


def no_answer(seconds: float) -> TimeoutError:
    """Return what a store that does not answer in time is reported as."""
    return TimeoutError(f"no answer within {seconds} seconds")


def split(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """Yield ``items`` in portions of ``size``."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


def sqlite_file(uri: str) -> Path | None:
    """Return the file of a SQLite store; None of another store."""
    return Path(uri.removeprefix(SQLITE)) if uri.startswith(SQLITE) else None


def hide_secrets(text: str) -> str:
    """Return the text's first line without any key, token or password."""
    return mask_secrets(text.strip().partition("\n")[0])
