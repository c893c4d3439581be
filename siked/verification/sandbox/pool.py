"""A pool of workers that run programs one after another, each in its own walls.

A worker holds one fork server for each set of libraries that its programs have needed so far and
runs one program at a time. The results come in the order of the programs, while later programs
already run.
"""

from __future__ import annotations

import os
import re
import selectors
import sys
import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Self

from siked.errors import UserError
from siked.records import Failure
from siked.settings import VerifySettings
from siked.verification.sandbox import isolation
from siked.verification.sandbox.inside import frames
from siked.verification.sandbox.interpreter import LIBRARIES, available
from siked.verification.sandbox.isolation import Way
from siked.verification.sandbox.results import Result, judge
from siked.verification.sandbox.servers import WALL, ProgramServer, StartError, start_strongest

ANSWER_NAMES = ("answer", "ans", "final_answer")
"""The variables that hold a program's answer, best first."""
MOST_SOURCE = 50_000
"""Characters of a program; a model that writes more has lost its thread."""
_GRACE_SECONDS = 5.0
_AHEAD = 64
"""Finished results kept for each worker while an earlier program still runs."""
_USES = {
    "sympy": re.compile(
        r"\bsympy\b|\bsymbols?\s?\(|\bmpmath\b|\b(?:Eq|Rational|nsolve|simplify)\s?\(",
        re.IGNORECASE,
    ),
    "numpy": re.compile(r"\bnumpy\b"),
    "math_verify": re.compile(r"\bmath_verify\b"),
}


@dataclass(frozen=True)
class Program:
    """A program to run."""

    sources: tuple[str, ...]
    """Readings of the same text, best first; the first that is Python is run."""
    blocks: tuple[str, ...] = ()
    """Its code blocks one by one, where there are several, in the order in which they are tried
    once the whole has failed."""
    names: tuple[str, ...] = ANSWER_NAMES
    """The variables that hold the answer, best first."""
    trusted: bool = False
    """Written by us: it may use Math-Verify."""

    def libraries(self) -> tuple[str, ...]:
        """Return the libraries that its server should have loaded."""
        names = [one for one in LIBRARIES if any(_USES[one].search(text) for text in self.sources)]
        if not self.trusted:
            names = [one for one in names if one != "math_verify"]
        return tuple(one for one in names if available(one))


class Sandbox:
    """Runs programs in isolation; a context manager.

    Its servers end with the thread that entered it. Where the walls are weaker than isolation and
    the user has accepted that, each entering says so on standard error.

    Raises:
        UserError: on entering, where programs cannot be isolated.
    """

    def __init__(self, limits: VerifySettings) -> None:
        self._limits = limits
        self._workers: list[_Worker] = []
        self._running = False
        self.isolation = ""
        """What stands between a program and the machine, such as
        ``bubblewrap+landlock+seccomp``; known once entered."""

    def __enter__(self) -> Self:
        way, first = start_strongest(self._limits)
        count = self._limits.workers
        self._workers = [_Worker(way, first.walls, self._limits) for _ in range(count)]
        self._workers[0].servers[()] = first
        self.isolation = isolation.text(first.walls)
        try:
            for worker in self._workers[1:]:
                worker.start(())
        except BaseException:
            self.close()
            raise
        if not isolation.enough(first.walls):
            print(f"siked: {isolation.warning(first.walls)}", file=sys.stderr, flush=True)
        return self

    def __exit__(self, *_: object) -> None:
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
    if max(map(len, program.sources)) > MOST_SOURCE:
        detail = f"more than {MOST_SOURCE} characters"
        return Result(None, failure=Failure.SYNTAX_ERROR, detail=detail)
    return None


@dataclass
class _Worker:
    """Runs one program at a time, on the server that has its libraries."""

    way: Way
    walls: frozenset[str]
    limits: VerifySettings
    servers: dict[tuple[str, ...], ProgramServer] = field(default_factory=dict)
    number: int = -1
    word: bytes = b""
    busy: ProgramServer | None = None
    deadline: float = 0.0

    @property
    def replies(self) -> int:
        """Where the reply of the running program comes."""
        assert self.busy is not None
        return self.busy.replies

    def start(self, libraries: tuple[str, ...]) -> ProgramServer:
        """Start a server.

        Raises:
            UserError: it cannot be started, or not behind the walls that the others have.
        """
        try:
            server = ProgramServer(self.way, libraries, self.limits)
        except StartError as error:
            raise UserError(f"programs cannot be run: {error}") from error
        self.servers[libraries] = server
        if server.walls != self.walls:
            raise UserError(
                f"a server has {isolation.text(server.walls)} where the others have "
                f"{isolation.text(self.walls)}: programs are not run"
            )
        return server

    def give(self, number: int, program: Program) -> None:
        """Start a program."""
        libraries = program.libraries()
        server = self.servers.get(libraries) or self.start(libraries)
        self.number, self.busy = number, server
        self.word = os.urandom(frames.WORD)
        request = {
            "sources": program.sources, "names": program.names, "blocks": program.blocks
        }  # fmt: skip
        server.send(request, self.word)
        self.deadline = time.monotonic() + self.limits.seconds * WALL + _GRACE_SECONDS

    def take(self) -> tuple[int, Result]:
        """Return the running program's number and result; a server that gave none is replaced."""
        assert self.busy is not None
        late = self.deadline <= time.monotonic() and not self.busy.replied()
        reply = None if late else self.busy.receive()
        if reply is None:
            self.drop()
            lost = Failure.TIMEOUT if late else Failure.RUNTIME_ERROR
            return self.number, Result(None, failure=lost, detail="its server had to be replaced")
        self.busy = None
        return self.number, judge(reply, self.word)

    def drop(self) -> None:
        """End the running program, if any, with its server."""
        if self.busy is not None:
            self.busy.end()
            self.servers = {key: one for key, one in self.servers.items() if one is not self.busy}
            self.busy = None

    def close(self) -> None:
        """End all servers."""
        for server in self.servers.values():
            server.end()
        self.servers = {}
        self.busy = None
