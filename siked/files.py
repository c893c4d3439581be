"""Writing files so that a half-written one never stands under its final name."""

import codecs
import contextlib
import fcntl
import hashlib
import io
import json
import os
import re
import shutil
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any

import yaml

from siked.errors import UserError
from siked.terminal.console import say

LIBRARY = Path(__file__).resolve().parent
_ESCAPED = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    r"|(?P<half>u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)
"""An escape in JSON: two halves of a character, one alone, or any other."""
PARTIAL = re.compile(r"\..+\.(\d+)\.partial")
"""The name of what a process, whose id it has, is writing."""


def partial_of(path: Path) -> Path:
    """Return where this process writes what takes ``path``'s place once it is whole."""
    return path.with_name(f".{path.name}.{os.getpid()}.partial")


@contextlib.contextmanager
def replace_file(path: Path) -> Iterator[IO[str]]:
    """Open a text file to write that takes ``path``'s place only when the block ends well.

    Raises:
        OSError: the disk is full or the folder cannot be written; ``path`` is as it was and its
            ``filename`` names ``path``.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = partial_of(path)
    try:
        with partial.open("w", encoding="utf-8", newline="\n") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        if error.filename is None or str(error.filename) == str(partial):
            error.filename = str(path)
        raise
    finally:
        partial.unlink(missing_ok=True)


@contextlib.contextmanager
def replace_folder(path: Path) -> Iterator[Path]:
    """Give an empty folder to fill that takes ``path``'s place only when the block ends well."""
    partial = partial_of(path)
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        yield partial
        shutil.rmtree(path, ignore_errors=True)
        partial.replace(path)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def find_abandoned(folder: Path) -> list[Path]:
    """Return what processes that were killed left half written below a folder, sorted.

    A process on another machine that writes there looks killed too.
    """
    found: list[Path] = []
    for place, folders, names in os.walk(folder):
        found += [
            Path(place) / name
            for name in [*folders, *names]
            if (match := PARTIAL.fullmatch(name)) and not _is_there(int(match[1]))
        ]
        folders[:] = [name for name in folders if not PARTIAL.fullmatch(name)]
    return sorted(found)


def _is_there(process: int) -> bool:
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:  # somebody else's
        pass
    return True


def size_of(path: Path) -> int:
    """Return the bytes of a file, or of all files in a folder; of what has just gone, none."""
    size = 0
    for one in [path, *path.rglob("*")]:
        with contextlib.suppress(FileNotFoundError):
            size += one.lstat().st_size if one.is_file() else 0
    return size


def remove(path: Path) -> None:
    """Remove a file, or a folder with all that is in it; what is not there is removed."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def lock_file(path: Path, *, shared: bool = False) -> IO[bytes]:
    """Open a file to read and add to, locked until it is closed; it is made where it is missing.

    Waits for a process that holds it, and says so. Where that removes the file, it is made again.

    Args:
        path: the file.
        shared: let others in that ask for it shared; otherwise nobody.
    """
    kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    while True:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            file = path.open("a+b")
        except FileNotFoundError:  # the folder was removed in between
            continue
        try:
            fcntl.flock(file, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"waiting for another process, which holds {path}", file=sys.stderr)
            fcntl.flock(file, kind)
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(file.fileno()), path.stat()):
                return file
        file.close()


def check_target(path: Path) -> None:
    """Refuse to put a file where ``replace_file`` would replace something else.

    Raises:
        UserError: there is a folder, a link, a device or a pipe (``/dev/stdout``), or the folder
            that it is to lie in is none.
    """
    if path.is_symlink():
        raise UserError(f"{path}: is a link, which would be replaced: name a file")
    for folder in path.parents:
        if folder.exists():
            if not folder.is_dir():
                raise UserError(f"{folder}: is no folder: {path} cannot be written")
            break
    if path.exists() and not path.is_file():
        what = "a folder" if path.is_dir() else "a device or a pipe, which would be replaced"
        raise UserError(f"{path}: is {what}: name a file")


def write_text(path: Path, text: str) -> None:
    """Write ``text`` to ``path``, whole or not at all."""
    with replace_file(path) as file:
        file.write(text)


def write_json(path: Path, value: Any) -> None:
    """Write ``value`` as indented JSON with its keys in the order given, whole or not at all."""
    write_text(path, format_json(value))


def format_json(value: Any) -> str:
    """Return what ``write_json`` writes."""
    return json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def whole_characters(text: str) -> str:
    r"""Return JSON text with U+FFFD for halves of characters.

    A half is an escape such as ``\ud83d`` without its other one: JSON may hold it, UTF-8 cannot.
    """
    if "\\u" not in text:
        return text
    return _ESCAPED.sub(lambda found: "\ufffd" if found["half"] else found[0], text)


def say_mended(path: Path, lines: int) -> None:
    """Say on standard error how many lines of a file ``whole_characters`` changed, if it did."""
    if lines:
        say(f"{path}: lines with halves of characters, now U+FFFD: {lines}", file=sys.stderr)


def read_text(path: Path, missing: str = "") -> str:
    """Read a text file; a byte order mark is left out.

    Args:
        path: the file.
        missing: what to do where there is none.

    Raises:
        UserError: the file is missing, a folder, not for us to read, or not UTF-8.
    """
    try:
        with open_binary(path, missing) as file:
            return io.TextIOWrapper(file, encoding="utf-8-sig").read()
    except UnicodeDecodeError as error:
        refuse_utf16(path, error.object)
        line = error.object.count(b"\n", 0, error.start) + 1
        raise UserError(f"{path}:{line}: not UTF-8: {error}") from None


def refuse_utf16(path: Path, head: bytes) -> None:
    """Refuse a file that begins as UTF-16 does, which some spreadsheets and shells write.

    Args:
        path: the file, for the message.
        head: at least its first two bytes.

    Raises:
        UserError: it begins with that byte order mark.
    """
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise UserError(f"{path}: is UTF-16: save it as UTF-8")


def open_binary(path: Path, missing: str = "") -> io.BufferedReader:
    """Open a file to read its bytes.

    Args:
        path: the file.
        missing: what to do where there is none.

    Raises:
        UserError: the file is missing, a folder, or not for us to read.
    """
    try:
        return path.open("rb")
    except FileNotFoundError:
        raise UserError(f"{path}: no such file{missing and f': {missing}'}") from None
    except (IsADirectoryError, NotADirectoryError):
        raise UserError(f"{path}: not a file") from None
    except PermissionError:
        raise UserError(f"{path}: must not be read: change its permissions") from None


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises:
        UserError: the file cannot be read or is not JSON.
    """
    try:
        return json.loads(read_text(path))
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path}: not JSON: {error}") from None


class _UniqueKeys(yaml.constructor.BaseConstructor):
    """YAML as DVC reads it: a key that stands twice is an error, and not the last one's value."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Return a mapping."""
        seen = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value != "<<":
                if key.value in seen:
                    problem = f"the key {key.value!r} stands here a second time"
                    raise yaml.constructor.ConstructorError(None, None, problem, key.start_mark)
                seen.add(key.value)
        return super().construct_mapping(node, deep)


class _Values(_UniqueKeys, yaml.SafeLoader):
    """Numbers, truths and texts as YAML tells them apart."""


class _Texts(_UniqueKeys, yaml.BaseLoader):
    """Every value as text, so that ``off`` and ``2`` need no quotes."""


def read_yaml(path: Path, missing: str = "", *, as_texts: bool = False) -> Any:
    """Read a YAML file.

    Args:
        path: the file.
        missing: what to do where there is none.
        as_texts: read every value as text, also ``off`` and ``2``.

    Raises:
        UserError: the file cannot be read or is not YAML, or a key stands twice in it.
    """
    try:
        return yaml.load(read_text(path, missing), _Texts if as_texts else _Values)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise UserError(f"{path}: not YAML: {error}") from None


def sha256(path: Path) -> str:
    """Return the sha256 of a file's bytes, as lower-case hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def hash_files(folder: Path, files: Iterable[Path]) -> str:
    """Return one hash of some files of a folder, their names included."""
    hashes = [[path.relative_to(folder).as_posix(), sha256(path)] for path in files]
    return hashlib.sha256(json.dumps(hashes).encode()).hexdigest()


def hash_code(modules: Iterable[str]) -> str:
    """Return one hash of the code of some of the library's modules and packages.

    Raises:
        FileNotFoundError: there is no such module, or a package without Python in it: a name that
            matches nothing would leave code out of a key without a word.
    """
    files: list[Path] = []
    for name in modules:
        place = LIBRARY.joinpath(*name.split(".")[1:])
        found = sorted(place.rglob("*.py")) if place.is_dir() else [place.with_suffix(".py")]
        if not found or not all(path.is_file() for path in found):
            raise FileNotFoundError(f"{name}: no code of that name in {LIBRARY}")
        files += found
    return hash_files(LIBRARY, files)
