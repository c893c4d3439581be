"""`siked watch` on real runs: finished, at work, killed, and in a terminal until Ctrl-C."""

import os
import pty
import select
import signal
import subprocess
import time

import pytest

from siked.run.progress import read

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

LINES = ("it0 ", "it1 ", "it2 ", "baseline-cot ", "baseline-pot ", "gkd ")


def everything(folder):
    """Every file with what would show that it was touched.

    Clones share git's objects, so the git of another test may renew their times.
    """
    return {
        path: None if "objects" in path.parts else path.lstat().st_mtime_ns
        for path in folder.rglob("*")
    }


def test_a_finished_run_is_all_done_with_its_figures_and_nothing_is_written(finished, tmp_path):
    before = everything(finished.folder)
    text = finished.run("siked", "watch")
    assert everything(finished.folder) == before
    assert "28 of 28 stages done, nothing running" in text
    rows = [line for line in text.splitlines() if line.startswith(LINES)]
    assert len(rows) == 12, "the stages and the figures of each student"
    assert all("0.0 (0-43)" in row for row in rows[6:]), "what the random student solves of five"
    long = tmp_path / f"año-{60 * 'a'}"
    long.symlink_to(finished.folder)
    elsewhere = subprocess.run(
        ["siked", "watch", str(long), "--once"],
        cwd=tmp_path,
        env=finished.environment | {"PYTHONIOENCODING": "ascii"},
        capture_output=True,
        text=True,
    )
    assert elsewhere.returncode == 0, "the folder's name is cut with a sign that ASCII lacks"
    assert "it1           + generate  + filter  + mix  + train  + eval" in elsewhere.stdout


def test_a_stage_at_work_is_followed_and_a_killed_one_is_told(own, tmp_path):
    own.set("train.distil", {"epochs": 3000, "learning_rate": 0.001})
    # Not the group of this test: the whole of it is killed, as by a machine's end.
    repro = subprocess.Popen(
        ["dvc", "repro", "train_it0"],
        cwd=own.folder,
        env=own.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    screen, end = pty.openpty()
    watch = subprocess.Popen(
        ["siked", "watch", str(own.folder)],
        cwd=tmp_path,
        env=own.environment | {"TERM": "xterm", "COLUMNS": "80", "LINES": "40"},
        stdin=end,
        stdout=end,
        stderr=end,
        start_new_session=True,
    )
    os.close(end)
    try:
        seen = until(screen, "tokens/s")
        assert "it0" in seen
        assert "▶ train" in seen
        os.killpg(repro.pid, signal.SIGKILL)
        repro.wait()
        (dead,) = read(own.folder / ".siked" / "progress")
        assert dead.work.done > 0
        assert f"killed at {dead.work.done}/{dead.work.total}" in until(screen, "killed")
        watch.send_signal(signal.SIGINT)
        last = until(screen, "\x1b[?25h")
        assert watch.wait(timeout=60) == 0
        assert "Traceback" not in last
    finally:
        for process in (repro, watch):
            process.kill()
            process.wait()
        os.close(screen)


def until(screen, text, seconds=300):
    """What the terminal shows from now on, up to a text."""
    seen = b""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if select.select([screen], [], [], 1)[0]:
            seen += os.read(screen, 65536)
        if text.encode() in seen:
            return seen.decode(errors="replace")
    raise AssertionError(f"no {text!r} in {seen[-3000:]!r}")
