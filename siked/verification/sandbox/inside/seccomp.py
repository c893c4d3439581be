"""The system calls that a program may make; every other one fails with EPERM.

The list holds what an interpreter needs that is already up: memory, reading files, writing to
what is open, clocks. Not on it: processes and threads, sockets, signals to others, ptrace, mounts,
namespaces, shared memory, running other files. The filter is a program for the kernel's packet
filter machine, written out here since it is a plain list. Some of the calls can do more than that
and pass with harmless arguments only: opening is for reading, a futex is the process's own, and
``fcntl`` and ``ioctl`` have commands that send signals or change what other processes have open.
"""

import ctypes
import errno
import os
import struct

_PR_SET_SECCOMP = 22
_SECCOMP_MODE_FILTER = 2
_ALLOW = 0x7FFF0000
_DENY = 0x00050000 | errno.EPERM
_KILL = 0x80000000
# Offsets in the kernel's struct seccomp_data; an argument's lower half, eight bytes each.
_NUMBER_AT, _MACHINE_AT, _ARGUMENTS_AT = 0, 4, 16
# Opcodes: load a word, jump if equal, jump if it has any of some bits, jump, return.
_LOAD, _EQUAL, _ANY_BIT, _SKIP, _RETURN = 0x20, 0x15, 0x45, 0x05, 0x06
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
_PRIVATE = 128  # a futex on a page of a library is otherwise one with every process that has it
_FLAGS = {
    "open": (1, _WRITING, _DENY, _ALLOW),
    "openat": (2, _WRITING, _DENY, _ALLOW),
    "futex": (1, _PRIVATE, _ALLOW, _DENY),
}
"""Calls by their flags: which argument, which bits, what follows with any of them and with none."""
_COMMANDS = {
    # Duplicate, read and set the flags of a descriptor, read those of what is open.
    "fcntl": (0, 1, 2, 3, 1030),
    # Is it a terminal; keep or close when another program is run.
    "ioctl": (0x5401, 0x5450, 0x5451),
}
"""The second argument of calls that are many in one."""

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

    def apply(self) -> None:
        """Put the filter on this process, which must have given up new privileges before.

        Raises:
            OSError: the kernel has no seccomp.
        """
        mode = ctypes.c_ulong(_SECCOMP_MODE_FILTER)
        zeros = (ctypes.c_ulong(0),) * 2
        if self._libc.prctl(_PR_SET_SECCOMP, mode, ctypes.byref(self._program), *zeros) != 0:
            code = ctypes.get_errno()
            raise OSError(code, f"seccomp: {os.strerror(code)}")


def works() -> bool:
    """Return whether this kernel and machine have the filter; tried on a process made for that."""
    try:
        tried = Filter()
    except OSError:
        return False
    child = os.fork()
    if child == 0:
        try:
            tried.apply()
            os._exit(0)
        finally:
            os._exit(1)
    return os.waitpid(child, 0)[1] == 0


def _compile(machine: int, calls: dict[str, int]) -> bytes:
    """The filter's instructions: 8 bytes each."""
    plain = sorted(number for name, number in calls.items() if name not in {*_FLAGS, *_COMMANDS})
    code = [
        _instruction(_LOAD, _MACHINE_AT),
        _instruction(_EQUAL, machine, 1, 0),
        _instruction(_RETURN, _KILL),
        _instruction(_LOAD, _NUMBER_AT),
    ]
    for place, number in enumerate(plain):
        # An allowed call goes to the last instruction of this part.
        code.append(_instruction(_EQUAL, number, len(plain) - place, 0))
    code += [_instruction(_SKIP, 1), _instruction(_RETURN, _ALLOW)]
    for name, (argument, bits, with_any, without) in _FLAGS.items():
        if name in calls:
            code += [
                _instruction(_EQUAL, calls[name], 0, 4),
                _instruction(_LOAD, _ARGUMENTS_AT + 8 * argument),
                _instruction(_ANY_BIT, bits, 1, 0),
                _instruction(_RETURN, without),
                _instruction(_RETURN, with_any),
            ]
    for name, commands in _COMMANDS.items():
        code.append(_instruction(_EQUAL, calls[name], 0, len(commands) + 3))
        code.append(_instruction(_LOAD, _ARGUMENTS_AT + 8))
        for place, command in enumerate(commands):
            code.append(_instruction(_EQUAL, command, len(commands) - place, 0))
        code += [_instruction(_RETURN, _DENY), _instruction(_RETURN, _ALLOW)]
    return b"".join([*code, _instruction(_RETURN, _DENY)])


def _instruction(opcode: int, operand: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", opcode, if_true, if_false, operand)
