"""MLflow after a run of the whole pipeline: complete, also what DVC did not run again."""

import json
import subprocess
import sys

import pytest
import yaml

from siked.tracking import ENVIRONMENT

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

ITERATIONS = ["it0", "it1", "it2"]
BESIDE = ["baseline-cot", "baseline-pot", "gkd"]


@pytest.fixture(autouse=True)
def quiet(monkeypatch):
    for name, value in ENVIRONMENT.items():  # read once, when MLflow is first imported
        monkeypatch.setenv(name, value)


def store(clone):
    return f"sqlite:///{clone.folder}/.siked/mlflow.db"


def recorded(uri):
    """The client, the one parent run and its children by name."""
    from mlflow import MlflowClient

    client = MlflowClient(uri)
    runs = client.search_runs([client.get_experiment_by_name("siked").experiment_id])
    (parent,) = [run for run in runs if "mlflow.parentRunId" not in run.data.tags]
    children = {run.info.run_name: run for run in runs if run is not parent}
    assert len(children) == len(runs) - 1, "a child is there twice"
    assert {run.data.tags["mlflow.parentRunId"] for run in children.values()} == {
        parent.info.run_id
    }
    return client, parent, children


def steps(client, run, name):
    return sorted(point.step for point in client.get_metric_history(run.info.run_id, name))


def inputs(client, run):
    found = client.get_run(run.info.run_id).inputs.dataset_inputs
    return {one.dataset.name: one.dataset.digest for one in found}


def losses(clone, name):
    lines = (clone.folder / f"plots/students/{name}/loss.csv").read_text().splitlines()[1:]
    return [int(line.partition(",")[0]) for line in lines]


def lock(clone):
    return yaml.safe_load((clone.folder / "dvc.lock").read_text())["stages"]


def check(clone, uri):
    """Everything that a run is to leave in MLflow."""
    client, parent, children = recorded(uri)
    assert set(children) == {*ITERATIONS, *BESIDE}
    assert steps(client, parent, "tiny/accuracy") == [0, 1, 2]
    for name, child in children.items():
        assert child.info.status == "FINISHED"
        assert steps(client, child, "train/loss") == losses(clone, name)
    trained = lock(clone)["train@it1"]["deps"]
    (mix,) = [dep["md5"] for dep in trained if dep["path"] == "data/students/it1/mix.jsonl"]
    assert inputs(client, children["it1"])["it1-mix"] == mix
    for name in BESIDE:
        assert set(inputs(client, children[name])) == {"it0-mix", "dev", "tiny"}
    assert set(inputs(client, parent)) == {"train", "dev", "tiny"}
    (version,) = client.search_model_versions("name = 'siked'")
    assert version.run_id == parent.info.run_id
    return client, parent, children


def test_a_run_is_one_parent_with_all_that_is_known_of_it(first_run):
    client, parent, _ = check(first_run, store(first_run))
    tags = parent.data.tags
    assert parent.info.status == "FINISHED"
    assert tags["mlflow.source.git.commit"] in first_run.git("rev-list", "--all")
    assert tags["mlflow.source.git.dirty"] == "false"
    assert "bubblewrap" in tags["isolation"]
    (own,) = [
        dep["md5"] for dep in lock(first_run)["questions"]["deps"] if dep["path"] == "data/own"
    ]
    assert tags["md5.data/own"] == own
    assert not [name for name in tags if name.startswith(("md5.siked", "md5.data/students"))]
    attached = {file.path for file in client.list_artifacts(parent.info.run_id)}
    assert {"reports", "plots", "params.yaml"} <= attached


def test_the_digests_of_questions_are_dvcs(first_run):
    client, parent, _ = recorded(store(first_run))
    (folder,) = [
        out["md5"]
        for out in lock(first_run)["questions"]["outs"]
        if out["path"] == "data/questions"
    ]
    listing = first_run.folder / ".dvc/cache/files/md5" / folder[:2] / folder[2:]
    dvc = {one["relpath"]: one["md5"] for one in json.loads(listing.read_text())}
    found = inputs(client, parent)
    names = {"train": "train.jsonl", "dev": "dev.jsonl", "tiny": "test-tiny.jsonl"}
    assert found == {name: dvc[file] for name, file in names.items()}


def test_the_selected_student_answers(first_run, monkeypatch):
    code = (
        "import json, mlflow; "
        "model = mlflow.pyfunc.load_model('models:/siked@champion'); "
        "print(json.dumps(model.predict(['Tom has 3 apples and buys 4. How many has he?'])))"
    )
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store(first_run))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (row,) = json.loads(done.stdout.splitlines()[-1])
    assert set(row) == {"answer", "strategy", "rationale"}


def test_what_dvc_restored_is_in_a_new_store_after_the_report_once(finished, tmp_path):
    uri = f"sqlite:///{tmp_path}/new/mlflow.db"
    finished.environment["MLFLOW_TRACKING_URI"] = uri
    try:
        for _ in range(2):
            assert "warning" not in finished.stage("report")
        check(finished, uri)
        assert finished.git("status", "--short") == "", "tracking has changed an output"
    finally:
        del finished.environment["MLFLOW_TRACKING_URI"]
