"""The fork server: warm inside the walls, one fresh process a program.

Requests come on standard input and replies go to standard output, each a frame: four bytes of
length, then JSON. The first request holds the limits, what to warm, and which walls to put up:

    {"limits": {"seconds": 3, "wall_seconds": 9, "memory_mb": 512, "output_kb": 64},
     "libraries": ["sympy"], "packages": ["/sandbox/packages/sympy", ...],
     "readable": ["/"], "walls": ["landlock", "seccomp"], "alone": true}
    -> {"walls": ["landlock", "seccomp"]}

The reply names the walls that stand. The server puts up Landlock for itself as well; the system
call filter is for the programs alone, since a server forks. Behind bubblewrap it is process 1 of
its own process namespace (``alone``), so nothing inside can signal it and it can end everything
else inside at once. Then come the programs:

    {"sources": ["answer = 6 * 7"], "names": ["answer", "ans"]}
    -> {"value": "42", "rule": "answer-variable"}

A process that ends in any other way than by its result (see ``child``) has none.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import select
import signal
import struct
import time
from typing import Any

from . import harness, landlock, privileges, seccomp
from .child import Limits, Programs, Walls

_LENGTH = struct.Struct("!I")
_WORD = 16
_MOST_RESULT = 16 * 1024
_CHUNK = 65536
_TIMES = 12
"""Code is at its fastest, and written to least, after it ran about eight times."""
_WARM_UP = {
    "sympy": "from sympy import *\nx, y = symbols('x y')\n"
    "solve(Eq(2 * x + Rational(n, 3), 5 * n), x)\nsolve(x / (n + 2) - 4.5, x, dict=True)\n"
    "solve([Eq(x + y, n + 5), Eq(x - y, 1)], [x, y])\nsolve(x**2 - x - n, x)[0].evalf()\n"
    "simplify((x**2 - n**2) / (x - n))\nfactor(expand((x + n)**2))\nsqrt(n + 2).evalf()",
    "numpy": "import numpy\nnumpy.array([n, 1.5]).sum()",
    "math_verify": "from math_verify import parse, verify\n"
    "verify(parse(f'$\\\\frac{{{n}}}{{2}}$', parsing_timeout=None), "
    "parse('0.5', parsing_timeout=None), timeout_seconds=None)",
}
"""What programs do with a library, for some number n."""
_WARM_PROGRAM = "eggs = 16 - 3\nfor _ in range(2):\n    eggs += 1 / 2\nanswer = eggs * {n}"


def main() -> None:
    """Serve until standard input ends."""
    # First of all, so that nothing else comes to lie where a program's result goes.
    nothing = Programs.reserve()
    requests, replies = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    settings = receive(requests)
    if settings is None:
        return
    os.chdir("/")
    privileges.drop()
    walls = put_up(settings)
    if settings["packages"]:
        from .packages import Packages

        Packages(settings["packages"]).install()
    modules = harness.MODULES | {"math_verify"} & set(settings["libraries"])
    warm_up(settings["libraries"], modules)
    os.environ.clear()
    limits = Limits(**settings["limits"])
    alone = settings["alone"] and os.getpid() == 1
    programs = Programs(nothing, limits, walls, modules, alone=alone)
    watch = Watch(limits, alone=alone)
    importlib.invalidate_caches()
    gc.collect()
    gc.freeze()
    send(replies, {"walls": [name for name, wall in vars(walls).items() if wall is not None]})
    while (request := receive(requests)) is not None:
        send(replies, serve(request, programs, watch))


def warm_up(libraries: list[str], modules: frozenset[str]) -> None:
    """Load libraries and run what programs will run, so that each finds it ready."""
    own = harness.space(modules)
    for n in range(_TIMES):
        for library in libraries:
            exec(_WARM_UP[library], {"n": n})
        harness.run([_WARM_PROGRAM.format(n=n)], ["answer"], own)


def put_up(settings: Any) -> Walls:
    """Put up the walls that are asked for and that this kernel has.

    Raises:
        OSError: the kernel has a wall and refuses it nevertheless.
    """
    land = None
    if "landlock" in settings["walls"] and landlock.version():
        land = landlock.Landlock(settings["readable"])
        land.apply()
    calls = seccomp.Filter() if "seccomp" in settings["walls"] and seccomp.works() else None
    return Walls(land, calls)


def receive(stream: Any) -> Any:
    """The next frame of a stream, or None at its end."""
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    return json.loads(stream.read(_LENGTH.unpack(head)[0]))


def send(stream: Any, message: Any) -> None:
    """Write one frame to a stream."""
    body = json.dumps(message).encode()
    stream.write(_LENGTH.pack(len(body)) + body)
    stream.flush()


def serve(request: Any, programs: Programs, watch: Watch) -> dict[str, Any]:
    """Run one program in a fresh process and say what became of it."""
    word = os.urandom(_WORD)
    printed_read, printed_write = os.pipe()
    result_read, result_write = os.pipe()
    child = os.fork()
    if child == 0:
        programs.become(request, word, printed_write, result_write)
    os.close(printed_write)
    os.close(result_write)
    try:
        watched = watch.to_the_end(child, printed_read, result_read)
    finally:
        os.close(printed_read)
        os.close(result_read)
    return _judge(word, *watched)


class Watch:
    """Reads what programs write until they end or go over a limit; then ends them."""

    def __init__(self, limits: Limits, *, alone: bool) -> None:
        self._limits = limits
        self._alone = alone

    def to_the_end(
        self, child: int, printed_read: int, result_read: int
    ) -> tuple[bytes, bytes, str | None, int]:
        """Watch one program.

        Returns:
            What it printed, its result frame, the limit that it went over, its exit status.
        """
        read = {printed_read: bytearray(), result_read: bytearray()}
        most = {printed_read: self._limits.output_kb * 1024, result_read: _MOST_RESULT}
        process = os.pidfd_open(child)
        try:
            over = _read_until_end(process, read, most, self._limits.wall_seconds)
            self._end(process)
        finally:
            os.close(process)
        status, used = _reap(child)
        killed = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
        slow = killed == signal.SIGXCPU or (killed and used >= self._limits.seconds)
        if over is None and slow:
            over = "timeout"
        for pipe, into in read.items():
            while over is None and _take(pipe, into):
                over = "output" if len(into) > most[pipe] else None
        return bytes(read[printed_read]), bytes(read[result_read]), over, status

    def _end(self, process: int) -> None:
        """End a program, and all else in this process namespace where it is ours alone."""
        with contextlib.suppress(ProcessLookupError):
            if self._alone:
                os.kill(-1, signal.SIGKILL)  # spares process 1, us
            else:
                signal.pidfd_send_signal(process, signal.SIGKILL)


def _read_until_end(
    process: int, read: dict[int, bytearray], most: dict[int, int], seconds: float
) -> str | None:
    """Read from pipes until a process ends; the limit that it went over."""
    deadline = time.monotonic() + seconds
    poll = select.poll()
    for one in (process, *read):
        poll.register(one, select.POLLIN)
        os.set_blocking(one, False)
    while (left := deadline - time.monotonic()) > 0:
        ready = [number for number, _ in poll.poll(left * 1000 + 1)]
        for pipe, into in read.items():
            if pipe in ready and not _take(pipe, into):
                poll.unregister(pipe)
            if len(into) > most[pipe]:
                return "output"
        if process in ready:
            return None
    return "timeout"


def _take(pipe: int, into: bytearray) -> bool:
    """Read once; False at the end of the pipe or where it is empty."""
    try:
        chunk = os.read(pipe, _CHUNK)
    except BlockingIOError:
        return False
    into += chunk
    return bool(chunk)


def _reap(child: int) -> tuple[int, float]:
    """Wait for everything that ran; exit status and processor seconds of ``child``."""
    status, seconds = 0, 0.0
    while True:
        try:
            process, ended, usage = os.wait3(0)
        except ChildProcessError:
            return status, seconds
        if process == child:
            status, seconds = ended, usage.ru_utime + usage.ru_stime


def _judge(
    word: bytes, printed: bytes, frame: bytes, over: str | None, status: int
) -> dict[str, Any]:
    """What became of a program."""
    if over is not None:
        return {"failure": over, "detail": f"over the limit: {over}"}
    start = len(word) + _LENGTH.size
    if frame[: len(word)] != word or len(frame) < start:
        return _without_result(status)
    if len(frame) != start + _LENGTH.unpack(frame[len(word) : start])[0]:
        return _without_result(status)
    result: dict[str, Any] = json.loads(frame[start:])
    if "last" not in result:
        return result
    lines = printed.decode(errors="replace").strip().splitlines()
    if lines:
        return {"value": lines[-1].strip(), "rule": "last-printed"}
    return result["last"] or {"failure": "no-answer", "detail": "no value that counts as answer"}


def _without_result(status: int) -> dict[str, Any]:
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        kind = "memory" if number == signal.SIGKILL else "runtime-error"
        return {"failure": kind, "detail": f"killed by signal {number}"}
    return {"failure": "runtime-error", "detail": "the process ended without a result"}


if __name__ == "__main__":
    main()
