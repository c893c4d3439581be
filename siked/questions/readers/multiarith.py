"""MultiArith: school problems of two operations (Roy and Roth 2015).

``MultiArith.json`` is a list of

    {"iIndex": 1, "lAlignments": [17, 37, 75], "lEquations": ["X=((13.0+5.0)-10.0)"],
     "lSolutions": [8.0], "sQuestion": " A pet store had 13 siamese cats and 5 house cats. During
     a sale they sold 10 cats. How many cats do they have left? "}
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from siked.errors import UserError
from siked.questions.gold import gold
from siked.questions.reading import LeftOut, json_rows, text_field, whole
from siked.questions.worked import equations
from siked.records import Question
from siked.settings import Source


def read(name: str, path: Path, source: Source) -> Iterator[Question | LeftOut]:
    """The problems of a file.

    Raises:
        UserError: the file is missing or malformed.
    """
    for where, row in json_rows(path):
        question = text_field(where, row, "sQuestion")
        identity = f"{name}-{text_field(where, row, 'iIndex').rjust(4, '0')}"
        solutions, lines = (_texts(where, row, key) for key in ("lSolutions", "lEquations"))
        if len(solutions) != 1:
            yield LeftOut(where, f"not one answer: {len(solutions)}")
            continue
        try:
            answer = gold(whole(solutions[0]))
        except ValueError as error:
            yield LeftOut(where, str(error))
            continue
        expressions = [line.strip().removeprefix("X=") for line in lines]
        yield Question(
            id=identity,
            source=name,
            question=question,
            answer=answer,
            solution=equations.worked(question, answer, expressions),
        )


def _texts(where: str, row: dict[str, Any], key: str) -> list[str]:
    """A field that is a list of texts or numbers."""
    if not isinstance(row.get(key), list):
        raise UserError(f"{where}: `{key}` is not a list")
    return [str(value) for value in row[key]]
