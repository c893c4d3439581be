"""The filter stage by itself: what a kill costs, and what bad input says."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from siked.records import Question, Rationale, VerifiedRationale, read_records, write_records

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "stages.filter", "--iteration", "it1"]


@pytest.fixture
def folder(tmp_path):
    """Three hundred programs, of which every third takes a while."""
    params = yaml.safe_load((ROOT / "presets" / "demo.yaml").read_text())
    params["verify"] |= {"seconds": 1, "workers": 1}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params))
    question = Question(id="q", source="test", question="How much is 18?", answer="18")
    write_records(tmp_path / "data/questions/train.jsonl", [question])
    slow = "import time\ntime.sleep(0.02)\nanswer = 18"
    rationales = [
        Rationale(
            question_id="q",
            strategy="pot",
            sample=number,
            text=slow if number % 3 == 0 else f"answer = {number}",
        )
        for number in range(300)
    ]
    write_records(tmp_path / "data/students/it1/generated.jsonl", rationales)
    return tmp_path


def start(folder):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "DVC_ROOT": str(folder)}
    return subprocess.Popen(
        COMMAND, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def kept(folder):
    """How many verdicts are safe."""
    return sum(path.read_bytes().count(b"\n") for path in folder.glob(".siked/filter/*.jsonl"))


def outputs(folder):
    names = ("data/students/it1/verified.jsonl", "metrics/students/it1/filter.json")
    return [(folder / name).read_bytes() for name in names]


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGINT])
def test_a_killed_run_goes_on_where_it_was(folder, ending):
    stage = start(folder)
    deadline = time.monotonic() + 60
    while kept(folder) < 50 and time.monotonic() < deadline:
        time.sleep(0.05)
    stage.send_signal(ending)
    _, said = stage.communicate()
    assert stage.returncode == (-signal.SIGKILL if ending == signal.SIGKILL else 130), said
    safe = kept(folder)
    assert 50 <= safe < 300
    assert not (folder / "data/students/it1/verified.jsonl").exists()

    # What is safe is not looked at again: a mark put there comes out at the end.
    (path,) = folder.glob(".siked/filter/*.jsonl")
    lines = path.read_bytes().splitlines(keepends=True)
    first = json.loads(lines[0]) | {"rule": "looked-at-before"}
    path.write_bytes(json.dumps(first).encode() + b"\n" + b"".join(lines[1:]))
    assert start(folder).wait() == 0
    records = list(read_records(folder / "data/students/it1/verified.jsonl", VerifiedRationale))
    assert [one.sample for one in records] == list(range(300))
    assert records[0].rule == "looked-at-before"
    assert kept(folder) == 0

    # Apart from the mark, an undisturbed run writes the same.
    marked = outputs(folder)
    assert start(folder).wait() == 0
    unmarked = outputs(folder)
    assert marked[0].splitlines()[1:] == unmarked[0].splitlines()[1:]
    assert json.loads(marked[1])["rows_out"] == json.loads(unmarked[1])["rows_out"]


def test_other_settings_do_not_go_on_with_the_verdicts_of_these(folder):
    stage = start(folder)
    deadline = time.monotonic() + 60
    while kept(folder) < 50 and time.monotonic() < deadline:
        time.sleep(0.05)
    stage.kill()
    stage.communicate()
    params = yaml.safe_load((folder / "params.yaml").read_text())
    params["verify"]["seconds"] = 2
    (folder / "params.yaml").write_text(yaml.safe_dump(params))
    (before,) = folder.glob(".siked/filter/*.jsonl")
    assert start(folder).wait() == 0
    assert before.exists()


def test_a_missing_or_torn_input_is_one_line(folder):
    path = folder / "data/students/it1/generated.jsonl"
    path.write_bytes(path.read_bytes()[:-20])
    _, said = (stage := start(folder)).communicate()
    assert stage.returncode == 1
    assert said.decode().startswith("error: data/students/it1/generated.jsonl:300: ")
    path.unlink()
    _, said = (stage := start(folder)).communicate()
    assert stage.returncode == 1
    assert said.decode().startswith("error: data/students/it1/generated.jsonl: no such file")
    assert len(said.decode().splitlines()) == 1


def test_golds_that_cannot_be_read_are_said_once(folder):
    question = Question(id="q", source="test", question="When is it?", answer="3:30")
    write_records(folder / "data/questions/train.jsonl", [question])
    stage = start(folder)
    _, said = stage.communicate()
    assert stage.returncode == 0
    lines = [line for line in said.decode().splitlines() if "unreadable-gold" in line]
    assert len(lines) == 1
    assert lines[0].startswith("data/questions/train.jsonl: unreadable golds: 1 (q)")
    assert "outputs (300)" in lines[0]
