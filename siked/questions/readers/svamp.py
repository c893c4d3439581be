"""SVAMP: school problems of one or two operations (https://github.com/arkilpatel/SVAMP).

``SVAMP.json`` and the ``train``/``dev``/``test`` files of its usual division are lists of

    {"ID": "chal-1", "Body": "Each pack of dvds costs 76 dollars. If there is a discount of 25
     dollars on each pack", "Question": "How much do you have to pay to buy each pack?",
     "Equation": "( 76.0 - 25.0 )", "Answer": 51.0, "Type": "Subtraction"}
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from siked.questions.gold import gold
from siked.questions.reading import LeftOut, answer_field, joined, json_rows, text_field, whole
from siked.questions.worked import equations
from siked.records import Question
from siked.settings import Source


def read(name: str, path: Path, source: Source) -> Iterator[Question | LeftOut]:
    """The problems of a file.

    Raises:
        UserError: the file is missing or malformed.
    """
    for where, row in json_rows(path):
        body, ask = (text_field(where, row, key) for key in ("Body", "Question"))
        question = joined(body, ask)
        identity = f"{name}-{text_field(where, row, 'ID')}"
        try:
            answer = gold(whole(answer_field(where, row, "Answer")))
        except ValueError as error:
            yield LeftOut(where, str(error))
            continue
        solution = equations.worked(question, answer, [text_field(where, row, "Equation")])
        yield Question(
            id=identity, source=name, question=question, answer=answer, solution=solution
        )
