"""A fork server and its process, seen from outside; and the choice of its walls."""

import contextlib
import json
import os
import selectors
import signal
import subprocess
import tempfile
from typing import Any

from siked.errors import UserError
from siked.settings import VerifySettings
from siked.verification.sandbox import isolation
from siked.verification.sandbox.inside import frames
from siked.verification.sandbox.isolation import Way
from siked.verification.sandbox.results import Reply

WALL = 3
"""Wall time for each second of processor time: a busy machine changes no verdict, sleep ends."""
_START_SECONDS = 60.0


class StartError(Exception):
    """A server did not start; the text says why and what to do."""


class ProgramServer:
    """One fork server behind its walls.

    Raises:
        StartError: it cannot be started.
    """

    def __init__(self, way: Way, libraries: tuple[str, ...], limits: VerifySettings) -> None:
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the server
        try:
            self._process = subprocess.Popen(
                way.command(libraries),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                env=way.environment(),
                bufsize=0,
                start_new_session=True,
            )
        except OSError as error:
            self._errors.close()
            raise StartError(f"{error.filename}: {error.strerror}") from error
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._requests = self._process.stdin.fileno()
        self.replies = self._process.stdout.fileno()
        """Where the reply to a request comes."""
        try:
            self.walls = self._greet(way, libraries, limits)
        except BaseException:
            self.end()
            raise
        """The walls that stand."""

    def replied(self, seconds: float = 0.0) -> bool:
        """Return whether a reply, or its end, comes within some seconds."""
        with selectors.DefaultSelector() as selector:
            selector.register(self.replies, selectors.EVENT_READ)
            return bool(selector.select(seconds))

    def send(self, message: Any, word: bytes = b"") -> None:
        """Send a request; that the server is gone shows when its reply is read."""
        body = word + json.dumps(message).encode()
        with contextlib.suppress(OSError):
            frames.write(self._requests, frames.LENGTH.pack(len(body)) + body)

    def receive(self) -> Reply | None:
        """Return the reply on a program; None where the server is gone or talks nonsense."""
        with contextlib.suppress(OSError, IndexError):
            head = frames.read(self.replies, frames.ENDED.size)
            if len(head) == frames.ENDED.size:
                limit, ended, printed, said = frames.ENDED.unpack(head)
                body = frames.read(self.replies, printed + said)
                if len(body) == printed + said:
                    return Reply(frames.LIMITS[limit], ended, body[:printed], body[printed:])
        return None

    def end(self) -> None:
        """Kill the server and everything behind its walls, and leave nothing behind."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._errors):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()

    def _greet(
        self, way: Way, libraries: tuple[str, ...], limits: VerifySettings
    ) -> frozenset[str]:
        """Tell the server what it is for; the walls that stand then."""
        self.send(
            {
                "limits": {
                    "seconds": limits.seconds,
                    "wall_seconds": limits.seconds * WALL,
                    "memory_mb": limits.memory_mb,
                    "output_kb": limits.output_kb,
                },
                "libraries": libraries,
                **way.settings(libraries),
            }
        )
        size = frames.read_length(self.replies) if self.replied(_START_SECONDS) else None
        if size is None:
            self._errors.seek(0)
            raise StartError(isolation.why_not(self._errors.read().decode(errors="replace")))
        reply = json.loads(frames.read(self.replies, size))
        own = {way.name} if way.name else set()
        return frozenset({*reply["walls"], *own})


def start_strongest(limits: VerifySettings) -> tuple[Way, ProgramServer]:
    """Return the way with the strongest walls that stand here, and a first server behind them.

    Raises:
        UserError: there are none that isolate a program, and the user has not accepted less.
    """
    ways, missing = isolation.ways()
    reasons = [missing] if missing else []
    weak: tuple[Way, ProgramServer] | None = None
    for way in ways:
        try:
            server = ProgramServer(way, (), limits)
        except StartError as error:
            reasons.append(str(error))
            continue
        if isolation.enough(server.walls):
            if weak is not None:
                weak[1].end()
            return way, server
        reasons.append(isolation.too_weak(server.walls))
        if weak is None and limits.isolation == "rlimits" and isolation.bearable(server.walls):
            weak = way, server
        else:
            server.end()
    if weak is not None:
        return weak
    why = "; ".join(dict.fromkeys(reasons))
    if limits.isolation == "rlimits":
        raise UserError(
            f"programs cannot even be limited here: {why}; and root needs the system call filter: "
            "run as an ordinary user"
        )
    raise UserError(
        f"programs cannot be isolated here: {why}; or accept less with `verify.isolation: rlimits` "
        "(see docs/security.md)"
    )
