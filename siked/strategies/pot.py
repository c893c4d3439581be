"""Program of thought: a Python program that computes ``answer``.

dollars_per_minute = 12 / 60
answer = dollars_per_minute * 50
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from siked.answers.extract import extract
from siked.answers.numbers import parse
from siked.exact.arithmetic import tidy, tokens
from siked.exact.gold import exact
from siked.programs import read
from siked.records import Failure
from siked.strategies.protocol import Solved

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from siked.records import Calculation, Question
    from siked.sandbox import Sandbox

NAME = "pot"


def write(question: Question) -> str | None:
    """The program of a question's worked solution, without the calculations it does not need.

    None where there is no calculation or the last one does not give the answer.
    """
    calculations = [one for step in question.solution for one in step.calculations]
    if not calculations or exact(calculations[-1].value) != exact(question.answer):
        return None
    last = calculations[-1]
    lines = [f"answer = {tidy(last.expression)}"]
    needed = _names(last)
    for one in reversed(calculations[:-1]):
        if one.name in needed:
            lines.append(f"{one.name} = {tidy(one.expression)}")
            needed |= _names(one)
    return "\n".join(reversed(lines))


def solve(
    texts: Iterable[str],
    sandbox: Sandbox,
    answer_var: str | None = None,
    ignore_rules: Collection[str] = (),
) -> Iterator[Solved]:
    """The answers that programs compute, one each, in order."""
    for result in sandbox.run(read(text, answer_var) for text in texts):
        if result.rule in ignore_rules:
            yield Solved(None, None, Failure.NO_ANSWER)
            continue
        answer = result.value
        if answer is not None and parse(answer) is None:
            # A sentence, printed or assigned: "The total is 18".
            answer = extract(answer).answer or answer
        yield Solved(answer, result.rule, result.failure)


def _names(calculation: Calculation) -> set[str]:
    """The earlier values that a calculation uses."""
    return {token for token in tokens(calculation.expression) if token.isidentifier()}
