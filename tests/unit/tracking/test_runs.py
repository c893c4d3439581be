"""Runs in MLflow: a parent, its children, their figures, curves and data sets."""

import hashlib
import subprocess
import sys
from dataclasses import replace

import pytest

from siked.tracking import DataSet, ParentRun, Tracker, origin
from siked.tracking.runs import find_gaps
from tests.unit.tracking.conftest import PARAMS
from tests.unit.tracking.stores import FIGURES, curve, points, runs


def test_importing_the_module_does_not_import_mlflow():
    code = "import sys, siked.tracking; sys.exit('mlflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_store_that_is_there_is_opened_with_little_left_to_import(experiment):
    """Imports take long where many processes run: what has a time limit must not wait for them."""
    Tracker(experiment).log("it0", FIGURES, step=0)
    code = (
        "import sys; from siked.tracking.store import open_client, prepare; "
        "prepare(sys.argv[1]); before = set(sys.modules); "
        "open_client(sys.argv[1]).search_experiments(); print(len(set(sys.modules) - before))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, experiment.store], check=True, capture_output=True, text=True
    )
    assert int(done.stdout) < 50


def test_tracking_that_is_off_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tracker = Tracker(None)
    with tracker.live("it0") as watch:
        watch(1, {"loss": 2.0})
    tracker.register(None)
    tracker.log("it0", FIGURES, step=0)
    tracker.finish([tmp_path / "missing"])
    assert not list(tmp_path.iterdir())


def test_a_first_run_makes_the_store_and_nothing_else(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    store = f"sqlite:///{tmp_path}/.siked/mlflow.db"
    tracker = Tracker(ParentRun(store=store, group="siked", key="k", name="first"))
    tracker.log("it0", FIGURES, step=0)
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["mlflow.db"]
    assert set(runs(store)[0]) == {"first", "it0"}
    assert capfd.readouterr().err == ""


def test_separate_processes_meet_the_same_parent_and_children(experiment, tmp_path):
    stage = (
        "import sys; from siked.tracking import *\n"
        f"tracker = Tracker(ParentRun(store={experiment.store!r}, group='siked', "
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
    tracker = Tracker(experiment)
    tracker.log("it1", FIGURES, step=1)
    tracker.log("baseline-pot", FIGURES)
    again = Tracker(replace(experiment, tags={"preset": "none"}))
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
    assert parent.data.tags["preset"] == "none"
    assert points(client, parent, "dev/n") == [(1, 60)]
    assert points(client, baseline, "dev/n") == [(0, 60)]
    # A baseline is no point of the iterations' curve.
    assert (0, 0.5) not in points(client, parent, "dev/accuracy")


def test_runs_with_different_keys_stay_apart(experiment):
    for key, name in [("aaa", "one"), ("bbb", "two")]:
        Tracker(replace(experiment, key=key, name=name)).log("it0", {"x": 1}, step=0)
    from mlflow import MlflowClient

    client = MlflowClient(experiment.store)
    group = client.get_experiment_by_name("siked").experiment_id
    found = client.search_runs([group])
    assert sorted(run.info.run_name for run in found) == ["it0", "it0", "one", "two"]


def test_more_settings_and_longer_ones_than_mlflow_takes_at_once(experiment, capfd):
    many = {f"key-{number}": number for number in range(250)} | {"long": "x" * 10_000}
    Tracker(replace(experiment, params=many)).log(
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
    tracker = Tracker(experiment)
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


CURVE = [(1, 2.5), (2, 2.0), (3, 1.5), (4, 1.25)]


def test_a_curve_that_nobody_recorded_live_is_filled_in_once(experiment):
    for _ in range(2):
        Tracker(experiment).log("it1", FIGURES, step=1, curve=CURVE)
    assert curve(experiment.store) == CURVE
    by_name, client = runs(experiment.store)
    assert points(client, by_name["lucky-otter"], "train/loss") == []


def test_another_curve_is_another_child_and_the_parent_gets_no_point_twice(experiment):
    tracker = Tracker(experiment)
    tracker.log("it1", FIGURES, step=1, curve=CURVE)
    again = [(step, loss / 2) for step, loss in CURVE]
    tracker.log("it1", FIGURES | {"failures": {"wrong": 31}}, step=1, curve=again)
    assert curve(experiment.store) == again
    by_name, client = runs(experiment.store)
    assert by_name["it1"].data.metrics["dev/n"] == 60
    assert points(client, by_name["lucky-otter"], "dev/n") == [(1, 60)]
    assert sorted(points(client, by_name["lucky-otter"], "failures/wrong")) == [(1, 30), (1, 31)]


@pytest.mark.parametrize(
    ("known", "missing"),
    [
        ({}, [4, 8, 12]),
        ({1: 0.0, 5: 0.0, 12: 0.0}, []),
        ({4: 0.0, 8: 0.0}, [12]),
        ({5: 0.0, 20: 0.0}, [4, 12]),
    ],
)
def test_a_gap_is_where_no_step_since_the_point_before_is_known(known, missing):
    found = find_gaps([(4, 0.4), (8, 0.8), (12, 1.2)], known)
    assert [step for step, _ in found] == missing


def test_data_sets_are_inputs_with_dvcs_hash_and_none_is_there_twice(experiment, tmp_path):
    mix, dev, empty = (tmp_path / f"{name}.jsonl" for name in ("mix", "dev", "empty"))
    mix.write_bytes(b'{"id": 1}\n{"id": 2}\n')
    dev.write_bytes(b'{"id": 3}\n')
    empty.touch()
    data = [DataSet("it1-mix", mix, "training"), DataSet("dev", dev, "validation")]
    for _ in range(2):
        tracker = Tracker(experiment)
        tracker.log("it1", FIGURES, step=1, data=[*data, DataSet("none", empty, "training")])
        tracker.finish(data=data[1:])
    by_name, client = runs(experiment.store)
    found = {
        one.dataset.name: (one.dataset.digest, [(tag.key, tag.value) for tag in one.tags])
        for one in client.get_run(by_name["it1"].info.run_id).inputs.dataset_inputs
    }
    assert found == {
        "it1-mix": (md5(mix), [("mlflow.data.context", "training")]),
        "dev": (md5(dev), [("mlflow.data.context", "validation")]),
    }
    inputs = client.get_run(by_name["lucky-otter"].info.run_id).inputs.dataset_inputs
    assert [one.dataset.name for one in inputs] == ["dev"]


def md5(path):
    return hashlib.md5(path.read_bytes()).hexdigest()


def test_a_folder_is_attached_whole(experiment, tmp_path):
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / "index.html").write_text("<p>done</p>")
    tracker = Tracker(experiment)
    tracker.finish([tmp_path / "reports"])
    by_name, client = runs(experiment.store)
    found = client.list_artifacts(by_name["lucky-otter"].info.run_id, "reports")
    assert [file.path for file in found] == ["reports/index.html"]


def test_a_commit_is_clean_until_something_that_decides_the_run_differs(tmp_path):
    def git(*arguments):
        subprocess.run(["git", *arguments], cwd=tmp_path, check=True, capture_output=True)

    assert origin.read_revision(tmp_path) == {}
    git("init")
    (tmp_path / "siked").mkdir()
    (tmp_path / "siked" / "code.py").write_text("a = 1\n")
    git("add", "--all")
    git("commit", "-m", "one")
    (tmp_path / "dvc.lock").write_text("written by the run")
    (tmp_path / "notes.txt").write_text("mine")
    clean = origin.read_revision(tmp_path)
    assert len(clean["mlflow.source.git.commit"]) == 40
    assert clean["mlflow.source.git.dirty"] == "false"
    (tmp_path / "siked" / "new.py").write_text("b = 2\n")
    assert origin.read_revision(tmp_path) == clean | {"mlflow.source.git.dirty": "true"}


def test_inputs_are_what_no_stage_made_and_code_is_not(tmp_path):
    (tmp_path / "dvc.lock").write_text("""
schema: '2.0'
stages:
  questions:
    cmd: x
    deps:
    - {path: data/own, hash: md5, md5: aaa.dir, size: 1}
    - {path: siked/questions, hash: md5, md5: bbb.dir, size: 1}
    outs:
    - {path: data/questions, hash: md5, md5: ccc.dir, size: 1}
  train@it1:
    cmd: x
    deps:
    - {path: data/questions, hash: md5, md5: ccc.dir, size: 1}
    - {path: prompts/student, hash: md5, md5: ddd.dir, size: 1}
  train@it9:
    cmd: x
    deps:
    - {path: prompts/student, hash: md5, md5: old.dir, size: 1}
""")
    assert origin.read_inputs(tmp_path, ["it1"]) == {
        "md5.data/own": "aaa.dir",
        "md5.prompts/student": "ddd.dir",
    }
    assert origin.read_inputs(tmp_path / "nowhere", ["it1"]) == {}
