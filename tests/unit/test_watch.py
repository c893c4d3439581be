"""`siked watch`: what it says of a pipeline must be so, from files alone."""

import io
import json
import os
import shutil
import time
from pathlib import Path

import pytest
import yaml
from rich.console import Console

from siked.commands.watch import render
from siked.errors import UserError
from siked.run.dvc import Pipeline, State
from siked.run.progress import Watcher, show_stage

ROOT = Path(__file__).parents[2]
PRESETS = sorted((ROOT / "presets").glob("*.yaml"))

STAGES = {
    "questions": {"cmd": "q", "params": ["rows"], "outs": ["data/questions"]},
    "train": {
        "foreach": "${iterations}",
        "do": {
            "cmd": "t ${key} ${item.previous}",
            "params": ["rate"],
            "deps": ["code", "data/questions/train.jsonl", "models/${item.previous}"],
            "outs": ["models/${key}", "metrics/students/${key}/train.json"],
        },
    },
    "eval": {
        "foreach": "${iterations}",
        "do": {
            "cmd": "e ${key}",
            "deps": ["models/${key}"],
            "outs": ["metrics/students/${key}/eval.json"],
        },
    },
    "select": {"cmd": "s", "deps": ["metrics/students"], "outs": ["best"]},
}
PARAMS = {
    "rows": 3,
    "rate": 0.1,
    "iterations": {"it1": {"previous": "it0"}, "it2": {"previous": "it1"}},
}
ORDER = ["questions", "train@it1", "eval@it1", "train@it2", "eval@it2", "select"]
D, R, W, F = State.DONE, State.RUNNING, State.WAITING, State.FAILED


@pytest.fixture
def root(tmp_path):
    """A finished run of a small pipeline, an hour old."""
    (tmp_path / "dvc.yaml").write_text(yaml.safe_dump({"stages": STAGES}, sort_keys=False))
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(PARAMS))
    pipeline = Pipeline(tmp_path)
    for stage in pipeline.stages.values():
        for out in stage.outs:
            path = tmp_path / out.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(figures(0.5)) if path.suffix else "")
            os.utime(path, (time.time() - 7200,) * 2)
    record(tmp_path)
    return tmp_path


def figures(accuracy):
    shares = {"cot": {"share": 0.25, "n": 5}, "pot": {"share": 0.75, "n": 15}}
    dev = {"accuracy": accuracy, "n": 20, "low": accuracy / 2, "high": 1.0, "strategies": shares}
    return {"carried": False, "so_far": [accuracy], "benchmarks": {"dev": dev}}


def record(root, **changed):
    """Write the lock: every stage read what the others wrote; ``changed`` hashes are new."""
    stages = Pipeline(root).stages.values()
    wanted = yaml.safe_load((root / "params.yaml").read_text())
    (root / "dvc.lock").write_text(
        yaml.safe_dump(
            {
                "schema": "2.0",
                "stages": {
                    stage.name: {
                        "cmd": stage.cmd,
                        "deps": [{"path": dep.path, "md5": "0"} for dep in stage.deps],
                        "params": {"params.yaml": {key: wanted[key] for key in keys(stage)}},
                        "outs": [
                            {"path": out.path, "md5": changed.get(Path(out.path).name, "0")}
                            for out in stage.outs
                        ],
                    }
                    for stage in stages
                },
            }
        )
    )
    for name in ("dvc.lock", "params.yaml"):
        os.utime(root / name, (time.time() - 3600,) * 2)


def keys(stage):
    return [key.removeprefix("params.yaml: ") for key in stage.params]


def states(root, running=(), failed=()):
    found = Pipeline(root).states(running, failed)
    return [found[name] for name in ORDER]


def printed(root, width=80, **options):
    console = Console(file=io.StringIO(), width=width, **options)
    console.print(render(Watcher(root).runs(), only_ascii=False))
    return console.file.getvalue()


@pytest.mark.parametrize("preset", PRESETS, ids=lambda path: path.stem)
def test_stages_are_those_that_dvc_makes_of_the_templates(preset, tmp_path, monkeypatch):
    from dvc.repo import Repo

    for source, name in ((ROOT / "dvc.yaml", "dvc.yaml"), (preset, "params.yaml")):
        shutil.copyfile(source, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    ours = Pipeline(tmp_path).stages.values()
    with Repo.init(str(tmp_path), no_scm=True) as repo:
        theirs = {stage.addressing: stage for stage in repo.index.stages}
        assert {stage.name for stage in ours} == set(theirs)
        for stage in ours:
            other = theirs[stage.name]
            assert stage.cmd == other.cmd
            assert sorted(out.path for out in stage.outs) == sorted(
                out.def_path for out in other.outs
            )
            named = {dep.def_path for dep in other.deps} - {"params.yaml"}
            assert {dep.path for dep in stage.deps} - {"params.yaml"} == named
    names = [stage.called for stage in ours]
    baselines = yaml.safe_load(preset.read_text())["baselines"]
    assert {"settings", "train@it0", *(f"eval@baseline-{one}" for one in baselines)} <= set(names)


def test_a_finished_run_is_done(root):
    assert states(root) == [D] * 6


def test_what_a_changed_setting_affects_waits(root):
    (root / "params.yaml").write_text(yaml.safe_dump(PARAMS | {"rate": 0.2}))
    assert states(root) == [D, W, W, W, W, W]


def test_what_read_another_version_waits_as_does_what_comes_after(root):
    record(root, it2="new")
    assert states(root) == [D, D, D, D, W, W]


def test_a_missing_output_waits(root):
    (root / "metrics/students/it1/eval.json").unlink()
    assert states(root) == [D, D, W, D, D, W]


def test_before_the_first_run_all_wait(root):
    (root / "dvc.lock").unlink()
    shutil.rmtree(root / "data")
    shutil.rmtree(root / "metrics")
    assert states(root) == [W] * 6


def test_while_a_stage_runs_what_it_reads_is_done_and_what_reads_it_waits(root):
    (root / "params.yaml").write_text(yaml.safe_dump(PARAMS | {"rows": 4}))
    shutil.rmtree(root / "metrics/students/it1")
    assert states(root, running=["train@it1"]) == [D, R, W, W, W, W]


def test_a_stage_that_has_just_ended_is_done_before_dvc_has_recorded_it(root):
    (root / "params.yaml").write_text(yaml.safe_dump(PARAMS | {"rows": 4}))
    os.utime(root / "params.yaml", (time.time() - 60,) * 2)
    (root / "data/questions").write_text("new")
    assert states(root)[0] is D


def test_a_dead_stage_failed_unless_its_outputs_were_restored(root):
    assert states(root, failed=["eval@it1"])[2] is D
    (root / "metrics/students/it1/eval.json").unlink()
    assert states(root, failed=["eval@it1"])[2] is F


def test_figures_of_an_earlier_run_are_not_shown_as_this_run_s(root):
    (run,) = Watcher(root).runs()
    assert list(run.students) == ["it1", "it2"]
    record(root, it1="new")
    (run,) = Watcher(root).runs()
    assert list(run.students) == []


def test_time_left_comes_from_the_last_whole_run_of_each_stage(root, monkeypatch):
    lines = [
        {"experiment": None, "stage": "eval@it1", "seconds": 500.0},
        {"experiment": None, "stage": "train@it1", "seconds": 40.0},
        {"experiment": "x", "stage": "eval@it1", "seconds": 30.0, "recalled": 0},
        {"experiment": None, "stage": "eval@it1", "seconds": 0.1, "recalled": 20},
    ]
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (root / ".siked").mkdir()
    (root / ".siked/timings.jsonl").write_text(text + '{"torn')
    (root / "params.yaml").write_text(yaml.safe_dump(PARAMS | {"rate": 0.2}))
    monkeypatch.chdir(root)
    with show_stage(root / ".siked/progress", "train@it1", None):
        (run,) = Watcher(root).runs()
    assert 39 < run.left.pop("train@it1") <= 40
    # A stage that never ran takes as long as the same step of another iteration.
    assert run.left == {"eval@it1": 30, "train@it2": 40, "eval@it2": 30, "select": None}


def test_every_experiment_in_a_copy_of_its_own_has_its_block(root, tmp_path_factory, monkeypatch):
    copy = tmp_path_factory.mktemp("copies") / "tmp1"
    shutil.copytree(root, copy)
    (copy / "metrics/students/it1/eval.json").write_text(json.dumps(figures(0.9)))
    monkeypatch.chdir(copy)
    watcher = Watcher(root)
    with show_stage(root / ".siked/progress", "eval@it2", "fuzzy-hare"):
        workspace, experiment = watcher.runs()
        assert (workspace.title, experiment.title) == ("workspace", "fuzzy-hare")
        assert (workspace.states["eval@it2"], experiment.states["eval@it2"]) == (D, R)
        assert workspace.students["it1"]["dev"]["accuracy"] == 0.5
        assert experiment.students["it1"]["dev"]["accuracy"] == 0.9
        assert "fuzzy-hare" in printed(root)
    assert [run.title for run in watcher.runs()] == ["workspace", "fuzzy-hare"], "between stages"
    with pytest.raises(UserError), show_stage(root / ".siked/progress", "eval@it2", "fuzzy-hare"):
        raise UserError("no space")
    assert len(Watcher(root).runs()) == 2
    monkeypatch.chdir(root)
    shutil.rmtree(copy)
    for one in (watcher, Watcher(root)):
        assert [run.title for run in one.runs()] == ["workspace"], "DVC has removed the copy"


def test_a_file_that_is_just_being_written_changes_nothing(root):
    watcher = Watcher(root)
    before = watcher.runs()[0].states
    for name in ("dvc.lock", "params.yaml", "dvc.yaml"):
        text = (root / name).read_text()
        (root / name).write_text(text[: len(text) // 2] + "\n: [")
        assert watcher.runs()[0].states == before
        (root / name).write_text(text)
        os.utime(root / name, (time.time() - 3600,) * 2)
    assert watcher.runs()[0].states == before


def test_a_folder_without_a_pipeline_is_one_line(root):
    (root / "params.yaml").write_text(yaml.safe_dump({"rows": 1}))
    with pytest.raises(UserError, match="does not fit"):
        Watcher(root)
    (root / "dvc.yaml").unlink()
    with pytest.raises(UserError, match=r"dvc\.yaml: no such file"):
        Watcher(root)


def test_it_fits_a_terminal_of_80_columns(root, monkeypatch):
    monkeypatch.chdir(root)
    with show_stage(root / ".siked/progress", "train@it1", None):
        text = printed(root)
    lines = [line.rstrip() for line in text.splitlines()]
    assert any("▶ train" in line and line.startswith("it1") for line in lines)
    assert "train@it1" in text
    assert all(len(line) <= 80 for line in lines)
    text = printed(root)
    assert "6 of 6 stages done, nothing running" in text
    assert "50.0 (25-100)" in text
    assert " 25 ━" in text
    assert " 75 ━━━" in text


def test_without_unicode_it_is_ascii(root):
    file = io.TextIOWrapper(io.BytesIO(), encoding="ascii", errors="replace")
    console = Console(file=file, width=80)
    console.print(render(Watcher(root).runs(), only_ascii=True))
    file.seek(0)
    assert "it1  + train  + eval" in file.read()


def test_what_a_stage_says_cannot_move_the_cursor(root, monkeypatch):
    monkeypatch.chdir(root)
    (root / "best").unlink()
    error = UserError("\x1b[2J[bold]x")
    with pytest.raises(UserError), show_stage(root / ".siked/progress", "select", None):
        raise error
    text = printed(root)
    assert "[bold]x" in text
    assert "\x1b" not in text
