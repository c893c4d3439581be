"""The file that says how far a stage is: there while it runs, and true when the stage is dead."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from siked.errors import UserError
from siked.run import progress
from siked.run.progress import Running, read, show_stage
from siked.terminal.progress import track
from stages.common import stage

STAGE = """
import sys, time
from pathlib import Path
from siked.terminal.progress import track
from siked.run.progress import show_stage
with show_stage(Path(sys.argv[1]), "train@it1", None), track(9, "train") as progress:
    progress.recall(4)
    progress.advance(tokens=30)
    time.sleep(60)
"""


@pytest.fixture(autouse=True)
def looks_often(monkeypatch):
    monkeypatch.setattr(progress, "EVERY", 0.01)


def when(folder, holds):
    """The one file of a folder, as soon as something holds of it."""
    for _ in range(500):
        found = read(folder)
        if found and holds(found[0]):
            return found[0]
        time.sleep(0.02)
    raise AssertionError(found)


def test_a_stage_is_seen_with_its_counts_while_it_runs_and_not_after(tmp_path):
    with show_stage(tmp_path, "generate@it1", "fuzzy-hare"):
        (one,) = read(tmp_path)
        assert (one.stage, one.experiment, one.work) == ("generate@it1", "fuzzy-hare", None)
        assert one.alive(time.time())
        with track(10, "generate it1") as progress:
            progress.recall(3)
            progress.advance(2, tokens=40)
            work = when(tmp_path, lambda one: one.work and one.work.done).work
            assert (work.what, work.done, work.recalled, work.total) == ("generate it1", 2, 3, 10)
            assert work.tokens == 40
        assert when(tmp_path, lambda one: one.work is None)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (UserError("data/x.jsonl:3: no answer"), "data/x.jsonl:3: no answer"),
        (KeyboardInterrupt(), "interrupted"),
        (ValueError("two\nlines"), "ValueError: two"),
    ],
)
def test_a_stage_that_fails_leaves_why(tmp_path, error, says):
    with pytest.raises(type(error)), show_stage(tmp_path, "filter@it1", None):
        raise error
    (one,) = read(tmp_path)
    assert one.failed == says
    assert not one.alive(time.time())
    with show_stage(tmp_path, "filter@it1", None):
        assert [one.failed for one in read(tmp_path)] == [None], "the next run takes its place"
    assert read(tmp_path) == []


def test_a_killed_stage_is_dead_at_once_with_what_it_had_done(tmp_path):
    stage = subprocess.Popen([sys.executable, "-c", STAGE, str(tmp_path)])
    try:
        one = when(tmp_path, lambda one: one.work and one.work.done)
        assert one.alive(time.time())
        stage.send_signal(signal.SIGKILL)
        os.waitid(os.P_PID, stage.pid, os.WEXITED | os.WNOWAIT)
        assert not one.alive(time.time()), "even before its parent knows"
    finally:
        stage.kill()
        stage.wait()
    (one,) = read(tmp_path)
    assert not one.alive(time.time())
    assert (one.work.done, one.work.recalled, one.failed) == (1, 4, None)


def test_a_later_process_with_the_same_number_is_not_the_stage(tmp_path):
    with show_stage(tmp_path, "train@it1", None):
        (one,) = read(tmp_path)
        assert not one.model_copy(update={"born": "1"}).alive(time.time())


def test_on_another_machine_it_lives_as_long_as_its_file_is_written(tmp_path):
    with show_stage(tmp_path, "train@it1", None):
        (one,) = read(tmp_path)
    far = one.model_copy(update={"host": "elsewhere", "pid": 1})
    assert far.alive(far.written + progress.LATE / 2)
    assert not far.alive(far.written + progress.LATE * 2)


def test_a_place_that_cannot_be_written_stops_no_stage(tmp_path):
    (tmp_path / "file").touch()
    with show_stage(tmp_path / "file" / "progress", "train@it1", None):
        time.sleep(0.05)


def test_what_is_no_such_file_is_passed_over(tmp_path):
    with show_stage(tmp_path, "train@it1", None):
        (path,) = tmp_path.glob("*.json")
        text = path.read_text()
    (tmp_path / "torn.json").write_text(text[:-9])
    (tmp_path / "other.json").write_text('{"a": 1}')
    (tmp_path / "good.json").write_text(text)
    assert read(tmp_path) == [Running.model_validate_json(text)]
    assert read(tmp_path / "missing") == []


def test_a_file_of_the_run_that_is_missing_is_one_line(tmp_path, monkeypatch, capsys):
    shutil.copy("params.yaml", tmp_path)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit), stage("select"):
        Path("models/students").rename("models/other")
    assert "error: models/students: no such file: `dvc repro` makes it" in capsys.readouterr().err
    with pytest.raises(FileNotFoundError), stage("select"):
        (tmp_path / "other").read_text()
