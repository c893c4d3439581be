"""Copies of a worker on a Ray cluster that work off a list together.

Ray places the copies (an actor each) where their cores and GPUs are free. A copy has one piece of
work in hand and one waiting, so that it never idles and nothing piles up. When a copy is lost, with
its process or its whole node, what it had goes to others and a new one is asked for, which may come
later or, on a cluster that has shrunk, never: the work goes on with those that are there. (An actor
that Ray restarts by itself keeps its calls, and they would wait for a place that may never come.)

    replicas = Replicas(settings, partial(open_engine, ...), cpus=1, gpus=1)
    for number, result in replicas.map(work, pieces):        # as they finish, each piece once
"""

import contextlib
import logging
import socket
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from siked.errors import UserError
from siked.settings import RaySettings
from siked.terminal.console import say

LOCAL = "local"
"""The address that starts a cluster of this machine alone, for as long as the process lives."""
SECONDS = 5.0
"""How long a cluster may take to answer at all; Ray itself waits for minutes."""
IN_HAND = 2
"""Pieces that a copy has at once: one under way, one waiting."""
LOSSES = 3
"""So many copies lost with the same piece in hand, and it counts as their killer."""
PATIENCE = 30.0
"""Seconds between two lines that say that no copy has found a place."""


@dataclass(eq=False)
class _Copy:
    """An actor, and the numbers of the pieces that it has; it gets some once it has come up."""

    actor: Any
    up: bool = False
    pieces: set[int] = field(default_factory=set)


class Replicas:
    """``settings.replicas`` copies of what ``make`` makes, each on its node.

    Args:
        settings: the cluster, and how many copies.
        make: makes the tool that the work is done with.
        cpus: cores of a copy.
        gpus: GPUs of a copy.

    Raises:
        UserError: Ray is not installed, or there is no cluster at the address.
    """

    def __init__(
        self, settings: RaySettings, make: Callable[[], Any], *, cpus: float, gpus: float
    ) -> None:
        self._ray = _join(settings.address)
        self._actor = self._ray.remote(num_cpus=cpus, num_gpus=gpus, max_restarts=0)(_Worker)
        self._make = make
        self._copies: list[_Copy] = []
        self._calls: dict[Any, tuple[_Copy, int | None]] = {}
        """By Ray's reference: the copy, and its piece or None where it comes up."""
        self._waiting: dict[int, Any] = {}
        """The pieces that are not done, by number."""
        self._again: deque[int] = deque()
        """Those of them that have lost their copy."""
        self._losses: dict[int, int] = {}
        for _ in range(settings.replicas):
            self._start()

    def map(
        self, work: Callable[[Any, Any], Any], pieces: Iterable[Any]
    ) -> Iterator[tuple[int, Any]]:
        """Yield each piece's number and ``work(tool, piece)``, as they finish, every piece once.

        Pieces are drawn when a copy can take them: there may be more than memory holds. Ends the
        copies when it does not come to its end.

        Raises:
            UserError: the work raised one, or a piece lost its copy again and again.
        """
        left, drawn, more = iter(pieces), 0, True
        try:
            while more or self._waiting:
                for copy in self._idle():
                    if self._again:
                        self._give(copy, self._again.popleft(), work)
                        continue
                    piece = next(left, _END) if more else _END
                    if piece is _LATER:
                        break
                    if piece is _END:
                        more = False
                        break
                    self._waiting[drawn] = piece
                    self._give(copy, drawn, work)
                    drawn += 1
                if more or self._waiting:
                    yield from self._ended()
        except BaseException:
            self.close()
            raise

    def map_in_order(self, work: Callable[[Any, Any], Any], pieces: Iterable[Any]) -> Iterator[Any]:
        """Yield the results in the order of the pieces.

        While a slow piece holds back the others, at most a few pieces a copy are drawn.

        Raises:
            UserError: see ``map``.
        """
        ahead = 2 * IN_HAND * len(self._copies)
        done: dict[int, Any] = {}
        turn = 0

        def paced() -> Iterator[Any]:
            for number, piece in enumerate(pieces):
                while number - turn >= ahead:
                    yield _LATER
                yield piece

        for number, result in self.map(work, paced()):
            done[number] = result
            while turn in done:
                yield done.pop(turn)
                turn += 1

    def close(self) -> None:
        """End the copies."""
        for copy in self._copies:
            with contextlib.suppress(Exception):
                self._ray.kill(copy.actor)
        self._copies.clear()
        self._calls.clear()

    def _start(self) -> None:
        copy = _Copy(self._actor.remote(self._make))
        self._copies.append(copy)
        self._calls[copy.actor.come_up.remote()] = (copy, None)

    def _idle(self) -> Iterator[_Copy]:
        """Copies that can take a piece, as often as they can, the emptiest first."""
        for full in range(IN_HAND):
            for copy in self._copies:
                if copy.up and len(copy.pieces) == full:
                    yield copy

    def _give(self, copy: _Copy, number: int, work: Callable[[Any, Any], Any]) -> None:
        copy.pieces.add(number)
        self._calls[copy.actor.run.remote(work, self._waiting[number])] = (copy, number)

    def _ended(self) -> Iterator[tuple[int, Any]]:
        """Wait for a call to end; yield its piece's number and result, if it had one."""
        ended, _ = self._ray.wait(list(self._calls), num_returns=1, timeout=PATIENCE)
        if not ended and not any(copy.up for copy in self._copies):
            _say("no replica has found its place yet: `ray status` says what the cluster lacks")
        for reference in ended:
            copy, number = self._calls.pop(reference)
            try:
                result = self._ray.get(reference)
            except self._ray.exceptions.RayTaskError as error:
                raise error.cause if isinstance(error.cause, Exception) else error from None
            except self._ray.exceptions.RayError:
                self._replace(copy)
                continue
            if number is None:
                copy.up = True
                continue
            copy.pieces.remove(number)
            del self._waiting[number]
            yield number, result

    def _replace(self, lost: _Copy) -> None:
        """Give a lost copy's pieces to others, and ask for a new one."""
        self._copies.remove(lost)
        self._calls = {ref: call for ref, call in self._calls.items() if call[0] is not lost}
        with contextlib.suppress(Exception):
            self._ray.kill(lost.actor)
        for number in sorted(lost.pieces):
            self._losses[number] = self._losses.get(number, 0) + 1
            if self._losses[number] == LOSSES:
                raise UserError(
                    f"ray: the same work lost its replica {LOSSES} times: too little memory is the "
                    "usual cause; the log of its node says more (`ray logs`)"
                )
            self._again.append(number)
        _say(f"a replica was lost: {len(lost.pieces)} pieces of work go to others")
        self._start()


class _Worker:
    """What runs on a node."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make
        self._tool: Any = None

    def come_up(self) -> None:
        """Make the tool. Apart from ``__init__``, where Ray would hide what goes wrong."""
        self._tool = self._make()

    def run(self, work: Callable[[Any, Any], Any], piece: Any) -> Any:
        """Do a piece of work."""
        return work(self._tool, piece)


_END = object()
_LATER = object()
"""A piece that is not to be drawn yet."""


def _say(what: str) -> None:
    say(f"ray: {what}", file=sys.stderr)


def _join(address: str) -> Any:
    """Return the ``ray`` package, connected to the cluster at an address (once a process).

    Raises:
        UserError: Ray is not installed, or there is no cluster.
    """
    try:
        import ray
    except ModuleNotFoundError:
        raise UserError("ray: is not installed: `make install EXTRAS=ray` gets it") from None
    if ray.is_initialized():
        return ray
    try:
        if ":" in address:
            host, _, port = address.rpartition(":")
            with socket.create_connection((host, int(port)), SECONDS):
                pass
        ray.init(
            address=LOCAL if address == LOCAL else address,
            log_to_driver=False,
            logging_level=logging.ERROR,
        )
    except (OSError, ValueError, RuntimeError) as error:
        line = str(error).strip().partition("\n")[0]
        raise UserError(
            f"ray.address: no cluster at {address!r} ({line}): `ray start --head` starts one, "
            f"`{LOCAL}` needs none"
        ) from None
    return ray
