"""Plain JSON Lines: a question and its answer a line, with an id where the user has one.

    {"id": "q1", "question": "Ann has 3 bags of 4 figs. How many figs has she?", "answer": "12"}

The fields' names are the source's ``question_field`` and ``answer_field``. The answer is a number
(``12``, ``"1,000"``, ``"3/4"``, ``"$9.50"``), or a worked solution as GSM8K writes it, with the
number behind its ``####``. Rows with another answer, or with none, are left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from siked.errors import UserError
from siked.questions.gold import gold
from siked.questions.reading import LeftOut, answer_field, json_lines, text_field
from siked.records import Question
from siked.settings import Source


def read(name: str, path: Path, source: Source) -> Iterator[Question | LeftOut]:
    """The questions of a file.

    Raises:
        UserError: the file is missing, a line is malformed, or an id is used twice.
    """
    yield from questions(name, source, json_lines(path))


def questions(
    name: str, source: Source, rows: Iterable[tuple[str, dict[str, Any]]]
) -> Iterator[Question | LeftOut]:
    """Questions from rows, each with where it stands.

    Raises:
        UserError: a row is malformed, or an id is used twice.
    """
    seen: dict[str, str] = {}
    for index, (where, row) in enumerate(rows):
        own = text_field(where, row, "id") if row.get("id") is not None else f"{index:05}"
        if own in seen:
            raise UserError(f"{where}: the id {own!r} is already used at {seen[own]}")
        seen[own] = where
        question = text_field(where, row, source.question_field)
        try:
            answer = gold(
                answer_field(where, row, source.answer_field),
                expressions=source.answers == "expressions",
            )
        except ValueError as error:
            yield LeftOut(where, str(error))
            continue
        yield Question(id=f"{name}-{own}", source=name, question=question, answer=answer)
