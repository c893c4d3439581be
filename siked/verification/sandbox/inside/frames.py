"""Requests and replies on the pipes of a server, and what a program's process says of itself.

The first request and its reply are four bytes of length, then JSON (see ``inside.server``). A
program's request looks the same, but the server reads its length alone: the process made for the
program reads the rest, so that no program's text ever lies in memory that later ones are copies of.
The reply to it is ``ENDED`` (the limit that it went over, the signal that ended it, how much it
printed and said), then what it printed and what it said, as they came: the server looks into
neither. What it said is read, and believed or not, in ``siked.verification.sandbox.results``.
"""

import os
import struct

LENGTH = struct.Struct("!I")
ENDED = struct.Struct("!BBII")
LIMITS = ("", "timeout", "output")
"""The limits that a server watches, by their number in ``ENDED``."""
READY = b"\n"
"""What a program's process says first: it has read its request to the end."""
MOST_SAID = 256 * 1024
"""How much a program's process may say: ten times a longest answer with every character escaped."""
WORD = 16
"""The length of the random word that a result opens with, drawn for each program."""


def read(descriptor: int, size: int) -> bytes:
    """Read so many bytes; fewer where the pipe ends before."""
    parts: list[bytes] = []
    while size and (part := os.read(descriptor, size)):
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def read_length(descriptor: int) -> int | None:
    """Read the length of the next frame; None at the end of the pipe."""
    head = read(descriptor, LENGTH.size)
    return LENGTH.unpack(head)[0] if len(head) == LENGTH.size else None


def write(descriptor: int, *parts: bytes | memoryview) -> None:
    """Write everything, in parts where the pipe is full."""
    for part in parts:
        left = memoryview(part)
        while left:
            left = left[os.write(descriptor, left) :]
