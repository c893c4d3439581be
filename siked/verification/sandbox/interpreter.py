"""Which files of this machine a server needs to read: Python, its libraries, a few packages."""

import os
import sys
import sysconfig
from functools import cache
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

INSIDE = Path(__file__).parent / "inside"
"""The package of ours that runs behind the walls."""
SYSTEM_LIBRARIES = ("/usr/lib", "/usr/lib64", "/lib", "/lib64")
FLAGS = ("-s", "-S", "-B", "-P", "-X", "utf8", "-m", "inside.server")
"""How the server is called: no site packages, nothing written, no current folder."""
ENVIRONMENT = {
    # Sets and dictionaries of texts keep one order, so that programs give one answer.
    "PYTHONHASHSEED": "0",
    "OPENBLAS_NUM_THREADS": "1",
}
_PACKAGES = {
    "sympy": ("sympy", "mpmath"),
    "numpy": ("numpy",),
    "math_verify": ("math_verify", "latex2sympy2_extended", "antlr4", "sympy", "mpmath"),
}
"""The packages, by import name, that a library needs."""
_RECORDS = {"math_verify": ("antlr4-python3-runtime",)}
"""The distributions whose version a library looks up."""
LIBRARIES = tuple(_PACKAGES)


@cache
def available(library: str) -> bool:
    """Return whether everything that a library needs is installed."""
    return all(find_spec(name) is not None for name in _PACKAGES[library])


def executable() -> Path:
    """Return the interpreter itself, not the virtual environment's link to it."""
    named = f"python{sys.version_info.major}.{sys.version_info.minor}"
    direct = Path(sys.base_prefix) / "bin" / named
    return direct if direct.exists() else Path(sys.executable).resolve()


def standard_library() -> Path:
    """Return the folder of the standard library."""
    return Path(os.__file__).parent


def readable() -> list[Path]:
    """Return the standard library, and what of the interpreter lies outside the system's."""
    standard = standard_library()
    extensions = Path(sysconfig.get_config_var("DESTSHARED") or standard)
    covered = tuple(f"{one}/" for one in SYSTEM_LIBRARIES)
    places = sorted({str(standard), str(extensions), *_shared_interpreter()})
    return [Path(one) for one in places if not one.startswith(covered) and Path(one).exists()]


def packages(libraries: tuple[str, ...]) -> list[Path]:
    """Return the folders of the packages, and of the records, that libraries need."""
    folders: list[Path] = []
    for name in sorted({one for library in libraries for one in _PACKAGES[library]}):
        folders += _package_folders(name)
    for library in libraries:
        folders += [_record_folder(name) for name in _RECORDS.get(library, ())]
    return folders


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
