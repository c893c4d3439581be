"""Answers are found as documented, in order, and a sandbox leaves nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from siked.records import Failure
from siked.settings import VerifySettings
from siked.verification.sandbox import Program, Sandbox

LIMITS = VerifySettings(seconds=10, memory_mb=512, output_kb=16, workers=2)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(LIMITS) as opened:
        yield opened


def value(sandbox: Sandbox, program: str) -> str | None:
    (result,) = sandbox.run([program])
    return result.value


ANSWERS = {
    "answer = 18": ("18", "answer-variable"),
    "ans = 18.0": ("18", "answer-variable"),
    "answer = 0.1 + 0.2": ("0.3", "answer-variable"),
    "answer = 2.9999999999999996": ("3", "answer-variable"),
    "answer = 1234567890.123": ("1234567890.123", "answer-variable"),
    "answer = 100 / 3": ("33.3333333333", "answer-variable"),
    "answer = 10**20": ("100000000000000000000", "answer-variable"),
    "answer = fractions.Fraction(1, 3)": ("1/3", "answer-variable"),
    "answer = decimal.Decimal('2.50')": ("2.50", "answer-variable"),
    "answer = [5]": ("5", "answer-variable"),
    "answer = '18 dollars'": ("18 dollars", "answer-variable"),
    "print('so')\nprint(18)\nprint()": ("18", "last-printed"),
    "def solution():\n    return 18": ("18", "solution-function"),
    "x = 18\nx": ("18", "last-value"),
    "answer = 18\nimport sys\nsys.exit(1)": ("18", "answer-variable"),
    "answer = 18\nprint(5)": ("18", "answer-variable"),
    "answer = 18\nprint('the ans": ("18", "answer-variable"),
    "from sympy import *\nx = Symbol('x')\nanswer = solve(Eq(2 * x, 9), x)": ("9/2", None),
    "from sympy import *\nx = Symbol('x')\nanswer = solve([x - 4], [x])": ("4", None),
    "from sympy import *\nx = Symbol('x')\nanswer = solve(x - 4, x, dict=True)": ("4", None),
    "from sympy import *\nanswer = sqrt(2)": ("1.41421356237", None),
    "from sympy import *\nx = Symbol('x')\nanswer = Eq(x, 7)": ("7", None),
    "if __name__ == '__main__':\n    answer = 3": ("3", "answer-variable"),
}


def test_the_answer_is_found_as_documented(sandbox: Sandbox) -> None:
    for (program, (text, rule)), result in zip(ANSWERS.items(), sandbox.run(ANSWERS), strict=True):
        assert result.value == text, (program, result)
        assert rule is None or result.rule == rule, program


def test_a_program_cut_off_before_its_answer_has_none(sandbox: Sandbox) -> None:
    (result,) = sandbox.run(["print(5)\ntotal = (5 +"])
    assert result.failure is Failure.NO_ANSWER


def test_results_come_in_order_while_a_slow_program_runs(sandbox: Sandbox) -> None:
    programs = [
        "import time\ntime.sleep(0.5)\nanswer = 0" if number == 0 else f"answer = {number}"
        for number in range(200)
    ]
    assert [one.value for one in sandbox.run(programs)] == [str(one) for one in range(200)]


def test_programs_are_taken_as_they_are_needed(sandbox: Sandbox) -> None:
    taken = 0

    def endless() -> Iterator[str]:
        nonlocal taken
        while True:
            taken += 1
            yield "answer = 1"

    results = sandbox.run(endless())
    assert [next(results).value for _ in range(5)] == ["1"] * 5
    results.close()
    assert taken < 1000
    assert value(sandbox, "answer = 2") == "2"


def test_only_our_own_programs_reach_math_verify(sandbox: Sandbox) -> None:
    text = "import math_verify\nanswer = 1"
    theirs, ours = sandbox.run([text, Program((text,), trusted=True)])
    assert theirs.failure is Failure.FORBIDDEN
    assert ours.value == "1"


def test_a_server_that_ends_costs_its_program_alone(sandbox: Sandbox) -> None:
    results = sandbox.run(["import time\ntime.sleep(0.5)\nanswer = 0", *["answer = 42"] * 4])
    for worker in sandbox._workers:
        for server in worker.servers.values():
            os.killpg(server._process.pid, signal.SIGKILL)
    found = list(results)
    lost = [one for one in found if one.failure is Failure.RUNTIME_ERROR]
    assert 1 <= len(lost) <= len(sandbox._workers)
    assert all(one.value in ("0", "42") for one in found if one not in lost)


def test_closing_leaves_no_process_and_no_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    others = _children(os.getpid())
    with Sandbox(LIMITS) as sandbox:
        results = sandbox.run(["answer = 1", *["import time\ntime.sleep(9)"] * 3])
        assert next(results).value == "1"
        inside = _children(os.getpid()) - others
        assert len(inside) >= 2 * LIMITS.workers  # for each worker bubblewrap and its server
        assert list(tmp_path.iterdir()) == []
    deadline = time.monotonic() + 10
    while any(Path(f"/proc/{one}").exists() for one in inside) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not [one for one in inside if Path(f"/proc/{one}").exists()]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_thousands_of_programs_leave_nothing_that_grows() -> None:
    script = Path(__file__).parents[2] / "benchmarks" / "sandbox_endurance.py"
    done = subprocess.run(
        [sys.executable, str(script), "--programs", "3000", "--samples", "3"],
        capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(script.parents[1])},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "zombies=0" in done.stdout


def _children(parent: int) -> set[int]:
    """The processes below one."""
    found: set[int] = set()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            above = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except (FileNotFoundError, ProcessLookupError):
            continue
        if above == parent:
            found |= {int(folder.name)} | _children(int(folder.name))
    return found


def test_the_walls_fall_with_the_process_that_built_them() -> None:
    program = (
        "import os\nfrom siked.settings import VerifySettings\n"
        "from siked.verification.sandbox import Sandbox\n"
        "limits = VerifySettings(seconds=60, memory_mb=512, output_kb=16, workers=1)\n"
        "sandbox = Sandbox(limits).__enter__()\nprint('up', flush=True)\n"
        "list(sandbox.run(['while True: pass']))"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(0.3)
        inside = _children(process.pid)
        process.kill()
    assert len(inside) >= 3  # bubblewrap, server, program
    deadline = time.monotonic() + 10
    while any(Path(f"/proc/{one}").exists() for one in inside) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not [one for one in inside if Path(f"/proc/{one}").exists()]


def test_two_iterations_at_once_are_refused(sandbox: Sandbox) -> None:
    first = sandbox.run(["answer = 1", "answer = 2"])
    next(first)
    with pytest.raises(RuntimeError, match="finish that iteration"):
        next(sandbox.run(["answer = 3"]))
    first.close()
    assert value(sandbox, "answer = 4") == "4"
