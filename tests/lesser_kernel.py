"""Runs Python in a process whose kernel lacks something, as older kernels and containers do.

    python tests/lesser_kernel.py namespaces,landlock -c "..."

What is lacking is refused by a system call filter of the test's own, with the error that a kernel
without it gives; containers forbid things in the very same way. It covers x86_64 alone.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
import sys

_LOAD, _EQUAL, _ANY_BIT, _RETURN = 0x20, 0x15, 0x45, 0x06
_NEW_USER = 0x10000000
_SET_FILTER = 22


def refuse(number: int, error: int, at: int = 0, test: int = _EQUAL, operand: int = 0) -> bytes:
    """Instructions that fail a system call, always or where its argument passes a test."""
    check = struct.pack("=HBBIHBBI", _LOAD, 0, 0, 16 + 8 * at, test, 0, 1, operand)
    body = (check if operand else b"") + struct.pack("=HBBI", _RETURN, 0, 0, 0x50000 | error)
    allowed = struct.pack("=HBBI", _RETURN, 0, 0, 0x7FFF0000)
    tail = body + (allowed if operand else b"")
    return struct.pack("=HBBI", _EQUAL, 0, len(tail) // 8, number) + tail


LACKS = {
    "namespaces": (
        refuse(56, errno.EPERM, 0, _ANY_BIT, _NEW_USER)
        + refuse(272, errno.EPERM, 0, _ANY_BIT, _NEW_USER)
        + refuse(435, errno.ENOSYS)
    ),
    "landlock": refuse(444, errno.EOPNOTSUPP),
    "seccomp": refuse(157, errno.EINVAL, 0, _EQUAL, _SET_FILTER) + refuse(317, errno.EINVAL),
}


def lose(names: list[str]) -> None:
    """Take parts of the kernel away from this process and all that it starts."""
    code = struct.pack("=HBBI", _LOAD, 0, 0, 0) + b"".join(LACKS[name] for name in names)
    code += struct.pack("=HBBI", _RETURN, 0, 0, 0x7FFF0000)
    kept = ctypes.create_string_buffer(code)
    program = ctypes.create_string_buffer(
        struct.pack("=H6xQ", len(code) // 8, ctypes.addressof(kept))
    )
    libc = ctypes.CDLL(None, use_errno=True)
    zero = ctypes.c_ulong(0)
    assert libc.prctl(38, ctypes.c_ulong(1), zero, zero, zero) == 0
    assert libc.prctl(_SET_FILTER, ctypes.c_ulong(2), program, zero, zero) == 0


if __name__ == "__main__":
    lose(sys.argv[1].split(","))
    os.execv(sys.executable, [sys.executable, *sys.argv[2:]])
