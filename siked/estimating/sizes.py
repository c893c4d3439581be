"""How large a model is: counted in its weight files, or read off its name.

models/base with *.safetensors                       134,515,008
hf:Qwen/Qwen2-1.5B-Instruct                          1,500,000,000
SmolLM2-135M-Instruct.Q4_1.gguf                      135,000,000
"""

from __future__ import annotations

import json
import math
import re
from pathlib import Path

from siked.errors import UserError
from siked.settings import StudentSettings

_IN_NAME = re.compile(r"(?<![A-Za-z0-9.])(\d+(?:\.\d+)?)\s?([bBmM])(?![A-Za-z0-9])")
_UNITS = {"b": 1e9, "m": 1e6}


def counted(folder: Path) -> int | None:
    """The parameters in a model folder's weight files; None where there are none."""
    total = 0
    for path in sorted(folder.glob("*.safetensors")):
        with path.open("rb") as file:
            header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        total += sum(
            math.prod(tensor["shape"]) for name, tensor in header.items() if name != "__metadata__"
        )
    return total or None


def named(text: str) -> float | None:
    """The size in a model's name, as ``7B``, ``1.5b`` or ``135M``; None where it has none."""
    found = _IN_NAME.findall(text)
    return float(found[-1][0]) * _UNITS[found[-1][1].lower()] if found else None


def of_student(settings: StudentSettings, given: str | None) -> float:
    """The student's parameters.

    Args:
        settings: where it comes from.
        given: what the user says of its size (``7B``), if anything.

    Raises:
        UserError: nothing tells the size.
    """
    names = [given or "", settings.gguf or "", settings.source]
    return _size(names, settings.source, given, "--student-size")


def of_teacher(source: str, given: str | None) -> float:
    """The parameters of a teacher that is a model; as ``of_student``."""
    return _size([given or "", source], source, given, "--teacher-size")


def _size(names: list[str], source: str, given: str | None, option: str) -> float:
    if given is not None and named(given) is None:
        raise UserError(f"{option}: {given!r} is no size: write it as 7B or 135M")
    kind, _, place = source.partition(":")
    if given is None and kind == "path" and (inside := counted(Path(place))):
        return float(inside)
    for name in names:
        if (size := named(name)) is not None:
            return size
    raise UserError(f"{source}: nothing tells how large it is: add {option} 7B")
