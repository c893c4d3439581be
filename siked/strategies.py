"""The reasoning strategies: the one table that a new one is added to.

A strategy needs an entry here and a prompt, ``prompts/teacher/NAME.txt``. Its completions begin
with its tag, ``[NAME]:``. The entry says how a worked solution is written down (by the teacher made
of the data sets' own solutions, ``siked.generation.worked``) and what reads an answer from a
rationale's text (``siked.verification.solvers``).
"""

import ast
import re
import warnings
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from siked.errors import UserError


@dataclass(frozen=True)
class Strategy:
    """A way to reason."""

    writes: Literal["steps", "sub-questions", "program"]
    """How a worked solution is written down; see ``siked.generation.worked.WRITERS``."""
    answers: Literal["text", "program"]
    """Whether its answer stands in its text or comes out of running it; see
    ``siked.verification.solvers.SOLVERS``."""


STRATEGIES = {
    # Chain of thought: the steps as sentences, then the answer.
    "cot": Strategy(writes="steps", answers="text"),
    # Least to most: each step as a sub-question and its answer, then the answer.
    "l2m": Strategy(writes="sub-questions", answers="text"),
    # Program of thought: a Python program that computes ``answer``.
    "pot": Strategy(writes="program", answers="program"),
}


def find(name: str) -> Strategy:
    """Return the strategy of a name.

    Raises:
        UserError: there is none; the text names those that there are.
    """
    if name not in STRATEGIES:
        raise UserError(f"unknown strategy {name!r}: there are {', '.join(STRATEGIES)}")
    return STRATEGIES[name]


_ASKS = re.compile(
    r"[?\uff1f]|^[^\w\n]{0,6}(?:sub-?)?q(?:uestion)?[^\w\n]?\d{1,2}[^\w\n]{0,3}[:.)]",
    re.IGNORECASE | re.MULTILINE,
)
_NUMBER = re.compile(r"-?\d+(?:,\d{3})*(?:\.\d+)?")
_CLOSES = re.compile(r"final answer|the answer is|####|\\boxed", re.IGNORECASE)


def lacks_sub_questions(name: str | None, text: str) -> bool:
    """Return whether a rationale should ask sub-questions and asks none before its answer.

    Its text then has the form of another strategy, under the wrong tag.

    Args:
        name: its strategy; None, or a name that is unknown, asks for nothing.
        text: the rationale.
    """
    if name not in STRATEGIES or STRATEGIES[name].writes != "sub-questions":
        return False
    closing = _CLOSES.search(text)
    return _ASKS.search(text, 0, closing.start() if closing else len(text)) is None


def is_hollow(name: str | None, text: str, answer: str) -> bool:
    """Return whether a rationale states its answer without having come to it.

    Sentences do where the answer's number stands nowhere before the last statement; a program does
    where it computes nothing. A teacher that was shown the answer writes such texts.

    Args:
        name: its strategy; None, or a name that is unknown, is never hollow.
        text: the rationale.
        answer: what it gives, as text; one that is no plain number is never missed.
    """
    if name not in STRATEGIES:
        return False
    if STRATEGIES[name].answers == "program":
        return not _computes(text)
    if _NUMBER.fullmatch(answer) is None:
        return False
    wanted = abs(Decimal(answer))
    last = max((one.start() for one in _CLOSES.finditer(text)), default=len(text))
    numbers = _NUMBER.findall(text, 0, last)
    return all(abs(Decimal(one.replace(",", ""))) != wanted for one in numbers)


def _computes(program: str) -> bool:
    """Whether a program has an operation or a call; one that cannot be read has."""
    with warnings.catch_warnings(action="ignore"):  # of odd escapes and comparisons
        try:
            nodes = ast.walk(ast.parse(program))
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return True
    return any(isinstance(one, ast.BinOp | ast.AugAssign | ast.Call) for one in nodes)
