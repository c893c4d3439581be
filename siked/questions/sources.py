"""Questions: read from their sources, compared, and split.

A format has a reader, ``read(name, path, source)``, and an entry in ``FORMATS``
(``siked.settings.tables``). ``demo`` writes its questions itself.
"""

import pkgutil
from collections.abc import Iterator
from pathlib import Path

from siked.errors import UserError
from siked.questions import splits
from siked.questions.known_errors import KnownErrors
from siked.questions.readers.own import HUB, read_hub
from siked.questions.reading import LeftOut, SourceContent
from siked.records import Question
from siked.settings import FORMATS, Source


def read(
    name: str, source: Source, root: Path, seed: int, known_errors: KnownErrors | None = None
) -> SourceContent:
    """Read one source.

    Args:
        name: the source's name, which its ids begin with.
        source: where and what it is, and how much of it is wanted.
        root: folder below which ``source.path`` lies.
        seed: seed of the demo's questions; no other format draws anything.
        known_errors: wrong labels, whose questions are left out; all are taken where None.

    Raises:
        UserError: a file is missing or malformed, a data set cannot be loaded, or an id is used
            twice.
    """
    questions: list[Question] = []
    left_out: list[LeftOut] = []
    ids: set[str] = set()
    for row in _rows(name, source, root, seed):
        if isinstance(row, LeftOut):
            # Without the root, which differs between machines that read the same file.
            left_out.append(row._replace(where=row.where.removeprefix(f"{root}/")))
            continue
        if row.id in ids:
            raise UserError(f"{root / (source.path or name)}: two questions have the id {row.id!r}")
        ids.add(row.id)
        if known_errors is not None and (error := known_errors.of(row)):
            left_out.append(LeftOut(row.id, f"known error: {error.reason} ({error.source})"))
        else:
            questions.append(row)
    return SourceContent(_drawn(questions, source), left_out, len(questions) + len(left_out))


def _rows(name: str, source: Source, root: Path, seed: int) -> Iterator[Question | LeftOut]:
    path = source.path or ""
    if path.startswith(HUB):
        yield from read_hub(name, source)
        return
    read = pkgutil.resolve_name(FORMATS[source.format])
    if source.format == "demo":
        yield from read(source.split, source.rows or 0, seed, name, source.themes)
    else:
        yield from read(name, root / path, source)


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
