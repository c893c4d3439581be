"""A selected student in the model registry: once, with its champion, and loadable by anyone."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from siked.settings import VerifySettings
from siked.tracking import Selected, Tracker
from tests.unit.tracking.stores import one_warning, runs, serving

FROZEN = Path(__file__).parents[2] / "data" / "students"
ASK = """
import json, sys, mlflow, pandas
model = mlflow.pyfunc.load_model("models:/siked@champion")
questions = json.loads(sys.argv[1])
listed = model.predict(questions)
framed = model.predict(pandas.DataFrame({"question": questions}))
import siked
print(json.dumps([listed, framed, siked.__file__, model.metadata.signature.to_dict()]))
"""
QUESTIONS = ["How many rolls?", "A baker sells 12 rolls for $3 each. How many dollars?"]


@pytest.fixture
def student(tmp_path):
    dev = tmp_path / "dev.jsonl"
    dev.write_text('{"id": "demo-1"}\n')
    return Selected(
        name="it1",
        folder=Path(shutil.copytree(FROZEN / "format-1", tmp_path / "best")),
        base=FROZEN / "base",
        dtype="float32",
        max_new_tokens=16,
        verify=VerifySettings(seconds=3, memory_mb=512, output_kb=64, workers=1),
        dev=dev,
        accuracy=0.5,
    )


def another(student, name, accuracy):
    """A student with other weights."""
    folder = Path(shutil.copytree(student.folder, student.folder.with_name(name)))
    about = json.loads((folder / "student.json").read_text())
    (folder / "student.json").write_text(json.dumps(about | {"siked": name}))
    return replace(student, name=name, folder=folder, accuracy=accuracy)


def ask(uri, home):
    """What a process that knows nothing but the store gets from the champion."""
    environment = {
        **os.environ,
        "MLFLOW_TRACKING_URI": uri,
        "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
        "XDG_CACHE_HOME": str(home / "cache"),
        "HF_HUB_OFFLINE": "1",
    }
    done = subprocess.run(
        [sys.executable, "-c", ASK, json.dumps(QUESTIONS)],
        cwd=home,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    listed, framed, module, signature = json.loads(done.stdout.splitlines()[-1])
    assert listed == framed
    assert [set(row) for row in listed] == [{"answer", "strategy", "rationale"}] * len(QUESTIONS)
    assert all(row["rationale"] for row in listed)
    assert json.loads(signature["inputs"])[0]["type"] == "string"
    assert "rationale" in signature["outputs"]
    return module


def versions(client):
    found = client.search_model_versions("name = 'siked'")
    return sorted((int(one.version), one.tags["iteration"]) for one in found)


def champion(client):
    return client.get_model_version_by_alias("siked", "champion").tags["iteration"]


def test_a_student_is_registered_once_and_the_base_stands_once(experiment, student, capfd):
    for round_ in ("first", "second"):
        tracker = Tracker(replace(experiment, key=round_, name=round_))
        tracker.register(student)
        (student.folder / "README.md").write_text("Another card of the same student.")
    Tracker(experiment).register(another(student, "it2", 0.6))
    assert capfd.readouterr().err == ""
    bases, client = runs(experiment.store, "siked-base-models")
    assert versions(client) == [(1, "it1"), (2, "it2")]
    assert len(bases) == 1
    assert client.list_artifacts(next(iter(bases.values())).info.run_id, "base")


def test_the_champion_is_the_best_on_the_same_dev_questions(experiment, student):
    tracker = Tracker(experiment)
    tracker.register(student)
    _, client = runs(experiment.store)
    assert champion(client) == "it1"
    tracker.register(another(student, "worse", 0.4))
    assert champion(client) == "it1"
    tracker.register(another(student, "better", 0.6))
    assert champion(client) == "better"
    tracker.register(student)
    assert champion(client) == "better"
    student.dev.write_text('{"id": "demo-2"}\n')
    tracker.register(another(student, "elsewhere", 0.1))
    assert champion(client) == "elsewhere"


def test_a_base_whose_copy_was_cut_off_is_sent_again(experiment, student, monkeypatch, capfd):
    from mlflow import MlflowClient

    with monkeypatch.context() as patch:

        def full(*_, **__):
            raise OSError(28, "No space left on device")

        patch.setattr(MlflowClient, "log_artifacts", full)
        Tracker(experiment).register(student)
    assert "No space left" in one_warning(capfd)
    Tracker(experiment).register(student)
    bases, client = runs(experiment.store, "siked-base-models")
    assert len(bases) == 1
    assert client.list_artifacts(next(iter(bases.values())).info.run_id, "base")
    assert versions(client) == [(1, "it1")]


def test_a_damaged_student_costs_one_warning(experiment, student, capfd):
    (student.folder / "student.json").write_text("{")
    Tracker(experiment).register(student)
    assert "student.json" in one_warning(capfd)


@pytest.mark.slow
def test_the_champion_answers_a_process_that_has_nothing_but_the_store(
    experiment, student, tmp_path
):
    """It runs the code that was registered with it, and the base where the store has it."""
    tracker = Tracker(experiment)
    tracker.register(student)
    module = ask(experiment.store, tmp_path)
    assert "mlartifacts" in module
    assert not (tmp_path / "cache" / "siked").exists()


@pytest.mark.slow
def test_a_whole_model_needs_no_base(experiment, student, tmp_path):
    whole = tmp_path / "whole"
    shutil.copytree(FROZEN / "base", whole)
    shutil.copyfile(student.folder / "student.json", whole / "student.json")
    Tracker(experiment).register(replace(student, folder=whole))
    ask(experiment.store, tmp_path)


@pytest.mark.slow
def test_a_servers_champion_keeps_its_base_on_this_machine(
    experiment, student, tmp_path, monkeypatch, capfd
):
    with serving(experiment.store, tmp_path) as (uri, _):
        monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
        Tracker(experiment).register(student)
        assert capfd.readouterr().err == ""
        for _ in range(2):
            ask(uri, tmp_path)
        assert len(list((tmp_path / "cache" / "siked" / "bases").iterdir())) == 1
