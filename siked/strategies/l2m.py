"""Least to most: each step as a sub-question and its answer, then the answer.

How much does she earn per minute? Weng earns 12/60 = $0.2 per minute.
How much did she earn? Working 50 minutes, she earned 0.2 x 50 = $10.
Final Answer: 10
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from siked.answers.extract import extract
from siked.records import Failure
from siked.strategies.protocol import Solved

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from siked.records import Question
    from siked.sandbox import Sandbox

NAME = "l2m"


def write(question: Question) -> str | None:
    """The rationale of a question's worked solution; None where it has none.

    A sub-question that several steps in a row answer stands before the first of them only.
    """
    if not question.solution:
        return None
    lines: list[str] = []
    asked = ""
    for step in question.solution:
        lines.append(step.say if step.ask == asked else f"{step.ask} {step.say}")
        asked = step.ask
    return "\n".join([*lines, f"Final Answer: {question.answer}"])


def solve(
    texts: Iterable[str],
    sandbox: Sandbox,  # noqa: ARG001 - a protocol
    answer_var: str | None = None,  # noqa: ARG001
    ignore_rules: Collection[str] = (),
) -> Iterator[Solved]:
    """The answers that rationales state, one each, in order."""
    for text in texts:
        answer, rule = extract(text, ignore_rules)
        yield Solved(answer, rule, None if answer else Failure.NO_ANSWER)
