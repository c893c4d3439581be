"""What a process gives up for good before it runs anything that is not ours."""

import ctypes
import os
import signal
import struct

_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_SET_NO_NEW_PRIVS = 38
_CAPABILITIES_VERSION = 0x20080522
_LIBC = ctypes.CDLL(None, use_errno=True)
_ZEROS = (ctypes.c_ulong(0),) * 3


def drop() -> None:
    """Give up every capability and every way to gain one; end with the parent.

    Other processes of the same user can no longer trace this one or read its memory either.

    Raises:
        OSError: the kernel refuses.
    """
    end_with_parent()
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    _prctl(_PR_SET_DUMPABLE, 0)
    nothing = bytes(24)  # effective, permitted, inheritable: two words each
    if _LIBC.capset(struct.pack("=Ii", _CAPABILITIES_VERSION, 0), nothing) != 0:
        raise OSError(ctypes.get_errno(), "the capabilities cannot be dropped")


def end_with_parent() -> None:
    """Have the kernel kill this process when its parent ends; forks need to ask again."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _prctl(option: int, value: int) -> None:
    if _LIBC.prctl(option, ctypes.c_ulong(value), *_ZEROS) != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"prctl({option}): {os.strerror(code)}")
