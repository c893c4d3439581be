"""The system calls that a program may make; every other one fails with EPERM.

The list holds what an interpreter needs that is already up: memory, reading files, writing to
what is open, clocks. Not on it: processes and threads, sockets, signals to others, ptrace, mounts,
namespaces, shared memory, running other files. The filter is a program for the kernel's packet
filter machine, written out here since it is a plain list.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct

_PR_SET_NO_NEW_PRIVS = 38
_PR_SET_SECCOMP = 22
_PR_SET_DUMPABLE = 4
_SECCOMP_MODE_FILTER = 2
_ALLOW = 0x7FFF0000
_DENY = 0x00050000 | errno.EPERM
_KILL = 0x80000000
# Offsets in the kernel's struct seccomp_data.
_NUMBER_AT, _MACHINE_AT = 0, 4
# Opcodes: load a word, jump if equal, return.
_LOAD, _EQUAL, _RETURN = 0x20, 0x15, 0x06

# fmt: off
_CALLS: dict[str, tuple[int, dict[str, int]]] = {
    "x86_64": (0xC000003E, {
        "read": 0, "write": 1, "open": 2, "close": 3, "stat": 4, "fstat": 5, "lstat": 6, "poll": 7,
        "lseek": 8, "mmap": 9, "mprotect": 10, "munmap": 11, "brk": 12, "rt_sigaction": 13,
        "rt_sigprocmask": 14, "rt_sigreturn": 15, "ioctl": 16, "pread64": 17, "readv": 19,
        "writev": 20, "access": 21, "select": 23, "sched_yield": 24, "mremap": 25, "madvise": 28,
        "dup": 32, "nanosleep": 35, "getpid": 39, "exit": 60, "uname": 63, "fcntl": 72,
        "getcwd": 79, "readlink": 89, "gettimeofday": 96, "getrusage": 98, "sysinfo": 99,
        "getuid": 102, "getgid": 104, "geteuid": 107, "getegid": 108, "getppid": 110,
        "sigaltstack": 131, "gettid": 186, "time": 201, "futex": 202, "sched_getaffinity": 204,
        "getdents64": 217, "restart_syscall": 219, "clock_gettime": 228, "clock_getres": 229,
        "clock_nanosleep": 230, "exit_group": 231, "openat": 257, "newfstatat": 262,
        "readlinkat": 267, "faccessat": 269, "pselect6": 270, "ppoll": 271, "getrandom": 318,
        "membarrier": 324, "statx": 332, "faccessat2": 439,
    }),
    "aarch64": (0xC00000B7, {
        "read": 63, "write": 64, "close": 57, "fstat": 80, "lseek": 62, "mmap": 222,
        "mprotect": 226, "munmap": 215, "brk": 214, "rt_sigaction": 134, "rt_sigprocmask": 135,
        "rt_sigreturn": 139, "ioctl": 29, "pread64": 67, "readv": 65, "writev": 66,
        "sched_yield": 124, "mremap": 216, "madvise": 233, "dup": 23, "nanosleep": 101,
        "getpid": 172, "exit": 93, "uname": 160, "fcntl": 25, "getcwd": 17, "gettimeofday": 169,
        "getrusage": 165, "sysinfo": 179, "getuid": 174, "getgid": 176, "geteuid": 175,
        "getegid": 177, "getppid": 173, "sigaltstack": 132, "gettid": 178, "futex": 98,
        "sched_getaffinity": 123, "getdents64": 61, "restart_syscall": 128, "clock_gettime": 113,
        "clock_getres": 114, "clock_nanosleep": 115, "exit_group": 94, "openat": 56,
        "newfstatat": 79, "readlinkat": 78, "faccessat": 48, "pselect6": 72, "ppoll": 73,
        "getrandom": 278, "membarrier": 283, "statx": 291, "faccessat2": 439,
    }),
}
# fmt: on


class _FilterProgram(ctypes.Structure):
    """The kernel's struct sock_fprog."""

    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


class Filter:
    """A system call filter that a process puts on itself and can never take off.

    Raises:
        OSError: there is no list of system calls for this machine.
    """

    def __init__(self) -> None:
        machine = os.uname().machine
        if machine not in _CALLS:
            known = ", ".join(_CALLS)
            raise OSError(f"no system call list for {machine} (there is one for {known})")
        code = _compile(*_CALLS[machine])
        self._code = code  # the kernel reads it through the pointer below
        self._program = _FilterProgram(len(code) // 8, code)
        self._libc = ctypes.CDLL(None, use_errno=True)

    def undumpable(self) -> None:
        """Keep other processes of the same user from tracing this one or reading its memory."""
        self._prctl(_PR_SET_DUMPABLE, 0)

    def apply(self) -> None:
        """Put the filter on this process.

        Raises:
            OSError: the kernel has no seccomp.
        """
        self._prctl(_PR_SET_NO_NEW_PRIVS, 1)
        self._prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(self._program))

    def _prctl(self, option: int, *arguments: object) -> None:
        zeros = (ctypes.c_ulong(0),) * (4 - len(arguments))
        given = [ctypes.c_ulong(one) if isinstance(one, int) else one for one in arguments]
        if self._libc.prctl(option, *given, *zeros) != 0:
            number = ctypes.get_errno()
            raise OSError(number, f"prctl({option}): {os.strerror(number)}")


def _compile(machine: int, calls: dict[str, int]) -> bytes:
    """The filter's instructions: 8 bytes each."""
    numbers = sorted(calls.values())
    code = [
        _instruction(_LOAD, _MACHINE_AT),
        _instruction(_EQUAL, machine, 1, 0),
        _instruction(_RETURN, _KILL),
        _instruction(_LOAD, _NUMBER_AT),
    ]
    for place, number in enumerate(numbers):
        to_allow = len(numbers) - place
        code.append(_instruction(_EQUAL, number, to_allow, 0))
    code += [_instruction(_RETURN, _DENY), _instruction(_RETURN, _ALLOW)]
    return b"".join(code)


def _instruction(opcode: int, operand: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", opcode, if_true, if_false, operand)
