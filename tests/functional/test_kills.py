"""A stage killed in the midst of its work, with its whole process group, as by a machine's end.

`benchmarks/kill_trials.py` does it at random moments, many times; what a kill means to the filter
stage and to a training by itself is in `test_filter.py` and `tests/unit/test_training.py`.
"""

import os
import shutil
import signal
import subprocess
import time

import pytest

from siked.run.progress import read

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

ARGUMENTS = ("--iteration", "it1", "--previous", "it0")
OUTPUTS = ("data/students/it1/generated.jsonl", "metrics/students/it1/generate.json")


def test_a_killed_generation_goes_on_to_the_bytes_of_an_undisturbed_one(finished, tmp_path):
    clone = finished.clone_with_data(tmp_path / "clone")
    clone.set("generate.samples", 40)
    clone.set("generate.max_new_tokens", 64)
    clone.set("engine.batch_tokens", 4096)
    outputs = [clone.folder / name for name in OUTPUTS]

    def removed():
        for path in outputs:  # as DVC does before it starts a stage
            path.unlink(missing_ok=True)

    removed()
    stage = subprocess.Popen(
        ["python", "-m", "stages.generate", *ARGUMENTS],
        cwd=clone.folder,
        env=clone.environment,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    one = None
    while stage.poll() is None and not (one and one.work and one.work.done):
        time.sleep(0.02)
        one = next(iter(read(clone.folder / ".siked" / "progress")), None)
    os.killpg(stage.pid, signal.SIGKILL)
    assert stage.wait() == -signal.SIGKILL, "it ended before it could be killed"
    assert not any(path.exists() for path in outputs)
    assert "samples came from the journal" in clone.stage("generate", *ARGUMENTS)
    went_on = [path.read_bytes() for path in outputs]

    shutil.rmtree(clone.folder / ".siked")
    removed()
    assert "journal" not in clone.stage("generate", *ARGUMENTS)
    assert [path.read_bytes() for path in outputs] == went_on
