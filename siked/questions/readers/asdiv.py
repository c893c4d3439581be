"""ASDiv: problems of primary school in many kinds (https://github.com/chaochun/nlu-asdiv-dataset).

``ASDiv.xml`` holds elements like

    <Problem ID="nluds-0001" Grade="1" Source="http://www.k5learning.com">
        <Body>Seven red apples and two green apples are in the basket.</Body>
        <Question>How many apples are in the basket?</Question>
        <Solution-Type>Addition</Solution-Type>
        <Answer>9 (apples)</Answer>
        <Formula>7+2=9</Formula>
    </Problem>

Answers that are names, ratios, times or several values are left out. Formulas of plain arithmetic
give worked solutions, division with remainder (``47/6=7 r5``) too; those with unknowns, ``GCD`` or
``LCM`` do not.
"""

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

from siked.errors import UserError
from siked.questions.arithmetic import evaluate, tidy
from siked.questions.gold import exact, gold
from siked.questions.reading import LeftOut, join_question, open_text
from siked.questions.worked import equations
from siked.records import Question, Step
from siked.settings import Source

_UNIT = re.compile(r"\(([^()\dA-Za-z]*+[A-Za-z][^()\d]*+)\)")
_REMAINDER = re.compile(r"\s*(?P<times>\d+)\s*r\s*(?P<left>\d+)\s*")

_UNIT_BEHIND = re.compile(r"(?<![A-Za-z\s])[A-Za-z\s]+$")
_INTEGER = re.compile(r"\b\d+\b")


def read(name: str, path: Path, source: Source) -> Iterator[Question | LeftOut]:
    """Yield the problems of a file.

    Raises:
        UserError: the file is missing or malformed.
    """
    try:
        root = ET.fromstring(open_text(path))  # expat itself stops entity bombs
    except ET.ParseError as error:
        raise UserError(f"{path}: not XML: {error}") from None
    problems = list(root.iter("Problem"))
    if not problems:
        raise UserError(f"{path}: has no Problem element: is it ASDiv.xml?")
    for number, problem in enumerate(problems, start=1):
        identity = problem.get("ID")
        if not identity:
            raise UserError(f"{path}: row {number}: no attribute ID")
        where = f"{path}: problem {identity}"
        question = join_question(_text(where, problem, "Body"), _text(where, problem, "Question"))
        said = _text(where, problem, "Answer")
        try:
            answer = gold(said)
        except ValueError as error:
            yield LeftOut(where, str(error))
            continue
        unit = _UNIT.search(said)
        yield Question(
            id=f"{name}-{identity}",
            source=name,
            question=question,
            answer=answer,
            solution=_solution(question, answer, problem, unit[1].strip() if unit else ""),
        )


def _text(where: str, problem: ET.Element, tag: str) -> str:
    text = " ".join((problem.findtext(tag) or "").split())
    if not text and tag != "Body":
        raise UserError(f"{where}: no {tag}")
    return text


def _solution(question: str, answer: str, problem: ET.Element, unit: str) -> tuple[Step, ...]:
    """The worked solution of a formula; none where it is more than arithmetic."""
    formula = _UNIT.sub("", problem.findtext("Formula") or "")
    parts = [part for part in formula.split(";") if part.strip()]
    expressions: list[str] = []
    for index, part in enumerate(parts):
        following = parts[index + 1] if index + 1 < len(parts) else None
        try:
            expressions += _part(part, following, answer)
        except ValueError:
            return ()
    return equations.build_solution(question, answer, expressions, unit)


def _part(part: str, following: str | None, answer: str) -> list[str]:
    """The expressions of one equation of a formula; ``following`` is the next equation.

    Raises:
        ValueError: it is not arithmetic, or its two sides differ.
    """
    left, _, right = part.partition("=")
    expression = tidy(left)
    match = _REMAINDER.fullmatch(right)
    if match is None:
        if evaluate(expression) != exact(_UNIT_BEHIND.sub("", right).strip()):
            raise ValueError(f"{part!r} is not true")
        return [expression]
    over, _, under = expression.rpartition(" / ")
    times, left_over = int(match["times"]), int(match["left"])
    if following is not None:
        wanted = left_over if str(left_over) in _INTEGER.findall(following) else times
    else:
        wanted = int(answer) if answer.isdigit() else -1
    whole, rest = f"{over} // {under}", f"{over} % {under}"
    if evaluate(whole) != times or evaluate(rest) != left_over:
        raise ValueError(f"{part!r} is not true")
    if wanted == left_over:
        return [rest]
    if wanted == times:
        return [expression if left_over == 0 else whole]
    if wanted == times + 1:
        return [whole, f"{times} + 1"]
    raise ValueError(f"{part!r} does not give {answer}")
