"""The fork server: warm inside the walls, one fresh process a program.

It is process 1 of its own process namespace, so nothing inside can signal it and it can end
everything else inside at once. Requests come on standard input and replies go to standard output,
each a frame: four bytes of length, then JSON. The first request holds the limits and what to warm:

    {"seconds": 3, "wall_seconds": 9, "memory_mb": 512, "output_kb": 64, "libraries": ["sympy"]}
    {"sources": ["answer = 6 * 7"], "names": ["answer", "ans"]}
    -> {"value": "42", "rule": "answer-variable"}

A program's process has the write ends of two pipes and nothing else: one for what it prints, one
for its result, which must open with a random word that is drawn for that program. A process that
ends in any other way than by its result has none.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import io
import json
import math
import os
import random
import resource
import secrets
import select
import signal
import struct
import sys
import time
from typing import Any

from . import harness
from .seccomp import Filter

_PROGRAM_STDOUT, _PROGRAM_RESULT = 1, 3
_MOST_RESULT = 16 * 1024
_CHUNK = 65536
_WARM_UP = {
    "sympy": "from sympy import Eq, Rational, Symbol, simplify, solve, sqrt\n"
    "x = Symbol('x')\nsolve(Eq(2 * x + Rational(1, 2), 5), x)\nsqrt(2).evalf()\nsimplify(x / x)\n"
    "y = Symbol('y')\nsolve([Eq(x + y, 5), Eq(x - y, 1)], [x, y])\nsolve(x**2 - 4, x)",
    "numpy": "import numpy\nnumpy.array([1.5]).sum()",
    "math_verify": "from math_verify import parse, verify\n"
    "verify(parse('$\\\\frac{1}{2}$', parsing_timeout=None), parse('0.5', parsing_timeout=None),"
    " timeout_seconds=None)",
}


class Null(io.TextIOBase):
    """Where warnings and tracebacks of programs go."""

    def write(self, text: str, /) -> int:
        """Take ``text`` and forget it."""
        return len(text)


def main() -> None:
    """Serve until standard input ends."""
    requests, replies = sys.stdin.buffer, sys.stdout.buffer
    settings = receive(requests)
    if settings is None:
        return
    walls = Filter()
    walls.undumpable()
    os.environ.clear()
    for library in settings["libraries"]:
        exec(_WARM_UP[library], {})  # noqa: S102 - our own text above
    modules = harness.MODULES | {"math_verify"} & set(settings["libraries"])
    importlib.invalidate_caches()
    gc.collect()
    gc.freeze()
    send(replies, {"ready": sys.version.split()[0]})
    while (request := receive(requests)) is not None:
        send(replies, serve(request, settings, walls, modules))


def receive(stream: Any) -> Any:
    """The next frame of a stream, or None at its end."""
    head = stream.read(4)
    if len(head) < 4:
        return None
    return json.loads(stream.read(struct.unpack("!I", head)[0]))


def send(stream: Any, message: Any) -> None:
    """Write one frame to a stream."""
    body = json.dumps(message).encode()
    stream.write(struct.pack("!I", len(body)) + body)
    stream.flush()


def serve(request: Any, settings: Any, walls: Filter, modules: frozenset[str]) -> dict[str, Any]:
    """Run one program in a fresh process and say what became of it."""
    word = secrets.token_bytes(16)
    printed_read, printed_write = os.pipe()
    result_read, result_write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            _become_program(printed_write, result_write, settings, walls)
            result = harness.run(request["sources"], request["names"], modules)
            with contextlib.suppress(Exception):
                sys.stdout.flush()
            body = json.dumps(result).encode()
            os.write(_PROGRAM_RESULT, word + struct.pack("!I", len(body)) + body)
        finally:
            os._exit(1)
    os.close(printed_write)
    os.close(result_write)
    try:
        watched = _watch(child, printed_read, result_read, settings)
    finally:
        os.close(printed_read)
        os.close(result_read)
    return _judge(word, *watched)


def _become_program(printed: int, result: int, settings: Any, walls: Filter) -> None:
    """Leave this process nothing but its two pipes, its limits and the filter."""
    nothing, unused = os.pipe()
    # High numbers first, so that none of the four is overwritten before it is moved.
    result, printed, nothing = (
        os.dup2(one, 40 + at) for at, one in enumerate((result, printed, nothing))
    )
    os.close(unused)
    os.dup2(nothing, 0)
    os.dup2(printed, _PROGRAM_STDOUT)
    os.dup2(result, _PROGRAM_RESULT)
    os.close(2)
    os.closerange(_PROGRAM_RESULT + 1, 64)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - kept to the end
    sys.stdout = open(  # noqa: SIM115
        _PROGRAM_STDOUT, "w", encoding="utf-8", errors="replace", closefd=False
    )
    sys.stderr = Null()
    seconds = math.ceil(settings["seconds"])
    # The first limit sends a signal that says why; who ignores it is killed a second later.
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    for what, limit in (
        (resource.RLIMIT_AS, settings["memory_mb"] * 2**20),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 64),
        (resource.RLIMIT_NPROC, 0),
    ):
        resource.setrlimit(what, (limit, limit))
    random.seed(0)  # the same program gives the same answer
    walls.apply()


def _watch(
    child: int, printed_read: int, result_read: int, settings: Any
) -> tuple[bytes, bytes, str | None, int]:
    """Read what a program writes until it ends or goes over a limit; then end it.

    Returns:
        What it printed, its result frame, the limit that it went over, its exit status.
    """
    read = {printed_read: bytearray(), result_read: bytearray()}
    most = {printed_read: settings["output_kb"] * 1024, result_read: _MOST_RESULT}
    ended = os.pidfd_open(child)
    try:
        over = _read_until_end(ended, read, most, settings["wall_seconds"])
    finally:
        os.close(ended)
    with contextlib.suppress(ProcessLookupError):
        os.kill(-1, signal.SIGKILL)  # everything in this namespace but process 1, us
    status, used = _reap(child)
    killed = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
    if over is None and killed and (killed == signal.SIGXCPU or used >= settings["seconds"]):
        over = "timeout"
    for pipe, into in read.items():
        while over is None and _take(pipe, into):
            over = "output" if len(into) > most[pipe] else None
    return bytes(read[printed_read]), bytes(read[result_read]), over, status


def _read_until_end(
    ended: int, read: dict[int, bytearray], most: dict[int, int], seconds: float
) -> str | None:
    """Read from pipes until the process behind ``ended`` ends; the limit that it went over."""
    deadline = time.monotonic() + seconds
    poll = select.poll()
    for one in (ended, *read):
        poll.register(one, select.POLLIN)
        os.set_blocking(one, False)
    while (left := deadline - time.monotonic()) > 0:
        ready = [number for number, _ in poll.poll(left * 1000 + 1)]
        for pipe, into in read.items():
            if pipe in ready and not _take(pipe, into):
                poll.unregister(pipe)
            if len(into) > most[pipe]:
                return "output"
        if ended in ready:
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
    start = len(word) + 4
    if frame[: len(word)] != word or len(frame) < start:
        return _without_result(status)
    if len(frame) != start + struct.unpack("!I", frame[len(word) : start])[0]:
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
