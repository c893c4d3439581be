"""Whatever a program tries, it ends with its failure, and the next program runs as if it had not.

Each attack is tried behind every kind of walls that can be built here; `test_isolation.py` runs
this file again as another user. The last kind, limits and the system call filter without any view
or rule of its own on files, is what `verify.isolation: rlimits` accepts: there all of it holds but
the reading of files.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from siked.records import Failure
from siked.settings import VerifySettings
from siked.verification.sandbox import Sandbox, isolation
from siked.verification.sandbox.inside import landlock
from siked.verification.sandbox.pool import MOST_SOURCE

LIMITS = VerifySettings(seconds=10, memory_mb=512, output_kb=16, workers=2, isolation="rlimits")
WAYS = {
    "bubblewrap+landlock+seccomp": None,
    "landlock+seccomp": isolation.Way(None),
    "seccomp+rlimits": isolation.Way(None, ("seccomp",)),
}
OS = "import sys\nos = sys.modules['os']\n"  # past the import rule: what holds now is the kernel
LIBC = OS + "ctypes = sys.modules['ctypes']\nlibc = ctypes.CDLL(None, use_errno=True)\n"
ANY = OS + "load = sys.modules['importlib'].import_module\n"


@pytest.fixture(scope="module", params=WAYS)
def walls(request: pytest.FixtureRequest) -> Iterator[str]:
    if "landlock" in request.param and not landlock.version():
        pytest.skip("this kernel has no Landlock")
    with pytest.MonkeyPatch.context() as patch:
        if (way := WAYS[request.param]) is not None:
            patch.setattr(isolation, "ways", lambda: ([way], ""))
        yield request.param


@pytest.fixture(scope="module")
def sandbox(walls: str) -> Iterator[Sandbox]:
    """With time enough, on a slow disk too, for every program that ends by itself."""
    with Sandbox(LIMITS) as opened:
        assert opened.isolation == walls
        yield opened


@pytest.fixture(scope="module")
def single(walls: str) -> Iterator[Sandbox]:
    """With one worker, so that one program runs after the other on the same server."""
    with Sandbox(LIMITS.model_copy(update={"workers": 1})) as opened:
        assert opened.isolation == walls
        yield opened


@pytest.fixture(scope="module")
def hasty(walls: str) -> Iterator[Sandbox]:
    """For programs that do not end by themselves."""
    with Sandbox(LIMITS.model_copy(update={"seconds": 1})) as opened:
        assert opened.isolation == walls
        yield opened


def value(sandbox: Sandbox, program: str) -> str | None:
    (result,) = sandbox.run([program])
    assert result.failure is None, result.detail
    return result.value


IGNORE = """import sys
s = sys.modules['signal']
for one in s.valid_signals() - {9, 19}:
    try:
        s.signal(one, s.SIG_IGN)
    except OSError:
        pass
while True: pass
"""
SIMPLIFY = """from sympy import *
x = Symbol('x')
answer = simplify(sum(sin(k * x)**k / (1 + cos(x)**k) for k in range(1, 60)))
"""
SOLVE = """from sympy import *
x, y, z = symbols('x y z')
answer = solve([x**7 + y**6 * z - 3, y**7 - z**5 * x + 1, z**7 - x**3 * y - 2])
"""
PRINTED_FRAME = """import sys
print('\\0' * 16 + '\\0\\0\\0\\x1c' + '{"value": "18", "rule": "x"}', end='')
sys.stdout.flush()
sys.modules['os']._exit(0)
"""
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
    "multiprocessing": (
        ANY + "load('multiprocessing').Process(target=print).start()\nanswer = 1",
        Failure.FORBIDDEN,
    ),
    "subprocess": (ANY + "load('subprocess').run(['/usr/lib/x'])\nanswer = 1", Failure.FORBIDDEN),
    # Memory that is asked for and not touched, which a machine at work gives away as quickly.
    "memory bomb": ("x = []\nwhile True:\n    x.append(bytes(2**24))", Failure.MEMORY),
    "one large text": ('x = "a" * 10**10', Failure.MEMORY),
    "power tower": ("answer = 10**10**10", Failure.TIMEOUT),
    "endless loop": ("while True:\n    pass", Failure.TIMEOUT),
    "sleep": ("import time\ntime.sleep(100)\nanswer = 1", Failure.TIMEOUT),
    "ignoring every signal": (
        IGNORE,
        Failure.TIMEOUT,
    ),
    "catching everything": (
        "while True:\n    try:\n        while True: pass\n    except BaseException:\n        pass",
        Failure.TIMEOUT,
    ),
    "a timer": (
        "import sys\nsys.modules['signal'].setitimer(0, 0.1)\nanswer = 1",
        Failure.FORBIDDEN,
    ),
    "an alarm": (
        "import sys\nsys.modules['signal'].alarm(1)\nimport time\ntime.sleep(100)",
        Failure.TIMEOUT,
    ),
    "endless sympy factors": (
        "from sympy import *\nanswer = factorint(2**521 * (2**607 - 1) + 9)",
        Failure.TIMEOUT,
    ),
    "endless sympy simplify": (
        SIMPLIFY,
        Failure.TIMEOUT,
    ),
    "endless sympy solve": (
        SOLVE,
        Failure.TIMEOUT,
    ),
    "much output": ("while True:\n    print('spam' * 100)", Failure.OUTPUT),
    "a gigabyte of output": ("for _ in range(10**6):\n    print('x' * 1000)", Failure.OUTPUT),
    "import of os": ("import os\nanswer = 1", Failure.FORBIDDEN),
    "import of subprocess": ("import subprocess\nanswer = 1", Failure.FORBIDDEN),
    "import of socket": ("from socket import socket\nanswer = 1", Failure.FORBIDDEN),
    "import of multiprocessing": ("import multiprocessing\nanswer = 1", Failure.FORBIDDEN),
    "open": ("answer = len(open('/etc/passwd').read())", Failure.FORBIDDEN),
    "kill all": (OS + "os.kill(-1, 9)\nanswer = 1", Failure.FORBIDDEN),
    "kill the server": (OS + "os.kill(os.getppid(), 9)\nanswer = 1", Failure.FORBIDDEN),
    "kill by an owned pipe": (
        ANY + "f = load('fcntl')\nf.fcntl(1, f.F_SETOWN, os.getppid())\nanswer = 1",
        Failure.FORBIDDEN,
    ),
    "write a file": (OS + "os.open('/x', os.O_CREAT | os.O_WRONLY)", Failure.FORBIDDEN),
    "shared memory": (OS + "os.open('/dev/shm/x', os.O_CREAT | os.O_RDWR)", Failure.FORBIDDEN),
    "symbolic link": (OS + "os.symlink('/etc/passwd', '/tmp/siked')", Failure.FORBIDDEN),
    "folders without end": (
        OS + "n = 0\nwhile True:\n    os.mkdir(f'/tmp/siked{n}')\n    n += 1",
        Failure.FORBIDDEN,
    ),
    "remove a file": (OS + "os.unlink('/usr/lib/x')", Failure.FORBIDDEN),
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
        OS + "os.write(3, bytes(16) + (28).to_bytes(4, 'big') + "
        'b\'{"value": "18", "rule": "x"}\')\nos._exit(0)',
        Failure.RUNTIME_ERROR,
    ),
    "printed frame": (
        PRINTED_FRAME,
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
    "a long program": ("answer = 18" + " " * MOST_SOURCE, Failure.SYNTAX_ERROR),
}


SAID = {
    "nothing": "{}",
    "a list": "[1]",
    "a text": '"18"',
    "no JSON": '{"value": "18", "rule": ',
    "brackets": "[" * 30_000,
    "a number as value": '{"value": 18, "rule": "answer-variable"}',
    "no number": '{"value": NaN, "rule": "answer-variable"}',
    "a long number": '{"value": ' + "9" * 6000 + ', "rule": "answer-variable"}',
    "null": '{"value": null, "rule": "answer-variable"}',
    "no rule": '{"value": "18"}',
    "another rule": '{"value": "18", "rule": "last-printed"}',
    "a number as rule": '{"value": "18", "rule": 7}',
    "a list as rule": '{"value": "18", "rule": ["answer-variable"]}',
    "another field": '{"value": "18", "rule": "answer-variable", "failure": null}',
    "a field twice": '{"value": "1", "value": "18", "rule": "answer-variable"}',
    "half a character": r'{"value": "\ud83d", "rule": "answer-variable"}',
    "too long": '{"value": "' + "1" * 2001 + '", "rule": "answer-variable"}',
    "answer and failure": '{"value": "18", "failure": "wrong", "rule": "answer-variable"}',
    "another failure": '{"failure": "nope", "detail": "", "rule": null}',
    "a failure that is not its own": '{"failure": "wrong", "detail": "", "rule": null}',
    "no failure": '{"failure": null, "detail": "", "rule": null}',
    "no detail": '{"failure": "memory", "rule": null}',
    "a number as detail": '{"failure": "memory", "detail": 1, "rule": null}',
    "a value of its own": '{"last": {"x": 1}}',
    "a text behind it": '{"value": "18", "rule": "answer-variable"} 18',
    "no ASCII": '{"value": "\u0661\u0668", "rule": "answer-variable"}',
}
"""What no well-behaved harness says; in each a program says it by its own harness."""


@pytest.mark.parametrize("name", SAID)
def test_a_result_that_is_none_is_an_error_of_its_program_and_of_nothing_else(
    hasty: Sandbox, name: str
) -> None:
    forged = f"import sys\nsys.modules['json'].dumps = lambda _: {SAID[name]!a}\nprint(18)"
    servers = [server for worker in hasty._workers for server in worker.servers.values()]
    hurt, *unharmed = hasty.run([forged, "answer = 6 * 7", "answer = 6 * 7"])
    assert (hurt.value, hurt.failure) == (None, Failure.RUNTIME_ERROR), hurt
    assert [one.value for one in unharmed] == ["42", "42"]
    # To start one takes seconds.
    assert servers == [one for worker in hasty._workers for one in worker.servers.values()]


@pytest.mark.parametrize("name", ENDS)
def test_each_attack_ends_with_its_failure_and_leaves_the_next_program_unharmed(
    hasty: Sandbox, name: str
) -> None:
    program, failure = ENDS[name]
    hurt, *unharmed = hasty.run([program, "answer = 6 * 7", "answer = 6 * 7"])
    assert (hurt.value, hurt.failure) == (None, failure), hurt.detail
    assert [one.value for one in unharmed] == ["42", "42"]


def _attacks() -> dict[str, tuple[str, str]]:
    """The attacks by name: how each ends, and its program."""
    parts = (Path(__file__).parent / "attacks.txt").read_text().split("=== ")[1:]
    heads = [part.partition("\n") for part in parts]
    return {
        name: (expected, program)
        for head, _, program in heads
        for name, _, expected in [head.partition(": ")]
    }


ATTACKS = _attacks()
"""Longer programs, in a file of their own: ``=== name: how it ends``, then the program. After some
of them comes ``=== after name``, run next on the same server, which must notice nothing."""


@pytest.mark.parametrize("name", [one for one in ATTACKS if not one.startswith("after ")])
def test_each_longer_attack_ends_as_its_head_says(
    hasty: Sandbox, single: Sandbox, name: str
) -> None:
    names = [name, *({f"after {name}"} & ATTACKS.keys())]
    expected, machine = [], ""
    for one in names:
        ends, _, machine = ATTACKS[one][0].partition(" on ")
        expected.append((ends[6:], None) if ends.startswith("value:") else (None, ends))
    if machine and machine != os.uname().machine:
        pytest.skip(f"the numbers of its system calls are those of {machine}")
    sandbox = hasty if ATTACKS[name][0] == "timeout" else single
    *found, after = sandbox.run([*(ATTACKS[one][1] for one in names), "answer = 6 * 7"])
    assert [(one.value, one.failure) for one in found] == expected, found
    assert after.value == "42"


CALLS = {
    "x86_64": {
        "socket": 41, "connect": 42, "bind": 49, "socketpair": 53, "clone": 56, "fork": 57,
        "vfork": 58, "execve": 59, "kill": 62, "shmget": 29, "truncate": 76, "rename": 82,
        "mkdir": 83, "link": 86, "unlink": 87, "symlink": 88, "chmod": 90, "ptrace": 101,
        "setuid": 105, "mknod": 133, "prctl": 157, "chroot": 161, "mount": 165, "tkill": 200,
        "mq_open": 240, "inotify_init": 253, "unshare": 272, "setns": 308,
        "process_vm_readv": 310, "process_vm_writev": 311, "seccomp": 317, "memfd_create": 319,
        "bpf": 321, "execveat": 322, "userfaultfd": 323, "pidfd_send_signal": 424,
        "io_uring_setup": 425, "pidfd_open": 434, "clone3": 435, "openat2": 437,
        "pidfd_getfd": 438, "landlock_create_ruleset": 444, "x32 fork": 0x40000039,
    },
}  # fmt: skip


def test_no_system_call_beyond_the_list_works(sandbox: Sandbox) -> None:
    calls = CALLS.get(os.uname().machine)
    if calls is None:
        pytest.skip("the numbers are those of x86_64")
    program = (
        f"{LIBC}tried = {calls!r}\nlet_through = []\n"
        "for name, number in tried.items():\n    ctypes.set_errno(0)\n"
        "    if libc.syscall(number, 0, 0, 0, 0, 0) != -1 or ctypes.get_errno() != 1:\n"
        "        let_through.append(name)\nanswer = ' '.join(let_through) or 'none'"
    )
    assert value(sandbox, program) == "none"


def test_no_kind_of_socket_can_be_made(sandbox: Sandbox) -> None:
    program = (
        f"{ANY}s = load('_socket')\nmade = 0\n"
        "for family in (s.AF_INET, s.AF_INET6, s.AF_UNIX, s.AF_NETLINK):\n"
        "    for kind in (s.SOCK_STREAM, s.SOCK_DGRAM, s.SOCK_RAW):\n"
        "        try:\n            s.socket(family, kind)\n            made += 1\n"
        "        except PermissionError:\n            pass\nanswer = made"
    )
    assert value(sandbox, program) == "0"


def test_a_program_has_three_descriptors_and_no_more(sandbox: Sandbox) -> None:
    program = f"""{OS}
found = []
for number in range(4096):
    try:
        os.fstat(number)
        found.append(str(number))
    except OSError:
        pass
answer = ' '.join(found)
"""
    assert value(sandbox, program) == "0 1 3"


def test_a_program_sees_no_environment(sandbox: Sandbox) -> None:
    assert value(sandbox, OS + "answer = len(os.environ)") == "0"
    native = LIBC + "e = ctypes.POINTER(ctypes.c_void_p).in_dll(libc, 'environ')\n"
    assert value(sandbox, native + "answer = int(bool(e) and e[0] is not None)") == "0"


def test_a_program_reads_no_file_of_ours(sandbox: Sandbox, tmp_path: Path) -> None:
    if "rlimits" in sandbox.isolation:
        pytest.skip("nothing forbids reading where only limits are accepted")
    secret = tmp_path / "secret"
    secret.write_text("18")
    secret.chmod(0o644)
    places = [
        str(secret), str(Path(__file__)), str(Path(__file__).parents[2] / "pyproject.toml"),
        "/etc/passwd", "/etc/hostname", "/proc/self/environ", "/proc/self/maps", "/proc/self/mem",
        f"/proc/{os.getpid()}/environ", "/proc/1/cmdline", "/proc/cpuinfo", "/dev/zero",
        "/sys/kernel/mm/transparent_hugepage/enabled",
    ]  # fmt: skip
    folders = ["/", "/etc", "/proc", "/proc/self/fd", "/home", "/root", "/tmp", "/dev", "/dev/shm",
               str(tmp_path), str(Path.home()), str(Path(__file__).parents[2])]  # fmt: skip
    if "bubblewrap" in sandbox.isolation:
        # What leads to the interpreter is there under its name, with nothing else in it.
        folders = [one for one in folders if not Path(os.__file__).is_relative_to(one)]
    program = f"""{OS}
got = []
for place in {places!r}:
    try:
        os.read(os.open(place, os.O_RDONLY), 1)
        got.append(place)
    except OSError:
        pass
for folder in {folders!r}:
    try:
        os.listdir(folder)
        got.append(folder)
    except OSError:
        pass
answer = ' '.join(got) or 'nothing'
"""
    assert value(sandbox, program) == "nothing"
    assert value(sandbox, f"{OS}answer = len(os.read(os.open({os.__file__!r}, 0), 1))") == "1"


def test_behind_bubblewrap_nothing_of_ours_is_even_there(sandbox: Sandbox) -> None:
    if "bubblewrap" not in sandbox.isolation:
        pytest.skip("without bubblewrap a program can learn that a file exists")
    for place in ("/etc", "/proc", "/home", "/tmp", "/dev", str(Path(__file__).parent)):
        assert value(sandbox, f"{OS}answer = int(os.path.exists({place!r}))") == "0", place


def test_a_program_can_write_nowhere(sandbox: Sandbox, tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    (tmp_path / "open").touch()
    (tmp_path / "open").chmod(0o666)
    program = f"""{OS}
places = ['/', '/tmp', '/dev/shm', '/var/tmp', '/run', {str(tmp_path)!r}, {str(Path.cwd())!r}]
for folder, folders, _ in os.walk('/usr/lib'):
    places.append(folder)
    if len(places) > 50:
        break
written = []
for folder in places:
    for name, how in (('siked', os.O_CREAT | os.O_WRONLY), ('', os.O_TMPFILE | os.O_RDWR),
                      ('open', os.O_WRONLY), ('open', os.O_RDWR), ('open', os.O_TRUNC)):
        try:
            os.open(folder + '/' + name, how)
            written.append(folder)
        except OSError:
            pass
answer = ' '.join(written) or 'nowhere'
"""
    assert value(sandbox, program) == "nowhere"
    assert [one.name for one in tmp_path.iterdir()] == ["open"]


def test_the_servers_objects_are_a_copy_of_the_programs_own(sandbox: Sandbox) -> None:
    steal = f"""{OS}
frame = sys._getframe()
seen = []
while frame:
    seen += [frame.f_globals, frame.f_locals]
    frame = frame.f_back
gc = sys.modules['gc']
seen += [one for one in gc.get_objects() if type(one) is dict and '_judge' in one]
for space in seen:
    for name in ('_judge', 'serve', 'run', 'send', '_answer', 'request', 'word'):
        space[name] = None
answer = 18
"""
    first, *later = sandbox.run([steal, *["answer = 6 * 7"] * 4])
    # It reached them, so that its own answer could not even be picked.
    assert first.failure is Failure.RUNTIME_ERROR
    assert "'NoneType' object is not callable" in first.detail
    assert [one.value for one in later] == ["42"] * 4


def test_nothing_that_a_program_changes_is_seen_by_the_next(sandbox: Sandbox) -> None:
    change = (
        "import sys, math\nmath.pi = 3\nsys.modules['json'].dumps = None\n"
        "sys.modules['builtins'].len = None\nimport random\nrandom.seed(5)\nanswer = 1"
    )
    list(sandbox.run([change] * 4))
    after = "answer = int(math.pi * 100) + len([1]) + random.random()"
    assert len({value(sandbox, after) for _ in range(4)}) == 1
    assert str(value(sandbox, after)).startswith("315.")
