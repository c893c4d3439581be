"""A pool of workers that run programs one after another, each in its own walls.

A worker holds one fork server for each set of libraries that its programs have needed so far and
runs one program at a time. The results come in the order of the programs, while later programs
already run.
"""

from __future__ import annotations

import contextlib
import json
import re
import selectors
import struct
import subprocess
import tempfile
import time
from collections import deque
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Any, Self

from siked.records import Failure
from siked.sandbox.isolation import LIBRARIES, available, bubblewrap, command, why_not

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import TracebackType

    from siked.settings import VerifySettings

ANSWER_NAMES = ("answer", "ans", "final_answer")
"""The variables that hold a program's answer, best first."""
_LONGEST_SOURCE = 200_000
_MOST_REPLY = 2**20
_START_SECONDS = 60.0
_GRACE_SECONDS = 5.0
_WALL = 3
"""Wall time for each second of processor time: a busy machine changes no verdict, sleep ends."""
_AHEAD = 64
"""Finished results kept for each worker while an earlier program still runs."""
_USES = {
    "sympy": re.compile(r"\bsympy\b|\bsymbols?\s*\(|\bmpmath\b", re.IGNORECASE),
    "numpy": re.compile(r"\bnumpy\b"),
    "math_verify": re.compile(r"\bmath_verify\b"),
}


@dataclass(frozen=True)
class Program:
    """A program to run."""

    sources: tuple[str, ...]
    """Readings of the same text, best first; the first that is Python is run."""
    names: tuple[str, ...] = ANSWER_NAMES
    """The variables that hold the answer, best first."""
    trusted: bool = False
    """Written by us: it may use Math-Verify."""

    def libraries(self) -> tuple[str, ...]:
        """The libraries that its server should have loaded."""
        names = [one for one in LIBRARIES if any(_USES[one].search(text) for text in self.sources)]
        if not self.trusted:
            names = [one for one in names if one != "math_verify"]
        return tuple(one for one in names if available(one))


@dataclass(frozen=True)
class Result:
    """What became of a program."""

    value: str | None
    """Its answer as text, or None with the reason in ``failure``."""
    rule: str | None = None
    """How the answer was found: see ``siked.sandbox.inside.harness``."""
    failure: Failure | None = None
    detail: str = ""
    """More on the failure, for people."""


class Sandbox:
    """Runs programs in isolation; a context manager.

    Its servers end with the thread that entered it.

    Raises:
        UserError: on entering, where programs cannot be isolated.
    """

    def __init__(self, limits: VerifySettings) -> None:
        self._limits = limits
        self._workers: list[_Worker] = []
        self._running = False

    def __enter__(self) -> Self:
        bwrap = bubblewrap()
        self._workers = [_Worker(bwrap, self._limits) for _ in range(self._limits.workers)]
        try:
            for worker in self._workers:
                worker.start(())
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End all servers."""
        for worker in self._workers:
            worker.close()
        self._workers = []

    def run(self, programs: Iterable[str | Program]) -> Iterator[Result]:
        """Yield one result a program, in order, as they come.

        Raises:
            RuntimeError: the sandbox is not entered, or another ``run`` is not finished.
        """
        if not self._workers:
            raise RuntimeError("the sandbox is not open: use it in a with statement")
        if self._running:
            raise RuntimeError("the sandbox already runs programs: finish that iteration first")
        self._running = True
        try:
            yield from self._run(iter(programs))
        finally:
            self._running = False
            for worker in self._workers:
                worker.drop()

    def _run(self, programs: Iterator[str | Program]) -> Iterator[Result]:
        finished: dict[int, Result] = {}
        idle = deque(self._workers)
        given = wanted = 0
        more = True
        with selectors.DefaultSelector() as selector:
            while more or given > wanted:
                while more and idle and given - wanted < _AHEAD * len(self._workers):
                    following = next(programs, None)
                    if following is None:
                        more = False
                        break
                    program = Program((following,)) if isinstance(following, str) else following
                    if (refused := _refused(program)) is not None:
                        finished[given] = refused
                    else:
                        worker = idle.popleft()
                        worker.give(given, program)
                        selector.register(worker.replies, selectors.EVENT_READ, worker)
                    given += 1
                for worker in self._ready(selector):
                    selector.unregister(worker.replies)
                    number, result = worker.take()
                    finished[number] = result
                    idle.append(worker)
                while wanted in finished:
                    yield finished.pop(wanted)
                    wanted += 1

    def _ready(self, selector: selectors.BaseSelector) -> list[_Worker]:
        """The workers that have replied or will not any more; waits for the first."""
        busy = [key.data for key in selector.get_map().values()]
        if not busy:
            return []
        left = min(worker.deadline for worker in busy) - time.monotonic()
        replied = {id(key.data) for key, _ in selector.select(max(left, 0.0))}
        now = time.monotonic()
        return [one for one in busy if id(one) in replied or one.deadline <= now]


def _refused(program: Program) -> Result | None:
    if sum(map(len, program.sources)) > _LONGEST_SOURCE * len(program.sources):
        return Result(None, failure=Failure.SYNTAX_ERROR, detail="too long for a program")
    return None


@dataclass
class _Server:
    """One fork server behind its walls."""

    process: subprocess.Popen[bytes]
    errors: IO[bytes]

    def send(self, message: Any) -> None:
        body = json.dumps(message).encode()
        assert self.process.stdin is not None
        self.process.stdin.write(struct.pack("!I", len(body)) + body)
        self.process.stdin.flush()

    def receive(self) -> Any:
        """The next reply; None where the server is gone or talks nonsense."""
        assert self.process.stdout is not None
        with contextlib.suppress(OSError, ValueError):
            head = self.process.stdout.read(4)
            if len(head) == 4 and (size := struct.unpack("!I", head)[0]) <= _MOST_REPLY:
                return json.loads(self.process.stdout.read(size))
        return None

    def end(self) -> None:
        """Kill the server and everything in its walls, and leave nothing behind."""
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self.errors):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()


@dataclass
class _Worker:
    """Runs one program at a time, on the server that has its libraries."""

    bwrap: str
    limits: VerifySettings
    servers: dict[tuple[str, ...], _Server] = field(default_factory=dict)
    number: int = -1
    busy: tuple[str, ...] | None = None
    deadline: float = 0.0

    @property
    def replies(self) -> IO[bytes]:
        """Where the reply of the running program comes."""
        assert self.busy is not None
        stream = self.servers[self.busy].process.stdout
        assert stream is not None
        return stream

    def start(self, libraries: tuple[str, ...]) -> _Server:
        """Start a server, or raise a ``UserError`` that says why it cannot be isolated."""
        errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the server
        process = subprocess.Popen(
            command(self.bwrap, libraries),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            env={},
            bufsize=-1,
        )
        server = _Server(process, errors)
        try:
            with contextlib.suppress(OSError):
                server.send(
                    {
                        "seconds": self.limits.seconds,
                        "wall_seconds": self.limits.seconds * _WALL,
                        "memory_mb": self.limits.memory_mb,
                        "output_kb": self.limits.output_kb,
                        "libraries": libraries,
                    }
                )
            up = _answers(process.stdout, _START_SECONDS) and server.receive() is not None
            if not up:
                errors.seek(0)
            trouble = None if up else why_not(errors.read().decode(errors="replace"))
        except BaseException:
            server.end()
            raise
        if trouble is not None:
            server.end()
            raise trouble
        self.servers[libraries] = server
        return server

    def give(self, number: int, program: Program) -> None:
        """Start a program."""
        libraries = program.libraries()
        server = self.servers.get(libraries) or self.start(libraries)
        self.number, self.busy = number, libraries
        with contextlib.suppress(OSError):  # a server that died shows when its reply is read
            server.send({"sources": program.sources, "names": program.names})
        self.deadline = time.monotonic() + self.limits.seconds * _WALL + _GRACE_SECONDS

    def take(self) -> tuple[int, Result]:
        """The running program's number and result; a server that gave none is replaced."""
        assert self.busy is not None
        server, number = self.servers[self.busy], self.number
        late = self.deadline <= time.monotonic() and not _answers(self.replies, 0.0)
        reply = None if late else server.receive()
        if reply is None:
            self.drop()
            lost = Failure.TIMEOUT if late else Failure.RUNTIME_ERROR
            return number, Result(None, failure=lost, detail="its server had to be replaced")
        self.busy = None
        failure = Failure(reply["failure"]) if reply.get("failure") else None
        return number, Result(
            reply.get("value"), reply.get("rule"), failure, str(reply.get("detail", ""))
        )

    def drop(self) -> None:
        """End the running program, if any, with its server."""
        if self.busy is not None:
            self.servers.pop(self.busy).end()
            self.busy = None

    def close(self) -> None:
        """End all servers."""
        for server in self.servers.values():
            server.end()
        self.servers = {}
        self.busy = None


def _answers(stream: IO[bytes] | None, seconds: float) -> bool:
    """Whether something can be read within some seconds."""
    assert stream is not None
    with selectors.DefaultSelector() as selector:
        selector.register(stream, selectors.EVENT_READ)
        return bool(selector.select(seconds))
