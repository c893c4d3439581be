"""Landlock: what a process may still do with files, the network and other processes.

The kernel's own access control for processes that confine themselves, without root and without
namespaces. It only ever takes rights away, and every process that is started later inherits it.
Here it leaves one right: to read below the folders named. What a kernel can forbid grew over time
and is told by the version that it reports:

    version 1 (Linux 5.13)  files: reading, writing, making, removing, running
            2, 3, 5         linking across folders, truncating, controlling devices
            4               TCP
            6               signals and abstract sockets to processes outside
"""

import ctypes
import os
import stat
import struct

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # the same on every machine
_ASK_VERSION = 1
_PATH_BENEATH = 1
_READ_FILE, _READ_DIR = 1 << 2, 1 << 3
_FILES = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
"""How many kinds of access to files a version knows; later ones know what 5 knows."""
_TCP = 0b11
_SCOPES = 0b11


def version() -> int:
    """Return the version of the kernel's Landlock; 0 where it has none or does not use it."""
    libc = ctypes.CDLL(None, use_errno=True)
    return max(0, int(libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), _ASK_VERSION)))


class Landlock:
    """Read-only access below some paths, and nothing else.

    Raises:
        OSError: the kernel does not take these rules, or has no Landlock.
    """

    def __init__(self, readable: list[str]) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        attributes = _attributes(version())
        self._rules = self._call(_CREATE_RULESET, attributes, len(attributes), 0)
        for path in readable:
            opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
            folder = stat.S_ISDIR(os.fstat(opened).st_mode)
            rule = struct.pack("=Qi", _READ_FILE | (_READ_DIR if folder else 0), opened)
            self._call(_ADD_RULE, self._rules, _PATH_BENEATH, rule, 0)
            os.close(opened)

    def apply(self) -> None:
        """Confine this process; it must have given up new privileges before.

        Processes that are each confined by themselves cannot signal or trace each other; their
        common parent can signal them.

        Raises:
            OSError: the kernel refuses.
        """
        self._call(_RESTRICT_SELF, self._rules, 0)

    def _call(self, number: int, *arguments: int | bytes) -> int:
        given = [ctypes.c_size_t(one) if isinstance(one, int) else one for one in arguments]
        answer = int(self._libc.syscall(number, *given))
        if answer < 0:
            code = ctypes.get_errno()
            raise OSError(code, f"Landlock, system call {number}: {os.strerror(code)}")
        return answer


def _attributes(known: int) -> bytes:
    """What the rules are about, as the kernel's struct: files, network, scopes."""
    files = (1 << _FILES.get(known, _FILES[max(_FILES)])) - 1
    if known >= 6:
        return struct.pack("=QQQ", files, _TCP, _SCOPES)
    return struct.pack("=QQ", files, _TCP) if known >= 4 else struct.pack("=Q", files)
