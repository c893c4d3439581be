"""Chain of thought: the steps as sentences, then the answer.

Weng earns 12/60 = $0.2 per minute.
Working 50 minutes, she earned 0.2 x 50 = $10.
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

NAME = "cot"


def write(question: Question) -> str | None:
    """The rationale of a question's worked solution; None where it has none."""
    if not question.solution:
        return None
    lines = [step.say for step in question.solution]
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
