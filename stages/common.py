"""What every stage script does before and after its own work."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from siked.errors import UserError, report_errors
from siked.files import read_json, replace_folder
from siked.records import Question, read_records
from siked.run import layout
from siked.run.progress import Timing, note, show_stage
from siked.settings import Params, load_params
from siked.tracking import ParentRun, Tracker, origin


@contextlib.contextmanager
def stage(name: str) -> Iterator[Params]:
    """Run a stage's body with the checked params; report errors; note how long it took.

    Times go to ``.siked/timings.jsonl``, not to an output: outputs are the same in every run.
    ``recalled`` there is what an earlier run had done already. While the body runs,
    ``.siked/progress/`` says how far it is.
    """
    with report_errors():
        params = load_params(layout.PARAMS)
        started = time.monotonic()
        experiment = os.environ.get("DVC_EXP_NAME")
        with show_stage(layout.kept(layout.PROGRESS), name, experiment) as works, _name_missing():
            yield params
        timing = Timing(
            experiment=experiment,
            stage=name,
            seconds=round(time.monotonic() - started, 1),
            recalled=sum(work.recalled for work in works),
        )
        note(layout.kept(layout.TIMINGS), timing)


@contextlib.contextmanager
def _name_missing() -> Iterator[None]:
    """Say of a file of the run that is not there what makes it: the stage was started by hand."""
    try:
        yield
    except FileNotFoundError as error:
        if error.filename is None or Path(error.filename).is_absolute():
            raise
        raise UserError(f"{error.filename}: no such file: `dvc repro` makes it") from None


def questions(path: Path) -> dict[str, Question]:
    """Return the questions of a file by their ids, in its order.

    Raises:
        UserError: an id stands twice.
    """
    found: dict[str, Question] = {}
    for question in read_records(path, Question):
        if question.id in found:
            raise UserError(f"{path}: the id {question.id} stands twice")
        found[question.id] = question
    return found


def stopped(previous: layout.StudentFiles) -> bool:
    """Return whether the loop had ended with ``previous``, so that its result is carried on."""
    return bool(read_json(previous.plateau)["stopped"])


def carry(source: Path, target: Path) -> None:
    """Copy a previous student's folder, as an iteration after the plateau does."""
    with replace_folder(target) as folder:
        shutil.copytree(source, folder, dirs_exist_ok=True)


def tracker(params: Params, **tags: str) -> Tracker:
    """Return where this run's figures go: a run's stages with the same settings share a parent.

    Args:
        params: the settings.
        tags: what else is known of the run by now.
    """
    if not params.tracking.mlflow:
        return Tracker(None)
    settings = params.model_dump(mode="json")
    key = hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:12]
    experiment = os.environ.get("DVC_EXP_NAME", "")
    here = layout.PARAMS.parent
    known = {"dvc_experiment": experiment, "preset": origin.find_preset(params, here / "presets")}
    return Tracker(
        ParentRun(
            store=f"sqlite:///{layout.kept(layout.MLFLOW)}",
            group=params.tracking.experiment,
            key=f"{key}-{experiment}" if experiment else key,
            name=experiment or f"workspace-{key}",
            params=settings,
            tags={**origin.read_revision(here), **known, **tags},
        )
    )
