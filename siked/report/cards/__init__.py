"""Cards: what is in a data set or model, where it comes from, and what it is good for.

Written from the files and settings alone: the same run gives the same bytes. The model card's
header is huggingface_hub's; the texts are the templates beside this module.
"""

from collections.abc import Mapping
from pathlib import Path, PurePath
from typing import Any

import jinja2

from siked.settings import TeacherSettings


def render(template: str, **values: Any) -> str:
    """Return a template of this folder, filled; the same values give the same text."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=False,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template(template).render(**values)


def cell(text: object) -> str:
    """Return a text as a table's cell holds it."""
    return " ".join(str(text).split()).replace("|", "\\|")


def written_by(teachers: Mapping[str, TeacherSettings]) -> str:
    """Return who wrote each strategy's rationales, without a path of this machine."""
    names = {strategy: _name(teacher) for strategy, teacher in teachers.items()}
    if len(set(names.values())) == 1:
        return next(iter(names.values()))
    return "; ".join(f"with {strategy} by {name}" for strategy, name in names.items())


def _name(teacher: TeacherSettings) -> str:
    if teacher.recorded is not None:
        return f"someone else, in the recording `{teacher.recorded}`"
    if teacher.model is None:
        return "rules, from the sources' worked solutions; no language model took part"
    kind, _, place = teacher.model.source.partition(":")
    revision = f" at {teacher.model.revision}" if teacher.model.revision else ""
    return f"the language model {PurePath(place).name if kind == 'path' else place}{revision}"
