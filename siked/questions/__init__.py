"""Questions: read from their sources, compared, and split.

A format is one module here with ``read(name, path, source)``, named as ``Source.format`` names it;
``tables`` has the three that are tables. ``demo`` writes its questions itself.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING

from siked.questions import hub, splits
from siked.questions.known_errors import KnownErrors
from siked.questions.reading import LeftOut, Reading

if TYPE_CHECKING:
    from collections.abc import Iterator

    from siked.records import Question
    from siked.settings import Source

__all__ = ["KnownErrors", "LeftOut", "Reading", "read"]

_MODULES = {"csv": "tables", "parquet": "tables", "dataset": "tables"}


def read(
    name: str, source: Source, root: Path, seed: int, known_errors: KnownErrors | None = None
) -> Reading:
    """Read one source.

    Args:
        name: the source's name, which its ids begin with.
        source: where and what it is, and how much of it is wanted.
        root: folder below which ``source.path`` lies.
        seed: seed of the demo's questions; no other format draws anything.
        known_errors: wrong labels, whose questions are left out; all are taken where None.

    Raises:
        UserError: a file is missing or malformed, or a data set cannot be loaded.
    """
    questions: list[Question] = []
    left_out: list[LeftOut] = []
    for row in _rows(name, source, root, seed):
        if isinstance(row, LeftOut):
            # Without the root, which differs between machines that read the same file.
            left_out.append(row._replace(where=row.where.removeprefix(f"{root}/")))
        elif known_errors is not None and (error := known_errors.of(row)):
            left_out.append(LeftOut(row.id, f"known error: {error.reason} ({error.source})"))
        else:
            questions.append(row)
    return Reading(_drawn(questions, source), left_out, len(questions) + len(left_out))


def _rows(name: str, source: Source, root: Path, seed: int) -> Iterator[Question | LeftOut]:
    path = source.path or ""
    if source.format == "demo":
        from siked.questions import demo  # noqa: PLC0415  # many families, needed by the demo only

        yield from demo.write(source.split, source.rows or 0, seed, name, source.families)
    elif path.startswith(hub.PREFIX):
        yield from hub.read(name, source)
    else:
        module = _MODULES.get(source.format, source.format)
        reader = importlib.import_module(f"siked.questions.{module}")
        yield from reader.read(name, root / path, source)


def _drawn(questions: list[Question], source: Source) -> list[Question]:
    """The questions that ``max_steps`` and ``rows`` let through, in their order."""
    if source.max_steps is not None:
        questions = [one for one in questions if len(one.solution) <= source.max_steps]
    if source.rows is None or source.format == "demo":
        return questions
    chosen = sorted(
        range(len(questions)), key=lambda index: (splits.place(questions[index], "rows"), index)
    )
    return [questions[index] for index in sorted(chosen[: source.rows])]
