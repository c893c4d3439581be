"""A selected student in MLflow's model registry.

A version holds the adapter alone, some megabytes. The base model, hundreds of them, stands once a
store: in a run of the MLflow experiment ``NAME-base-models``, found by the hash of its files, to
which versions refer. A student that is registered is not registered again.

The alias ``champion`` names the version with the best accuracy on the dev questions; where these
changed, accuracies cannot be compared, and the newest student is the champion.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import warnings
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import siked
from siked.files import sha256
from siked.models import student_format
from siked.models.loading import is_whole
from siked.settings import VerifySettings
from siked.tracking.runs import Runs
from siked.tracking.store import ENVIRONMENT, find_run, group_id

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

ALIAS = "champion"
STUDENT, BASE, WHOLE = "siked.student", "siked.base", "siked.complete"
ABOUT = ("README.md", "siked.json")
"""Files of a student's folder that do not decide its answers."""
UPLOAD_TIMEOUT = "60"
"""Seconds that a server may take to store one file."""


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


def register(runs: Runs, student: Selected) -> None:
    """Register a student where it is new, and let the alias name the best one.

    Raises:
        UserError: the student's folder is damaged.
        MlflowException: the store refused something.
    """
    timeout = "MLFLOW_HTTP_REQUEST_TIMEOUT"
    if os.environ.get(timeout) == ENVIRONMENT[timeout]:
        os.environ[timeout] = UPLOAD_TIMEOUT
    client, name = runs.client, runs.wanted.group
    key = _hash_student(student)
    _ensure_model(client, name)
    versions = client.search_model_versions(f"name = '{name}' and tags.`{STUDENT}` = '{key}'")
    version = versions[0] if versions else _add_version(runs, student, key)
    dev = hashlib.md5(student.dev.read_bytes(), usedforsecurity=False).hexdigest()
    known = {"dev_md5": dev, "dev_accuracy": str(student.accuracy)}
    for tag, value in known.items():
        client.set_model_version_tag(name, version.version, tag, value)
    champion = _find_champion(client, name)
    if champion is not None and champion.version != version.version:
        same = champion.tags.get("dev_md5") == dev
        if same and float(champion.tags["dev_accuracy"]) > student.accuracy:
            return
    client.set_registered_model_alias(name, ALIAS, version.version)


def _hash_student(student: Selected) -> str:
    """Return what decides a student's answers, in one hash."""
    about = student_format.read(student.folder)
    made_of = {
        "files": _hash_files(student.folder, ABOUT),
        "base": about.base and about.base.sha256,
        "dtype": student.dtype,
        "max_new_tokens": student.max_new_tokens,
        "verify": student.verify.model_dump(mode="json"),
    }
    return hashlib.sha256(json.dumps(made_of, sort_keys=True).encode()).hexdigest()[:32]


def _hash_files(folder: Path, without: tuple[str, ...] = ()) -> dict[str, str]:
    files = sorted(path for path in folder.iterdir() if path.is_file())
    return {path.name: sha256(path) for path in files if path.name not in without}


def _ensure_model(client: MlflowClient, name: str) -> None:
    from mlflow.exceptions import MlflowException

    try:
        client.create_registered_model(
            name, description="Students that were distilled by SIKeD, one a version."
        )
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise


def _find_champion(client: MlflowClient, name: str) -> ModelVersion | None:
    version = client.get_registered_model(name).aliases.get(ALIAS)
    return None if version is None else client.get_model_version(name, version)


def _add_version(runs: Runs, student: Selected, key: str) -> ModelVersion:
    client, place = runs.client, f"students/{key}"
    base, digest = (None, None) if is_whole(student.folder) else _send_base(runs, student)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "student"
        _save(folder, student, {"base": base, "base_sha256": digest})
        client.log_artifacts(runs.parent, str(folder), place)
    run = client.get_run(runs.parent)
    return client.create_model_version(
        runs.wanted.group,
        source=f"{run.info.artifact_uri}/{place}",
        run_id=runs.parent,
        tags={STUDENT: key, "iteration": student.name, "experiment": runs.wanted.name},
        description=f"{student.name} of {runs.wanted.name}",
    )


def _send_base(runs: Runs, student: Selected) -> tuple[str, str]:
    """Send the base model where the store lacks it; return where it is there, and its hash."""
    client = runs.client
    lines = "".join(f"{value}  {name}\n" for name, value in _hash_files(student.base).items())
    digest = hashlib.sha256(lines.encode()).hexdigest()
    group = group_id(client, runs.uri, f"{runs.wanted.group}-base-models")
    run = find_run(client, group, {BASE: digest})
    if run is None:
        about = student_format.read(student.folder)
        name = about.base.name if about.base else student.base.name
        run = client.create_run(group, run_name=name, tags={BASE: digest})
    if WHOLE not in run.data.tags:  # else an earlier try was cut off
        client.log_artifacts(run.info.run_id, str(student.base), "base")
        client.set_tag(run.info.run_id, WHOLE, "true")
        client.set_terminated(run.info.run_id)
    return f"runs:/{run.info.run_id}/base", digest


def _save(folder: Path, student: Selected, base: dict[str, str | None]) -> None:
    """Write the student as MLflow loads it: the adapter, this package's code and the settings."""
    from mlflow import pyfunc

    package = Path(siked.__file__).parent
    config: dict[str, Any] = {
        **base,
        "dtype": student.dtype,
        "max_new_tokens": student.max_new_tokens,
        "verify": student.verify.model_dump(mode="json"),
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MLflow asks for an example, which would load the model
        pyfunc.save_model(
            str(folder),
            python_model=str(package / "tracking" / "student_model.py"),
            artifacts={"student": str(student.folder)},
            code_paths=[str(package)],
            model_config=config,
            pip_requirements=_requirements(),
        )


def _requirements() -> list[str]:
    """Return the packages that this project needs, in the versions that are installed here."""
    from packaging.requirements import Requirement

    needed = [Requirement(line) for line in metadata.requires("siked") or ()]
    pinned: list[str] = []
    for one in needed:
        if one.marker is None or one.marker.evaluate({"extra": ""}):
            extras = f"[{','.join(sorted(one.extras))}]" if one.extras else ""
            version = metadata.version(one.name).partition("+")[0]
            pinned.append(f"{one.name}{extras}=={version}")
    return pinned
