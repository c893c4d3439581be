"""SVAMP and MultiArith: school problems with their equations, as JSON lists.

SVAMP (https://github.com/arkilpatel/SVAMP): ``SVAMP.json`` and the ``train``/``dev``/``test`` files
of its usual division are lists of problems of one or two operations:

    {"ID": "chal-1", "Body": "Each pack of dvds costs 76 dollars. If there is a discount of 25
     dollars on each pack", "Question": "How much do you have to pay to buy each pack?",
     "Equation": "( 76.0 - 25.0 )", "Answer": 51.0, "Type": "Subtraction"}

MultiArith (Roy and Roth 2015): ``MultiArith.json`` is a list of problems of two operations:

    {"iIndex": 1, "lAlignments": [17, 37, 75], "lEquations": ["X=((13.0+5.0)-10.0)"],
     "lSolutions": [8.0], "sQuestion": " A pet store had 13 siamese cats and 5 house cats. During
     a sale they sold 10 cats. How many cats do they have left? "}
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from siked.errors import UserError
from siked.questions.gold import gold
from siked.questions.reading import (
    LeftOut,
    answer_field,
    join_question,
    json_rows,
    make_whole,
    text_field,
)
from siked.questions.worked import equations
from siked.records import Question
from siked.settings import Source


def read_svamp(name: str, path: Path, source: Source) -> Iterator[Question | LeftOut]:
    """Read the problems of a file.

    Raises:
        UserError: the file is missing or malformed.
    """
    for where, row in json_rows(path):
        body, ask = (text_field(where, row, key) for key in ("Body", "Question"))
        question = join_question(body, ask)
        identity = f"{name}-{text_field(where, row, 'ID')}"
        try:
            answer = gold(make_whole(answer_field(where, row, "Answer")))
        except ValueError as error:
            yield LeftOut(where, str(error))
            continue
        solution = equations.build_solution(question, answer, [text_field(where, row, "Equation")])
        yield Question(
            id=identity, source=name, question=question, answer=answer, solution=solution
        )


def read_multiarith(name: str, path: Path, source: Source) -> Iterator[Question | LeftOut]:
    """Read the problems of a file.

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
            answer = gold(make_whole(solutions[0]))
        except ValueError as error:
            yield LeftOut(where, str(error))
            continue
        expressions = [line.strip().removeprefix("X=") for line in lines]
        yield Question(
            id=identity,
            source=name,
            question=question,
            answer=answer,
            solution=equations.build_solution(question, answer, expressions),
        )


def _texts(where: str, row: dict[str, Any], key: str) -> list[str]:
    """Return a field that is a list of texts or numbers."""
    if not isinstance(row.get(key), list):
        raise UserError(f"{where}: `{key}` is not a list")
    return [str(value) for value in row[key]]
