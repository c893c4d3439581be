r"""Whether rationales reach the gold answer.

    "... 9 * 2 = $18\nFinal Answer: 18"  with gold 18  -> correct, predicted "18", final-answer
    "eggs = 16 - 7\nanswer = eggs / 0"   with gold 18  -> runtime-error

A rationale's strategy gives its answer, ``siked.verification.compare`` judges it. A rationale that
the length limit cut off is read without its last line, which may be half a line (``answer = 1`` for
``answer = 18``), and of its text only an explicit answer counts, not just the last number.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import cast

from siked.errors import UserError
from siked.records import Failure, Question, Rationale, VerifiedRationale
from siked.verification.compare import equivalence, expression, is_readable, judge
from siked.verification.sandbox import Program, Sandbox
from siked.verification.solvers import Solved, solve

_BATCH = 32
"""Rationales looked at together, so that the sandbox's workers have programs to run. Few, so that
a run that is killed loses less than a minute even where every program runs into its limit."""


@dataclass(frozen=True)
class Verdict:
    """The judgement on one rationale."""

    predicted: str | None
    rule: str | None
    failure: Failure | None
    """None where the answer is right."""

    def __post_init__(self) -> None:
        """Refuse a right answer that is none."""
        if self.failure is None and self.predicted is None:
            raise ValueError("only an answer can be right")


def verify(
    rationales: Iterable[Rationale],
    questions: Mapping[str, Question],
    sandbox: Sandbox,
    *,
    ignore_rules: Collection[str] = (),
) -> Iterator[VerifiedRationale]:
    """Yield every rationale with its verdict, in order, as they come.

    One without a strategy is judged ``no-strategy``.

    Raises:
        UserError: a rationale's question is not among ``questions``, or its strategy is unknown.
    """
    left = iter(rationales)
    while batch := list(islice(left, _BATCH)):
        golds = [_gold(rationale, questions) for rationale in batch]
        verdicts = judge_rationales(batch, golds, sandbox, ignore_rules=ignore_rules)
        for rationale, verdict in zip(batch, verdicts, strict=True):
            yield VerifiedRationale(
                **vars(rationale),
                predicted=verdict.predicted,
                rule=verdict.rule,
                correct=verdict.failure is None,
                failure=verdict.failure,
            )


def judge_rationales(
    rationales: Sequence[Rationale],
    golds: Sequence[str],
    sandbox: Sandbox,
    *,
    answer_var: str | None = None,
    ignore_rules: Collection[str] = (),
) -> list[Verdict]:
    """Return the verdicts on rationales, given the gold answer of each.

    A program's answer is held by ``answer_var``; else by one of the usual variables.
    """
    solved = [Solved(None, failure=Failure.NO_STRATEGY)] * len(rationales)
    for name in sorted({one.strategy for one in rationales if one.strategy is not None}):
        places = [at for at, one in enumerate(rationales) if one.strategy == name]
        texts = (_finished(rationales[at]) for at in places)
        found = solve(name, texts, sandbox, answer_var, ignore_rules)
        for at, one in zip(places, found, strict=True):
            solved[at] = one
    verdicts: list[Verdict | None] = [
        _verdict(*one) for one in zip(rationales, solved, golds, strict=True)
    ]
    open_places = [at for at, one in enumerate(verdicts) if one is None]
    if not open_places:
        return [cast("Verdict", one) for one in verdicts]
    answers = _symbolic([(solved[at].answer or "", golds[at]) for at in open_places], sandbox)
    for at, failure in zip(open_places, answers, strict=True):
        verdicts[at] = Verdict(solved[at].answer, solved[at].rule, failure)
    return [cast("Verdict", one) for one in verdicts]


def _gold(rationale: Rationale, questions: Mapping[str, Question]) -> str:
    question = questions.get(rationale.question_id)
    if question is None:
        raise UserError(
            f"a rationale answers the question {rationale.question_id!r}, which is not among the "
            "questions: they must come from the same run (`dvc repro` makes both)"
        )
    return question.answer


def _finished(rationale: Rationale) -> str:
    """A rationale's text as far as it is surely whole."""
    return rationale.text.rpartition("\n")[0] if rationale.truncated else rationale.text


def _verdict(rationale: Rationale, solved: Solved, gold: str) -> Verdict | None:
    """The verdict where it can be given at once; None where Math-Verify is needed."""
    implicit = solved.rule == "last-number" or solved.failure is Failure.NO_ANSWER
    if rationale.truncated and implicit:
        return Verdict(None, None, Failure.TRUNCATED)
    if solved.answer is None:
        return Verdict(None, solved.rule, solved.failure or Failure.NO_ANSWER)
    if not is_readable(gold):
        return Verdict(solved.answer, solved.rule, Failure.UNREADABLE_GOLD)
    right = judge(solved.answer, gold)
    if right is None:
        if expression(solved.answer, gold) is not None:
            return None
        return Verdict(solved.answer, solved.rule, Failure.NOT_A_NUMBER)
    return Verdict(solved.answer, solved.rule, None if right else Failure.WRONG)


def _symbolic(pairs: list[tuple[str, str]], sandbox: Sandbox) -> Iterator[Failure | None]:
    """How answers that are expressions fail to equal their golds; None where they do not fail."""
    programs = (
        Program((equivalence(*(expression(answer, gold) or ("", ""))),), ("answer",), trusted=True)
        for answer, gold in pairs
    )
    for result in sandbox.run(programs):
        if result.value == "1":
            yield None
        elif result.failure is Failure.TIMEOUT:
            yield Failure.TIMEOUT
        else:
            yield Failure.WRONG if result.value == "0" else Failure.NOT_A_NUMBER
