"""Who wrote the teacher's rationales, as the cards say it."""

from __future__ import annotations

from pathlib import PurePath

from siked.settings import TeacherSettings


def written_by(teacher: TeacherSettings) -> str:
    """Who wrote the teacher's rationales, without a path of the user's machine."""
    if teacher.recorded is not None:
        return f"someone else, in the recording `{teacher.recorded}`"
    if teacher.model is None:
        return "rules, from the sources' worked solutions; no language model took part"
    kind, _, place = teacher.model.source.partition(":")
    revision = f" at {teacher.model.revision}" if teacher.model.revision else ""
    return f"the language model {PurePath(place).name if kind == 'path' else place}{revision}"
