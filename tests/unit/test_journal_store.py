"""The journal's store: what is damaged is not used, what is old can go."""

import dataclasses
import fcntl
import json
import os
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from siked.__main__ import app
from siked.errors import UserError
from siked.files import replace_folder
from siked.generation.engine import Completion
from siked.generation.journal.samples import LOCK, MODEL, SAMPLES, SampleStore, contents, prune

TRUTH = {
    (bytes([prompt]) * 16, sample): Completion(0, sample, f"12 € {prompt}\n" * 9, 5, 7, "stop")
    for prompt in range(40)
    for sample in range(3)
}


def store(journal):
    return SampleStore(journal, {"engine": "none"}, "none")


def filled(journal):
    with store(journal) as samples:
        for (prompt, _), one in TRUTH.items():
            samples.add(prompt, one)
    return journal


def right(journal):
    """How many samples a store has, all of them true; then all are added again."""
    count = 0
    with store(journal) as samples:
        for prompt in sorted({prompt for prompt, _ in TRUTH}):
            for sample, one in samples.found(prompt, 3).items():
                assert dataclasses.replace(one, recalled=False) == TRUTH[prompt, sample]
                count += 1
        for (prompt, _), one in TRUTH.items():
            kept = samples.add(prompt, one)
            assert dataclasses.replace(kept, recalled=False) == one
    return count


def test_a_damaged_store_gives_nothing_wrong_and_is_used_again(tmp_path, capfd):
    whole = filled(tmp_path / "whole")
    chance = random.Random(1)
    kept = []
    for attempt in range(60):
        damaged = shutil.copytree(whole, tmp_path / str(attempt))
        (file,) = damaged.glob(f"*/{SAMPLES}")
        data = bytearray(file.read_bytes())
        if attempt % 3 == 0:
            del data[chance.randrange(len(data)) :]
        else:
            start = chance.randrange(100 if attempt % 3 == 1 else 4096, len(data))
            data[start : start + chance.choice([1, 50, 5000])] = chance.randbytes(50)
        file.write_bytes(data)
        kept.append(right(damaged))
        assert right(damaged) > 0.8 * len(TRUTH)
    assert max(kept) > len(TRUTH) / 2
    assert min(kept) < len(TRUTH)
    assert "was damaged" in capfd.readouterr().err


def test_a_torn_end_of_the_log_costs_the_samples_in_it_and_no_other(tmp_path):
    journal = tmp_path / "journal"
    with store(journal) as samples:
        for (prompt, _), one in TRUTH.items():
            samples.add(prompt, one)
        killed = shutil.copytree(journal, tmp_path / "killed")
    (log,) = killed.glob(f"*/{SAMPLES}-wal")
    data = log.read_bytes()
    found = []
    for end in range(0, len(data), len(data) // 12):
        torn = shutil.copytree(killed, tmp_path / f"torn-{end}")
        (log,) = torn.glob(f"*/{SAMPLES}-wal")
        log.write_bytes(data[:end])
        found.append(right(torn))
        assert right(torn) == len(TRUTH)
    assert found == sorted(found)
    assert found[-1] > len(TRUTH) / 2
    assert right(killed) == len(TRUTH)


def test_a_store_that_cannot_be_written_is_named(tmp_path):
    journal = filled(tmp_path / "journal")
    (file,) = journal.glob(f"*/{SAMPLES}")
    file.unlink()
    file.mkdir()
    with pytest.raises(UserError, match=rf"{SAMPLES}: cannot be used"), store(journal):
        pass


# --- siked cache ---


def cache(*arguments):
    return CliRunner().invoke(app, ["cache", *arguments], catch_exceptions=False).output


def test_pruning_removes_what_is_old_and_not_in_use(tmp_path):
    for name in ("old", "used", "new"):
        with SampleStore(tmp_path, {"name": name}, f"model {name}") as samples:
            samples.add(b"x", TRUTH[bytes(16), 0])
    folders = {
        json.loads(file.read_text())["label"]: file.parent for file in tmp_path.glob(f"*/{MODEL}")
    }
    past = time.time() - 40 * 24 * 3600
    for name in ("model old", "model used"):
        os.utime(folders[name] / MODEL, (past, past))
    shown = cache("--folder", str(tmp_path))
    assert "model old" in shown
    assert "used 40 days ago" in shown
    assert "in all 3 models, 3 samples" in shown
    with (folders["model used"] / LOCK).open() as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        shown = cache("--folder", str(tmp_path), "--prune", "30")
    assert "removed 1 model, 1 samples" in shown
    assert "left model used" in shown
    assert {held.label for held in contents(tmp_path)} == {"model used", "model new"}
    prune(tmp_path, 0)
    assert "holds no samples" in cache("--folder", str(tmp_path))
    assert not list(tmp_path.iterdir())


KILLED = """
import os, signal, sys
from pathlib import Path
from siked.files import replace_file, replace_folder
with replace_folder(Path("models/students/it1")) as folder, replace_file(Path("data/x")) as file:
    (folder / "weights").write_bytes(bytes(3_000_000))
    file.write("half")
    file.flush()
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_killed_processes_left_half_written_is_shown_and_goes(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    subprocess.run([sys.executable, "-c", KILLED], check=False)
    with replace_folder(Path("models/students/it2")):
        left = {str(path) for path in tmp_path.rglob("*.partial")}
        assert len(left) == 3
        shown = cache()
        assert shown.count("half written, its process is gone") == 2
        assert "models/students/.it1." in shown
        assert "3.0 MB" in shown
        assert ".it2." not in shown, "its process is here"
        assert "removed models/students/.it1." in cache("--prune", "30")
        assert [path.name for path in tmp_path.rglob("*.partial")] == [
            f".it2.{os.getpid()}.partial"
        ]
    assert list(tmp_path.rglob("*.partial")) == []


def test_served_students_are_shown_and_pruned_by_when_they_were_served_last(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, days in {"old": 40, "new": 0}.items():
        folder = Path(".siked/served") / name
        folder.mkdir(parents=True)
        (folder / "model.safetensors").write_bytes(bytes(2_000_000))
        os.utime(folder, (time.time() - days * 24 * 3600,) * 2)
    assert ".siked/served/old  merged, to be served  2.0 MB  used 40 days ago" in cache()
    assert "removed .siked/served/old: 2.0 MB" in cache("--prune", "30")
    assert [path.name for path in Path(".siked/served").iterdir()] == ["new"]
