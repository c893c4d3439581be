"""The fork server: warm inside the walls, one fresh process a program.

Requests come on standard input and replies go to standard output (see ``frames``). The first
request holds the limits, what to warm, and which walls to put up:

    {"limits": {"seconds": 3, "wall_seconds": 9, "memory_mb": 512, "output_kb": 64},
     "libraries": ["sympy"], "packages": ["/sandbox/packages/sympy", ...],
     "readable": ["/"], "walls": ["landlock", "seccomp"], "alone": true}
    -> {"walls": ["landlock", "seccomp"]}

The reply names the walls that stand. The server puts up Landlock for itself as well; the system
call filter is for the programs alone, since a server forks. Behind bubblewrap it is process 1 of
its own process namespace (``alone``), so nothing inside can signal it and it can end everything
else inside at once. Then come the programs.

A server lives for thousands of programs, each in a copy of its memory, so nothing of one may stay
in it: a program's text is read by the program's own process, and what that writes is kept where a
copy has nothing (``Watch``) and passed on unread.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import mmap
import os
import select
import signal
import time
from typing import Any

from . import frames, harness, landlock, privileges, seccomp
from .child import Limits, Programs, Walls

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
    Programs.reserve()
    requests, replies = os.dup(0), os.dup(1)
    if (size := frames.read_length(requests)) is None:
        return
    settings = json.loads(frames.read(requests, size))
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
    programs = Programs(limits, walls, modules, alone=alone)
    watch = Watch(limits, alone=alone)
    importlib.invalidate_caches()
    gc.collect()
    gc.freeze()
    standing = {"walls": [name for name, wall in vars(walls).items() if wall is not None]}
    body = json.dumps(standing).encode()
    frames.write(replies, frames.LENGTH.pack(len(body)), body)
    while (size := frames.read_length(requests)) is not None:
        frames.write(replies, *serve(requests, size, programs, watch))


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


def serve(
    requests: int, size: int, programs: Programs, watch: Watch
) -> tuple[bytes | memoryview, ...]:
    """Run the program that comes next in a fresh process.

    Returns:
        The reply, in parts (see ``frames``).
    """
    printed_read, printed_write = os.pipe()
    said_read, said_write = os.pipe()
    child = os.fork()
    if child == 0:
        programs.become(requests, size, printed_write, said_write)
    os.close(printed_write)
    os.close(said_write)
    try:
        return watch.to_the_end(child, printed_read, said_read)
    finally:
        os.close(printed_read)
        os.close(said_read)


class Watch:
    """Keeps what programs write until they end or go over a limit; then ends them."""

    def __init__(self, limits: Limits, *, alone: bool) -> None:
        self._limits = limits
        self._alone = alone
        self._printed = Received(limits.output_kb * 1024)
        self._said = Received(frames.MOST_SAID)

    def to_the_end(
        self, child: int, printed_read: int, said_read: int
    ) -> tuple[bytes | memoryview, ...]:
        """Watch one program and return the reply on it.

        Raises:
            SystemExit: its process has not read its request, so the next one can't be found.
        """
        pipes = {printed_read: self._printed, said_read: self._said}
        for kept in pipes.values():
            kept.size = 0
        process = os.pidfd_open(child)
        try:
            over = _read_until_end(process, pipes, self._limits.wall_seconds)
            self._end(process)
        finally:
            os.close(process)
        status, used = _reap(child)
        killed = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
        if not over and (killed == signal.SIGXCPU or used >= self._limits.seconds):
            over = "timeout"
        for pipe, kept in pipes.items():
            while kept.take(pipe) and not over:
                over = "output" if kept.full else ""
        if not self._said.begins_with(frames.READY):
            raise SystemExit(1)
        printed, said = self._printed.view(), self._said.view()[len(frames.READY) :]
        limit = frames.LIMITS.index(over)
        return frames.ENDED.pack(limit, killed, len(printed), len(said)), printed, said

    def _end(self, process: int) -> None:
        """End a program, and all else in this process namespace where it is ours alone."""
        with contextlib.suppress(ProcessLookupError):
            if self._alone:
                os.kill(-1, signal.SIGKILL)  # spares process 1, us
            else:
                signal.pidfd_send_signal(process, signal.SIGKILL)


class Received:
    """What came by a pipe, in memory that a fork has no copy of."""

    def __init__(self, most: int) -> None:
        self._memory = mmap.mmap(-1, most + 1, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        self._memory.madvise(mmap.MADV_DONTFORK)
        self._view = memoryview(self._memory)
        self.size = 0

    @property
    def full(self) -> bool:
        """Whether more has come than may."""
        return self.size == len(self._view)

    def take(self, pipe: int) -> bool:
        """Read once; False at the end of the pipe or where it is empty."""
        try:
            count = os.readv(pipe, [self._view[self.size :]])
        except BlockingIOError:
            return False
        self.size += count
        return count > 0

    def begins_with(self, mark: bytes) -> bool:
        """Return whether what came begins with some bytes."""
        return self._view[: min(self.size, len(mark))] == mark

    def view(self) -> memoryview:
        """Return what came."""
        return self._view[: self.size]


def _read_until_end(process: int, pipes: dict[int, Received], seconds: float) -> str:
    """Read from pipes until a process ends; the limit that it went over, if any."""
    deadline = time.monotonic() + seconds
    poll = select.poll()
    for one in (process, *pipes):
        poll.register(one, select.POLLIN)
        os.set_blocking(one, False)
    while (left := deadline - time.monotonic()) > 0:
        ready = [number for number, _ in poll.poll(left * 1000 + 1)]
        for pipe, kept in pipes.items():
            if pipe in ready and not kept.take(pipe):
                poll.unregister(pipe)
            if kept.full:
                return "output"
        if process in ready:
            return ""
    return "timeout"


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


if __name__ == "__main__":
    main()
