"""Which student a command is about."""

from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from siked.errors import UserError, advise_pull
from siked.exporting.exporter import Exporter
from siked.models import student_format
from siked.run import layout
from siked.settings import Params, as_transformers

BEST = "best"

StudentName = Annotated[
    str,
    typer.Option(
        "--student", help="`best`, an iteration (it1), a baseline (baseline-pot), or ./FOLDER."
    ),
]


class Chosen(NamedTuple):
    """A trained student on disk."""

    adapter: Path
    student: student_format.Student

    def exporter(self, settings: Params) -> Exporter:
        """Return what writes the student for others."""
        return Exporter(
            base=layout.BASE,
            adapter=self.adapter,
            student=self.student,
            settings=as_transformers(settings.engine),
            max_new_tokens=settings.eval.max_new_tokens,
        )


def choose(name: str, *, check_base: bool = True) -> Chosen:
    """Find a student by name or folder.

    Args:
        name: ``best``, the name of an iteration or baseline, or an adapter's folder, which has a
            slash in it.
        check_base: also see that ``models/base`` is what it was trained on.

    Raises:
        UserError: there is no such student, it cannot be read, or its base is another model.
    """
    if not name:
        raise UserError("--student: is empty: name one, such as it1")
    named = layout.BEST if name == BEST else layout.STUDENTS / name
    adapter = Path(name) if "/" in name else named
    if not adapter.is_dir():
        known = sorted(path.name for path in layout.STUDENTS.glob("*") if path.is_dir())
        there = f" (there are {', '.join([BEST, *known])})" if known else ""
        raise UserError(f"{adapter}: no such student{there}: `dvc repro` trains one{advise_pull()}")
    student = student_format.read(adapter)
    if check_base:
        student_format.check_base(student, layout.BASE)
    return Chosen(adapter, student)
