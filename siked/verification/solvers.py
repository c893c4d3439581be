r"""What answer a rationale's text gives: read from its words, or computed by running it.

"... 9 * 2 = $18\nFinal Answer: 18"  -> "18", by the rule final-answer
"eggs = 16 - 7\nanswer = eggs * 2"   -> "18", by the rule answer-variable
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from siked import strategies
from siked.records import Failure
from siked.verification.extract import extract
from siked.verification.numbers import read as read_value
from siked.verification.programs import read
from siked.verification.sandbox import Sandbox


@dataclass(frozen=True)
class Solved:
    """What a rationale's text gives as its answer."""

    answer: str | None
    """The answer as text, or None with the reason in ``failure``."""
    rule: str | None = None
    """How the answer was found."""
    failure: Failure | None = None


def solve(
    strategy: str,
    texts: Iterable[str],
    sandbox: Sandbox,
    answer_var: str | None = None,
    ignore_rules: Collection[str] = (),
) -> Iterator[Solved]:
    """Yield the answers of one strategy's rationale texts, one each, in order; streams.

    A program's answer is held by ``answer_var``; else by one of the usual variables. A rule that is
    ignored does not count: the next one is tried in a text; a program's answer by it is none.

    Raises:
        UserError: the strategy is unknown.
    """
    return SOLVERS[strategies.find(strategy).answers](texts, sandbox, answer_var, ignore_rules)


def read_texts(
    texts: Iterable[str],
    sandbox: Sandbox,
    answer_var: str | None,
    ignore_rules: Collection[str],
) -> Iterator[Solved]:
    """Yield the answers that rationales state."""
    for text in texts:
        answer, rule = extract(text, ignore_rules)
        yield Solved(answer, rule, None if answer else Failure.NO_ANSWER)


def run_programs(
    texts: Iterable[str], sandbox: Sandbox, answer_var: str | None, ignore_rules: Collection[str]
) -> Iterator[Solved]:
    """Yield the answers that programs compute."""
    for result in sandbox.run(read(text, answer_var) for text in texts):
        if result.rule in ignore_rules:
            yield Solved(None, None, Failure.NO_ANSWER)
            continue
        # A value may be a sentence, printed or assigned: "The total is 18".
        answer = None if result.value is None else read_value(result.value).text or result.value
        yield Solved(answer, result.rule, result.failure)


SOLVERS = {"text": read_texts, "program": run_programs}
