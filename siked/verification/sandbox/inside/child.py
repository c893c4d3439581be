"""The process of one program: what it keeps, its limits and its walls, then the program.

It has the read end of an empty pipe as its input, the write ends of two pipes for what it prints
and for its result, and nothing else; none of them is another program's too. The result is JSON (see
``harness.run``) behind a random word that was drawn for this program.
"""

import contextlib
import io
import json
import math
import os
import random
import resource
import sys
from dataclasses import dataclass
from typing import NoReturn

from . import frames, harness, privileges
from .landlock import Landlock
from .seccomp import Filter

_STDIN, _STDOUT, _STDERR, _RESULT = 0, 1, 2, 3
_MOST_FILES = 64


class Null(io.TextIOBase):
    """Where warnings and tracebacks of programs go."""

    def write(self, text: str, /) -> int:
        """Take ``text`` and forget it."""
        return len(text)


@dataclass(frozen=True)
class Limits:
    """What one program may use."""

    seconds: float
    wall_seconds: float
    memory_mb: int
    output_kb: int


@dataclass(frozen=True)
class Walls:
    """What a program's process is confined by, apart from where its server runs."""

    landlock: Landlock | None
    seccomp: Filter | None


class Programs:
    """Turns fresh processes into programs.

    Made once by the server, after it has loaded what it needs: what does not differ from program
    to program is done here, and the server takes on those limits that leave it its work.
    """

    def __init__(
        self,
        limits: Limits,
        walls: Walls,
        modules: frozenset[str],
        *,
        alone: bool,
    ) -> None:
        self._limits = limits
        self._walls = walls
        self._space = harness.space(modules)
        self._server = None if alone else os.getpid()
        # Made here and used by every program: making them anew costs each a tenth of its time.
        sys.stdin = open(_STDIN, encoding="utf-8", closefd=False)  # noqa: SIM115
        sys.stdout = open(  # noqa: SIM115
            _STDOUT, "w", encoding="utf-8", errors="replace", closefd=False
        )
        sys.stderr = Null()
        for what, limit in (
            (resource.RLIMIT_AS, limits.memory_mb * 2**20),
            (resource.RLIMIT_FSIZE, 0),
            (resource.RLIMIT_CORE, 0),
            (resource.RLIMIT_NOFILE, _MOST_FILES),
        ):
            resource.setrlimit(what, (limit, limit))

    @staticmethod
    def reserve() -> None:
        """Take the number of the result pipe before anything else does."""
        first, second = os.pipe()
        os.dup2(first, _RESULT)
        for number in {first, second} - {_RESULT}:
            os.close(number)

    def become(self, requests: int, size: int, printed: int, result: int) -> NoReturn:
        """Run a program in this process and end it, with its result or without.

        Args:
            requests: the pipe that its request is next on: a word, then ``sources``, ``names`` and
                ``blocks`` (see ``harness.run``) as JSON.
            size: the length of the request.
            printed: the pipe for what it prints.
            result: the pipe for its result.
        """
        try:
            self._confine()
            word = frames.read(requests, frames.WORD)
            body = frames.read(requests, size - frames.WORD)
            os.write(result, frames.READY)
            request = json.loads(body)
            nothing, _ = os.pipe()
            os.dup2(nothing, _STDIN)
            os.dup2(printed, _STDOUT)
            os.dup2(result, _RESULT)
            os.close(_STDERR)
            os.closerange(_RESULT + 1, _MOST_FILES)
            if self._walls.seccomp is not None:
                self._walls.seccomp.apply()
            answer = harness.run(
                request["sources"], request["names"], self._space, request["blocks"]
            )
            with contextlib.suppress(Exception):
                sys.stdout.flush()
            os.write(_RESULT, word + json.dumps(answer).encode())
        finally:
            os._exit(1)

    def _confine(self) -> None:
        """Add to what the server's own limits and walls already forbid."""
        seconds = math.ceil(self._limits.seconds)
        # The first limit sends a signal that says why; who ignores it is killed a second later.
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
        resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
        random.seed(0)  # the same program gives the same answer
        if self._server is not None:  # else the kernel ends the whole namespace with the server
            privileges.end_with_parent()
            if os.getppid() != self._server:
                os._exit(1)  # it ended before that
        if self._walls.landlock is not None:
            self._walls.landlock.apply()
