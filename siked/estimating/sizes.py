"""How large models are, and how many questions a run asks of them.

A model's parameters are counted in its weight files, or read off its name:

    models/base with *.safetensors                       134,515,008
    hf:Qwen/Qwen2-1.5B-Instruct                          1,500,000,000
    SmolLM2-135M-Instruct.Q4_1.gguf                      135,000,000
"""

import json
import math
import re
from dataclasses import dataclass
from pathlib import Path

from siked.errors import UserError
from siked.estimating.rates import Range, between, span, widen
from siked.questions.sources import read
from siked.settings import QuestionSettings, Source, StudentSettings

PUBLISHED = {
    ("gsm8k", "train"): 7_473,
    ("gsm8k", "test"): 1_319,
    ("svamp", "train"): 1_000,
    ("asdiv", "train"): 2_305,
    ("multiarith", "train"): 600,
}
"""Rows of the published files, for where they are not here; every split but GSM8K's is all rows."""
CHARACTERS = between(150, 234, 350)
"""Of a question, where none can be read; 234 is GSM8K's mean."""

_IN_NAME = re.compile(r"(?<![A-Za-z0-9.])(\d+(?:\.\d+)?)\s?([bBmM])(?![A-Za-z0-9])", re.ASCII)


def count_parameters(folder: Path) -> int | None:
    """Return the parameters in a model folder's weight files; None where there are none."""
    total = 0
    for path in sorted(folder.glob("*.safetensors")):
        with path.open("rb") as file:
            header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        total += sum(
            math.prod(tensor["shape"]) for name, tensor in header.items() if name != "__metadata__"
        )
    return total or None


def read_size(text: str) -> float | None:
    """Return the size in a model's name (``7B``, ``1.5b``, ``135M``); None where it has none."""
    found = _IN_NAME.findall(text)
    return float(found[-1][0]) * {"b": 1e9, "m": 1e6}[found[-1][1].lower()] if found else None


def find_student_size(settings: StudentSettings, told: str | None) -> float:
    """Return the student's parameters.

    Args:
        settings: where it comes from.
        told: what the user says of its size (``7B``), if anything.

    Raises:
        UserError: nothing tells the size.
    """
    return _find_size([settings.gguf or "", settings.source], told, "--student-size")


def find_teacher_size(source: str, told: str | None) -> float:
    """Return the parameters of a teacher that is a model; as ``find_student_size``."""
    return _find_size([source], told, "--teacher-size")


def _find_size(names: list[str], told: str | None, option: str) -> float:
    source = names[-1]
    if told is not None:
        if (size := read_size(told)) is None:
            raise UserError(f"{option}: {told!r} is no size: write it as 7B or 135M")
        return size
    kind, _, place = source.partition(":")
    if kind == "path" and (inside := count_parameters(Path(place))):
        return float(inside)
    for name in names:
        if (size := read_size(name)) is not None:
            return size
    raise UserError(f"{source}: nothing tells how large it is: add {option} 7B")


@dataclass(frozen=True)
class Asked:
    """The questions of a run."""

    train: int
    dev: int
    tests: dict[str, int]
    characters: Range
    """Length of a train question."""


def count_questions(settings: QuestionSettings, told: int | None) -> Asked:
    """Return how many questions all sources have, reading the files that are here.

    Questions that would be dropped for overlapping a test set are counted too.

    Args:
        settings: where the questions come from.
        told: train questions, where the user says how many; dev questions come on top.

    Raises:
        UserError: a source's number of questions cannot be known, or its file is malformed.
    """
    held_out = settings.dev_fraction
    if told is None:
        sources = [_count_rows(*source, settings) for source in settings.train.items()]
        pool = sum(rows for rows, _ in sources)
        lengths = [mean for _, mean in sources if mean is not None]
        dev = round(pool * held_out)
        train = pool - dev
    else:
        train, dev, lengths = told, round(told * held_out / (1 - held_out)), []
    tests = {name: _count_rows(name, one, settings)[0] for name, one in settings.test.items()}
    return Asked(train, dev, tests, widen(span(lengths), 1.05) if lengths else CHARACTERS)


def _count_rows(name: str, source: Source, settings: QuestionSettings) -> tuple[int, float | None]:
    """Return a source's questions and their mean length, None where they cannot be read."""
    path, root = source.path or "", Path(settings.root)
    split = source.split if source.format == "gsm8k" else "train"
    published = PUBLISHED.get((source.format, split))
    if source.format == "demo" or (not path.startswith("hf:") and (root / path).exists()):
        try:
            found = read(name, source, root, settings.seed).questions
        except UserError:
            if published is None:
                raise
        else:
            mean = sum(len(one.question) for one in found) / len(found) if found else None
            return len(found), mean
    if (rows := published or source.rows) is None:
        raise UserError(
            f"{name}: {path} is not here to be counted: set its `rows`, or add --questions N for "
            "the train questions"
        )
    return min(rows, source.rows or rows), None
