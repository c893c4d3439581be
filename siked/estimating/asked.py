"""How many questions a run asks, and how long they are, before it has read them into a split."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from siked.errors import UserError
from siked.estimating.ranges import Range
from siked.questions import read
from siked.settings import QuestionSettings, Source

PUBLISHED = {
    ("gsm8k", "train"): 7_473,
    ("gsm8k", "test"): 1_319,
    ("svamp", "train"): 1_000,
    ("asdiv", "train"): 2_305,
    ("multiarith", "train"): 600,
}
"""Rows of the published files, for where they are not here; every split but GSM8K's is all rows."""
CHARACTERS = Range(150, 234, 350)
"""Of a question, where none can be read; 234 is GSM8K's mean."""


@dataclass(frozen=True)
class Asked:
    """The questions of a run."""

    train: int
    dev: int
    tests: dict[str, int]
    characters: Range
    """Length of a train question."""


def count(settings: QuestionSettings, given: int | None) -> Asked:
    """Count the questions of all sources, reading the files that are here.

    Questions that would be dropped for overlapping a test set are counted too.

    Args:
        settings: where the questions come from.
        given: train questions, where the user says how many; dev questions come on top.

    Raises:
        UserError: a source's number of questions cannot be known, or its file is malformed.
    """
    root, held_out = Path(settings.root), settings.dev_fraction
    lengths: list[float] = []
    if given is None:
        pool = 0
        for name, source in settings.train.items():
            rows, mean = _rows(name, source, root, settings.seed)
            pool += rows
            lengths += [] if mean is None else [mean]
        dev = round(pool * held_out)
        train = pool - dev
    else:
        train, dev = given, round(given * held_out / (1 - held_out))
    tests = {
        name: _rows(name, source, root, settings.seed)[0] for name, source in settings.test.items()
    }
    return Asked(train, dev, tests, Range.of(lengths).wider(1.05) if lengths else CHARACTERS)


def _rows(name: str, source: Source, root: Path, seed: int) -> tuple[int, float | None]:
    """A source's questions and their mean length, which is None where they cannot be read."""
    path = source.path or ""
    split = source.split if source.format == "gsm8k" else "train"
    published = PUBLISHED.get((source.format, split))
    if source.format == "demo" or (not path.startswith("hf:") and (root / path).exists()):
        try:
            found = read(name, source, root, seed).questions
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
